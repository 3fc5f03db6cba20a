/* SPDX-License-Identifier: Apache-2.0 */
#include "load_connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "load_clock.h"
#include "load_http.h"
#include "load_poller.h"

#define OUTPUT_LIMIT 65536u

static const unsigned char http1_alone[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

static int watch(struct load_connection *connection, uint32_t interest, int operation)
{
    struct epoll_event event = {.events = interest, .data.ptr = connection};

    if (operation == EPOLL_CTL_MOD && interest == connection->interest)
        return 0;
    connection->interest = interest;
    return epoll_ctl(connection->poller->fd, operation, connection->socket.fd, &event) < 0 ? -errno
                                                                                           : 0;
}

static void watch_again(struct load_connection *connection, bool want_write)
{
    uint32_t interest = EPOLLRDHUP;

    if (!connection->stalled)
        interest |= EPOLLIN;
    if (want_write)
        interest |= EPOLLOUT;
    (void)watch(connection, interest, EPOLL_CTL_MOD);
}

static void mark_dirty(struct load_connection *connection)
{
    if (!list_is_linked(&connection->dirty))
        list_append(&connection->poller->dirty, &connection->dirty);
}

/* Closing the descriptor takes it out of epoll; a later event of this batch finds it closed. */
static void release_parts(struct load_connection *connection)
{
    list_remove(&connection->dirty);
    connection->state = LOAD_CONNECTION_CLOSED;
    nghttp2_session_del(connection->http);
    connection->http = NULL;
    SSL_free(connection->ssl);
    connection->ssl = NULL;
    buf_release(&connection->output);
    if (connection->socket.fd >= 0)
        (void)close(connection->socket.fd);
    connection->socket.fd = -1;
}

static void fail(struct load_connection *connection, const char *fault)
{
    connection->fault = fault;
    connection->state = LOAD_CONNECTION_CLOSED;
    load_http_end_calls(connection);
    release_parts(connection);
    connection->on_close(connection);
}

static int socket_open(struct load_connection *connection, int receive_buffer)
{
    const struct load_endpoint *endpoint = connection->endpoint;
    int family = endpoint->address.ss_family;
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    int on = 1;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    connection->socket.fd = fd;
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

int load_connection_open(struct load_connection *connection, int receive_buffer)
{
    int rc;

    connection->socket.fd = -1;
    list_init(&connection->calls);
    rc = socket_open(connection, receive_buffer);
    if (rc == 0)
        connection->ssl = load_tls_new(connection->endpoint->tls, &connection->socket);
    if (rc == 0 && connection->ssl == NULL)
        rc = -ENOMEM;
    if (rc == 0 && connection->is_http1 &&
        SSL_set_alpn_protos(connection->ssl, http1_alone, sizeof(http1_alone)) != 0)
        rc = -ENOMEM;
    if (rc == 0)
        rc = watch(connection, EPOLLIN | EPOLLOUT | EPOLLRDHUP, EPOLL_CTL_ADD);
    if (rc < 0) {
        release_parts(connection);
        return rc;
    }
    connection->state = LOAD_CONNECTION_HANDSHAKE;
    return 0;
}

void load_connection_release(struct load_connection *connection)
{
    if (connection->state == LOAD_CONNECTION_IDLE || connection->state == LOAD_CONNECTION_CLOSED)
        return;
    connection->state = LOAD_CONNECTION_CLOSED;
    load_http_end_calls(connection);
    release_parts(connection);
}

int load_connection_submit(struct load_connection *connection, struct load_call *call,
                           const nghttp2_nv *fields, size_t count)
{
    int rc;

    if (connection->state != LOAD_CONNECTION_OPEN)
        return -EPIPE;
    call->connection = connection;
    call->started = load_now();
    rc = 0;
    if (connection->is_http1)
        load_http1_submit(connection, call, fields, count);
    else
        rc = load_http_submit(connection, call, fields, count);
    if (rc == 0)
        mark_dirty(connection);
    return rc;
}

void load_connection_stall(struct load_connection *connection, bool stalled)
{
    if (connection->state != LOAD_CONNECTION_OPEN)
        return;
    connection->stalled = stalled;
    watch_again(connection, connection->output.length > 0);
}

static void handshake(struct load_connection *connection)
{
    int rc = SSL_do_handshake(connection->ssl);
    int error = rc == 1 ? SSL_ERROR_NONE : SSL_get_error(connection->ssl, rc);
    const unsigned char *protocol;
    unsigned length;

    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
        watch_again(connection, error == SSL_ERROR_WANT_WRITE);
        return;
    }
    if (error != SSL_ERROR_NONE) {
        fail(connection, "the TLS handshake failed");
        return;
    }
    SSL_get0_alpn_selected(connection->ssl, &protocol, &length);
    if (length != (connection->is_http1 ? 8 : 2) ||
        memcmp(protocol, connection->is_http1 ? "http/1.1" : "h2", length) != 0) {
        fail(connection, "the server did not choose what was offered by ALPN");
        return;
    }
    if (!connection->is_http1 && load_http_open(connection) < 0) {
        fail(connection, "no HTTP/2 session");
        return;
    }
    connection->state = LOAD_CONNECTION_OPEN;
    watch_again(connection, false);
    mark_dirty(connection);
    connection->on_open(connection);
}

static void receive(struct load_connection *connection)
{
    struct load_poller *poller = connection->poller;
    int length;

    while ((length = SSL_read(connection->ssl, poller->scratch, sizeof(poller->scratch))) > 0) {
        const char *fault =
            connection->is_http1
                ? load_http1_receive(connection, (const char *)poller->scratch, (size_t)length)
                : load_http_receive(connection, poller->scratch, (size_t)length);

        if (fault != NULL) {
            fail(connection, fault);
            return;
        }
    }
    switch (SSL_get_error(connection->ssl, length)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        if (connection->http && nghttp2_session_want_write(connection->http) != 0)
            mark_dirty(connection);
        break;
    case SSL_ERROR_ZERO_RETURN:
        fail(connection, "the server ended the TLS connection");
        break;
    default:
        fail(connection, "the server broke the connection");
        break;
    }
}

void load_connection_on_ready(struct load_connection *connection, uint32_t events)
{
    if (connection->state == LOAD_CONNECTION_CLOSED)
        return;
    if (connection->stalled) {
        if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
            fail(connection, "the server closed a connection that did not read");
        else if ((events & EPOLLOUT) != 0)
            mark_dirty(connection);
        return;
    }
    connection->socket.drained = false;
    if (connection->state == LOAD_CONNECTION_HANDSHAKE)
        handshake(connection);
    if (connection->state != LOAD_CONNECTION_OPEN)
        return;
    if ((events & EPOLLOUT) != 0)
        mark_dirty(connection);
    receive(connection); /* what came with the handshake included */
}

void load_connection_gather(struct load_connection *connection)
{
    struct buf *output = &connection->output;

    if (connection->state != LOAD_CONNECTION_OPEN || connection->is_http1)
        return;
    while (output->length < OUTPUT_LIMIT && load_http_pull(connection, output) > 0)
        ;
}

void load_connection_flush(struct load_connection *connection)
{
    struct buf *output = &connection->output;

    if (connection->state != LOAD_CONNECTION_OPEN)
        return;
    for (;;) {
        int written;

        load_connection_gather(connection);
        if (output->length == 0)
            break;
        written = SSL_write(connection->ssl, output->data, (int)output->length);
        if (written > 0) {
            buf_consume(output, (size_t)written);
            continue;
        }
        if (SSL_get_error(connection->ssl, written) != SSL_ERROR_WANT_WRITE) {
            fail(connection, "the server broke the connection while we wrote");
            return;
        }
        break;
    }
    watch_again(connection, output->length > 0);
}
