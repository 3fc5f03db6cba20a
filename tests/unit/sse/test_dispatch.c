/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sse/dispatch.h"
#include "sse/registry.h"
#include "support/event_stream.h"
#include "support/sse_room.h"
#include "support/test.h"

#define CROWD 300u

/* A job that notes when it is done. */
struct errand {
    struct sse_dispatch_job job;
    struct sse_target target;
    char *value;
    unsigned done;
    unsigned *clock; /* counts the errands that are done, and tells each its place */
    unsigned place;
};

static void on_done(struct sse_dispatch_job *job)
{
    struct errand *errand = container_of(job, struct errand, job);

    errand->done++;
    if (errand->clock)
        errand->place = ++*errand->clock;
}

/* To one value; value is borrowed (NULL: to all). */
static void prepare(struct errand *errand, enum sse_dimension dimension, const char *value)
{
    *errand = (struct errand){.target.dimension = dimension};
    errand->value = (char *)(uintptr_t)value;
    errand->target.values = value ? &errand->value : NULL;
    errand->target.count = value ? 1 : 0;
    errand->job.target = &errand->target;
    errand->job.on_done = on_done;
}

static void send_event(struct sse_room *room, struct errand *errand, const char *name,
                       const char *data)
{
    errand->job.event = sse_room_event(name, data);
    sse_dispatch_submit(room->service->dispatch, &errand->job);
}

static void release(struct errand *errand)
{
    errand->job.event = sse_event_unref(errand->job.event);
}

static void turn_until_quiet(struct sse_room *room)
{
    unsigned turns = 0;

    while (fake_loop_turn(room->loop))
        assert_true(++turns < 100000);
}

/* Sends to one value and tells how many got it. */
static size_t count_sent(struct sse_room *room, enum sse_dimension dimension, const char *value,
                         const char *listening)
{
    struct errand errand;

    prepare(&errand, dimension, value);
    errand.target.listening = (char *)(uintptr_t)listening;
    send_event(room, &errand, "e", "x");
    turn_until_quiet(room);
    assert_int_equal(errand.done, 1);
    release(&errand);
    return errand.job.count;
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
    struct sse_room room;

    (void)state;
    sse_room_open(&room);
    sse_room_settle(&room, &sinks[0], &ann);
    sse_room_settle(&room, &sinks[1], &ann);
    sse_room_settle(&room, &sinks[2], &bob);
    assert_int_equal(count_sent(&room, SSE_BY_USER, "ann", NULL), 2);
    assert_int_equal(count_sent(&room, SSE_BY_USER, "nobody", NULL), 0);
    assert_int_equal(count_sent(&room, SSE_BY_TOKEN, "tok2", NULL), 1);
    assert_int_equal(count_sent(&room, SSE_BY_TENANT, "t", NULL), 3);
    assert_int_equal(count_sent(&room, SSE_BY_CHANNEL, "news", NULL), 2);
    assert_int_equal(count_sent(&room, SSE_BY_CHANNEL, "", NULL), 0);
    assert_int_equal(count_sent(&room, SSE_BY_CONNECTION, sinks[2].connection->handle, NULL), 1);
    assert_int_equal(count_sent(&room, SSE_BY_CONNECTION, "unknown", NULL), 0);
    assert_int_equal(count_sent(&room, SSE_ALL, NULL, NULL), 3);
    assert_int_equal(count_sent(&room, SSE_BY_USER, "ann", "e"), 2);
    assert_int_equal(count_sent(&room, SSE_BY_USER, "bob", "e"), 0);
    assert_int_equal(count_sent(&room, SSE_BY_TENANT, "t", "f"), 1);
    assert_int_equal(count_sent(&room, SSE_BY_CHANNEL, "news", "g"), 0);
    assert_int_equal(count_sent(&room, SSE_BY_CONNECTION, sinks[2].connection->handle, "f"), 1);
    assert_int_equal(count_sent(&room, SSE_BY_CONNECTION, sinks[2].connection->handle, "e"), 0);
    assert_int_equal(count_sent(&room, SSE_ALL, NULL, "e"), 2);
    assert_int_equal(count_sent(&room, SSE_ALL, NULL, "g"), 0);
    assert_int_equal(room.service->counters.messages, 17);
    for (size_t i = 0; i < 3; i++)
        sse_room_leave(&sinks[i]);
    sse_room_close(&room);
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
    struct sse_room room;
    struct errand errand;

    (void)state;
    sse_room_open(&room);
    sse_room_settle(&room, &sinks[0], &ann);
    sse_room_settle(&room, &sinks[1], &bob);
    prepare(&errand, SSE_BY_USER, "");
    errand.target.values = users;
    errand.target.count = 5;
    send_event(&room, &errand, "e", "once");
    assert_int_equal(errand.job.count, 2);
    assert_int_equal(times_received(&sinks[0], "once"), 1);
    assert_int_equal(times_received(&sinks[1], "once"), 1);
    release(&errand);
    for (size_t i = 0; i < 2; i++)
        sse_room_leave(&sinks[i]);
    sse_room_close(&room);
}

