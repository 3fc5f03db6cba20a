/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "sse/backlog.h"
#include "sse/registry.h"
#include "support/event_stream.h"
#include "support/sse_env.h"
#include "support/sse_message.h"
#include "support/test.h"

static const struct sse_guest ann = {.user = "ann", .listeners = {"bell"}};

struct fixture {
    struct sse_env env;
    struct recording_sink sink;
    struct event_stream stream; /* what has come, when it was read */
};

static void open_fixture(struct fixture *f)
{
    *f = (struct fixture){0};
    sse_env_open(&f->env);
}

static void close_fixture(struct fixture *f)
{
    event_stream_release(&f->stream);
    sse_env_leave(&f->sink);
    assert_int_equal(f->env.service->queued_bytes, 0);
    sse_env_close(&f->env);
}

static void turn_until_quiet(struct fixture *f)
{
    unsigned turns = 0;

    while (fake_loop_turn(f->env.loop))
        assert_true(++turns < 100000);
}

/* To ann, with a number as data and "m<number>" as id. */
static size_t send_number(struct fixture *f, unsigned number, const char *more)
{
    char json[200];

    snprintf(json, sizeof(json), "\"event\":\"e\",\"userId\":\"ann\",\"id\":\"m%u\",\"data\":%u%s",
             number, number, more);
    return sse_env_send(&f->env, json);
}

static void send_numbers(struct fixture *f, unsigned from, unsigned to)
{
    for (unsigned number = from; number <= to; number++)
        (void)send_number(f, number, "");
}

static void come_back(struct fixture *f, const char *last_id)
{
    sse_env_return(&f->env, &f->sink, &ann, last_id);
}

/* Reads all that comes until nothing more does. */
static void read_all(struct fixture *f)
{
    size_t length;

    do {
        length = f->sink.received.length;
        turn_until_quiet(f);
        recording_sink_drain(&f->sink, 0);
    } while (f->sink.received.length > length);
    event_stream_release(&f->stream);
    event_stream_parse(&f->stream, buf_str(&f->sink.received), f->sink.received.length);
    assert_true(f->stream.is_whole);
}

static void assert_told(const struct fixture *f, const char *expected)
{
    struct buf told = BUF_INIT;

    for (size_t i = 0; i < f->stream.count; i++) {
        const struct stream_event *event = &f->stream.events[i];

        buf_append_str(&told, strcmp(event->name, "e") == 0 ? event->data : event->name);
        buf_append_char(&told, ' ');
    }
    assert_string_equal(buf_str(&told), expected);
    buf_release(&told);
}

static void assert_position_id(const struct fixture *f, const char *id, uint64_t position)
{
    char expected[SSE_OWN_ID_SIZE];

    sse_log_id(f->env.service->log, position, expected);
    assert_string_equal(id, expected);
}

/* sse-gap is the event at this index. from NULL: null. */
static void assert_gap(const struct fixture *f, size_t index, const char *from, uint64_t to,
                       const char *reason)
{
    const struct stream_event *event = &f->stream.events[index];
    json_t *data = json_loads(event->data, 0, NULL);

    assert_string_equal(event->name, "sse-gap");
    assert_position_id(f, event->id, to);
    assert_position_id(f, json_string_value(json_object_get(data, "to")), to);
    assert_string_equal(json_string_value(json_object_get(data, "reason")), reason);
    if (from)
        assert_string_equal(json_string_value(json_object_get(data, "from")), from);
    else
        assert_true(json_is_null(json_object_get(data, "from")));
    assert_int_equal(json_object_size(data), 3);
    json_decref(data);
}

static void test_a_new_page_begins_now(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    send_numbers(&f, 1, 3);
    come_back(&f, NULL);
    assert_null(f.sink.connection->backlog);
    assert_int_equal(send_number(&f, 4, ""), 1);
    read_all(&f);
    assert_told(&f, "connect-finish 4 ");
    assert_position_id(&f, f.stream.events[0].id, 3);
    close_fixture(&f);
}

static void test_what_was_missed_comes_first(void **state)
{
    const struct sse_counters *counters;
    struct fixture f;

    (void)state;
    open_fixture(&f);
    counters = &f.env.service->counters;
    send_numbers(&f, 1, 4);
    come_back(&f, "m2");
    /* from the history, but counted */
    assert_int_equal(send_number(&f, 5, ""), 1);
    read_all(&f);
    assert_int_equal(send_number(&f, 6, ""), 1);
    read_all(&f);
    assert_told(&f, "connect-finish 3 4 5 6 ");
    assert_position_id(&f, f.stream.events[0].id, 2);
    assert_string_equal(f.stream.events[2].id, "m4");
    assert_null(f.sink.connection->backlog);
    assert_int_equal(counters->resumed, 1);
    assert_int_equal(counters->replayed, 3);
    assert_int_equal(counters->gaps, 0);
    assert_int_equal(f.sink.connection->message_count, 4);
    close_fixture(&f);
}

