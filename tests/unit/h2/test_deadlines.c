/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a session may not take for ever. Limits of some ten milliseconds, and the loop runs until
 * what they promise has happened; a test that waits in vain ends by ctest's own limit.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/test_clock.h"
#include "h2/request.h"
#include "h2/state.h"
#include "support/h2_client.h"
#include "support/h2_limits.h"
#include "support/test.h"

#define SHORT_MS 30

static void ignore(struct h2_server *server, struct h2_stream *stream)
{
    (void)server;
    (void)stream;
}

static void keep_open(struct h2_server *server, struct h2_stream *stream)
{
    h2_test_source_respond(server->context, stream);
}

static void wait_for(struct h2_server *server, const uint64_t *counter)
{
    while (*counter == 0)
        h2_server_wait(server);
    h2_pump(server);
}

/* Long enough for every limit of SHORT_MS to have been noticed. */
static void wait_a_while(struct h2_server *server)
{
    uint64_t start = loop_now_ms(server->loop);

    while (loop_now_ms(server->loop) < start + SHORT_MS + 3 * LOOP_TIMER_TICK_MS) {
        h2_server_wait(server);
        h2_pump(server);
    }
}

static void test_preface(void **state)
{
    struct h2_limits limits = h2_limits_default;
    struct h2_server server;

    (void)state;
    limits.preface_ms = SHORT_MS;
    h2_server_init(&server, &limits);
    struct h2_client *silent = h2_client_new_raw(&server);
    struct h2_client *half = h2_client_new_raw(&server);
    h2_client_write(half, NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN);
    while (server.counters->preface_timeouts < 2)
        h2_server_wait(&server);
    h2_pump(&server);
    assert_true(silent->is_closed && half->is_closed);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->sessions, 0);
    h2_server_release(&server);
}

static void test_settings_never_acknowledged(void **state)
{
    struct h2_limits limits = h2_limits_default;
    struct h2_server server;

    (void)state;
    limits.settings_ack_ms = SHORT_MS;
    h2_server_init(&server, &limits);
    struct h2_client *client = h2_client_new_raw(&server);
    h2_client_write(client, NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN);
    h2_client_frame(client, NGHTTP2_SETTINGS, 0, 0, NULL, 0);
    h2_pump(&server);
    wait_for(&server, &server.counters->settings_ack_timeouts);
    assert_true(client->is_closed);
    assert_int_equal(client->goaway_code, NGHTTP2_SETTINGS_TIMEOUT);
    h2_server_release(&server);
}