static void test_many_values(void **state)
{
    static const struct sse_guest ann = {.user = "u77"};
    static char texts[SSE_TARGET_MAX_VALUES][8];
    static char *values[SSE_TARGET_MAX_VALUES];
    struct recording_sink sink = {0};
    struct sse_room room;
    struct errand errand;

    (void)state;
    for (size_t i = 0; i < SSE_TARGET_MAX_VALUES; i++) {
        snprintf(texts[i], sizeof(texts[i]), "u%zu", i % 5000);
        values[i] = texts[i];
    }
    sse_room_open(&room);
    sse_room_settle(&room, &sink, &ann);
    prepare(&errand, SSE_BY_USER, "");
    errand.target.values = values;
    errand.target.count = SSE_TARGET_MAX_VALUES;
    send_event(&room, &errand, "e", "x");
    turn_until_quiet(&room);
    assert_int_equal(errand.done, 1);
    assert_int_equal(errand.job.count, 1);
    release(&errand);
    sse_room_leave(&sink);
    sse_room_close(&room);
}

static void test_unicast_is_immediate(void **state)
{
    static const struct sse_guest ann = {.user = "ann"};
    struct recording_sink sink = {0};
    struct sse_room room;
    struct errand errand;

    (void)state;
    sse_room_open(&room);
    sse_room_settle(&room, &sink, &ann);
    prepare(&errand, SSE_BY_USER, "ann");
    send_event(&room, &errand, "e", "x");
    assert_int_equal(errand.done, 1);
    assert_int_equal(errand.job.count, 1);
    assert_int_equal(sink.wakes, 1);
    assert_int_equal(room.loop->wakes, 0);
    release(&errand);
    sse_room_leave(&sink);
    sse_room_close(&room);
}

static void test_no_values(void **state)
{
    struct sse_room room;
    struct errand errand;

    (void)state;
    sse_room_open(&room);
    prepare(&errand, SSE_BY_USER, NULL);
    send_event(&room, &errand, "e", "x");
    assert_int_equal(errand.done, 1);
    assert_int_equal(errand.job.count, 0);
    release(&errand);
    sse_room_close(&room);
}

/* Guests in a crowd: all of tenant "t", every third listens to "e". */
struct crowd {
    struct sse_room room;
    struct recording_sink sinks[CROWD];
};

static void crowd_open(struct crowd *crowd)
{
    static const struct sse_guest deaf = {.user = "ann", .tenant = "t"};
    static const struct sse_guest keen = {.user = "bob", .tenant = "t", .listeners = {"e"}};

    *crowd = (struct crowd){0};
    sse_room_open(&crowd->room);
    for (size_t i = 0; i < CROWD; i++)
        sse_room_settle(&crowd->room, &crowd->sinks[i], i % 3 == 0 ? &keen : &deaf);
}

static void crowd_close(struct crowd *crowd)
{
    for (size_t i = 0; i < CROWD; i++)
        sse_room_leave(&crowd->sinks[i]);
    assert_int_equal(crowd->room.service->queued_bytes, 0);
    sse_room_close(&crowd->room);
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
    struct errand errand;
    unsigned turns = 1;

    (void)state;
    crowd_open(&crowd);
    crowd_dawdle(&crowd);
    prepare(&errand, SSE_ALL, NULL);
    send_event(&crowd.room, &errand, "e", "x");
    assert_int_equal(errand.done, 0);
    assert_true(crowd.room.loop->wakes > 0);
    while (fake_loop_turn(crowd.room.loop))
        turns++;
    assert_in_range(turns, 2, CROWD / 64 + 1);
    assert_int_equal(errand.done, 1);
    assert_int_equal(errand.job.count, CROWD);
    for (size_t i = 0; i < CROWD; i++)
        assert_int_equal(times_received(&crowd.sinks[i], "data:x"), 1);
    release(&errand);
    crowd_close(&crowd);
}

