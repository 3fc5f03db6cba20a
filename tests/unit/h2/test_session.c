/* SPDX-License-Identifier: Apache-2.0 */
/* One connection's life: opening, exchange, ending; and that others do not notice. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "h2/request.h"
#include "h2/state.h"
#include "support/h2_client.h"
#include "support/h2_limits.h"
#include "support/test.h"

static void assert_body(struct h2_client *client, int32_t id, const char *expected)
{
    struct h2_client_stream *stream = h2_client_stream(client, id);

    assert_int_equal(stream->body.length, strlen(expected));
    assert_string_equal(buf_str(&stream->body), expected);
}

static void test_exchange(void **state)
{
    struct h2_server server;

    (void)state;
    h2_server_init(&server, NULL);
    struct h2_client *client = h2_client_new(&server);
    int32_t get = h2_client_get(client, "/");
    int32_t post = h2_client_request(client, "POST", "/", "hello", 5);
    h2_pump(&server);
    assert_int_equal(h2_client_stream(client, get)->status, 200);
    assert_int_equal(h2_client_stream(client, get)->content_length, 0);
    assert_body(client, post, "hello");
    assert_true(h2_client_stream(client, post)->is_closed);
    assert_int_equal(server.requests, 2);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->sessions, 1);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->streams, 0);
    h2_server_release(&server);
}

static void test_one_write_for_many_answers(void **state)
{
    struct h2_server server;

    (void)state;
    h2_server_init(&server, NULL);
    struct h2_client *client = h2_client_new(&server);
    uint64_t writes = server.counters->writes;
    for (int i = 0; i < 50; i++)
        h2_client_get(client, "/");
    h2_pump(&server);
    assert_int_equal(server.counters->streams_closed, 50);
    assert_int_equal(server.counters->writes, writes + 1);
    h2_server_release(&server);
}

static void test_client_leaves(void **state)
{
    struct h2_server server;

    (void)state;
    h2_server_init(&server, NULL);
    struct h2_client *client = h2_client_new(&server);
    struct h2_client *other = h2_client_new(&server);
    int32_t id = h2_client_get(other, "/");
    h2_client_leave(client);
    h2_pump(&server);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->sessions, 1);
    assert_int_equal(server.counters->sessions_closed, 1);
    assert_int_equal(h2_client_stream(other, id)->status, 200);
    h2_server_release(&server);
}

static void keep_open(struct h2_server *server, struct h2_stream *stream)
{
    h2_test_source_respond(server->context, stream);
}

/* What was queued for a client that does not read must not be sent to another. */
static void test_bytes_of_one_do_not_reach_another(void **state)
{
    struct h2_server server;
    struct h2_test_source source = {0};
    const struct h2_client_settings wide = {.window = 1u << 20, .socket_buffer = 4096};
    char *text = mem_alloc(60000);

    (void)state;
    memset(text, 'a', 60000);
    h2_server_init(&server, NULL);
    server.context = &source;
    struct h2_client *slow = h2_client_new_with(&server, &wide);
    struct h2_client *quick = h2_client_new_with(&server, &wide);
    server.on_request = keep_open;
    int32_t slow_id = h2_client_get(slow, "/");
    h2_pump(&server);
    slow->is_paused = true;
    h2_test_source_push(&source, text, 60000);
    h2_pump(&server);
    assert_true(h2_endpoint_counters(server.endpoint)->output_bytes > 0);
    server.on_request = NULL;
    int32_t id = h2_client_request(quick, "POST", "/", "mine", 4);
    h2_pump(&server);
    assert_body(quick, id, "mine");
    slow->is_paused = false;
    h2_test_source_end(&source);
    h2_pump(&server);
    assert_int_equal(h2_client_stream(slow, slow_id)->body.length, 60000);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->output_bytes, 0);
    assert_int_equal(source.closed, 1);
    h2_server_release(&server);
    h2_test_source_release(&source);
    free(text);
}