static void test_headers_never_complete(void **state)
{
    struct h2_limits limits = h2_limits_default;
    struct h2_server server;

    (void)state;
    limits.headers_ms = SHORT_MS;
    h2_server_init(&server, &limits);
    struct h2_client *client = h2_client_new_raw(&server);
    h2_client_preface(client);
    h2_client_frame(client, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_STREAM, 1, "\x82", 1);
    h2_pump(&server);
    wait_for(&server, &server.counters->header_timeouts);
    assert_true(client->is_closed);
    assert_int_equal(client->goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
    h2_server_release(&server);
}

/* A request that is refused for its header fields has come to its end as any other. */
static void test_headers_that_were_refused(void **state)
{
    const nghttp2_nv fields[] = {h2_field(":method", "GET"), h2_field(":scheme", "https"),
                                 h2_field(":authority", "localhost"), h2_field(":path", "/"),
                                 h2_field("x", "a\r\nb")};
    struct h2_limits limits = h2_limits_default;
    struct h2_test_source source = {0};
    struct h2_server server;

    (void)state;
    limits.headers_ms = SHORT_MS;
    h2_server_init(&server, &limits);
    server.on_request = keep_open;
    server.context = &source;
    struct h2_client *client = h2_client_new_raw(&server);
    h2_client_preface(client);
    h2_client_raw_get(client, NGHTTP2_FLAG_END_STREAM, 1, "/");
    h2_client_headers(client, NGHTTP2_FLAG_END_STREAM, 3, fields, 5);
    h2_client_headers(client, NGHTTP2_FLAG_END_STREAM, 5, fields, 3); /* no :path */
    h2_pump(&server);
    assert_int_equal(client->frames[NGHTTP2_RST_STREAM], 2);
    wait_a_while(&server);
    assert_int_equal(server.counters->header_timeouts, 0);
    assert_false(client->is_closed);
    h2_server_release(&server);
}

static void test_idle(void **state)
{
    struct h2_limits limits = h2_limits_default;
    struct h2_test_source source = {0};
    struct h2_server server;

    (void)state;
    limits.idle_ms = SHORT_MS;
    h2_server_init(&server, &limits);
    struct h2_client *busy = h2_client_new(&server);
    server.on_request = keep_open;
    server.context = &source;
    h2_client_get(busy, "/");
    h2_pump(&server);
    struct h2_client *idle = h2_client_new(&server);
    wait_for(&server, &server.counters->idle_timeouts);
    assert_true(idle->is_closed);
    assert_int_equal(idle->goaway_code, NGHTTP2_NO_ERROR);
    assert_false(busy->is_closed);
    h2_test_source_end(&source);
    h2_pump(&server);
    while (server.counters->idle_timeouts < 2)
        h2_server_wait(&server);
    h2_pump(&server);
    assert_true(busy->is_closed);
    h2_server_release(&server);
}

static void collect(struct h2_server *server, struct h2_stream *stream)
{
    h2_server_echo(server, stream);
}

static int32_t begin_post(struct h2_client *client)
{
    const nghttp2_nv fields[] = {h2_field(":method", "POST"), h2_field(":scheme", "https"),
                                 h2_field(":authority", "localhost"), h2_field(":path", "/")};

    return h2_client_submit(client, fields, 4, true);
}

static void test_body_never_comes(void **state)
{
    struct h2_limits limits = h2_limits_default;
    struct h2_server server;

    (void)state;
    limits.body_idle_ms = SHORT_MS;
    h2_server_init(&server, &limits);
    server.on_request = collect;
    struct h2_client *client = h2_client_new(&server);
    int32_t id = begin_post(client);
    h2_client_upload(client, id, "some", 4, false);
    h2_pump(&server);
    wait_for(&server, &server.counters->body_timeouts);
    assert_int_equal(h2_client_stream(client, id)->status, 408);
    assert_false(client->is_closed);
    h2_server_release(&server);
}

/* Nobody waits for the body, only the client for the answer. */
static void test_unwanted_body_never_comes(void **state)
{
    struct h2_limits limits = h2_limits_default;
    struct h2_server server;

    (void)state;
    limits.body_idle_ms = SHORT_MS;
    h2_server_init(&server, &limits);
    server.on_request = ignore;
    struct h2_client *client = h2_client_new(&server);
    int32_t id = begin_post(client);
    h2_pump(&server);
    wait_a_while(&server);
    assert_int_equal(server.counters->body_timeouts, 0);
    assert_int_equal(h2_client_stream(client, id)->status, 0);
    h2_server_release(&server);
}

/* A stream without a window is broken off; the session and its other streams go on. */
static void test_stalled_stream(void **state)
{
    struct h2_limits limits = h2_limits_default;
    const struct h2_client_settings shut = {.window = 0, .is_manual_window = true};
    struct h2_test_source idle = {0};
    struct h2_test_source stalled = {0};
    struct h2_server server;

    (void)state;
    limits.write_stall_ms = SHORT_MS;
    h2_server_init(&server, &limits);
    server.on_request = keep_open;
    struct h2_client *client = h2_client_new_with(&server, &shut);
    server.context = &idle;
    int32_t idle_id = h2_client_get(client, "/");
    h2_pump(&server);
    server.context = &stalled;
    int32_t stalled_id = h2_client_get(client, "/");
    h2_pump(&server);
    h2_test_source_push(&stalled, "event", 5);
    h2_pump(&server);
    wait_for(&server, &server.counters->write_stalls);
    assert_int_equal(h2_client_stream(client, stalled_id)->error_code, NGHTTP2_CANCEL);
    assert_int_equal(stalled.closed, 1);
    assert_false(h2_client_stream(client, idle_id)->is_closed);
    assert_int_equal(server.counters->write_stalls, 1);
    assert_false(client->is_closed);
    h2_server_release(&server);
    h2_test_source_release(&stalled);
}

/* The socket takes nothing more. */
static void test_blocked_session(void **state)
{
    struct h2_limits limits = h2_limits_default;
    const struct h2_client_settings wide = {.window = 1u << 20, .socket_buffer = 4096};
    struct h2_test_source source = {0};
    struct h2_server server;
    char *text = mem_zalloc(60000);

    (void)state;
    limits.write_stall_ms = SHORT_MS;
    h2_server_init(&server, &limits);
    server.on_request = keep_open;
    server.context = &source;
    struct h2_client *client = h2_client_new_with(&server, &wide);
    struct h2_client *other = h2_client_new(&server);
    h2_client_get(client, "/");
    h2_pump(&server);
    client->is_paused = true;
    h2_test_source_push(&source, text, 60000);
    h2_pump(&server);
    assert_true(h2_endpoint_counters(server.endpoint)->output_bytes > 0);
    wait_for(&server, &server.counters->write_stalls);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->sessions, 1);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->output_bytes, 0);
    assert_int_equal(source.closed, 1);
    server.on_request = NULL;
    int32_t id = h2_client_get(other, "/");
    h2_pump(&server);
    assert_int_equal(h2_client_stream(other, id)->status, 200);
    h2_server_release(&server);
    h2_test_source_release(&source);
    free(text);
}

