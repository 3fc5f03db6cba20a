/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sse/dispatch.h"
#include "sse/registry.h"
#include "support/event_stream.h"
#include "support/sse_env.h"
#include "support/test.h"

#define CROWD 300u

/* A job that notes when it is done. */
struct sending {
    struct sse_dispatch_job job;
    struct sse_target target;
    char *value;
    unsigned done;
    unsigned *clock; /* counts the sendings that are done, and tells each its place */
    unsigned place;
};

static void on_done(struct sse_dispatch_job *job)
{
    struct sending *sending = container_of(job, struct sending, job);

    sending->done++;
    if (sending->clock)
        sending->place = ++*sending->clock;
}

/* To one value; value is borrowed (NULL: to all). */
static void prepare(struct sending *sending, enum sse_dimension dimension, const char *value)
{
    *sending = (struct sending){.target.dimension = dimension};
    sending->value = (char *)(uintptr_t)value;
    sending->target.values = value ? &sending->value : NULL;
    sending->target.count = value ? 1 : 0;
    sending->job.target = &sending->target;
    sending->job.on_done = on_done;
}

static void send_event(struct sse_env *env, struct sending *sending, const char *name,
                       const char *data)
{
    sending->job.event = sse_env_event(name, data);
    sse_dispatch_submit(env->service->dispatch, &sending->job);
}

static void release(struct sending *sending)
{
    sending->job.event = sse_event_unref(sending->job.event);
}

static void turn_until_quiet(struct sse_env *env)
{
    unsigned turns = 0;

    while (fake_loop_turn(env->loop))
        assert_true(++turns < 100000);
}

/* Sends to one value and tells how many got it. */
static size_t count_sent(struct sse_env *env, enum sse_dimension dimension, const char *value,
                         const char *listening)
{
    struct sending sending;

    prepare(&sending, dimension, value);
    sending.target.listening = (char *)(uintptr_t)listening;
    send_event(env, &sending, "e", "x");
    turn_until_quiet(env);
    assert_int_equal(sending.done, 1);
    release(&sending);
    return sending.job.count;
}

static size_t times_received(struct recording_sink *sink, const char *text)
{
    const char *at;
    size_t count = 0;

    recording_sink_drain(sink, 0);
    at = buf_str(&sink->received);
    while ((at = strstr(at, text))) {
        count++;
        at += strlen(text);
    }
    return count;
}

static void test_each_dimension(void **state)
{
    static const struct sse_guest ann = {"ann", "tok1", "t", "news", {"e"}, 0, 0, false, false, 0};
    static const struct sse_guest bob = {"bob", "tok2", "t", "", {"f"}, 0, 0, false, false, 0};
    struct recording_sink sinks[3] = {0};
    struct sse_env env;

    (void)state;
    sse_env_open(&env);
    sse_env_settle(&env, &sinks[0], &ann);
    sse_env_settle(&env, &sinks[1], &ann);
    sse_env_settle(&env, &sinks[2], &bob);
    assert_int_equal(count_sent(&env, SSE_BY_USER, "ann", NULL), 2);
    assert_int_equal(count_sent(&env, SSE_BY_USER, "nobody", NULL), 0);
    assert_int_equal(count_sent(&env, SSE_BY_TOKEN, "tok2", NULL), 1);
    assert_int_equal(count_sent(&env, SSE_BY_TENANT, "t", NULL), 3);
    assert_int_equal(count_sent(&env, SSE_BY_CHANNEL, "news", NULL), 2);
    assert_int_equal(count_sent(&env, SSE_BY_CHANNEL, "", NULL), 0);
    assert_int_equal(count_sent(&env, SSE_BY_CONNECTION, sinks[2].connection->handle, NULL), 1);
    assert_int_equal(count_sent(&env, SSE_BY_CONNECTION, "unknown", NULL), 0);
    assert_int_equal(count_sent(&env, SSE_ALL, NULL, NULL), 3);
    assert_int_equal(count_sent(&env, SSE_BY_USER, "ann", "e"), 2);
    assert_int_equal(count_sent(&env, SSE_BY_USER, "bob", "e"), 0);
    assert_int_equal(count_sent(&env, SSE_BY_TENANT, "t", "f"), 1);
    assert_int_equal(count_sent(&env, SSE_BY_CHANNEL, "news", "g"), 0);
    assert_int_equal(count_sent(&env, SSE_BY_CONNECTION, sinks[2].connection->handle, "f"), 1);
    assert_int_equal(count_sent(&env, SSE_BY_CONNECTION, sinks[2].connection->handle, "e"), 0);
    assert_int_equal(count_sent(&env, SSE_ALL, NULL, "e"), 2);
    assert_int_equal(count_sent(&env, SSE_ALL, NULL, "g"), 0);
    assert_int_equal(env.service->counters.messages, 17);
    for (size_t i = 0; i < 3; i++)
        sse_env_leave(&sinks[i]);
    sse_env_close(&env);
}

