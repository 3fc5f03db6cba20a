/* SPDX-License-Identifier: Apache-2.0 */
/* A server that stops (RFC 9113 6.8): no request is lost that its client sent before it knew. */
#include <string.h>

#include "h2/state.h"
#include "support/h2_client.h"
#include "support/test.h"

#define NOBODY_LESS 0x7fffffff /* the last stream of the first GOAWAY */

static void keep_open(struct h2_server *server, struct h2_stream *stream)
{
    h2_test_source_respond(server->context, stream);
}

/* Answers neither PING nor anything else, but has its first answer. */
static struct h2_client *deaf_client(struct h2_server *server)
{
    struct h2_client *client = h2_client_new_raw(server);

    h2_client_preface(client);
    h2_client_raw_get(client, NGHTTP2_FLAG_END_STREAM, 1, "/");
    h2_pump(server);
    assert_int_equal(client->frames[NGHTTP2_HEADERS], 1);
    return client;
}

static void answer_ping(struct h2_client *client, const char *octets)
{
    h2_client_frame(client, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, octets, 8);
    h2_pump(client->server);
}

static void wait_ms(struct h2_server *server, unsigned ms)
{
    for (unsigned waited = 0; waited < ms; waited += LOOP_TIMER_TICK_MS) {
        h2_server_wait(server);
        h2_pump(server);
    }
}

static void test_sessions_end_with_their_streams(void **state)
{
    struct h2_server server;
    struct h2_test_source source = {0};

    (void)state;
    h2_server_init(&server, NULL);
    struct h2_client *idle = h2_client_new(&server);
    h2_client_get(idle, "/");
    h2_pump(&server);
    server.context = &source;
    server.on_request = keep_open;
    struct h2_client *busy = h2_client_new(&server);
    int32_t id = h2_client_get(busy, "/");
    h2_pump(&server);
    h2_endpoint_drain(server.endpoint);
    h2_pump(&server);
    assert_int_equal(busy->frames[NGHTTP2_GOAWAY], 2);
    assert_int_equal(busy->goaway_code, NGHTTP2_NO_ERROR);
    assert_int_equal(busy->goaway_last, id);
    assert_true(idle->is_closed);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->sessions, 1);
    h2_test_source_push(&source, "bye", 3);
    h2_test_source_end(&source);
    h2_pump(&server);
    assert_string_equal(buf_str(&h2_client_stream(busy, id)->body), "bye");
    assert_true(busy->is_closed);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->sessions, 0);
    h2_server_release(&server);
    h2_test_source_release(&source);
}

static void test_sent_before_the_goaway_was_read_is_answered(void **state)
{
    struct h2_server server;

    (void)state;
    h2_server_init(&server, NULL);
    struct h2_client *client = deaf_client(&server);
    h2_endpoint_drain(server.endpoint);
    h2_endpoint_drain(server.endpoint); /* changes nothing */
    h2_pump(&server);
    assert_int_equal(client->frames[NGHTTP2_GOAWAY], 1);
    assert_int_equal(client->goaway_last, NOBODY_LESS);
    assert_int_equal(client->frames[NGHTTP2_PING], 1);
    h2_client_raw_get(client, NGHTTP2_FLAG_END_STREAM, 3, "/");
    h2_client_raw_get(client, NGHTTP2_FLAG_END_STREAM, 5, "/");
    answer_ping(client, "\0\0\0\0\0\0\0\0"); /* to another one */
    assert_int_equal(client->frames[NGHTTP2_GOAWAY], 1);
    assert_false(client->is_closed);
    answer_ping(client, "draining");
    assert_int_equal(server.requests, 3);
    assert_int_equal(client->frames[NGHTTP2_HEADERS], 3); /* and as many answers */
    assert_int_equal(client->frames[NGHTTP2_GOAWAY], 2);
    assert_int_equal(client->goaway_last, 5);
    assert_int_equal(client->goaway_code, NGHTTP2_NO_ERROR);
    assert_true(client->is_closed);
    h2_server_release(&server);
}

static void test_sent_behind_the_last_goaway_is_not_begun(void **state)
{
    struct h2_server server;
    struct h2_test_source source = {0};

    (void)state;
    h2_server_init(&server, NULL);
    struct h2_client *client = deaf_client(&server);
    server.context = &source;
    server.on_request = keep_open;
    h2_client_raw_get(client, NGHTTP2_FLAG_END_STREAM, 3, "/");
    h2_pump(&server);
    h2_endpoint_drain(server.endpoint);
    h2_pump(&server);
    answer_ping(client, "draining");
    assert_int_equal(client->goaway_last, 3);
    h2_client_raw_get(client, NGHTTP2_FLAG_END_STREAM, 5, "/");
    h2_pump(&server);
    assert_int_equal(server.requests, 2);
    assert_false(client->is_closed);
    h2_test_source_end(&source);
    h2_pump(&server);
    assert_true(client->is_closed);
    h2_server_release(&server);
    h2_test_source_release(&source);
}

static void test_who_does_not_answer_is_not_waited_for(void **state)
{
    struct h2_server server;

    (void)state;
    h2_server_init(&server, NULL);
    struct h2_client *client = deaf_client(&server);
    h2_endpoint_drain(server.endpoint);
    h2_pump(&server);
    assert_int_equal(client->frames[NGHTTP2_GOAWAY], 1);
    wait_ms(&server, 1200);
    assert_int_equal(client->frames[NGHTTP2_GOAWAY], 2);
    assert_int_equal(client->goaway_last, 1);
    assert_true(client->is_closed);
    h2_server_release(&server);
}

static void test_who_has_just_come_may_ask_once(void **state)
{
    struct h2_server server;

    (void)state;
    h2_server_init(&server, NULL);
    struct h2_client *before = h2_client_new(&server);
    h2_endpoint_drain(server.endpoint);
    h2_pump(&server);
    struct h2_client *behind = h2_client_new(&server); /* the kernel had it before the stop */
    struct h2_client *clients[] = {before, behind};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(clients[i]->frames[NGHTTP2_GOAWAY], 0);
        int32_t id = h2_client_get(clients[i], "/");
        h2_pump(&server);
        assert_int_equal(h2_client_stream(clients[i], id)->status, 200);
        assert_int_equal(clients[i]->frames[NGHTTP2_GOAWAY], 2);
        assert_int_equal(clients[i]->goaway_last, id);
        assert_true(clients[i]->is_closed);
    }
    h2_server_release(&server);
}

static void test_who_has_come_and_asks_nothing_leaves(void **state)
{
    struct h2_server server;

    (void)state;
    h2_server_init(&server, NULL);
    struct h2_client *client = h2_client_new(&server);
    h2_endpoint_drain(server.endpoint);
    h2_pump(&server);
    wait_ms(&server, 1500);
    assert_int_equal(client->frames[NGHTTP2_GOAWAY], 0);
    wait_ms(&server, 1000);
    assert_int_equal(client->frames[NGHTTP2_GOAWAY], 2);
    assert_int_equal(client->goaway_last, 0);
    assert_true(client->is_closed);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->sessions, 0);
    h2_server_release(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sessions_end_with_their_streams),
        cmocka_unit_test(test_sent_before_the_goaway_was_read_is_answered),
        cmocka_unit_test(test_sent_behind_the_last_goaway_is_not_begun),
        cmocka_unit_test(test_who_does_not_answer_is_not_waited_for),
        cmocka_unit_test(test_who_has_just_come_may_ask_once),
        cmocka_unit_test(test_who_has_come_and_asks_nothing_leaves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