/* The process is stopped, and its client takes all meanwhile: no fault of the client. */
static void test_blocked_while_we_were_stopped(void **state)
{
    const struct timespec stop = {.tv_nsec = 900000000};
    struct h2_limits limits = h2_limits_default;
    const struct h2_client_settings wide = {.window = 1u << 20, .socket_buffer = 4096};
    struct h2_test_source source = {0};
    struct h2_server server;
    char *text = mem_zalloc(60000);

    (void)state;
    limits.write_stall_ms = 600;
    h2_server_init(&server, &limits);
    server.on_request = keep_open;
    server.context = &source;
    struct h2_client *client = h2_client_new_with(&server, &wide);
    int32_t id = h2_client_get(client, "/");
    h2_pump(&server);
    client->is_paused = true;
    h2_test_source_push(&source, text, 60000);
    h2_pump(&server);
    assert_true(h2_endpoint_counters(server.endpoint)->output_bytes > 0);
    (void)nanosleep(&stop, NULL);
    client->is_paused = false;
    for (h2_pump(&server); h2_client_stream(client, id)->body.length < 60000; h2_pump(&server))
        assert_false(client->is_closed);
    assert_int_equal(server.counters->write_stalls, 0);
    h2_server_release(&server);
    h2_test_source_release(&source);
    free(text);
}

static void test_ping(void **state)
{
    struct h2_limits limits = h2_limits_default;
    struct h2_server server;

    (void)state;
    limits.ping_ms = SHORT_MS;
    limits.ping_ack_ms = 10 * LOOP_TIMER_TICK_MS;
    h2_server_init(&server, &limits);
    struct h2_client *alive = h2_client_new(&server); /* its nghttp2 answers */
    struct h2_client *dead = h2_client_new_raw(&server);
    h2_client_preface(dead);
    h2_pump(&server);
    while (server.counters->ping_timeouts == 0) {
        h2_server_wait(&server);
        h2_pump(&server);
    }
    h2_pump(&server);
    assert_true(dead->is_closed);
    assert_int_equal(dead->frames[NGHTTP2_PING], 1);
    assert_false(alive->is_closed);
    assert_true(alive->frames[NGHTTP2_PING] >= 1);
    assert_int_equal(server.counters->ping_timeouts, 1);
    h2_server_release(&server);
}

/* Whoever says anything is alive, though the answer to the PING is still behind other output. */
static void test_ping_of_a_client_that_talks(void **state)
{
    struct h2_limits limits = h2_limits_default;
    struct h2_server server;

    (void)state;
    limits.ping_ms = SHORT_MS;
    limits.ping_ack_ms = 10 * LOOP_TIMER_TICK_MS;
    h2_server_init(&server, &limits);
    struct h2_client *client = h2_client_new_raw(&server);
    h2_client_preface(client);
    h2_pump(&server);
    while (client->frames[NGHTTP2_PING] < 3) {
        unsigned pings = client->frames[NGHTTP2_PING];
        while (client->frames[NGHTTP2_PING] == pings && !client->is_closed) {
            h2_server_wait(&server);
            h2_pump(&server);
        }
        assert_false(client->is_closed);
        h2_client_window_update(client, 0, 1000);
        h2_pump(&server);
    }
    assert_int_equal(server.counters->ping_timeouts, 0);
    h2_server_release(&server);
}

#ifdef SSE_SERVER_FAULTS