static void test_once_however_often_selected(void **state)
{
    static const struct sse_guest ann = {.user = "ann"};
    static const struct sse_guest bob = {.user = "bob"};
    char ann_id[] = "ann";
    char bob_id[] = "bob";
    char nobody[] = "nobody";
    char *users[] = {ann_id, bob_id, ann_id, nobody, ann_id};
    struct recording_sink sinks[2] = {0};
    struct sse_env env;
    struct sending sending;

    (void)state;
    sse_env_open(&env);
    sse_env_settle(&env, &sinks[0], &ann);
    sse_env_settle(&env, &sinks[1], &bob);
    prepare(&sending, SSE_BY_USER, "");
    sending.target.values = users;
    sending.target.count = 5;
    send_event(&env, &sending, "e", "once");
    assert_int_equal(sending.job.count, 2);
    assert_int_equal(times_received(&sinks[0], "once"), 1);
    assert_int_equal(times_received(&sinks[1], "once"), 1);
    release(&sending);
    for (size_t i = 0; i < 2; i++)
        sse_env_leave(&sinks[i]);
    sse_env_close(&env);
}

static void test_many_values(void **state)
{
    static const struct sse_guest ann = {.user = "u77"};
    static char texts[SSE_TARGET_MAX_VALUES][8];
    static char *values[SSE_TARGET_MAX_VALUES];
    struct recording_sink sink = {0};
    struct sse_env env;
    struct sending sending;

    (void)state;
    for (size_t i = 0; i < SSE_TARGET_MAX_VALUES; i++) {
        snprintf(texts[i], sizeof(texts[i]), "u%zu", i % 5000);
        values[i] = texts[i];
    }
    sse_env_open(&env);
    sse_env_settle(&env, &sink, &ann);
    prepare(&sending, SSE_BY_USER, "");
    sending.target.values = values;
    sending.target.count = SSE_TARGET_MAX_VALUES;
    send_event(&env, &sending, "e", "x");
    turn_until_quiet(&env);
    assert_int_equal(sending.done, 1);
    assert_int_equal(sending.job.count, 1);
    release(&sending);
    sse_env_leave(&sink);
    sse_env_close(&env);
}

static void test_unicast_is_immediate(void **state)
{
    static const struct sse_guest ann = {.user = "ann"};
    struct recording_sink sink = {0};
    struct sse_env env;
    struct sending sending;

    (void)state;
    sse_env_open(&env);
    sse_env_settle(&env, &sink, &ann);
    prepare(&sending, SSE_BY_USER, "ann");
    send_event(&env, &sending, "e", "x");
    assert_int_equal(sending.done, 1);
    assert_int_equal(sending.job.count, 1);
    assert_int_equal(sink.wakes, 1);
    assert_int_equal(env.loop->wakes, 0);
    release(&sending);
    sse_env_leave(&sink);
    sse_env_close(&env);
}