static void test_closed_with_output_waiting(void **state)
{
    struct h2_server server;
    struct h2_test_source source = {0};
    const struct h2_client_settings wide = {.window = 1u << 20, .socket_buffer = 4096};
    char *text = mem_zalloc(60000);

    (void)state;
    h2_server_init(&server, NULL);
    server.context = &source;
    server.on_request = keep_open;
    struct h2_client *client = h2_client_new_with(&server, &wide);
    h2_client_get(client, "/");
    h2_pump(&server);
    client->is_paused = true;
    h2_test_source_push(&source, text, 60000);
    h2_pump(&server);
    assert_true(h2_endpoint_counters(server.endpoint)->output_bytes > 0);
    h2_client_leave(client);
    h2_pump(&server);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->output_bytes, 0);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->streams, 0);
    assert_int_equal(source.closed, 1);
    h2_server_release(&server);
    h2_test_source_release(&source);
    free(text);
}

static void test_endpoint_closes_with_streams_open(void **state)
{
    struct h2_server server;
    struct h2_test_source source = {0};

    (void)state;
    h2_server_init(&server, NULL);
    server.context = &source;
    server.on_request = keep_open;
    struct h2_client *client = h2_client_new(&server);
    h2_client_get(client, "/");
    h2_pump(&server);
    struct h2_stream *held = h2_stream_ref(source.stream);
    h2_test_source_push(&source, "x", 1);
    h2_endpoint_close(server.endpoint);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->sessions, 0);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->streams, 0);
    assert_int_equal(source.closed, 1);
    assert_false(h2_stream_is_open(held));
    assert_null(h2_stream_session(held));
    h2_stream_resume(held);
    h2_stream_reset(held, NGHTTP2_CANCEL);
    h2_stream_prefer(held);
    h2_stream_consume(held, 1);
    assert_null(h2_stream_unref(held));
    h2_pump(&server);
    assert_true(client->is_closed);
    h2_server_release(&server);
    h2_test_source_release(&source);
}

static void test_too_many_sessions(void **state)
{
    struct h2_server server;
    struct h2_limits limits = h2_limits_default;

    (void)state;
    limits.sessions = 2;
    h2_server_init(&server, &limits);
    struct h2_client *first = h2_client_new(&server);
    h2_client_new(&server);
    struct h2_client *third = h2_client_new_raw(&server);
    h2_pump(&server);
    assert_null(third->session);
    assert_true(third->is_closed);
    assert_int_equal(server.counters->sessions_refused, 1);
    h2_client_leave(first);
    h2_pump(&server);
    struct h2_client *fourth = h2_client_new(&server);
    h2_client_get(fourth, "/");
    h2_pump(&server);
    assert_int_equal(server.requests, 1);
    h2_server_release(&server);
}

static void hang_up(struct h2_server *server, struct h2_stream *stream)
{
    h2_session_close(h2_stream_session(stream));
    h2_server_echo(server, stream);
}

static void end_session(struct h2_server *server, struct h2_stream *stream)
{
    h2_session_terminate(h2_stream_session(stream), NGHTTP2_INTERNAL_ERROR);
    h2_server_echo(server, stream);
}

static void test_closed_by_a_request(void **state)
{
    struct h2_server server;

    (void)state;
    h2_server_init(&server, NULL);
    server.on_request = hang_up;
    struct h2_client *client = h2_client_new(&server);
    h2_client_request(client, "POST", "/", "one", 3);
    h2_client_get(client, "/");
    h2_pump(&server);
    assert_true(client->is_closed);
    assert_int_equal(server.requests, 1); /* what came with it is not for anyone any more */
    assert_int_equal(h2_endpoint_counters(server.endpoint)->streams, 0);
    h2_server_release(&server);
}

/* A malformed frame behind the one whose callback ends the session is never looked at. */
static void test_ended_by_a_request(void **state)
{
    struct h2_server server;

    (void)state;
    h2_server_init(&server, NULL);
    server.on_request = end_session;
    struct h2_client *client = h2_client_new_raw(&server);
    h2_client_preface(client);
    h2_client_raw_get(client, NGHTTP2_FLAG_END_STREAM, 1, "/");
    h2_client_raw_get(client, NGHTTP2_FLAG_END_STREAM, 3, "/");
    h2_client_frame(client, NGHTTP2_SETTINGS, 0, 0, "12345", 5);
    h2_client_frame(client, NGHTTP2_HEADERS, 0x7f, 0, "\xff\xff\xff\xff", 4);
    h2_pump(&server);
    assert_true(client->is_closed);
    assert_int_equal(client->goaway_code, NGHTTP2_INTERNAL_ERROR);
    assert_int_equal(server.requests, 1);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->streams, 0);
    h2_server_release(&server);
}

