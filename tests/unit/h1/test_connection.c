/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/mem.h"
#include "h1/connection.h"
#include "h2/listener.h"
#include "h2/request.h"
#include "h2/state.h"
#include "support/h2_client.h"
#include "support/h2_limits.h"
#include "support/test.h"

#define SHORT_MS 30
#define HOST     "Host: a.test\r\n"
#define GET      "GET / HTTP/1.1\r\n" HOST "\r\n"

static const struct h2_listener_options listener = {.http1 = true};

static void init(struct h2_server *server, const struct h2_limits *limits)
{
    h2_server_init(server, limits);
    server->endpoint->http1 = &h1_protocol;
    server->listener = &listener;
}

/* What the server has said to the client so far: no octet of it is the head of a whole frame. */
static const char *heard(const struct h2_client *client)
{
    return buf_str(&client->received);
}

static void forget(struct h2_client *client)
{
    buf_clear(&client->received);
}

static void say(struct h2_client *client, const char *text)
{
    h2_client_write(client, text, strlen(text));
    h2_pump(client->server);
}

/* Without the date, which is another one each time. */
static void assert_heard(struct h2_client *client, const char *text)
{
    char *copy = strdup(heard(client));
    char *date;

    while ((date = strstr(copy, "date: ")))
        memmove(date, strstr(date, "\r\n") + 2, strlen(strstr(date, "\r\n") + 2) + 1);
    assert_string_equal(copy, text);
    free(copy);
    forget(client);
}

static unsigned count_of(const char *text, const char *what)
{
    unsigned count = 0;

    while ((text = strstr(text, what))) {
        count++;
        text += strlen(what);
    }
    return count;
}

static void wait_until_closed(struct h2_client *client)
{
    while (!client->is_closed) {
        h2_server_wait(client->server);
        h2_pump(client->server);
    }
}

