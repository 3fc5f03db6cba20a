/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/wire.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "h2/tls.h"

/* A socket buffer takes a few hundred KiB at once; more in one call gains nothing. */
#define KEEP_SCRATCH ((size_t)256 * 1024)
/* What TLS adds to a record, at most: 1.2 with GCM (RFC 5288 3); 1.3 has less. */
#define RECORD_OVERHEAD 29u

/* Where output goes now: behind what the socket did not take, else into the shared buffer. */
static struct buf *outlet(struct h2_wire *wire)
{
    return h2_wire_pending(wire) > 0 ? &wire->pending : &wire->scratch->out;
}

static int on_write(BIO *bio, const char *data, size_t length, size_t *written)
{
    BIO_clear_retry_flags(bio);
    buf_append(outlet(BIO_get_data(bio)), data, length);
    *written = length;
    return 1;
}

static int on_read(BIO *bio, char *data, size_t length, size_t *count)
{
    struct h2_wire *wire = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    if (wire->input_length == 0) {
        BIO_set_retry_read(bio);
        *count = 0;
        return 0;
    }
    *count = length < wire->input_length ? length : wire->input_length;
    memcpy(data, wire->input, *count);
    wire->input += *count;
    wire->input_length -= *count;
    return 1;
}

static long on_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP ? 1 : 0;
}

static int on_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

/* The method table is OpenSSL's equivalent of a constant: made once for the process, never freed
 * before its end. */
static BIO_METHOD *method;
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

__attribute__((destructor)) static void free_method(void)
{
    BIO_meth_free(method);
    method = NULL;
}

static void make_method(void)
{
    BIO_METHOD *made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire");

    if (made && BIO_meth_set_write_ex(made, on_write) && BIO_meth_set_read_ex(made, on_read) &&
        BIO_meth_set_ctrl(made, on_control) && BIO_meth_set_create(made, on_create))
        method = made;
    else
        BIO_meth_free(made);
}

/* OpenSSL's end of the wire: reads what was received, writes to what will be sent. Never blocks and
 * never fails to write, so that SSL_write needs no retry. NULL when OpenSSL has no memory. */
static BIO *new_bio(struct h2_wire *wire)
{
    if (pthread_once(&method_once, make_method) != 0 || !method)
        return NULL;
    BIO *bio = BIO_new(method);
    if (bio)
        BIO_set_data(bio, wire);
    return bio;
}

void h2_wire_scratch_init(struct h2_wire_scratch *scratch)
{
    memset(scratch, 0, sizeof(*scratch));
    scratch->received = mem_alloc(H2_WIRE_RECEIVE);
    scratch->opened = mem_alloc(H2_WIRE_RECORD);
}

void h2_wire_scratch_release(struct h2_wire_scratch *scratch)
{
    free(scratch->received);
    free(scratch->opened);
    buf_release(&scratch->out);
}

void h2_wire_open(struct h2_wire *wire, int fd, struct h2_wire_scratch *scratch)
{
    memset(wire, 0, sizeof(*wire));
    wire->fd = fd;
    wire->scratch = scratch;
}

int h2_wire_start_tls(struct h2_wire *wire, struct h2_tls_context *tls, bool http1)
{
    BIO *bio = new_bio(wire);
    if (!bio)
        return -ENOMEM;
    wire->ssl = h2_tls_new(tls, bio, http1);
    if (!wire->ssl) {
        BIO_free(bio);
        return -ENOMEM;
    }
    wire->tls = h2_tls_context_ref(tls);
    return 0;
}

bool h2_wire_is_h2(const struct h2_wire *wire)
{
    const unsigned char *name = NULL;
    unsigned int length = 0;

    SSL_get0_alpn_selected(wire->ssl, &name, &length);
    return length == 2 && memcmp(name, "h2", 2) == 0;
}

static void set_tcp(int fd, int option, uint32_t value)
{
    (void)setsockopt(fd, IPPROTO_TCP, option, &value, sizeof(value));
}