static void test_nothing_was_missed(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    send_numbers(&f, 1, 2);
    come_back(&f, "m2");
    assert_null(f.sink.connection->backlog);
    read_all(&f);
    assert_told(&f, "connect-finish ");
    assert_int_equal(f.env.service->counters.resumed, 1);
    close_fixture(&f);
}

static void test_only_what_is_for_it(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    send_numbers(&f, 1, 1);
    sse_env_send(&f.env, "\"event\":\"other\",\"userId\":\"bob\"");
    sse_env_send(&f.env, "\"event\":\"horn\",\"all\":true,\"listening\":true,\"data\":1");
    sse_env_send(&f.env, "\"event\":\"bell\",\"all\":true,\"listening\":true,\"data\":1");
    come_back(&f, "m1");
    read_all(&f);
    assert_told(&f, "connect-finish bell ");
    close_fixture(&f);
}

static void test_too_old(void **state)
{
    struct fixture f;
    char id[SSE_OWN_ID_SIZE];

    (void)state;
    open_fixture(&f);
    f.env.settings.history.events = 2;
    sse_log_id(f.env.service->log, 1, id);
    send_numbers(&f, 1, 5);
    come_back(&f, id);
    read_all(&f);
    assert_told(&f, "connect-finish sse-gap 4 5 ");
    assert_string_equal(f.stream.events[0].id, id);
    assert_gap(&f, 1, id, 3, "too-old");
    assert_int_equal(f.env.service->counters.gaps, 1);
    assert_int_equal(f.env.service->counters.resumed, 0);
    close_fixture(&f);
}

static void test_another_life(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    send_numbers(&f, 1, 2);
    come_back(&f, "0123456789abcdef-p9");
    read_all(&f);
    assert_told(&f, "connect-finish sse-gap 1 2 ");
    assert_string_equal(f.stream.events[0].id, "0123456789abcdef-p9");
    assert_gap(&f, 1, "0123456789abcdef-p9", 0, "epoch");
    close_fixture(&f);
}

static void test_unknown(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    send_numbers(&f, 1, 2);
    come_back(&f, "x");
    assert_int_equal(send_number(&f, 3, ""), 1);
    read_all(&f);
    assert_told(&f, "connect-finish sse-gap 3 ");
    assert_string_equal(f.stream.events[0].id, "x");
    assert_gap(&f, 1, "x", 2, "unknown-id");
    close_fixture(&f);
}

/* It cannot be said again, but what is said instead stays unknown as well. */
static void test_no_id_at_all(void **state)
{
    char id[SSE_OWN_ID_SIZE];
    struct fixture f;

    (void)state;
    open_fixture(&f);
    come_back(&f, "a\nb");
    read_all(&f);
    assert_gap(&f, 1, NULL, 0, "unknown-id");
    snprintf(id, sizeof(id), "%s", f.stream.events[0].id);
    sse_env_leave(&f.sink);
    come_back(&f, id);
    read_all(&f);
    assert_told(&f, "connect-finish sse-gap ");
    assert_gap(&f, 1, id, 0, "unknown-id");
    close_fixture(&f);
}

static void assert_numbers(const struct fixture *f, size_t index, unsigned from, unsigned to)
{
    char number[16];

    assert_int_equal(f->stream.count, index + to + 1 - from);
    for (; from <= to; from++, index++) {
        snprintf(number, sizeof(number), "%u", from);
        assert_string_equal(f->stream.events[index].data, number);
    }
}

/* A replay never makes a client slow. */
static void test_as_there_is_room(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    f.env.settings.queue_events = 8;
    send_numbers(&f, 1, 100);
    come_back(&f, "m1");
    turn_until_quiet(&f);
    assert_int_equal(f.sink.connection->queue.count, 4);
    for (unsigned number = 101; number <= 120; number++)
        assert_int_equal(send_number(&f, number, ""), 1);
    turn_until_quiet(&f);
    assert_int_equal(f.sink.connection->queue.count, 4);
    read_all(&f);
    assert_numbers(&f, 1, 2, 120);
    assert_null(f.sink.connection->backlog);
    assert_int_equal(f.env.service->counters.slow_disconnects, 0);
    close_fixture(&f);
}

static void test_an_event_larger_than_half_of_the_queue(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    f.env.settings.queue_bytes = 60; /* one takes about 30 */
    send_numbers(&f, 1, 5);
    come_back(&f, "m1");
    read_all(&f);
    assert_numbers(&f, 1, 2, 5);
    close_fixture(&f);
}