static void advance(struct h2_server *server, uint32_t ms)
{
    for (; ms > 0; ms -= LOOP_TIMER_TICK_MS)
        h2_server_wait(server);
    h2_pump(server);
}

static void wait_for_ping(struct h2_server *server, const struct h2_client *client)
{
    const unsigned before = client->frames[NGHTTP2_PING];

    while (!client->session->ping_since)
        h2_server_wait(server);
    while (client->frames[NGHTTP2_PING] == before)
        h2_pump(server);
    h2_pump(server);
}

/* Nothing that the client has sent before is on its way any more: neither its request, nor what it
 * said to what came before the answer to that. */
static void settle(struct h2_server *server, struct h2_client *client)
{
    for (unsigned i = 0; i < 2; i++) {
        int32_t id = h2_client_get(client, "/");

        while (h2_client_stream(client, id)->status == 0)
            h2_pump(server);
    }
}

/* It is read with those of others, or with what comes behind it. */
static void test_answer_to_ping_wakes_nobody(void **state)
{
    struct h2_limits limits = h2_limits_default;
    struct h2_server server;

    (void)state;
    test_clock_stop();
    limits.ping_ms = 1000;
    h2_server_init(&server, &limits);
    struct h2_client *client = h2_client_new_tcp(&server);
    settle(&server, client);
    wait_for_ping(&server, client);
    const uint64_t received = server.counters->bytes_in;
    assert_true(client->session->ping_since > 0);
    advance(&server, 700);
    while (server.counters->bytes_in == received) /* its answer was on its way until now */
        h2_pump(&server);
    assert_int_equal(server.counters->bytes_in, received + 17);

    wait_for_ping(&server, client);
    assert_int_equal(server.counters->bytes_in, received + 17);
    int32_t id = h2_client_get(client, "/");
    while (h2_client_stream(client, id)->status == 0) /* though time stands still */
        h2_pump(&server);
    assert_true(server.counters->bytes_in > received + 34);
    h2_client_get(client, "/"); /* nothing is held back from here on */
    while (server.requests < 4)
        h2_pump(&server);

    wait_for_ping(&server, client);
    h2_client_leave(client);
    while (h2_endpoint_counters(server.endpoint)->sessions > 0)
        h2_pump(&server);
    assert_int_equal(server.counters->ping_timeouts, 0);
    h2_server_release(&server);
    test_clock_go();
}

/* Time has jumped over the look and the deadline: it is looked first. */
static void test_answer_that_nobody_has_read_yet(void **state)
{
    struct h2_limits limits = h2_limits_default;
    struct h2_server server;

    (void)state;
    test_clock_stop();
    limits.ping_ms = 1000;
    limits.ping_ack_ms = 800;
    h2_server_init(&server, &limits);
    struct h2_client *client = h2_client_new_tcp(&server);
    wait_for_ping(&server, client);
    h2_pump(&server);
    test_clock_advance(5000, 5000);
    advance(&server, 200);
    assert_int_equal(server.counters->ping_timeouts, 0);
    assert_false(client->is_closed);
    client->is_paused = true;
    while (server.counters->ping_timeouts == 0)
        advance(&server, LOOP_TIMER_TICK_MS);
    h2_server_release(&server);
    test_clock_go();
}

static void test_ping_along_with_output(void **state)
{
    struct h2_limits limits = h2_limits_default;
    struct h2_test_source source = {0};
    struct h2_server server;

    (void)state;
    test_clock_stop();
    limits.ping_ms = 3000;
    h2_server_init(&server, &limits);
    server.on_request = keep_open;
    server.context = &source;
    struct h2_client *client = h2_client_new(&server);
    h2_client_get(client, "/");
    h2_pump(&server);
    advance(&server, 2300);
    h2_test_source_push(&source, "early", 5);
    h2_pump(&server);
    assert_int_equal(client->frames[NGHTTP2_PING], 0);
    advance(&server, 400);
    const uint64_t writes = server.counters->writes;
    h2_test_source_push(&source, "late", 4);
    h2_pump(&server);
    assert_int_equal(client->frames[NGHTTP2_PING], 1);
    assert_int_equal(server.counters->writes, writes + 1);
    h2_server_release(&server);
    h2_test_source_release(&source);
    test_clock_go();
}

#endif