/* Where that fails, as on unix sockets, it is only noticed later. */
void h2_wire_watch_peer(struct h2_wire *wire, uint32_t idle_ms, uint32_t stall_ms)
{
    const int on = 1;
    const uint32_t seconds = idle_ms < 1000 ? 1 : idle_ms / 1000;

    (void)setsockopt(wire->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    set_tcp(wire->fd, TCP_KEEPIDLE, seconds);
    set_tcp(wire->fd, TCP_KEEPINTVL, seconds);
    set_tcp(wire->fd, TCP_USER_TIMEOUT, stall_ms);
}

/* Too late to do anything about a failure. */
static void notify_close(struct h2_wire *wire)
{
    size_t sent;

    if (!wire->ssl || !SSL_is_init_finished(wire->ssl) ||
        (SSL_get_shutdown(wire->ssl) & SSL_SENT_SHUTDOWN))
        return;
    ERR_clear_error();
    if (SSL_shutdown(wire->ssl) >= 0)
        (void)h2_wire_send(wire, &sent);
    ERR_clear_error();
}

void h2_wire_finish(struct h2_wire *wire)
{
    notify_close(wire);
    (void)shutdown(wire->fd, SHUT_WR);
}

void h2_wire_close(struct h2_wire *wire)
{
    if (wire->fd < 0)
        return;
    if (wire->ssl) {
        notify_close(wire);
        SSL_free(wire->ssl);
        ERR_clear_error();
        wire->ssl = NULL;
        h2_tls_context_free(wire->tls);
        wire->tls = NULL;
    }
    close(wire->fd);
    wire->fd = -1;
    buf_clear(&wire->scratch->out);
    buf_release(&wire->pending);
    wire->pending_sent = 0;
}

int h2_wire_handshake(struct h2_wire *wire)
{
    if (!wire->ssl)
        return 0;
    ERR_clear_error();
    int result = SSL_accept(wire->ssl);
    if (result == 1)
        return 0;
    int error = SSL_get_error(wire->ssl, result);
    return error == SSL_ERROR_WANT_READ ? -EAGAIN : -EPROTO;
}

ssize_t h2_wire_receive(struct h2_wire *wire)
{
    ssize_t count = recv(wire->fd, wire->scratch->received, H2_WIRE_RECEIVE, 0);

    if (count < 0)
        return -errno;
    wire->input = wire->scratch->received;
    wire->input_length = (size_t)count;
    return count;
}

void h2_wire_wake_above(struct h2_wire *wire, size_t octets)
{
    const int wake_at = octets == 0 ? 1 : (int)(octets + (wire->ssl ? RECORD_OVERHEAD : 0) + 1);

    /* Where that fails, more wakes us than has to. */
    (void)setsockopt(wire->fd, SOL_SOCKET, SO_RCVLOWAT, &wake_at, sizeof(wake_at));
}

ssize_t h2_wire_peek(struct h2_wire *wire, const uint8_t **data, size_t size)
{
    size_t most = size < H2_WIRE_RECEIVE ? size : H2_WIRE_RECEIVE;
    ssize_t count = recv(wire->fd, wire->scratch->received, most, MSG_PEEK);

    *data = wire->scratch->received;
    return count < 0 ? -errno : count;
}

int h2_wire_skip(struct h2_wire *wire, size_t length)
{
    while (length > 0) {
        size_t most = length < H2_WIRE_RECEIVE ? length : H2_WIRE_RECEIVE;
        ssize_t count = recv(wire->fd, wire->scratch->received, most, 0);

        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return count < 0 ? -errno : -EPIPE;
        length -= (size_t)count;
    }
    return 0;
}

ssize_t h2_wire_read(struct h2_wire *wire, const uint8_t **data)
{
    if (!wire->ssl) {
        const size_t length = wire->input_length;

        *data = wire->input;
        wire->input_length = 0;
        return (ssize_t)length;
    }
    ERR_clear_error();
    int count = SSL_read(wire->ssl, wire->scratch->opened, (int)H2_WIRE_RECORD);
    if (count > 0) {
        *data = wire->scratch->opened;
        return count;
    }
    switch (SSL_get_error(wire->ssl, count)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return 0;
    case SSL_ERROR_ZERO_RETURN:
        return -EPIPE;
    default:
        return -EPROTO;
    }
}

int h2_wire_write(struct h2_wire *wire, const void *data, size_t length)
{
    if (!wire->ssl) {
        buf_append(outlet(wire), data, length);
        return 0;
    }
    const char *next = data;
    while (length > 0) {
        int chunk = length < H2_WIRE_RECORD ? (int)length : (int)H2_WIRE_RECORD;
        int count = SSL_write(wire->ssl, next, chunk);
        if (count <= 0)
            return -EPROTO;
        next += count;
        length -= (size_t)count;
    }
    return 0;
}

static ssize_t send_some(int fd, const char *data, size_t length)
{
    size_t done = 0;

    while (done < length) {
        ssize_t count = send(fd, data + done, length - done, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK ? (ssize_t)done : -errno;
        done += (size_t)count;
    }
    return (ssize_t)done;
}

static int send_pending(struct h2_wire *wire, size_t *sent)
{
    ssize_t count =
        send_some(wire->fd, wire->pending.data + wire->pending_sent, h2_wire_pending(wire));

    if (count < 0)
        return (int)count;
    *sent = (size_t)count;
    wire->pending_sent += (size_t)count;
    if (h2_wire_pending(wire) > 0)
        return 0;
    buf_release(&wire->pending);
    wire->pending_sent = 0;
    return 1;
}

size_t h2_wire_socket_bytes(const struct h2_wire *wire)
{
    uint32_t memory[SK_MEMINFO_VARS];
    socklen_t length = sizeof(memory);

    if (getsockopt(wire->fd, SOL_SOCKET, SO_MEMINFO, memory, &length) != 0)
        return 0;
    return memory[SK_MEMINFO_WMEM_QUEUED];
}

int h2_wire_send(struct h2_wire *wire, size_t *sent)
{
    struct buf *out = &wire->scratch->out;
    int result = 1;

    *sent = 0;
    if (h2_wire_pending(wire) > 0)
        return send_pending(wire, sent);
    ssize_t count = send_some(wire->fd, out->data, out->length);
    if (count < 0) {
        result = (int)count;
    } else {
        *sent = (size_t)count;
        if (*sent < out->length) {
            buf_append(&wire->pending, out->data + *sent, out->length - *sent);
            result = 0;
        }
    }
    if (out->capacity > KEEP_SCRATCH)
        buf_release(out);
    else
        buf_clear(out);
    return result;
}