/* A page that has got up to 4 when the log keeps 21 to 30. */
static void open_behind_the_log(struct fixture *f)
{
    open_fixture(f);
    f->env.settings.history.events = 10;
    f->env.settings.queue_events = 8;
    send_numbers(f, 1, 10);
    come_back(f, "m1");
    turn_until_quiet(f);
    send_numbers(f, 11, 30);
}

struct gap_observer {
    struct sse_observer observer;
    unsigned count;
    uint64_t after, position;
};

static void on_gap(struct sse_observer *observer, struct sse_connection *connection, uint64_t after,
                   uint64_t position)
{
    struct gap_observer *gaps = container_of(observer, struct gap_observer, observer);

    assert_non_null(connection->service);
    gaps->count++;
    gaps->after = after;
    gaps->position = position;
}

static void test_the_history_forgets_meanwhile(void **state)
{
    struct gap_observer gaps = {.observer = {.on_gap = on_gap}};
    char from[SSE_OWN_ID_SIZE];
    struct fixture f;

    (void)state;
    open_behind_the_log(&f);
    list_append(&f.env.service->observers, &gaps.observer.node);
    read_all(&f);
    list_remove(&gaps.observer.node);
    assert_int_equal(gaps.count, 1);
    assert_int_equal(gaps.after, 4);
    assert_int_equal(gaps.position, 20);
    assert_int_equal(f.stream.count, 1 + 3 + 1 + 10);
    assert_string_equal(f.stream.events[3].data, "4");
    sse_log_id(f.env.service->log, 4, from);
    assert_gap(&f, 4, from, 20, "slow");
    assert_string_equal(f.stream.events[5].data, "21");
    assert_string_equal(f.stream.events[14].data, "30");
    assert_int_equal(f.env.service->counters.gaps, 1);
    close_fixture(&f);
}

/* The log's owner is ahead: a gap says nothing about what this worker has yet to write. */
static void test_a_gap_ends_where_the_worker_is(void **state)
{
    char from[SSE_OWN_ID_SIZE];
    struct fixture f;

    (void)state;
    open_behind_the_log(&f);
    f.env.service->position = 15;
    read_all(&f);
    sse_log_id(f.env.service->log, 4, from);
    assert_gap(&f, 4, from, 15, "slow");
    assert_int_equal(f.stream.count, 1 + 3 + 1);
    close_fixture(&f);
}

static void test_a_long_history_is_sliced(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    send_numbers(&f, 1, 1);
    for (unsigned i = 0; i < 5000; i++)
        sse_env_send(&f.env, "\"event\":\"e\",\"userId\":\"bob\"");
    send_numbers(&f, 2, 2);
    come_back(&f, "m1");
    assert_true(fake_loop_turn(f.env.loop));
    assert_int_equal(f.sink.connection->queue.count, 1);
    read_all(&f);
    assert_told(&f, "connect-finish 2 ");
    close_fixture(&f);
}

static void on_done(struct sse_dispatch_job *job)
{
    (void)job;
}

/* What is not in the history comes at once, and who is sent away does not stay. */
static void test_other_jobs_reach_it(void **state)
{
    const struct sse_target all = {.dimension = SSE_ALL};
    struct sse_dispatch_job job = {.target = &all, .on_done = on_done};
    struct fixture f;

    (void)state;
    open_fixture(&f);
    f.env.settings.queue_events = 2; /* no room for what was missed */
    send_numbers(&f, 1, 2);
    come_back(&f, "m1");
    job.event = sse_env_event("sse-set-duration", "x");
    sse_dispatch_submit(f.env.service->dispatch, &job);
    turn_until_quiet(&f);
    assert_int_equal(job.count, 1);
    assert_int_equal(job.position, 0);
    job.event = sse_event_unref(job.event);
    job.reason = SSE_CLOSE_KICKED;
    sse_dispatch_submit(f.env.service->dispatch, &job);
    turn_until_quiet(&f);
    assert_int_equal(job.count, 1);
    read_all(&f);
    assert_told(&f, "connect-finish sse-set-duration connect-close ");
    close_fixture(&f);
}

static void leave_in_wake(struct recording_sink *sink)
{
    struct sse_connection *connection = sink->connection;

    sink->connection = NULL;
    if (connection)
        sse_connection_gone(connection);
}

static void close_in_wake(struct recording_sink *sink)
{
    sse_connection_close(sink->connection, SSE_CLOSE_KICKED, NULL, -1);
}

static void test_it_ends_within(void **state)
{
    void (*const ends[])(struct recording_sink *) = {leave_in_wake, close_in_wake};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture f;

        open_fixture(&f);
        send_numbers(&f, 1, 9);
        come_back(&f, "m1");
        recording_sink_drain(&f.sink, 0);
        f.sink.on_wake = ends[i];
        turn_until_quiet(&f);
        assert_int_equal(f.env.service->counters.replayed, 1);
        assert_int_equal(sse_registry_all(f.env.service->registry)->count, 0);
        close_fixture(&f);
    }
}