static unsigned stream_closes;

static void close_session_on_close(struct h2_stream *stream, void *context)
{
    (void)stream;
    stream_closes++;
    h2_session_close(context);
}

static void close_later(struct h2_server *server, struct h2_stream *stream)
{
    (void)server;
    h2_stream_set_context(stream, h2_stream_session(stream), close_session_on_close);
    h2_server_answer(stream, 200, "done");
}

/* The stream closes while frames are made: the socket must not be watched again. */
static void test_closed_while_flushing(void **state)
{
    struct h2_server server;
    const struct h2_client_settings small = {.window = 65535, .socket_buffer = 4096};

    (void)state;
    stream_closes = 0;
    h2_server_init(&server, NULL);
    server.on_request = close_later;
    struct h2_client *client = h2_client_new_with(&server, &small);
    h2_client_get(client, "/");
    h2_pump(&server);
    assert_int_equal(stream_closes, 1);
    assert_true(client->is_closed);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->sessions, 0);
    h2_server_release(&server);
}

static void close_blocked(struct h2_server *server, struct h2_stream *stream)
{
    struct h2_response response = {.status = 200, .body = server->context};

    h2_stream_set_context(stream, h2_stream_session(stream), close_session_on_close);
    h2_stream_respond(stream, &response);
}

static void test_closed_while_flushing_into_a_full_socket(void **state)
{
    struct h2_server server;
    const struct h2_client_settings wide = {.window = 1u << 20, .socket_buffer = 4096};
    char *text = mem_zalloc(60000);

    (void)state;
    stream_closes = 0;
    h2_server_init(&server, NULL);
    server.context = bytes_new(text, 60000);
    server.on_request = close_blocked;
    struct h2_client *client = h2_client_new_with(&server, &wide);
    h2_client_get(client, "/");
    client->is_paused = true;
    h2_pump(&server);
    assert_int_equal(stream_closes, 1);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->sessions, 0);
    client->is_paused = false;
    h2_pump(&server);
    assert_true(client->is_closed);
    h2_server_release(&server);
    free(text);
}

static void assert_refused(const char *octets, size_t length)
{
    struct h2_server server;

    h2_server_init(&server, NULL);
    struct h2_client *client = h2_client_new_raw(&server);
    struct h2_client *other = h2_client_new(&server);
    h2_client_write(client, octets, length);
    h2_pump(&server);
    assert_true(client->is_closed);
    assert_int_equal(server.counters->protocol_errors, 1);
    int32_t id = h2_client_get(other, "/");
    h2_pump(&server);
    assert_int_equal(h2_client_stream(other, id)->status, 200);
    h2_server_release(&server);
}