/* Behind a fan-out that takes many turns even the smallest message waits its turn. */
static void test_order_is_kept(void **state)
{
    static struct crowd crowd;
    struct errand errands[4];
    unsigned clock = 0;

    (void)state;
    crowd_open(&crowd);
    crowd_dawdle(&crowd);
    prepare(&errands[0], SSE_ALL, NULL);
    prepare(&errands[1], SSE_BY_CONNECTION, crowd.sinks[CROWD - 1].connection->handle);
    prepare(&errands[2], SSE_BY_TENANT, "t");
    prepare(&errands[3], SSE_BY_CONNECTION, crowd.sinks[0].connection->handle);
    for (unsigned i = 0; i < 4; i++) {
        char data[2] = {(char)('0' + i), '\0'};

        errands[i].clock = &clock;
        send_event(&crowd.room, &errands[i], "e", data);
        assert_int_equal(errands[i].done, 0);
    }
    turn_until_quiet(&crowd.room);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(errands[i].place, i + 1);
        release(&errands[i]);
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
    struct sse_room room;
    static struct errand errands[150];
    unsigned turns = 0;

    (void)state;
    sse_room_open(&room);
    sse_room_settle(&room, &sink, &ann);
    for (unsigned i = 0; i < 150; i++) {
        prepare(&errands[i], SSE_BY_USER, "ann");
        send_event(&room, &errands[i], "e", "x");
    }
    assert_int_equal(errands[64].done, 0);
    for (; errands[149].done == 0; turns++)
        fake_loop_turn(room.loop);
    assert_true(turns >= 2); /* on a busy machine more */
    for (unsigned i = 0; i < 150; i++) {
        assert_int_equal(errands[i].job.count, 1);
        release(&errands[i]);
    }
    sse_room_leave(&sink);
    sse_room_close(&room);
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
        struct errand errand;

        crowd_open(&crowd);
        crowd_dawdle(&crowd);
        prepare(&errand, dimensions[round % 2], "t");
        errand.target.listening = is_listening ? event_name : NULL;
        send_event(&crowd.room, &errand, "e", "x");
        for (size_t leaver = 0; leaver < CROWD; leaver += 12)
            sse_room_leave(&crowd.sinks[leaver]);
        sse_room_settle(&crowd.room, &latecomer, &late);
        for (size_t leaver = 1; leaver < CROWD; leaver += 12)
            sse_room_leave(&crowd.sinks[leaver]);
        turn_until_quiet(&crowd.room);
        assert_int_equal(errand.done, 1);
        assert_int_equal(times_received(&latecomer, "data:x"), 0);
        for (size_t i = 0; i < CROWD; i++) {
            if (crowd.sinks[i].connection)
                assert_int_equal(times_received(&crowd.sinks[i], "data:x"),
                                 !is_listening || i % 3 == 0);
        }
        release(&errand);
        sse_room_leave(&latecomer);
        crowd_close(&crowd);
    }
}

static void test_disconnect(void **state)
{
    static struct crowd crowd;
    struct errand errand;

    (void)state;
    crowd_open(&crowd);
    prepare(&errand, SSE_BY_USER, "bob");
    errand.job.reason = SSE_CLOSE_KICKED;
    errand.job.text = "fired";
    errand.job.reconnect_ms = -1;
    sse_dispatch_submit(crowd.room.service->dispatch, &errand.job);
    turn_until_quiet(&crowd.room);
    assert_int_equal(errand.job.count, CROWD / 3);
    assert_int_equal(sse_registry_count(crowd.room.service->registry), CROWD - CROWD / 3);
    assert_int_equal(crowd.room.service->counters.messages, 0);
    for (size_t i = 0; i < CROWD; i++)
        assert_int_equal(times_received(&crowd.sinks[i], "\"reason\":\"fired\""), i % 3 == 0);
    crowd_close(&crowd);
}

static void test_disconnect_all_in_slices(void **state)
{
    static struct crowd crowd;
    struct errand errand;

    (void)state;
    crowd_open(&crowd);
    crowd_dawdle(&crowd);
    prepare(&errand, SSE_ALL, NULL);
    errand.job.reason = SSE_CLOSE_DRAIN;
    errand.job.reconnect_ms = -1;
    sse_dispatch_submit(crowd.room.service->dispatch, &errand.job);
    assert_int_equal(errand.done, 0);
    turn_until_quiet(&crowd.room);
    assert_int_equal(errand.job.count, CROWD);
    assert_int_equal(sse_registry_count(crowd.room.service->registry), 0);
    crowd_close(&crowd);
}

/* Those whose queue is full leave the group while it is walked, and do not count. */
static void test_slow_members_leave_during_the_walk(void **state)
{
    static struct crowd crowd;

    (void)state;
    crowd_open(&crowd);
    crowd.room.settings.queue_events = 1;
    for (size_t i = 0; i < CROWD; i += 2) {
        struct sse_event *event = sse_room_event("e", "full");

        assert_true(sse_connection_push(crowd.sinks[i].connection, event));
        sse_event_unref(event);
    }
    assert_int_equal(count_sent(&crowd.room, SSE_BY_TENANT, "t", NULL), CROWD / 2);
    assert_int_equal(sse_registry_count(crowd.room.service->registry), CROWD / 2);
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
    assert_int_equal(count_sent(&crowd.room, SSE_BY_TENANT, "t", NULL), CROWD);
    assert_int_equal(sse_registry_count(crowd.room.service->registry), 0);
    crowd_close(&crowd);
}