static void test_it_ends_before_its_turn(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    send_numbers(&f, 1, 9);
    come_back(&f, "m1");
    sse_env_leave(&f.sink);
    turn_until_quiet(&f);
    assert_int_equal(f.env.service->counters.replayed, 0);
    close_fixture(&f);
}

#define STORED ",\"qos\":1"

static void test_the_barrier(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    come_back(&f, NULL);
    sse_connection_raise_barrier(f.sink.connection);
    assert_int_equal(send_number(&f, 1, STORED), 0);
    assert_int_equal(send_number(&f, 2, ""), 1);
    sse_connection_lift_barrier(f.sink.connection);
    assert_int_equal(send_number(&f, 3, STORED), 1);
    read_all(&f);
    assert_told(&f, "connect-finish 2 3 ");
    close_fixture(&f);
}

static void end_number(const struct fixture *f, uint64_t position)
{
    struct sse_message *message = sse_log_at(f->env.service->log, position);

    sse_message_end(message, message->target.values[0]);
}

/* What has ended while it was away it gets; not what is stored until the barrier is lifted. */
static void test_the_barrier_while_it_catches_up(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    send_number(&f, 1, STORED);
    send_number(&f, 2, STORED);
    end_number(&f, 2);
    come_back(&f, "m1");
    sse_connection_raise_barrier(f.sink.connection);
    assert_int_equal(send_number(&f, 3, STORED), 0);
    assert_int_equal(send_number(&f, 4, ""), 1);
    sse_connection_lift_barrier(f.sink.connection);
    assert_int_equal(send_number(&f, 5, STORED), 1);
    read_all(&f);
    assert_told(&f, "connect-finish 2 4 5 ");
    close_fixture(&f);
}

/* The store has it, in its order. What goes to everybody from now on does not wait for that. */
static void test_what_is_stored_for_one_is_not_replayed(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    send_number(&f, 1, "");
    send_number(&f, 2, STORED);
    send_number(&f, 3, "");
    come_back(&f, "m1");
    assert_int_equal(send_number(&f, 4, STORED), 1);
    read_all(&f);
    assert_told(&f, "connect-finish 3 4 ");
    close_fixture(&f);
}

/* Nobody knows what the page has had: it may be this one that has acknowledged it. */
static void test_what_has_ended_is_not_replayed_behind_a_gap(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    send_number(&f, 1, STORED);
    end_number(&f, 1);
    send_number(&f, 2, "");
    come_back(&f, "0123456789abcdef-1");
    read_all(&f);
    assert_told(&f, "connect-finish sse-gap 2 ");
    close_fixture(&f);
}

struct observed {
    struct sse_observer observer;
    struct sse_arrival arrival;
};

static void on_connect(struct sse_observer *observer, struct sse_connection *connection)
{
    container_of(observer, struct observed, observer)->arrival = connection->service->arrival;
}

static void test_observers_hear_where_it_begins(void **state)
{
    struct observed observed = {.observer.on_connect = on_connect};
    struct fixture f;

    (void)state;
    open_fixture(&f);
    list_append(&f.env.service->observers, &observed.observer.node);
    send_numbers(&f, 1, 5);
    come_back(&f, "m2");
    assert_int_equal(observed.arrival.after, 2);
    assert_int_equal(observed.arrival.opened, 5);
    sse_env_leave(&f.sink);
    come_back(&f, "unknown");
    assert_int_equal(observed.arrival.after, 5);
    assert_int_equal(observed.arrival.opened, 5);
    list_remove(&observed.observer.node);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_new_page_begins_now),
        cmocka_unit_test(test_what_was_missed_comes_first),
        cmocka_unit_test(test_nothing_was_missed),
        cmocka_unit_test(test_only_what_is_for_it),
        cmocka_unit_test(test_too_old),
        cmocka_unit_test(test_another_life),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_no_id_at_all),
        cmocka_unit_test(test_as_there_is_room),
        cmocka_unit_test(test_an_event_larger_than_half_of_the_queue),
        cmocka_unit_test(test_the_history_forgets_meanwhile),
        cmocka_unit_test(test_a_gap_ends_where_the_worker_is),
        cmocka_unit_test(test_a_long_history_is_sliced),
        cmocka_unit_test(test_other_jobs_reach_it),
        cmocka_unit_test(test_it_ends_within),
        cmocka_unit_test(test_it_ends_before_its_turn),
        cmocka_unit_test(test_the_barrier),
        cmocka_unit_test(test_the_barrier_while_it_catches_up),
        cmocka_unit_test(test_what_is_stored_for_one_is_not_replayed),
        cmocka_unit_test(test_what_has_ended_is_not_replayed_behind_a_gap),
        cmocka_unit_test(test_observers_hear_where_it_begins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
