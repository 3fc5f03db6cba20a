/* SPDX-License-Identifier: Apache-2.0 */
/* What is held of clients: little of strangers, and one budget for all. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "h2/request.h"
#include "h2/state.h"
#include "h2/stream.h"
#include "support/h2_client.h"
#include "support/h2_limits.h"
#include "support/test.h"

#define KIB    ((size_t)1024)
#define MOST   16u
#define BUDGET (1024 * KIB)

/* What the handler of a test does with the requests, and what has become of them. */
struct env {
    struct h2_server server;
    struct h2_stream *streams[MOST]; /* references */
    size_t count;
    unsigned fulls, bodies;
    bool is_hold; /* bodies are held at first */
};

static void on_full(struct h2_stream *stream, void *context)
{
    struct env *env = context;
    size_t length;

    (void)h2_stream_peek_body(stream, &length);
    assert_in_range(length, H2_HELD_BYTES + 1, NGHTTP2_INITIAL_WINDOW_SIZE);
    env->fulls++;
}

static void on_body(struct h2_stream *stream, const char *body, size_t length, void *context)
{
    struct env *env = context;

    (void)stream;
    assert_int_equal(strlen(body), length);
    env->bodies++;
}

static void on_request(struct h2_server *server, struct h2_stream *stream)
{
    struct env *env = server->context;

    env->streams[env->count++] = h2_stream_ref(stream);
    if (env->is_hold)
        h2_stream_hold_body(stream, on_full, env);
    h2_stream_read_body(stream, 1024 * KIB, on_body, env);
}

static int ignore_data(void *reader, const char *data, size_t length)
{
    (void)reader;
    (void)data;
    (void)length;
    return 0;
}

static void ignore_end(void *reader, bool complete)
{
    (void)reader;
    (void)complete;
}

static void on_streamed_request(struct h2_server *server, struct h2_stream *stream)
{
    static const struct h2_body_reader reader = {ignore_data, ignore_end};
    struct env *env = server->context;

    env->streams[env->count++] = h2_stream_ref(stream);
    h2_stream_hold_body(stream, NULL, NULL);
    h2_stream_stream_body(stream, 1024 * KIB, &reader, env);
}

static void env_init(struct env *env, bool is_hold)
{
    struct h2_limits limits = h2_limits_default;

    *env = (struct env){.is_hold = is_hold};
    limits.inbound_bytes = BUDGET;
    h2_server_init(&env->server, &limits);
    env->server.on_request = on_request;
    env->server.context = env;
}

static size_t held(const struct env *env)
{
    return h2_endpoint_inbound_bytes(env->server.endpoint);
}

static void env_release(struct env *env)
{
    for (size_t i = 0; i < env->server.client_count; i++)
        h2_client_leave(env->server.clients[i]);
    h2_pump(&env->server);
    for (size_t i = 0; i < env->count; i++)
        h2_stream_unref(env->streams[i]);
    assert_int_equal(held(env), 0);
    h2_server_release(&env->server);
}

static int32_t post(struct h2_client *client, size_t announced, size_t sent, bool is_end)
{
    char length[24];

    snprintf(length, sizeof(length), "%zu", announced);
    const nghttp2_nv fields[] = {h2_field(":method", "POST"), h2_field(":scheme", "https"),
                                 h2_field(":authority", "localhost"), h2_field(":path", "/"),
                                 h2_field("content-length", length)};
    char *body = mem_zalloc(sent + 1);
    int32_t id;

    memset(body, 'b', sent);
    id = h2_client_submit(client, fields, announced > 0 ? 5 : 4, true);
    h2_client_upload(client, id, body, sent, is_end);
    free(body);
    h2_pump(client->server);
    return id;
}

static void test_a_stranger_sends_no_more_than_the_first_window(void **state)
{
    static const size_t announced[] = {0, 100 * KIB};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct env env;

        env_init(&env, true);
        struct h2_client *client = h2_client_new(&env.server);
        h2_pump(&env.server); /* our SETTINGS are known */
        int32_t id = post(client, announced[i], 100 * KIB, true);
        assert_int_equal(h2_client_stream(client, id)->uploaded, NGHTTP2_INITIAL_WINDOW_SIZE);
        assert_int_equal(env.fulls, 1);
        h2_stream_admit_body(env.streams[0]);
        h2_pump(&env.server);
        assert_int_equal(env.bodies, 1);
        assert_int_equal(h2_client_stream(client, id)->uploaded, 100 * KIB);
        h2_server_answer(env.streams[0], 200, "done");
        h2_pump(&env.server);
        assert_int_equal(h2_client_stream(client, id)->status, 200);
        env_release(&env);
    }
}