/* Every disconnect sends a message, as a presence handler would. */
struct chain {
    struct sse_observer observer;
    struct sse_room *room;
    struct errand errands[CROWD];
    unsigned used;
    unsigned clock;
};

static void on_disconnect(struct sse_observer *observer, struct sse_connection *connection,
                          enum sse_close_reason reason, const char *text)
{
    struct chain *chain = container_of(observer, struct chain, observer);
    struct errand *errand = &chain->errands[chain->used++];

    (void)connection;
    (void)reason;
    (void)text;
    prepare(errand, SSE_ALL, NULL);
    errand->clock = &chain->clock;
    send_event(chain->room, errand, "e", "bye");
    assert_int_equal(errand->done, 0);
}

static void test_submit_from_within_a_walk(void **state)
{
    static struct crowd crowd;
    static struct chain chain;
    struct errand errand;

    (void)state;
    crowd_open(&crowd);
    chain = (struct chain){.observer.on_disconnect = on_disconnect, .room = &crowd.room};
    list_append(&crowd.room.service->observers, &chain.observer.node);
    prepare(&errand, SSE_BY_USER, "bob");
    errand.clock = &chain.clock;
    errand.job.reason = SSE_CLOSE_KICKED;
    errand.job.reconnect_ms = -1;
    sse_dispatch_submit(crowd.room.service->dispatch, &errand.job);
    turn_until_quiet(&crowd.room);
    assert_int_equal(errand.place, 1);
    assert_int_equal(chain.used, CROWD / 3);
    for (unsigned i = 0; i < chain.used; i++) {
        assert_int_equal(chain.errands[i].place, i + 2);
        assert_int_equal(chain.errands[i].job.count, CROWD - CROWD / 3);
        release(&chain.errands[i]);
    }
    list_remove(&chain.observer.node);
    crowd_close(&crowd);
}

static void test_free_finishes_what_waits(void **state)
{
    static struct crowd crowd;
    struct errand errands[2];

    (void)state;
    crowd_open(&crowd);
    crowd_dawdle(&crowd);
    prepare(&errands[0], SSE_ALL, NULL);
    prepare(&errands[1], SSE_ALL, NULL);
    send_event(&crowd.room, &errands[0], "e", "x");
    send_event(&crowd.room, &errands[1], "e", "y");
    for (size_t i = 0; i < CROWD; i++)
        sse_room_leave(&crowd.sinks[i]);
    crowd_close(&crowd);
    assert_int_equal(errands[0].done, 1);
    assert_in_range(errands[0].job.count, 1, CROWD - 1);
    assert_int_equal(errands[1].done, 1);
    assert_int_equal(errands[1].job.count, 0);
    release(&errands[0]);
    release(&errands[1]);
}

/* Frees itself when it is done, and sends the next. */
struct relay {
    struct errand errand;
    struct sse_room *room;
    unsigned *left;
};

static void relay_send(struct sse_room *room, unsigned *left);

static void on_relay_done(struct sse_dispatch_job *job)
{
    struct relay *relay = container_of(job, struct relay, errand.job);
    struct sse_room *room = relay->room;
    unsigned *left = relay->left;

    release(&relay->errand);
    free(relay);
    if (--*left > 0)
        relay_send(room, left);
}

static void relay_send(struct sse_room *room, unsigned *left)
{
    struct relay *relay = mem_zalloc(sizeof(*relay));

    relay->room = room;
    relay->left = left;
    prepare(&relay->errand, SSE_BY_USER, "ann");
    /* prepare() pointed into the errand itself, which stays where it is */
    relay->errand.job.on_done = on_relay_done;
    send_event(room, &relay->errand, "e", "x");
}

static void test_jobs_that_follow_each_other(void **state)
{
    static const struct sse_guest ann = {.user = "ann"};
    struct recording_sink sink = {0};
    struct sse_room room;
    unsigned left = 500;

    (void)state;
    sse_room_open(&room);
    sse_room_settle(&room, &sink, &ann);
    relay_send(&room, &left);
    turn_until_quiet(&room);
    assert_int_equal(left, 0);
    assert_int_equal(times_received(&sink, "data:x"), 500);
    sse_room_leave(&sink);
    sse_room_close(&room);
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
