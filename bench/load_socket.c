/* SPDX-License-Identifier: Apache-2.0 */
#include "load_socket.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/http_url.h"
#include "load_measure.h"
#include "load_options.h"

#define READ_AHEAD 32768u

static const unsigned char http1_alone[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
static const unsigned char http2_alone[] = {2, 'h', '2'};

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
    if (socket->reads != NULL)
        ++*socket->reads;
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

static BIO_METHOD *method_new(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stamped socket");

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
    struct load_endpoint *endpoint = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    if (endpoint->ticket != NULL)
        return 0;
    endpoint->ticket = ticket;
    return 1;
}

static int tls_init(struct load_endpoint *endpoint, bool resumes)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

    endpoint->tls = tls;
    endpoint->method = method_new();
    if (tls == NULL || endpoint->method == NULL ||
        SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(tls, "TLS_AES_128_GCM_SHA256") != 1 ||
        SSL_CTX_set1_groups_list(tls, "X25519") != 1 ||
        SSL_CTX_set_alpn_protos(tls, http2_alone, sizeof(http2_alone)) != 0) {
        ERR_print_errors_fp(stderr);
        load_endpoint_release(endpoint);
        return -EIO;
    }
    SSL_CTX_set_verify(tls, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
    if (resumes) {
        SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(tls, on_ticket);
        SSL_CTX_set_app_data(tls, endpoint);
    }
    SSL_CTX_set_read_ahead(tls, 1);
    SSL_CTX_set_default_read_buffer_len(tls, READ_AHEAD);
    SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return 0;
}

static int resolve(struct load_endpoint *endpoint, const char *authority)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found;
    struct http_url url;
    char text[300];
    const char *fault;
    int rc;

    (void)snprintf(text, sizeof(text), "https://%s", authority);
    fault = http_url_read(&url, text);
    if (fault != NULL) {
        (void)fprintf(stderr, "--address is '%s'; it %s\n", authority, fault);
        return -EINVAL;
    }
    (void)snprintf(text, sizeof(text), "%u", url.port);
    rc = getaddrinfo(url.host, text, &hints, &found);
    if (rc != 0) {
        (void)fprintf(stderr, "--address: %s: %s\n", authority, gai_strerror(rc));
        return -ENOENT;
    }
    memcpy(&endpoint->address, found->ai_addr, found->ai_addrlen);
    endpoint->address_length = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

int load_endpoint_init(struct load_endpoint *endpoint, const struct load_options *options)
{
    int rc;

    *endpoint = (struct load_endpoint){.authority = options->address, .reset = options->reset};
    rc = resolve(endpoint, options->address);
    return rc == 0 ? tls_init(endpoint, options->resume) : rc;
}

void load_endpoint_release(struct load_endpoint *endpoint)
{
    SSL_SESSION_free(endpoint->ticket);
    SSL_CTX_free(endpoint->tls);
    BIO_meth_free(endpoint->method);
}

int load_socket_open(struct load_socket *to, const struct load_endpoint *endpoint,
                     int receive_buffer)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    const int on = 1;
    const int fd =
        socket(endpoint->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    to->fd = fd;
    if (fd < 0)
        return -errno;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
    if (endpoint->reset)
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    if (receive_buffer > 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
    if (connect(fd, (const struct sockaddr *)&endpoint->address, endpoint->address_length) < 0 &&
        errno != EINPROGRESS)
        return -errno;
    return 0;
}

SSL *load_socket_tls(struct load_socket *socket, const struct load_endpoint *endpoint,
                     bool is_http1)
{
    SSL *ssl = SSL_new(endpoint->tls);
    BIO *bio = BIO_new(endpoint->method);
    SSL_SESSION *copy; /* since OpenSSL takes one that has served for used up */

    if (ssl == NULL || bio == NULL ||
        (is_http1 && SSL_set_alpn_protos(ssl, http1_alone, sizeof(http1_alone)) != 0)) {
        SSL_free(ssl);
        BIO_free(bio);
        return NULL;
    }
    BIO_set_data(bio, socket);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_connect_state(ssl);
    if (endpoint->ticket != NULL) {
        copy = SSL_SESSION_dup(endpoint->ticket);
        (void)SSL_set_session(ssl, copy);
        SSL_SESSION_free(copy);
    }
    return ssl;
}
