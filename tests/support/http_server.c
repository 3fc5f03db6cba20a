/* SPDX-License-Identifier: Apache-2.0 */
#include "support/http_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

#define MAX_CONNECTIONS 512u
#define LARGE_BYTES     1048576u
#define READ_BYTES      16384u

struct connection {
    struct http_server *server;
    pthread_t thread;
    int fd;
    struct buf in;
};

struct http_server {
    int fd;
    unsigned port;
    char url[256];
    pthread_t thread;
    sem_t hold;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    struct connection *connections[MAX_CONNECTIONS];
    unsigned connection_count;
    unsigned requests;
    char *latest_head;
};

static bool read_more(struct connection *connection)
{
    char piece[READ_BYTES];
    ssize_t length = recv(connection->fd, piece, sizeof(piece), 0);

    if (length <= 0)
        return false;
    buf_append(&connection->in, piece, (size_t)length);
    return true;
}

static bool write_all(int fd, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t written = send(fd, data, length, MSG_NOSIGNAL);

        if (written <= 0)
            return false;
        data += written;
        length -= (size_t)written;
    }
    return true;
}

/* The head without the empty line behind it; NULL when the connection has ended. */
static char *read_head(struct connection *connection)
{
    char *end;
    char *head;

    while (!connection->in.data || !(end = strstr(connection->in.data, "\r\n\r\n"))) {
        if (!read_more(connection))
            return NULL;
    }
    head = mem_strndup(connection->in.data, (size_t)(end - connection->in.data));
    buf_consume(&connection->in, strlen(head) + 4);
    return head;
}

static bool read_exactly(struct connection *connection, struct buf *body, size_t length)
{
    while (connection->in.length < length) {
        if (!read_more(connection))
            return false;
    }
    buf_append(body, connection->in.data, length);
    buf_consume(&connection->in, length);
    return true;
}

static bool read_chunks(struct connection *connection, struct buf *body)
{
    size_t length;

    do {
        struct buf end_of_line = BUF_INIT;
        char *end;

        while (!connection->in.data || !(end = strstr(connection->in.data, "\r\n"))) {
            if (!read_more(connection))
                return false;
        }
        length = strtoul(connection->in.data, NULL, 16);
        buf_consume(&connection->in, (size_t)(end - connection->in.data) + 2);
        bool ok =
            read_exactly(connection, body, length) && read_exactly(connection, &end_of_line, 2);
        buf_release(&end_of_line);
        if (!ok)
            return false;
    } while (length > 0);
    return true;
}

static bool read_body(struct connection *connection, const char *head, struct buf *body)
{
    const char *length = strcasestr(head, "\r\ncontent-length:");

    if (strcasestr(head, "\r\ntransfer-encoding: chunked"))
        return read_chunks(connection, body);
    return !length || read_exactly(connection, body, strtoul(strchr(length, ':') + 1, NULL, 10));
}

static bool answer(struct connection *connection, const char *status, const struct buf *body)
{
    struct buf out = BUF_INIT;
    bool ok;

    buf_printf(&out, "HTTP/1.1 %s\r\ncontent-type: text/plain\r\ncontent-length: %zu\r\n\r\n",
               status, body->length);
    buf_append(&out, buf_str(body), body->length);
    ok = write_all(connection->fd, out.data, out.length);
    buf_release(&out);
    return ok;
}

static bool path_is(const char *head, const char *path)
{
    const char *begin = strchr(head, ' ');
    size_t length = strlen(path);

    return begin && strncmp(begin + 1, path, length) == 0 && strchr(" ?", begin[1 + length]);
}