static void test_no_values(void **state)
{
    struct sse_env env;
    struct sending sending;

    (void)state;
    sse_env_open(&env);
    prepare(&sending, SSE_BY_USER, NULL);
    send_event(&env, &sending, "e", "x");
    assert_int_equal(sending.done, 1);
    assert_int_equal(sending.job.count, 0);
    release(&sending);
    sse_env_close(&env);
}

/* Guests in a crowd: all of tenant "t", every third listens to "e". */
struct crowd {
    struct sse_env env;
    struct recording_sink sinks[CROWD];
};

static void crowd_open(struct crowd *crowd)
{
    static const struct sse_guest deaf = {.user = "ann", .tenant = "t"};
    static const struct sse_guest keen = {.user = "bob", .tenant = "t", .listeners = {"e"}};

    *crowd = (struct crowd){0};
    sse_env_open(&crowd->env);
    for (size_t i = 0; i < CROWD; i++)
        sse_env_settle(&crowd->env, &crowd->sinks[i], i % 3 == 0 ? &keen : &deaf);
}

static void crowd_close(struct crowd *crowd)
{
    for (size_t i = 0; i < CROWD; i++)
        sse_env_leave(&crowd->sinks[i]);
    assert_int_equal(crowd->env.service->queued_bytes, 0);
    sse_env_close(&crowd->env);
}

/* So slow that 64 members take longer than a slice, whatever the machine. */
static void dawdle(struct recording_sink *sink)
{
    struct timespec start;
    struct timespec now;

    (void)sink;
    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - start.tv_sec) * 1000000000 + now.tv_nsec - start.tv_nsec < 30000);
}

static void crowd_dawdle(struct crowd *crowd)
{
    for (size_t i = 0; i < CROWD; i++)
        crowd->sinks[i].on_wake = dawdle;
}

static void test_long_fan_out_is_sliced(void **state)
{
    static struct crowd crowd;
    struct sending sending;
    unsigned turns = 1;

    (void)state;
    crowd_open(&crowd);
    crowd_dawdle(&crowd);
    prepare(&sending, SSE_ALL, NULL);
    send_event(&crowd.env, &sending, "e", "x");
    assert_int_equal(sending.done, 0);
    assert_true(crowd.env.loop->wakes > 0);
    while (fake_loop_turn(crowd.env.loop))
        turns++;
    assert_in_range(turns, 2, CROWD / 64 + 1);
    assert_int_equal(sending.done, 1);
    assert_int_equal(sending.job.count, CROWD);
    for (size_t i = 0; i < CROWD; i++)
        assert_int_equal(times_received(&crowd.sinks[i], "data:x"), 1);
    release(&sending);
    crowd_close(&crowd);
}

/* Behind a fan-out that takes many turns even the smallest message waits its turn. */
static void test_order_is_kept(void **state)
{
    static struct crowd crowd;
    struct sending sendings[4];
    unsigned clock = 0;

    (void)state;
    crowd_open(&crowd);
    crowd_dawdle(&crowd);
    prepare(&sendings[0], SSE_ALL, NULL);
    prepare(&sendings[1], SSE_BY_CONNECTION, crowd.sinks[CROWD - 1].connection->handle);
    prepare(&sendings[2], SSE_BY_TENANT, "t");
    prepare(&sendings[3], SSE_BY_CONNECTION, crowd.sinks[0].connection->handle);
    for (unsigned i = 0; i < 4; i++) {
        char data[2] = {(char)('0' + i), '\0'};

        sendings[i].clock = &clock;
        send_event(&crowd.env, &sendings[i], "e", data);
        assert_int_equal(sendings[i].done, 0);
    }
    turn_until_quiet(&crowd.env);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(sendings[i].place, i + 1);
        release(&sendings[i]);
    }
    recording_sink_drain(&crowd.sinks[0], 0);
    recording_sink_drain(&crowd.sinks[CROWD - 1], 0);
    assert_string_equal(buf_str(&crowd.sinks[0].received),
                        "event:e\ndata:0\n\nevent:e\ndata:2\n\nevent:e\ndata:3\n\n");
    assert_string_equal(buf_str(&crowd.sinks[CROWD - 1].received),
                        "event:e\ndata:0\n\nevent:e\ndata:1\n\nevent:e\ndata:2\n\n");
    crowd_close(&crowd);
}