static void test_no_http2(void **state)
{
    static const char http[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    static const char upgrade[] = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, "
                                  "HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n\r\n";
    static const char tls[] = "\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03 and more than a "
                              "preface's length of a ClientHello";

    (void)state;
    assert_refused(http, sizeof(http) - 1);
    assert_refused(upgrade, sizeof(upgrade) - 1);
    assert_refused(tls, sizeof(tls) - 1);
}

/* What nghttp2 ends by itself is counted like what it returns as an error. */
static void test_protocol_error_is_counted(void **state)
{
    struct h2_server server;

    (void)state;
    h2_server_init(&server, NULL);
    struct h2_client *client = h2_client_new_raw(&server);
    h2_client_preface(client);
    h2_client_frame(client, NGHTTP2_DATA, 0, 1, "x", 1); /* on an idle stream */
    h2_pump(&server);
    assert_true(client->is_closed);
    assert_int_equal(client->goaway_code, NGHTTP2_PROTOCOL_ERROR);
    assert_int_equal(client->frames[NGHTTP2_GOAWAY], 1);
    assert_int_equal(server.counters->protocol_errors, 1);
    h2_server_release(&server);
}

static void test_input_octet_by_octet(void **state)
{
    struct h2_server server;

    (void)state;
    h2_server_init(&server, NULL);
    struct h2_client *client = h2_client_new_raw(&server);
    struct buf all = BUF_INIT;
    h2_client_preface(client);
    h2_client_raw_get(client, NGHTTP2_FLAG_END_STREAM, 1, "/");
    all = client->unsent;
    client->unsent = (struct buf)BUF_INIT;
    for (size_t i = 0; i < all.length; i++) {
        h2_client_write(client, all.data + i, 1);
        h2_pump(&server);
    }
    assert_int_equal(server.requests, 1);
    assert_int_equal(client->frames[NGHTTP2_HEADERS], 1);
    assert_false(client->is_closed);
    buf_release(&all);
    h2_server_release(&server);
}

static void test_concurrent_streams(void **state)
{
    struct h2_server server;
    struct h2_limits limits = h2_limits_default;
    struct h2_test_source sources[3] = {{0}};

    (void)state;
    limits.concurrent_streams = 2;
    h2_server_init(&server, &limits);
    server.on_request = keep_open;
    struct h2_client *before = h2_client_new_raw(&server);
    h2_client_write(before, NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN);
    h2_client_frame(before, NGHTTP2_SETTINGS, 0, 0, NULL, 0);
    for (int i = 0; i < 3; i++) {
        server.context = &sources[i];
        h2_client_raw_get(before, NGHTTP2_FLAG_END_STREAM, 2 * i + 1, "/");
        h2_pump(&server);
    }
    assert_int_equal(before->resets[NGHTTP2_REFUSED_STREAM], 1);
    assert_false(before->is_closed);
    assert_int_equal(server.requests, 2);
    h2_client_frame(before, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, NULL, 0);
    h2_client_raw_get(before, NGHTTP2_FLAG_END_STREAM, 7, "/");
    h2_pump(&server);
    assert_true(before->is_closed);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->streams, 0);
    assert_int_equal(sources[0].closed + sources[1].closed, 2);
    h2_server_release(&server);
}

static void test_peer_names(void **state)
{
    struct h2_server server;
    char text[64];

    (void)state;
    h2_server_init(&server, NULL);
    struct h2_client *client = h2_client_new(&server);
    struct h2_client *other = h2_client_new(&server);
    assert_string_equal(h2_session_peer(client->session, text, sizeof(text)), "unix");
    assert_true(h2_session_number(client->session) != h2_session_number(other->session));
    client->session->origin.peer.v4.sin_family = AF_INET;
    client->session->origin.peer.v4.sin_addr.s_addr = htonl(0x7f000001);
    assert_string_equal(h2_session_peer(client->session, text, sizeof(text)), "127.0.0.1");
    client->session->origin.peer.v6.sin6_family = AF_INET6;
    client->session->origin.peer.v6.sin6_addr =
        (struct in6_addr){.s6_addr = {[10] = 0xff, 0xff, 192, 0, 2, 1}};
    assert_string_equal(h2_session_peer(client->session, text, sizeof(text)), "192.0.2.1");
    (*h2_session_handler_count(client->session))++;
    assert_int_equal(*h2_session_handler_count(client->session), 1);
    assert_int_equal(*h2_session_handler_count(other->session), 0);
    h2_server_release(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exchange),
        cmocka_unit_test(test_one_write_for_many_answers),
        cmocka_unit_test(test_client_leaves),
        cmocka_unit_test(test_bytes_of_one_do_not_reach_another),
        cmocka_unit_test(test_closed_with_output_waiting),
        cmocka_unit_test(test_endpoint_closes_with_streams_open),
        cmocka_unit_test(test_too_many_sessions),
        cmocka_unit_test(test_closed_by_a_request),
        cmocka_unit_test(test_ended_by_a_request),
        cmocka_unit_test(test_closed_while_flushing),
        cmocka_unit_test(test_closed_while_flushing_into_a_full_socket),
        cmocka_unit_test(test_no_http2),
        cmocka_unit_test(test_protocol_error_is_counted),
        cmocka_unit_test(test_input_octet_by_octet),
        cmocka_unit_test(test_concurrent_streams),
        cmocka_unit_test(test_peer_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