/* False: the connection ends. */
static bool serve(struct connection *connection, const char *head)
{
    struct buf body = BUF_INIT;
    bool ok = true;

    if (path_is(head, "/held")) {
        while (sem_wait(&connection->server->hold) != 0)
            continue;
    }
    if (path_is(head, "/early")) {
        ok = answer(connection, "413 Content Too Large", &body);
        while (ok && read_more(connection))
            continue;
        ok = false;
    } else if (!read_body(connection, head, &body)) {
        ok = false;
    } else if (path_is(head, "/silent")) {
        while (read_more(connection))
            continue;
        ok = false;
    } else if (path_is(head, "/broken")) {
        (void)write_all(connection->fd, "hello\r\n\r\n", 9);
        ok = false;
    } else if (path_is(head, "/cut")) {
        static const char begun[] = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhello";
        (void)write_all(connection->fd, begun, sizeof(begun) - 1);
        ok = false;
    } else if (path_is(head, "/busy")) {
        ok = answer(connection, "503 Service Unavailable\r\nretry-after: 7", &body);
    } else {
        if (path_is(head, "/large")) {
            buf_reserve(&body, LARGE_BYTES);
            memset(body.data, 'x', LARGE_BYTES);
            body.length = LARGE_BYTES;
        }
        ok = answer(connection, "200 OK", &body);
    }
    buf_release(&body);
    return ok;
}

static void note_request(struct http_server *server, const char *head)
{
    pthread_mutex_lock(&server->lock);
    free(server->latest_head);
    server->latest_head = mem_strdup(head);
    server->requests++;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

static void *run_connection(void *argument)
{
    struct connection *connection = argument;
    bool ok = true;

    while (ok) {
        char *head = read_head(connection);

        if (!head)
            break;
        note_request(connection->server, head);
        ok = serve(connection, head);
        free(head);
    }
    /* Closed when it is joined, so that the number is not another's when the server stops. */
    (void)shutdown(connection->fd, SHUT_RDWR);
    return NULL;
}

static void take(struct http_server *server, int fd)
{
    struct connection *connection = mem_zalloc(sizeof(*connection));

    connection->server = server;
    connection->fd = fd;
    pthread_mutex_lock(&server->lock);
    assert(server->connection_count < MAX_CONNECTIONS);
    server->connections[server->connection_count++] = connection;
    if (pthread_create(&connection->thread, NULL, run_connection, connection) != 0)
        abort();
    pthread_mutex_unlock(&server->lock);
}

static void *run_server(void *argument)
{
    struct http_server *server = argument;
    int fd;

    while ((fd = accept(server->fd, NULL, NULL)) >= 0)
        take(server, fd);
    return NULL;
}

struct http_server *http_server_start(void)
{
    struct http_server *server = mem_zalloc(sizeof(*server));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);

    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->fd < 0 || bind(server->fd, (struct sockaddr *)&address, size) != 0 ||
        listen(server->fd, SOMAXCONN) != 0 ||
        getsockname(server->fd, (struct sockaddr *)&address, &size) != 0)
        abort();
    server->port = ntohs(address.sin_port);
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->changed, NULL);
    sem_init(&server->hold, 0, 0);
    if (pthread_create(&server->thread, NULL, run_server, server) != 0)
        abort();
    return server;
}

void http_server_stop(struct http_server *server)
{
    (void)shutdown(server->fd, SHUT_RDWR);
    (void)pthread_join(server->thread, NULL);
    close(server->fd);
    for (unsigned i = 0; i < server->connection_count; i++) {
        struct connection *connection = server->connections[i];

        (void)shutdown(connection->fd, SHUT_RDWR);
        sem_post(&server->hold);
    }
    for (unsigned i = 0; i < server->connection_count; i++) {
        struct connection *connection = server->connections[i];

        (void)pthread_join(connection->thread, NULL);
        close(connection->fd);
        buf_release(&connection->in);
        free(connection);
    }
    free(server->latest_head);
    sem_destroy(&server->hold);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

const char *http_server_url(struct http_server *server, const char *path)
{
    snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%u%s", server->port, path);
    return server->url;
}

unsigned http_server_connections(struct http_server *server)
{
    pthread_mutex_lock(&server->lock);
    unsigned count = server->connection_count;
    pthread_mutex_unlock(&server->lock);
    return count;
}

char *http_server_latest_head(struct http_server *server)
{
    pthread_mutex_lock(&server->lock);
    char *head = mem_strdup(server->latest_head);
    pthread_mutex_unlock(&server->lock);
    return head;
}

void http_server_let_go(struct http_server *server)
{
    sem_post(&server->hold);
}

void http_server_await(struct http_server *server, unsigned requests)
{
    pthread_mutex_lock(&server->lock);
    while (server->requests < requests)
        pthread_cond_wait(&server->changed, &server->lock);
    pthread_mutex_unlock(&server->lock);
}