/* Whoever reads as fast as the flush goes must not be called slow: many small messages take several
 * turns, with a flush behind each. */
static void test_small_messages_leave_room_for_the_flush(void **state)
{
    static const struct sse_guest ann = {.user = "ann"};
    struct recording_sink sink = {0};
    struct sse_env env;
    static struct sending sendings[150];
    unsigned turns = 0;

    (void)state;
    sse_env_open(&env);
    sse_env_settle(&env, &sink, &ann);
    for (unsigned i = 0; i < 150; i++) {
        prepare(&sendings[i], SSE_BY_USER, "ann");
        send_event(&env, &sendings[i], "e", "x");
    }
    assert_int_equal(sendings[64].done, 0);
    for (; sendings[149].done == 0; turns++)
        fake_loop_turn(env.loop);
    assert_true(turns >= 2); /* on a busy machine more */
    for (unsigned i = 0; i < 150; i++) {
        assert_int_equal(sendings[i].job.count, 1);
        release(&sendings[i]);
    }
    sse_env_leave(&sink);
    sse_env_close(&env);
}

/* Members leave and come between the slices: who stays gets it once, who comes later not at all. */
static void test_crowd_changes_between_slices(void **state)
{
    static struct crowd crowd;
    static const struct sse_guest late = {.user = "late", .tenant = "t", .listeners = {"e"}};
    static const enum sse_dimension dimensions[] = {SSE_ALL, SSE_BY_TENANT};

    (void)state;
    for (unsigned round = 0; round < 4; round++) {
        const bool is_listening = round >= 2;
        char event_name[] = "e";
        struct recording_sink latecomer = {0};
        struct sending sending;

        crowd_open(&crowd);
        crowd_dawdle(&crowd);
        prepare(&sending, dimensions[round % 2], "t");
        sending.target.listening = is_listening ? event_name : NULL;
        send_event(&crowd.env, &sending, "e", "x");
        for (size_t leaver = 0; leaver < CROWD; leaver += 12)
            sse_env_leave(&crowd.sinks[leaver]);
        sse_env_settle(&crowd.env, &latecomer, &late);
        for (size_t leaver = 1; leaver < CROWD; leaver += 12)
            sse_env_leave(&crowd.sinks[leaver]);
        turn_until_quiet(&crowd.env);
        assert_int_equal(sending.done, 1);
        assert_int_equal(times_received(&latecomer, "data:x"), 0);
        for (size_t i = 0; i < CROWD; i++) {
            if (crowd.sinks[i].connection)
                assert_int_equal(times_received(&crowd.sinks[i], "data:x"),
                                 !is_listening || i % 3 == 0);
        }
        release(&sending);
        sse_env_leave(&latecomer);
        crowd_close(&crowd);
    }
}

static void test_disconnect(void **state)
{
    static struct crowd crowd;
    struct sending sending;

    (void)state;
    crowd_open(&crowd);
    prepare(&sending, SSE_BY_USER, "bob");
    sending.job.reason = SSE_CLOSE_KICKED;
    sending.job.text = "fired";
    sending.job.reconnect_ms = -1;
    sse_dispatch_submit(crowd.env.service->dispatch, &sending.job);
    turn_until_quiet(&crowd.env);
    assert_int_equal(sending.job.count, CROWD / 3);
    assert_int_equal(sse_registry_all(crowd.env.service->registry)->count, CROWD - CROWD / 3);
    assert_int_equal(crowd.env.service->counters.messages, 0);
    for (size_t i = 0; i < CROWD; i++)
        assert_int_equal(times_received(&crowd.sinks[i], "\"reason\":\"fired\""), i % 3 == 0);
    crowd_close(&crowd);
}

