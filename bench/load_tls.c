/* SPDX-License-Identifier: Apache-2.0 */
#include "load_tls.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "load_clock.h"

#define READ_AHEAD 32768u

static uint64_t arrival(struct msghdr *message)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL;
         part = CMSG_NXTHDR(message, part)) {
        struct timespec stamp;

        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_TIMESTAMPNS)
            continue;
        memcpy(&stamp, CMSG_DATA(part), sizeof(stamp));
        return (uint64_t)stamp.tv_sec * LOAD_SECOND + (uint64_t)stamp.tv_nsec;
    }
    return load_now();
}

static int socket_read(BIO *bio, char *to, int size)
{
    struct load_socket *socket = BIO_get_data(bio);
    union {
        struct cmsghdr header;
        char space[256];
    } control;
    struct iovec piece = {.iov_base = to, .iov_len = (size_t)size};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    ssize_t length;

    BIO_clear_retry_flags(bio);
    if (socket->drained) {
        BIO_set_retry_read(bio);
        return -1;
    }
    length = recvmsg(socket->fd, &message, 0);
    if (length < 0) {
        if (errno == EAGAIN || errno == EINTR)
            BIO_set_retry_read(bio);
        return -1;
    }
    if (length == 0)
        return 0;
    socket->drained = length < size;
    socket->arrived = arrival(&message);
    socket->reads++;
    socket->bytes += (uint64_t)length;
    return (int)length;
}

static int socket_write(BIO *bio, const char *from, int size)
{
    struct load_socket *socket = BIO_get_data(bio);
    ssize_t length;

    BIO_clear_retry_flags(bio);
    length = send(socket->fd, from, (size_t)size, MSG_NOSIGNAL);
    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_write(bio);
    return (int)length;
}

static long socket_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

/* Made once, by the first context; the process keeps it. */
static BIO_METHOD *socket_method(void)
{
    static BIO_METHOD *method;

    if (method != NULL)
        return method;
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stamped socket");
    if (method == NULL)
        return NULL;
    (void)BIO_meth_set_read(method, socket_read);
    (void)BIO_meth_set_write(method, socket_write);
    (void)BIO_meth_set_ctrl(method, socket_control);
    return method;
}

/* It is kept when 1 is returned. */
static int on_ticket(SSL *ssl, SSL_SESSION *ticket)
{
    struct load_tls *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    SSL_SESSION *none = NULL;

    return atomic_compare_exchange_strong(&tls->ticket, &none, ticket) ? 1 : 0;
}

int load_tls_init(struct load_tls *tls, bool resumes)
{
    static const unsigned char alpn[] = {2, 'h', '2'};
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    if (context == NULL || socket_method() == NULL ||
        SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") != 1 ||
        SSL_CTX_set1_groups_list(context, "X25519") != 1 ||
        SSL_CTX_set_alpn_protos(context, alpn, sizeof(alpn)) != 0) {
        ERR_print_errors_fp(stderr);
        SSL_CTX_free(context);
        return -EIO;
    }
    *tls = (struct load_tls){.context = context, .resumes = resumes};
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    if (resumes) {
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(context, on_ticket);
        SSL_CTX_set_app_data(context, tls);
    }
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, READ_AHEAD);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return 0;
}

void load_tls_release(struct load_tls *tls)
{
    SSL_SESSION_free(tls->ticket);
    SSL_CTX_free(tls->context);
}

uint64_t load_tls_resumed(const struct load_tls *tls)
{
    return (uint64_t)SSL_CTX_sess_hits(tls->context);
}

/* A copy, since OpenSSL takes one that has served for used up. */
static void resume(SSL *ssl, SSL_SESSION *ticket)
{
    SSL_SESSION *copy = ticket ? SSL_SESSION_dup(ticket) : NULL;

    (void)SSL_set_session(ssl, copy);
    SSL_SESSION_free(copy);
}

SSL *load_tls_new(struct load_tls *tls, struct load_socket *socket)
{
    SSL *ssl = SSL_new(tls->context);
    BIO *bio = BIO_new(socket_method());

    if (ssl == NULL || bio == NULL) {
        SSL_free(ssl);
        BIO_free(bio);
        return NULL;
    }
    BIO_set_data(bio, socket);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_connect_state(ssl);
    resume(ssl, tls->ticket);
    return ssl;
}