/* A socket that is full has its own limit: the PING that it cannot take says nothing. */
static void test_no_ping_into_a_full_socket(void **state)
{
    struct h2_limits limits = h2_limits_default;
    const struct h2_client_settings wide = {.window = 1u << 20, .socket_buffer = 4096};
    struct h2_test_source source = {0};
    struct h2_server server;
    char *text = mem_zalloc(60000);

    (void)state;
    limits.ping_ms = 3 * LOOP_TIMER_TICK_MS;
    limits.ping_ack_ms = SHORT_MS;
    limits.write_stall_ms = 8 * LOOP_TIMER_TICK_MS;
    h2_server_init(&server, &limits);
    server.on_request = keep_open;
    server.context = &source;
    struct h2_client *client = h2_client_new_with(&server, &wide);
    h2_client_get(client, "/");
    h2_pump(&server);
    client->is_paused = true;
    h2_test_source_push(&source, text, 60000);
    h2_pump(&server);
    while (h2_endpoint_counters(server.endpoint)->sessions > 0)
        h2_server_wait(&server);
    h2_pump(&server);
    assert_int_equal(server.counters->write_stalls, 1);
    assert_int_equal(server.counters->ping_timeouts, 0);
    h2_server_release(&server);
    h2_test_source_release(&source);
    free(text);
}

/* A GOAWAY that the socket never takes does not keep the session. */
static void test_end_that_cannot_be_told(void **state)
{
    struct h2_limits limits = h2_limits_default;
    const struct h2_client_settings wide = {.window = 1u << 20, .socket_buffer = 4096};
    struct h2_test_source source = {0};
    struct h2_server server;
    char *text = mem_zalloc(60000);

    (void)state;
    h2_server_init(&server, &limits);
    server.on_request = keep_open;
    server.context = &source;
    struct h2_client *client = h2_client_new_with(&server, &wide);
    h2_client_get(client, "/");
    h2_pump(&server);
    client->is_paused = true;
    h2_test_source_push(&source, text, 60000);
    h2_pump(&server);
    server.endpoint->limits.preface_ms = SHORT_MS;
    h2_session_terminate(client->session, NGHTTP2_INTERNAL_ERROR);
    while (h2_endpoint_counters(server.endpoint)->sessions > 0)
        h2_server_wait(&server);
    h2_pump(&server);
    assert_int_equal(source.closed, 1);
    h2_server_release(&server);
    h2_test_source_release(&source);
    free(text);
}

/* The last words reach a client that is still sending, and its streams end at once; the socket goes
 * when the client goes, or when a second has passed. */
static void test_end_of_a_client_that_lingers(void **state)
{
    struct h2_test_source source = {0};
    struct h2_server server;

    (void)state;
    h2_server_init(&server, NULL);
    server.on_request = keep_open;
    server.context = &source;
    struct h2_client *client = h2_client_new(&server);
    client->is_lingering = true;
    h2_client_get(client, "/");
    h2_pump(&server);
    h2_session_terminate(client->session, NGHTTP2_ENHANCE_YOUR_CALM);
    h2_pump(&server);
    assert_true(client->is_closed);
    assert_int_equal(client->goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
    assert_int_equal(source.closed, 1);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->sessions, 1);
    assert_true(send(client->fd, "whatever", 8, MSG_NOSIGNAL) == 8);
    h2_pump(&server);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->sessions, 1);
    while (h2_endpoint_counters(server.endpoint)->sessions > 0)
        h2_server_wait(&server);
    h2_server_release(&server);
    h2_test_source_release(&source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_preface),
        cmocka_unit_test(test_settings_never_acknowledged),
        cmocka_unit_test(test_headers_never_complete),
        cmocka_unit_test(test_headers_that_were_refused),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_body_never_comes),
        cmocka_unit_test(test_unwanted_body_never_comes),
        cmocka_unit_test(test_stalled_stream),
        cmocka_unit_test(test_blocked_session),
        cmocka_unit_test(test_blocked_while_we_were_stopped),
        cmocka_unit_test(test_ping),
        cmocka_unit_test(test_ping_of_a_client_that_talks),
#ifdef SSE_SERVER_FAULTS
        cmocka_unit_test(test_answer_to_ping_wakes_nobody),
        cmocka_unit_test(test_answer_that_nobody_has_read_yet),
        cmocka_unit_test(test_ping_along_with_output),
#endif
        cmocka_unit_test(test_no_ping_into_a_full_socket),
        cmocka_unit_test(test_end_that_cannot_be_told),
        cmocka_unit_test(test_end_of_a_client_that_lingers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