static void test_disconnect_all_in_slices(void **state)
{
    static struct crowd crowd;
    struct sending sending;

    (void)state;
    crowd_open(&crowd);
    crowd_dawdle(&crowd);
    prepare(&sending, SSE_ALL, NULL);
    sending.job.reason = SSE_CLOSE_DRAIN;
    sending.job.reconnect_ms = -1;
    sse_dispatch_submit(crowd.env.service->dispatch, &sending.job);
    assert_int_equal(sending.done, 0);
    turn_until_quiet(&crowd.env);
    assert_int_equal(sending.job.count, CROWD);
    assert_int_equal(sse_registry_all(crowd.env.service->registry)->count, 0);
    crowd_close(&crowd);
}

/* Those whose queue is full leave the group while it is walked, and do not count. */
static void test_slow_members_leave_during_the_walk(void **state)
{
    static struct crowd crowd;

    (void)state;
    crowd_open(&crowd);
    crowd.env.settings.queue_events = 1;
    for (size_t i = 0; i < CROWD; i += 2) {
        struct sse_event *event = sse_env_event("e", "full");

        assert_true(sse_connection_push(crowd.sinks[i].connection, event));
        sse_event_unref(event);
    }
    assert_int_equal(count_sent(&crowd.env, SSE_BY_TENANT, "t", NULL), CROWD / 2);
    assert_int_equal(sse_registry_all(crowd.env.service->registry)->count, CROWD / 2);
    for (size_t i = 0; i < CROWD; i++)
        assert_int_equal(times_received(&crowd.sinks[i], "data:x"), i % 2);
    crowd_close(&crowd);
}

static void leave_in_wake(struct recording_sink *sink)
{
    struct sse_connection *connection = sink->connection;

    sink->connection = NULL;
    if (connection)
        sse_connection_gone(connection);
}

static void test_sinks_that_leave_in_wake(void **state)
{
    static struct crowd crowd;

    (void)state;
    crowd_open(&crowd);
    for (size_t i = 0; i < CROWD; i++)
        crowd.sinks[i].on_wake = leave_in_wake;
    assert_int_equal(count_sent(&crowd.env, SSE_BY_TENANT, "t", NULL), CROWD);
    assert_int_equal(sse_registry_all(crowd.env.service->registry)->count, 0);
    crowd_close(&crowd);
}

/* Every disconnect sends a message, as a presence handler would. */
struct chain {
    struct sse_observer observer;
    struct sse_env *env;
    struct sending sendings[CROWD];
    unsigned used;
    unsigned clock;
};

static void on_disconnect(struct sse_observer *observer, struct sse_connection *connection,
                          enum sse_close_reason reason, const char *text)
{
    struct chain *chain = container_of(observer, struct chain, observer);
    struct sending *sending = &chain->sendings[chain->used++];

    (void)connection;
    (void)reason;
    (void)text;
    prepare(sending, SSE_ALL, NULL);
    sending->clock = &chain->clock;
    send_event(chain->env, sending, "e", "bye");
    assert_int_equal(sending->done, 0);
}