static void test_requests_one_after_the_other(void **state)
{
    struct h2_server server;

    (void)state;
    init(&server, NULL);
    struct h2_client *client = h2_client_new_raw(&server);
    say(client, GET);
    assert_heard(client, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    say(client, "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello");
    assert_heard(client, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
    say(client, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n");
    assert_heard(client, "");
    say(client, "1\r\nc\r\n0\r\nTrailer: x\r\n\r\n");
    assert_heard(client, "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc");
    say(client, "GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    assert_heard(client, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    assert_true(client->is_closed);
    assert_int_equal(server.requests, 4);
    assert_int_equal(server.counters->http1_sessions, 1);
    assert_int_equal(server.counters->http1_streams, 4);
    assert_int_equal(server.counters->streams_closed, 4);
    h2_server_release(&server);
}

static void test_octet_by_octet(void **state)
{
    static const char text[] = "POST /x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                               "3\r\nabc\r\n0\r\n\r\n" GET;
    struct h2_server server;

    (void)state;
    init(&server, NULL);
    struct h2_client *client = h2_client_new_raw(&server);
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        h2_client_write(client, text + i, 1);
        h2_pump(&server);
    }
    assert_heard(client, "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc"
                         "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    h2_server_release(&server);
}

static void test_http_1_0(void **state)
{
    struct h2_server server;

    (void)state;
    init(&server, NULL);
    struct h2_client *client = h2_client_new_raw(&server);
    say(client, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_heard(client, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n");
    say(client, "GET / HTTP/1.0\r\n\r\n");
    assert_heard(client, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    assert_true(client->is_closed);
    h2_server_release(&server);
}

/* Both protocols on one listener, told apart by what comes first, in pieces of any size. */
static void test_preface(void **state)
{
    struct h2_server server;

    (void)state;
    init(&server, NULL);
    struct h2_client *http2 = h2_client_new(&server);
    int32_t id = h2_client_get(http2, "/");
    h2_pump(&server);
    assert_int_equal(h2_client_stream(http2, id)->status, 200);
    struct h2_client *slow = h2_client_new_raw(&server);
    h2_client_preface(slow);
    h2_client_raw_get(slow, NGHTTP2_FLAG_END_STREAM, 1, "/");
    struct buf all = slow->unsent;
    slow->unsent = (struct buf)BUF_INIT;
    for (size_t i = 0; i < all.length; i++) {
        h2_client_write(slow, all.data + i, 1);
        h2_pump(&server);
    }
    buf_release(&all);
    assert_int_equal(slow->frames[NGHTTP2_HEADERS], 1);
    struct h2_client *other = h2_client_new_raw(&server);
    for (const char *c = "PROPFIND / HTTP/1.1\r\n" HOST "\r\n"; *c; c++) {
        h2_client_write(other, c, 1);
        h2_pump(&server);
    }
    assert_heard(other, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    struct h2_client *nearly = h2_client_new_raw(&server);
    say(nearly, "PRI * HTTP/2.1\r\n\r\n");
    assert_int_equal(strncmp(heard(nearly), "HTTP/1.1 505 ", 13), 0);
    assert_true(nearly->is_closed);
    struct h2_client *bad = h2_client_new_raw(&server);
    say(bad, "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n");
    assert_true(bad->is_closed);
    assert_int_equal(bad->frames[NGHTTP2_GOAWAY], 1);
    assert_int_equal(server.counters->http1_sessions, 2);
    h2_server_release(&server);
}

static void test_tls_in_cleartext(void **state)
{
    struct h2_server server;

    (void)state;
    init(&server, NULL);
    struct h2_client *client = h2_client_new_raw(&server);
    h2_client_write(client, "\x16\x03\x01\x00\xc8\x01", 6);
    h2_pump(&server);
    assert_true(client->is_closed);
    assert_heard(client, "");
    assert_int_equal(server.counters->protocol_errors, 1);
    h2_server_release(&server);
}

static void test_only_http2(void **state)
{
    static const struct h2_listener_options without = {.http1 = false};
    struct h2_server server;

    (void)state;
    init(&server, NULL);
    server.listener = &without;
    struct h2_client *client = h2_client_new_raw(&server);
    say(client, GET);
    assert_true(client->is_closed);
    assert_null(strstr(heard(client), "HTTP/1.1"));
    assert_int_equal(server.counters->http1_sessions, 0);
    h2_server_release(&server);
}

static void answer_text(struct h2_server *server, struct h2_stream *stream)
{
    (void)server;
    h2_server_answer(stream, 200, "text");
}

static void test_head(void **state)
{
    struct h2_server server;

    (void)state;
    init(&server, NULL);
    server.on_request = answer_text;
    struct h2_client *client = h2_client_new_raw(&server);
    say(client, "HEAD / HTTP/1.1\r\n" HOST "\r\nHEAD / HTTP/1.1\r\n" HOST "\r\n");
    assert_heard(client,
                 "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\n"
                 "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\n");
    h2_server_release(&server);
}

static void answer_nothing(struct h2_server *server, struct h2_stream *stream)
{
    const struct h2_response response = {.status = *(int *)server->context};

    h2_stream_respond(stream, &response);
}

static void test_without_body(void **state)
{
    int status = 204;
    struct h2_server server;

    (void)state;
    init(&server, NULL);
    server.on_request = answer_nothing;
    server.context = &status;
    struct h2_client *client = h2_client_new_raw(&server);
    say(client, GET);
    assert_heard(client, "HTTP/1.1 204 No Content\r\n\r\n");
    status = 304;
    say(client, GET);
    assert_heard(client, "HTTP/1.1 304 Not Modified\r\n\r\n");
    status = 599;
    say(client, GET);
    assert_heard(client, "HTTP/1.1 599 \r\ncontent-length: 0\r\n\r\n");
    h2_server_release(&server);
}

static void keep_open(struct h2_server *server, struct h2_stream *stream)
{
    h2_test_source_respond(server->context, stream);
}

static void test_stream(void **state)
{
    struct h2_test_source source = {0};
    struct h2_server server;

    (void)state;
    init(&server, NULL);
    server.on_request = keep_open;
    server.context = &source;
    struct h2_client *client = h2_client_new_raw(&server);
    say(client, GET);
    assert_heard(client, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    h2_test_source_push(&source, "hello", 5);
    h2_pump(&server);
    assert_heard(client, "5\r\nhello\r\n");
    h2_test_source_push(&source, "0123456789abcdefg", 17);
    h2_test_source_end(&source);
    h2_pump(&server);
    assert_heard(client, "11\r\n0123456789abcdefg\r\n0\r\n\r\n");
    assert_int_equal(source.closed, 1);
    server.on_request = NULL;
    say(client, GET);
    assert_heard(client, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    h2_test_source_release(&source);
    h2_server_release(&server);
}

static void test_stream_to_http_1_0(void **state)
{
    struct h2_test_source source = {0};
    struct h2_server server;

    (void)state;
    init(&server, NULL);
    server.on_request = keep_open;
    server.context = &source;
    struct h2_client *client = h2_client_new_raw(&server);
    say(client, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_heard(client, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
    h2_test_source_push(&source, "hello", 5);
    h2_test_source_end(&source);
    h2_pump(&server);
    assert_heard(client, "hello");
    assert_true(client->is_closed);
    h2_test_source_release(&source);
    h2_server_release(&server);
}

/* More than fits into a record, into the soft bound of output and into the socket. */
static void test_large_answers(void **state)
{
    enum { LENGTH = 3000000 };
    struct h2_test_source source = {0};
    struct h2_server server;
    char *text = mem_alloc(LENGTH);

    (void)state;
    memset(text, 'x', LENGTH);
    init(&server, NULL);
    server.on_request = keep_open;
    server.context = &source;
    struct h2_client *client = h2_client_new_raw(&server);
    h2_test_source_push(&source, text, LENGTH);
    h2_test_source_end(&source);
    say(client, GET);
    size_t length = client->received.length;
    assert_in_range(length, LENGTH + LENGTH / 16384 * 8, LENGTH + LENGTH / 16000 * 10 + 200);
    assert_string_equal(heard(client) + length - 7, "\r\n0\r\n\r\n");
    assert_int_equal(source.closed, 1);
    assert_false(client->is_closed);
    h2_test_source_release(&source);
    h2_server_release(&server);
    free(text);
}

/* A client that leaves, or says no more, is noticed while nothing is written. */
static void test_client_leaves_its_stream(void **state)
{
    struct h2_server server;

    (void)state;
    for (int how = 0; how < 2; how++) {
        struct h2_test_source source = {0};

        init(&server, NULL);
        server.on_request = keep_open;
        server.context = &source;
        struct h2_client *client = h2_client_new_raw(&server);
        say(client, GET);
        if (how == 0)
            h2_client_leave(client);
        else
            shutdown(client->fd, SHUT_WR);
        h2_pump(&server);
        assert_int_equal(source.closed, 1);
        assert_int_equal(h2_endpoint_counters(server.endpoint)->sessions, 0);
        h2_test_source_release(&source);
        h2_server_release(&server);
    }
}

static void answer_later(struct h2_server *server, struct h2_stream *stream)
{
    server->context = h2_stream_ref(stream);
}

static void test_half_closed_client_gets_its_answer(void **state)
{
    struct h2_server server;

    (void)state;
    init(&server, NULL);
    server.on_request = answer_later;
    struct h2_client *client = h2_client_new_raw(&server);
    say(client, GET);
    shutdown(client->fd, SHUT_WR);
    h2_pump(&server);
    assert_false(client->is_closed);
    h2_server_answer(server.context, 200, "late");
    h2_stream_unref(server.context);
    h2_pump(&server);
    assert_non_null(strstr(heard(client), "connection: close\r\n\r\nlate"));
    assert_true(client->is_closed);
    h2_server_release(&server);
}

/* One at a time: the second request is not even looked at before the first has its answer. */
static void test_pipelining(void **state)
{
    struct h2_server server;

    (void)state;
    init(&server, NULL);
    server.on_request = answer_later;
    struct h2_client *client = h2_client_new_raw(&server);
    say(client, GET "POST /x HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc" GET);
    assert_int_equal(server.requests, 1);
    assert_heard(client, "");
    assert_true(server.endpoint->waiting_bytes > 0);
    struct h2_stream *first = server.context;
    server.on_request = NULL;
    h2_server_answer(first, 200, "1");
    h2_stream_unref(first);
    h2_pump(&server);
    assert_int_equal(server.requests, 3);
    assert_int_equal(server.endpoint->waiting_bytes, 0);
    assert_heard(client, "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 1\r\n\r\n1"
                         "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc"
                         "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    h2_server_release(&server);
}

/* What is received with a request, and no more. */
static void test_pipelining_is_bounded(void **state)
{
    struct h2_limits limits = h2_limits_default;
    struct h2_server server;

    (void)state;
    limits.inbound_bytes = (size_t)1024 * 1024;
    init(&server, &limits);
    server.on_request = answer_later;
    struct h2_client *client = h2_client_new_raw(&server);
    for (int i = 0; i < 20000; i++)
        h2_client_write(client, GET, strlen(GET));
    h2_pump(&server);
    assert_int_equal(server.requests, 1);
    assert_in_range(server.endpoint->waiting_bytes, 1, H2_WIRE_RECEIVE);
    struct h2_client *other = h2_client_new_raw(&server);
    h2_stream_unref(server.context);
    for (int i = 0; i < 20000; i++)
        h2_client_write(other, GET, strlen(GET));
    h2_pump(&server);
    assert_true(other->is_closed);
    assert_int_equal(server.counters->inbound_refused, 1);
    h2_stream_unref(server.context);
    h2_client_leave(client);
    h2_server_release(&server);
}

static void refuse_all(struct h2_server *server, struct h2_stream *stream)
{
    (void)server;
    h2_server_answer(stream, 403, "no");
}

/* First the body is asked for, as a page's is before it is known whose it is; then it is refused.
 */
static void ask_and_refuse(struct h2_server *server, struct h2_stream *stream)
{
    h2_server_echo(server, stream);
    h2_server_answer(stream, 401, "no");
}

static void test_continue(void **state)
{
    static const char head[] =
        "POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    struct h2_server server;

    (void)state;
    init(&server, NULL);
    struct h2_client *client = h2_client_new_raw(&server);
    say(client, head);
    assert_heard(client, "HTTP/1.1 100 Continue\r\n\r\n");
    say(client, "abc");
    assert_heard(client, "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc");
    say(client, "POST / HTTP/1.0\r\nConnection: keep-alive\r\nExpect: 100-continue\r\n"
                "Content-Length: 1\r\n\r\n");
    assert_heard(client, "");
    say(client, "x");
    assert_heard(client, "HTTP/1.1 200 OK\r\ncontent-length: 1\r\nconnection: keep-alive\r\n\r\nx");
    server.on_request = refuse_all; /* and where the body would be nobody knows then */
    say(client, head);
    assert_heard(client, "HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain\r\n"
                         "content-length: 2\r\nconnection: close\r\n\r\nno");
    wait_until_closed(client);
    client = h2_client_new_raw(&server);
    server.on_request = ask_and_refuse;
    say(client, head);
    assert_int_equal(strncmp(heard(client), "HTTP/1.1 401 ", 13), 0);
    server.on_request = NULL;
    client = h2_client_new_raw(&server);
    say(client, "GET / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n\r\n");
    assert_heard(client, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    h2_server_release(&server);
}

/* A refused body that is short is read to its end; of a long one the rest is not waited for. */
static void test_refused_bodies(void **state)
{
    struct h2_server server;

    (void)state;
    init(&server, NULL);
    server.on_request = refuse_all;
    struct h2_client *client = h2_client_new_raw(&server);
    say(client, "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\n");
    assert_heard(client, "HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain\r\n"
                         "content-length: 2\r\n\r\nno");
    say(client, "abc" GET);
    assert_int_equal(count_of(heard(client), "HTTP/1.1 403"), 1);
    assert_int_equal(server.requests, 2);
    forget(client);
    say(client, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n");
    assert_null(strstr(heard(client), "close"));
    forget(client);
    say(client, "POST / HTTP/1.1\r\n" HOST "Content-Length: 70000\r\n\r\nx");
    assert_non_null(strstr(heard(client), "connection: close\r\n"));
    assert_false(client->is_closed); /* its client goes on sending for a while */
    wait_until_closed(client);
    h2_server_release(&server);
}

struct slow_reader {
    struct h2_stream *stream;
    size_t received;
    bool is_over, is_complete;
};

static int on_data(void *context, const char *data, size_t length)
{
    struct slow_reader *reader = context;

    (void)data;
    reader->received += length;
    return 0;
}

static void on_end(void *context, bool is_complete)
{
    struct slow_reader *reader = context;

    reader->is_over = true;
    reader->is_complete = is_complete;
    if (is_complete)
        h2_server_answer(reader->stream, 200, "all");
}

static const struct h2_body_reader slow = {on_data, on_end};

static void read_slowly(struct h2_server *server, struct h2_stream *stream)
{
    struct slow_reader *reader = server->context;

    reader->stream = stream;
    h2_stream_stream_body(stream, SIZE_MAX, &slow, reader);
}

/* What the reader has not taken is left in the socket. */
static void test_back_pressure(void **state)
{
    enum { LENGTH = 4000000 };
    struct slow_reader reader = {0};
    struct h2_limits limits = h2_limits_default;
    struct h2_server server;
    char *text = mem_alloc(LENGTH);

    (void)state;
    memset(text, 'x', LENGTH);
    limits.session_window = limits.stream_window = 65536;
    init(&server, &limits);
    server.on_request = read_slowly;
    server.context = &reader;
    struct h2_client *client = h2_client_new_raw(&server);
    say(client, "POST / HTTP/1.1\r\n" HOST "Content-Length: 4000000\r\n\r\n");
    h2_client_write(client, text, LENGTH);
    h2_pump(&server);
    assert_in_range(reader.received, 65536, 65536 + H2_WIRE_RECEIVE);
    while (!reader.is_over) {
        size_t before = reader.received;
        h2_stream_consume(reader.stream, reader.stream->unconsumed);
        h2_pump(&server);
        assert_in_range(reader.received - before, 0, 65536 + H2_WIRE_RECEIVE);
    }
    assert_true(reader.is_complete);
    assert_int_equal(reader.received, LENGTH);
    assert_int_equal(count_of(heard(client), "\r\n\r\nall"), 1);
    h2_server_release(&server);
    free(text);
}

static void test_broken_bodies(void **state)
{
    struct slow_reader reader = {0};
    struct h2_server server;

    (void)state;
    init(&server, NULL);
    server.on_request = read_slowly;
    server.context = &reader;
    struct h2_client *client = h2_client_new_raw(&server);
    say(client, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nx");
    assert_true(reader.is_over && !reader.is_complete);
    assert_int_equal(strncmp(heard(client), "HTTP/1.1 400 ", 13), 0);
    assert_non_null(strstr(heard(client), "connection: close\r\n"));
    assert_true(client->is_closed);
    reader = (struct slow_reader){0};
    client = h2_client_new_raw(&server);
    say(client, "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nabc");
    h2_client_leave(client);
    h2_pump(&server);
    assert_true(reader.is_over && !reader.is_complete);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->sessions, 0);
    h2_server_release(&server);
}

/* The client learns that what it has is not all. */
static void test_reset_breaks_off(void **state)
{
    struct h2_test_source source = {0};
    struct h2_server server;

    (void)state;
    init(&server, NULL);
    server.on_request = keep_open;
    server.context = &source;
    struct h2_client *client = h2_client_new_raw(&server);
    say(client, GET);
    h2_stream_reset(source.stream, NGHTTP2_CANCEL);
    h2_pump(&server);
    assert_true(client->is_closed);
    assert_null(strstr(heard(client), "0\r\n\r\n"));
    assert_int_equal(source.closed, 1);
    h2_test_source_release(&source);
    h2_server_release(&server);
}

static void test_refused_request(void **state)
{
    struct h2_server server;

    (void)state;
    init(&server, NULL);
    struct h2_client *client = h2_client_new_raw(&server);
    say(client, "GET / HTTP/1.1\r\nHost : a.test\r\n\r\n" GET);
    assert_int_equal(strncmp(heard(client), "HTTP/1.1 400 ", 13), 0);
    assert_int_equal(count_of(heard(client), "HTTP/1.1 "), 1);
    assert_non_null(strstr(heard(client), "connection: close\r\n"));
    assert_true(client->is_closed);
    assert_int_equal(server.requests, 0);
    assert_int_equal(server.last_error, 400);
    struct h2_client *head = h2_client_new_raw(&server);
    say(head, "HEAD /../x HTTP/1.1\r\n" HOST "\r\n");
    assert_string_equal(strstr(heard(head), "\r\n\r\n"), "\r\n\r\n"); /* no body */
    h2_server_release(&server);
}

static void test_drain(void **state)
{
    struct h2_server server;

    (void)state;
    init(&server, NULL);
    server.on_request = answer_later;
    struct h2_client *idle = h2_client_new_raw(&server);
    struct h2_client *busy = h2_client_new_raw(&server);
    struct h2_client *late = h2_client_new_raw(&server);
    say(busy, GET);
    say(late, "GET / HTTP/1.1\r\n");
    server.on_request = NULL;
    say(idle, GET);
    forget(idle);
    h2_endpoint_drain(server.endpoint);
    h2_pump(&server);
    assert_true(idle->is_closed);
    assert_false(busy->is_closed || late->is_closed);
    h2_server_answer(server.context, 200, "1");
    h2_stream_unref(server.context);
    say(late, HOST "\r\n");
    assert_non_null(strstr(heard(busy), "connection: close\r\n\r\n1"));
    assert_non_null(strstr(heard(late), "connection: close\r\n"));
    assert_true(busy->is_closed && late->is_closed);
    h2_server_release(&server);
}

static void assert_late(const char *text, const uint64_t *counter, struct h2_server *server,
                        int status)
{
    struct h2_client *client = h2_client_new_raw(server);
    const uint64_t before = *counter;
    char answer[32];

    say(client, text);
    wait_until_closed(client);
    assert_int_equal(*counter, before + 1);
    snprintf(answer, sizeof(answer), "HTTP/1.1 %d ", status);
    if (status)
        assert_non_null(strstr(heard(client), answer));
    else
        assert_null(strstr(heard(client), "HTTP/1.1 4"));
}

static void test_timeouts(void **state)
{
    static const char chunked[] = "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n";
    struct h2_limits limits = h2_limits_default;
    struct h2_server server;
    char text[200];

    (void)state;
    limits.preface_ms = limits.headers_ms = limits.body_idle_ms = limits.idle_ms = SHORT_MS;
    init(&server, &limits);
    const struct h2_counters *counters = server.counters;

    assert_late("", &counters->preface_timeouts, &server, 0);
    assert_late("PRI * HT", &counters->preface_timeouts, &server, 0);
    assert_late("G", &counters->header_timeouts, &server, 408);
    assert_late("\r\n", &counters->header_timeouts, &server, 408);
    assert_late("GET / HTTP/1.1\r\n", &counters->header_timeouts, &server, 408);
    h2_server_release(&server);
    init(&server, &limits);
    counters = server.counters;
    assert_late(GET "GET / HTTP/1.1\r\nA: b", &counters->header_timeouts, &server, 408);
    assert_late(GET, &counters->idle_timeouts, &server, 0);
    assert_late("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nab", &counters->body_timeouts,
                &server, 408);
    snprintf(text, sizeof(text), "%s1", chunked);
    assert_late(text, &counters->body_timeouts, &server, 408);
    snprintf(text, sizeof(text), "%s2\r\na", chunked);
    assert_late(text, &counters->body_timeouts, &server, 408);
    snprintf(text, sizeof(text), "%s0\r\nA: b", chunked);
    assert_late(text, &counters->body_timeouts, &server, 408);
    h2_server_release(&server);
}

static void test_client_that_reads_nothing(void **state)
{
    struct h2_test_source source = {0};
    struct h2_limits limits = h2_limits_default;
    struct h2_server server;
    char *text = mem_zalloc(2000000);

    (void)state;
    limits.write_stall_ms = SHORT_MS;
    init(&server, &limits);
    server.on_request = keep_open;
    server.context = &source;
    struct h2_client *client = h2_client_new_raw_with(&server, 4096);
    client->is_paused = true;
    h2_test_source_push(&source, text, 2000000);
    say(client, GET);
    assert_in_range(source.taken, 0, limits.output_soft_bytes + 65536);
    while (source.closed == 0) {
        h2_server_wait(&server);
        h2_pump(&server);
    }
    assert_int_equal(server.counters->write_stalls, 1);
    h2_test_source_release(&source);
    h2_server_release(&server);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_one_after_the_other),
        cmocka_unit_test(test_octet_by_octet),
        cmocka_unit_test(test_http_1_0),
        cmocka_unit_test(test_preface),
        cmocka_unit_test(test_tls_in_cleartext),
        cmocka_unit_test(test_only_http2),
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_without_body),
        cmocka_unit_test(test_stream),
        cmocka_unit_test(test_stream_to_http_1_0),
        cmocka_unit_test(test_large_answers),
        cmocka_unit_test(test_client_leaves_its_stream),
        cmocka_unit_test(test_half_closed_client_gets_its_answer),
        cmocka_unit_test(test_pipelining),
        cmocka_unit_test(test_pipelining_is_bounded),
        cmocka_unit_test(test_continue),
        cmocka_unit_test(test_refused_bodies),
        cmocka_unit_test(test_back_pressure),
        cmocka_unit_test(test_broken_bodies),
        cmocka_unit_test(test_reset_breaks_off),
        cmocka_unit_test(test_refused_request),
        cmocka_unit_test(test_drain),
        cmocka_unit_test(test_timeouts),
        cmocka_unit_test(test_client_that_reads_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