/* The first request of a connection leaves before its client knows our SETTINGS. */
static void test_a_body_that_is_earlier_than_settings(void **state)
{
    (void)state;
    for (int is_hold = 0; is_hold < 2; is_hold++) {
        struct env env;

        env_init(&env, is_hold);
        struct h2_client *client = h2_client_new(&env.server);
        int32_t id = post(client, 300 * KIB, 300 * KIB, true);
        if (is_hold) {
            assert_true(h2_client_stream(client, id)->uploaded <= NGHTTP2_INITIAL_WINDOW_SIZE);
            h2_stream_admit_body(env.streams[0]);
            h2_pump(&env.server);
        }
        assert_int_equal(h2_client_stream(client, id)->uploaded, 300 * KIB);
        assert_int_equal(env.bodies, 1);
        env_release(&env);
    }
}

static void test_what_is_not_more_needs_nobody_to_know(void **state)
{
    static const size_t lengths[] = {1, 1000, H2_HELD_BYTES - 1, H2_HELD_BYTES};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct env env;

        env_init(&env, true);
        struct h2_client *client = h2_client_new(&env.server);
        h2_pump(&env.server);
        post(client, 0, lengths[i], true);
        assert_int_equal(env.bodies, 1);
        assert_int_equal(env.fulls, 0);
        env_release(&env);
    }
}

/* Many of them, none of which has more to say for now, leave the session's window to others. */
static void test_strangers_do_not_shut_the_session(void **state)
{
    (void)state;
    for (int is_streamed = 0; is_streamed < 2; is_streamed++) {
        struct h2_limits limits = h2_limits_default;
        struct env env;

        env_init(&env, true);
        limits.session_window = 100 * KIB;
        h2_server_release(&env.server);
        h2_server_init(&env.server, &limits);
        env.server.on_request = is_streamed ? on_streamed_request : on_request;
        env.server.context = &env;
        struct h2_client *client = h2_client_new(&env.server);
        h2_pump(&env.server);
        int32_t ids[12];
        for (int i = 0; i < 12; i++)
            ids[i] = post(client, 20 * KIB, H2_HELD_BYTES, false);
        for (int i = 0; i < 12; i++)
            assert_int_equal(h2_client_stream(client, ids[i])->uploaded, H2_HELD_BYTES);
        env.is_hold = false;
        env.server.on_request = on_request;
        int32_t other = post(client, 0, 300 * KIB, true);
        assert_int_equal(h2_client_stream(client, other)->uploaded, 300 * KIB);
        assert_int_equal(env.bodies, 1);
        /* The window of each is there again when it is known. */
        char rest[4096];
        memset(rest, 'r', sizeof(rest));
        for (int i = 0; i < 12; i++) {
            h2_stream_admit_body(env.streams[i]);
            if (is_streamed)
                h2_stream_consume(env.streams[i], H2_HELD_BYTES);
            h2_client_upload(client, ids[i], rest, sizeof(rest), true);
        }
        h2_pump(&env.server);
        for (int i = 0; i < 12; i++)
            assert_int_equal(h2_client_stream(client, ids[i])->uploaded, 20 * KIB);
        env_release(&env);
    }
}

/* Those that are complete are worked on: they stay. */
static void test_the_oldest_that_is_not_complete_goes(void **state)
{
    struct env env;

    (void)state;
    env_init(&env, false);
    struct h2_client *client = h2_client_new(&env.server);
    int32_t complete = post(client, 300 * KIB, 300 * KIB, true);
    int32_t first = post(client, 400 * KIB, 250 * KIB, false);
    int32_t second = post(client, 400 * KIB, 250 * KIB, false);
    int32_t third = post(client, 400 * KIB, 250 * KIB, false);
    assert_int_equal(h2_client_stream(client, first)->status, 503);
    assert_non_null(strstr(buf_str(&h2_client_stream(client, first)->body), "limits.inboundBytes"));
    assert_int_equal(h2_client_stream(client, second)->status, 0);
    assert_int_equal(h2_client_stream(client, third)->status, 0);
    assert_int_equal(h2_client_stream(client, complete)->status, 0);
    assert_int_equal(env.server.counters->inbound_displaced, 1);
    assert_true(held(&env) <= BUDGET);
    h2_server_answer(env.streams[0], 200, "done");
    h2_pump(&env.server);
    assert_int_equal(h2_client_stream(client, complete)->status, 200);
    env_release(&env);
}

static void test_work_that_fills_it_refuses_the_newcomer(void **state)
{
    struct env env;

    (void)state;
    env_init(&env, false);
    struct h2_client *client = h2_client_new(&env.server);
    for (int i = 0; i < 3; i++)
        post(client, 300 * KIB, 300 * KIB, true);
    int32_t more = post(client, 300 * KIB, 300 * KIB, true);
    assert_int_equal(h2_client_stream(client, more)->status, 503);
    assert_int_equal(env.server.counters->inbound_refused, 1);
    assert_int_equal(env.bodies, 3);
    /* What needs nothing is served all the same. */
    env.server.on_request = NULL;
    int32_t get = h2_client_get(client, "/");
    h2_pump(&env.server);
    assert_int_equal(h2_client_stream(client, get)->status, 200);
    /* And when one is done, there is room for the next. */
    env.server.on_request = on_request;
    h2_server_answer(env.streams[0], 200, "done");
    h2_pump(&env.server);
    post(client, 250 * KIB, 250 * KIB, true);
    assert_int_equal(env.bodies, 4);
    env_release(&env);
}

