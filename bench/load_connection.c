/* SPDX-License-Identifier: Apache-2.0 */
#include "load_connection.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "load_measure.h"

/* Small, so that what a burst of arrivals makes us send does not wait for the whole burst. */
#define BATCH 64

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
void load_connection_release(struct load_connection *connection)
{
    struct list *node;

    if (connection->state == LOAD_CLOSED)
        return;
    connection->state = LOAD_CLOSED;
    while ((node = list_take_first(&connection->calls)) != NULL) {
        struct load_call *call = container_of(node, struct load_call, node);

        call->on_close(call);
    }
    list_remove(&connection->dirty);
    nghttp2_session_del(connection->http);
    connection->http = NULL;
    SSL_free(connection->ssl);
    connection->ssl = NULL;
    buf_release(&connection->output);
    if (connection->socket.fd >= 0)
        (void)close(connection->socket.fd);
}

static void fail(struct load_connection *connection, const char *fault)
{
    connection->fault = fault;
    load_connection_release(connection);
    connection->on_close(connection);
}

int load_connection_open(struct load_connection *connection, int receive_buffer)
{
    int rc = load_socket_open(&connection->socket, connection->endpoint, receive_buffer);

    connection->state = LOAD_HANDSHAKE;
    list_init(&connection->calls);
    if (rc == 0) {
        connection->ssl =
            load_socket_tls(&connection->socket, connection->endpoint, connection->is_http1);
        rc = connection->ssl == NULL
                 ? -ENOMEM
                 : watch(connection, EPOLLIN | EPOLLOUT | EPOLLRDHUP, EPOLL_CTL_ADD);
    }
    if (rc < 0)
        load_connection_release(connection);
    return rc;
}

int load_connection_submit(struct load_connection *connection, struct load_call *call,
                           const struct load_exchange *exchange, uint32_t number)
{
    call->connection = connection;
    call->started = load_now();
    call->status = 0;
    call->body_sent = 0;
    if (connection->state != LOAD_OPEN || load_http_submit(connection, call, exchange, number) < 0)
        return -EPIPE;
    list_append(&connection->calls, &call->node);
    mark_dirty(connection);
    return 0;
}

void load_connection_stall(struct load_connection *connection)
{
    if (connection->state != LOAD_OPEN)
        return;
    connection->stalled = true;
    watch_again(connection, connection->output.length > 0);
}

static void handshake(struct load_connection *connection)
{
    const char *wanted = connection->is_http1 ? "http/1.1" : "h2";
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
    if (length != strlen(wanted) || memcmp(protocol, wanted, length) != 0) {
        fail(connection, "the server did not choose what was offered by ALPN");
        return;
    }
    if (!connection->is_http1 && load_http_open(connection) < 0) {
        fail(connection, "no HTTP/2 session");
        return;
    }
    connection->state = LOAD_OPEN;
    watch_again(connection, false);
    mark_dirty(connection);
    if (connection->on_open != NULL)
        connection->on_open(connection);
}

static void receive(struct load_connection *connection)
{
    struct load_poller *poller = connection->poller;
    int length;

    while ((length = SSL_read(connection->ssl, poller->scratch, sizeof(poller->scratch))) > 0) {
        const char *fault = load_http_receive(connection, poller->scratch, (size_t)length);

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

static void on_ready(struct load_connection *connection, uint32_t events)
{
    if (connection->state == LOAD_CLOSED)
        return;
    if (connection->stalled) {
        if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
            fail(connection, "the server closed a connection that did not read");
        else if ((events & EPOLLOUT) != 0)
            mark_dirty(connection);
        return;
    }
    connection->socket.drained = false;
    if (connection->state == LOAD_HANDSHAKE)
        handshake(connection);
    if (connection->state != LOAD_OPEN)
        return;
    if ((events & EPOLLOUT) != 0)
        mark_dirty(connection);
    receive(connection); /* what came with the handshake included */
}

void load_connection_flush(struct load_connection *connection)
{
    struct buf *output = &connection->output;

    if (connection->state != LOAD_OPEN)
        return;
    for (;;) {
        int written;

        load_http_gather(connection);
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

int load_poller_init(struct load_poller *poller)
{
    list_init(&poller->dirty);
    poller->fd = epoll_create1(EPOLL_CLOEXEC);
    return poller->fd < 0 ? -errno : 0;
}

void load_poller_release(struct load_poller *poller)
{
    buf_release(&poller->path);
    if (poller->fd >= 0)
        (void)close(poller->fd);
}

void load_poller_flush(struct load_poller *poller)
{
    struct list *node;

    while ((node = list_take_first(&poller->dirty)) != NULL)
        load_connection_flush(container_of(node, struct load_connection, dirty));
}

void load_poller_turn(struct load_poller *poller, uint64_t wait_ns)
{
    struct epoll_event events[BATCH];
    struct timespec wait = {.tv_sec = (time_t)(wait_ns / LOAD_SECOND),
                            .tv_nsec = (long)(wait_ns % LOAD_SECOND)};
    int count = epoll_pwait2(poller->fd, events, BATCH, &wait, NULL);

    for (int i = 0; i < count; i++)
        on_ready(events[i].data.ptr, events[i].events);
    load_poller_flush(poller);
}