static void test_submit_from_within_a_walk(void **state)
{
    static struct crowd crowd;
    static struct chain chain;
    struct sending sending;

    (void)state;
    crowd_open(&crowd);
    chain = (struct chain){.observer.on_disconnect = on_disconnect, .env = &crowd.env};
    list_append(&crowd.env.service->observers, &chain.observer.node);
    prepare(&sending, SSE_BY_USER, "bob");
    sending.clock = &chain.clock;
    sending.job.reason = SSE_CLOSE_KICKED;
    sending.job.reconnect_ms = -1;
    sse_dispatch_submit(crowd.env.service->dispatch, &sending.job);
    turn_until_quiet(&crowd.env);
    assert_int_equal(sending.place, 1);
    assert_int_equal(chain.used, CROWD / 3);
    for (unsigned i = 0; i < chain.used; i++) {
        assert_int_equal(chain.sendings[i].place, i + 2);
        assert_int_equal(chain.sendings[i].job.count, CROWD - CROWD / 3);
        release(&chain.sendings[i]);
    }
    list_remove(&chain.observer.node);
    crowd_close(&crowd);
}

static void test_free_finishes_what_waits(void **state)
{
    static struct crowd crowd;
    struct sending sendings[2];

    (void)state;
    crowd_open(&crowd);
    crowd_dawdle(&crowd);
    prepare(&sendings[0], SSE_ALL, NULL);
    prepare(&sendings[1], SSE_ALL, NULL);
    send_event(&crowd.env, &sendings[0], "e", "x");
    send_event(&crowd.env, &sendings[1], "e", "y");
    for (size_t i = 0; i < CROWD; i++)
        sse_env_leave(&crowd.sinks[i]);
    crowd_close(&crowd);
    assert_int_equal(sendings[0].done, 1);
    assert_in_range(sendings[0].job.count, 1, CROWD - 1);
    assert_int_equal(sendings[1].done, 1);
    assert_int_equal(sendings[1].job.count, 0);
    release(&sendings[0]);
    release(&sendings[1]);
}

/* Frees itself when it is done, and sends the next. */
struct relay {
    struct sending sending;
    struct sse_env *env;
    unsigned *left;
};

static void relay_send(struct sse_env *env, unsigned *left);

static void on_relay_done(struct sse_dispatch_job *job)
{
    struct relay *relay = container_of(job, struct relay, sending.job);
    struct sse_env *env = relay->env;
    unsigned *left = relay->left;

    release(&relay->sending);
    free(relay);
    if (--*left > 0)
        relay_send(env, left);
}

static void relay_send(struct sse_env *env, unsigned *left)
{
    struct relay *relay = mem_zalloc(sizeof(*relay));

    relay->env = env;
    relay->left = left;
    prepare(&relay->sending, SSE_BY_USER, "ann");
    /* prepare() pointed into the sending itself, which stays where it is */
    relay->sending.job.on_done = on_relay_done;
    send_event(env, &relay->sending, "e", "x");
}

static void test_jobs_that_follow_each_other(void **state)
{
    static const struct sse_guest ann = {.user = "ann"};
    struct recording_sink sink = {0};
    struct sse_env env;
    unsigned left = 500;

    (void)state;
    sse_env_open(&env);
    sse_env_settle(&env, &sink, &ann);
    relay_send(&env, &left);
    turn_until_quiet(&env);
    assert_int_equal(left, 0);
    assert_int_equal(times_received(&sink, "data:x"), 500);
    sse_env_leave(&sink);
    sse_env_close(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_dimension),
        cmocka_unit_test(test_once_however_often_selected),
        cmocka_unit_test(test_many_values),
        cmocka_unit_test(test_unicast_is_immediate),
        cmocka_unit_test(test_no_values),
        cmocka_unit_test(test_long_fan_out_is_sliced),
        cmocka_unit_test(test_order_is_kept),
        cmocka_unit_test(test_small_messages_leave_room_for_the_flush),
        cmocka_unit_test(test_crowd_changes_between_slices),
        cmocka_unit_test(test_disconnect),
        cmocka_unit_test(test_disconnect_all_in_slices),
        cmocka_unit_test(test_slow_members_leave_during_the_walk),
        cmocka_unit_test(test_sinks_that_leave_in_wake),
        cmocka_unit_test(test_submit_from_within_a_walk),
        cmocka_unit_test(test_free_finishes_what_waits),
        cmocka_unit_test(test_jobs_that_follow_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