/* A client that resets does not end the work on its body, nor what that takes. */
static void test_a_body_counts_until_nobody_works_on_it(void **state)
{
    struct env env;

    (void)state;
    env_init(&env, false);
    struct h2_client *client = h2_client_new(&env.server);
    int32_t id = post(client, 300 * KIB, 300 * KIB, true);
    nghttp2_submit_rst_stream(client->nghttp2, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    h2_pump(&env.server);
    assert_int_equal(h2_endpoint_counters(env.server.endpoint)->streams, 0);
    assert_true(held(&env) >= 300 * KIB);
    env_release(&env);
}

static void test_strangers_do_not_evict_callers(void **state)
{
    struct env env;

    (void)state;
    env_init(&env, false);
    struct h2_client *client = h2_client_new(&env.server);
    int32_t known[3];
    for (int i = 0; i < 3; i++)
        known[i] = post(client, 320 * KIB, 310 * KIB, false);
    env.is_hold = true;
    int32_t strangers[8];
    for (int i = 0; i < 8; i++)
        strangers[i] = post(client, 0, H2_HELD_BYTES, false);
    for (int i = 0; i < 3; i++)
        assert_int_equal(h2_client_stream(client, known[i])->status, 0);
    assert_int_equal(h2_client_stream(client, strangers[0])->status, 503);
    assert_true(held(&env) <= BUDGET + 2 * KIB);
    /* But they are displaced by callers, the oldest first. */
    assert_true(env.server.counters->inbound_displaced > 0);
    env_release(&env);
}

static void answer_text(struct h2_server *server, struct h2_stream *stream)
{
    (void)server;
    h2_server_answer(stream, 200, "text");
}

/* An answer that its client does not read, with fields that are large. */
static void test_answers_that_nobody_reads_give_way(void **state)
{
    struct h2_client_settings settings = {.window = 0, .is_manual_window = true};
    struct h2_limits limits = h2_limits_default;
    struct h2_server server;
    char value[7000];

    memset(value, 'v', sizeof(value));
    value[sizeof(value) - 1] = '\0';
    const nghttp2_nv fields[] = {h2_field(":method", "GET"), h2_field(":scheme", "https"),
                                 h2_field(":authority", "localhost"), h2_field(":path", "/"),
                                 h2_field("x-large", value)};

    (void)state;
    limits.inbound_bytes = 64 * KIB;
    h2_server_init(&server, &limits);
    server.on_request = answer_text;
    struct h2_client *client = h2_client_new_with(&server, &settings);
    for (int i = 0; i < 40; i++) {
        h2_client_submit(client, fields, 5, false);
        h2_pump(&server);
        assert_true(h2_endpoint_inbound_bytes(server.endpoint) <= limits.inbound_bytes);
    }
    assert_true(client->resets[NGHTTP2_CANCEL] > 20);
    h2_server_release(&server);
}

static void test_room_is_made_for_other_workers(void **state)
{
    struct env env;

    (void)state;
    env_init(&env, false);
    struct h2_client *client = h2_client_new(&env.server);
    int32_t first = post(client, 400 * KIB, 300 * KIB, false);
    int32_t second = post(client, 400 * KIB, 300 * KIB, false);
    h2_endpoint_make_room(env.server.endpoint, 1000, true);
    h2_pump(&env.server);
    assert_int_equal(h2_client_stream(client, first)->status, 0);
    h2_endpoint_make_room(env.server.endpoint, 1000, false);
    h2_pump(&env.server);
    assert_int_equal(h2_client_stream(client, first)->status, 503);
    assert_int_equal(h2_client_stream(client, second)->status, 0);
    env_release(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stranger_sends_no_more_than_the_first_window),
        cmocka_unit_test(test_a_body_that_is_earlier_than_settings),
        cmocka_unit_test(test_what_is_not_more_needs_nobody_to_know),
        cmocka_unit_test(test_strangers_do_not_shut_the_session),
        cmocka_unit_test(test_the_oldest_that_is_not_complete_goes),
        cmocka_unit_test(test_work_that_fills_it_refuses_the_newcomer),
        cmocka_unit_test(test_a_body_counts_until_nobody_works_on_it),
        cmocka_unit_test(test_strangers_do_not_evict_callers),
        cmocka_unit_test(test_answers_that_nobody_reads_give_way),
        cmocka_unit_test(test_room_is_made_for_other_workers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
