/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "sse/backlog.h"
#include "support/event_stream.h"
#include "support/sse_env.h"
#include "support/sse_message.h"
#include "support/test.h"

#define MANY 20u

static const struct sse_guest ann = {.user = "ann"};

/* Offers numbers in order, as often as it is told that there is room. */
struct seller {
    struct sse_offer offer;
    struct sse_connection *connection;
    struct sse_event *events[MANY];
    size_t count, sold;
    unsigned calls, ends;
    bool is_eager; /* offers again from within */
};

struct fixture {
    struct sse_env env;
    struct recording_sink sink;
    struct seller seller, other;
};

static size_t sell(struct seller *seller)
{
    sse_connection_offer(seller->connection, &seller->offer, seller->events + seller->sold,
                         seller->count - seller->sold);
    seller->sold += seller->offer.taken;
    return seller->offer.taken;
}

static void on_room(struct sse_offer *offer, bool is_gone)
{
    struct seller *seller = container_of(offer, struct seller, offer);

    seller->calls += !is_gone;
    seller->ends += is_gone;
    if (!is_gone && seller->is_eager && seller->sold < seller->count)
        (void)sell(seller);
}

static void open_seller(struct seller *seller, struct sse_connection *connection, unsigned count)
{
    *seller = (struct seller){.offer.on_room = on_room, .connection = connection, .count = count};
    for (unsigned i = 0; i < count; i++) {
        char number[16];

        snprintf(number, sizeof(number), "%u", i);
        seller->events[i] = sse_env_event("e", number);
        seller->events[i]->is_kept = true;
    }
}

static void close_seller(const struct seller *seller)
{
    for (size_t i = 0; i < seller->count; i++)
        sse_event_unref(seller->events[i]);
}

static void open_fixture(struct fixture *f, unsigned count)
{
    *f = (struct fixture){0};
    sse_env_open(&f->env);
    f->env.settings.queue_events = 8;
    sse_env_settle(&f->env, &f->sink, &ann);
    open_seller(&f->seller, f->sink.connection, count);
}

static void close_fixture(struct fixture *f)
{
    sse_env_leave(&f->sink);
    assert_int_equal(f->env.service->queued_bytes, 0);
    sse_env_close(&f->env);
    close_seller(&f->seller);
    close_seller(&f->other);
}

static void assert_received(struct fixture *f, const char *expected)
{
    struct event_stream stream;
    struct buf told = BUF_INIT;

    event_stream_parse(&stream, buf_str(&f->sink.received), f->sink.received.length);
    for (size_t i = 0; i < stream.count; i++)
        buf_printf(&told, "%s ", stream.events[i].data);
    assert_string_equal(buf_str(&told), expected);
    buf_release(&told);
    event_stream_release(&stream);
}

static void test_all_are_taken(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f, 2);
    assert_int_equal(sell(&f.seller), 2);
    assert_int_equal(f.seller.calls, 0);
    fake_loop_turn(f.env.loop);
    assert_int_equal(f.seller.calls, 1);
    assert_null(f.sink.connection->backlog);
    assert_false(fake_loop_turn(f.env.loop));
    recording_sink_drain(&f.sink, 0);
    assert_received(&f, "0 1 ");
    assert_int_equal(f.seller.calls, 1);
    close_fixture(&f);
}

static void test_half_of_the_queue(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f, MANY);
    f.seller.is_eager = true;
    assert_int_equal(sell(&f.seller), 4);
    for (unsigned i = 0; i < 3; i++)
        assert_false(fake_loop_turn(f.env.loop));
    assert_int_equal(f.seller.calls, 0);
    while (f.sink.connection->queue.count > 0) {
        recording_sink_drain(&f.sink, 0);
        fake_loop_turn(f.env.loop);
    }
    assert_int_equal(f.seller.sold, MANY);
    assert_received(&f, "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 ");
    fake_loop_turn(f.env.loop);
    assert_null(f.sink.connection->backlog);
    assert_int_equal(f.seller.ends, 0);
    close_fixture(&f);
}

/* Each has its turn, and live events have room. */
static void test_several_offers(void **state)
{
    struct fixture f;
    struct sse_event *live = sse_env_event("e", "live");

    (void)state;
    open_fixture(&f, 6);
    open_seller(&f.other, f.sink.connection, 3);
    f.seller.is_eager = true;
    f.other.is_eager = true;
    assert_int_equal(sell(&f.seller), 4);
    assert_int_equal(sell(&f.other), 0);
    assert_true(sse_connection_push(f.sink.connection, live));
    while (f.sink.connection->queue.count > 0) {
        recording_sink_drain(&f.sink, 0);
        fake_loop_turn(f.env.loop);
    }
    assert_received(&f, "0 1 2 3 live 4 5 0 1 2 ");
    sse_event_unref(live);
    close_fixture(&f);
}

static void test_the_connection_ends(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f, MANY);
    (void)sell(&f.seller);
    sse_connection_close(f.sink.connection, SSE_CLOSE_CLIENT, NULL, -1);
    assert_int_equal(f.seller.ends, 1);
    assert_int_equal(sell(&f.seller), 0);
    assert_int_equal(f.seller.ends, 2);
    fake_loop_turn(f.env.loop);
    assert_int_equal(f.seller.calls, 0);
    close_fixture(&f);
}

static void leave_in_wake(struct recording_sink *sink)
{
    struct sse_connection *connection = sink->connection;

    sink->connection = NULL;
    if (connection)
        sse_connection_gone(connection);
}

static void test_the_sink_leaves_within(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f, 2);
    f.sink.on_wake = leave_in_wake;
    assert_int_equal(sell(&f.seller), 1);
    assert_int_equal(f.seller.ends, 1);
    fake_loop_turn(f.env.loop);
    close_fixture(&f);
}

static void test_behind_what_was_missed(void **state)
{
    struct recording_sink sink = {0};
    struct fixture f;

    (void)state;
    open_fixture(&f, 2);
    sse_env_send(&f.env, "\"event\":\"e\",\"userId\":\"ben\",\"id\":\"1\"");
    sse_env_send(&f.env, "\"event\":\"e\",\"userId\":\"ben\",\"id\":\"2\",\"data\":\"missed\"");
    sse_env_return(&f.env, &sink, &(struct sse_guest){.user = "ben"}, "1");
    recording_sink_drain(&sink, 0);
    buf_clear(&sink.received);
    f.seller.connection = sink.connection;
    f.seller.is_eager = true;
    assert_int_equal(sell(&f.seller), 0);
    fake_loop_turn(f.env.loop);
    recording_sink_drain(&sink, 0);
    fake_loop_turn(f.env.loop);
    recording_sink_drain(&sink, 0);
    buf_clear(&f.sink.received);
    buf_append(&f.sink.received, sink.received.data, sink.received.length);
    assert_received(&f, "missed 0 1 ");
    sse_env_leave(&sink);
    close_fixture(&f);
}

/* One that no queue could hold is refused once, and not offered for ever. */
static void test_too_large(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f, 2);
    f.env.settings.queue_bytes = 10;
    assert_int_equal(sell(&f.seller), 1);
    assert_int_equal(f.env.service->counters.events_refused, 1);
    /* the page is told, and that has to leave first */
    recording_sink_drain(&f.sink, 0);
    fake_loop_turn(f.env.loop);
    assert_int_equal(f.seller.calls, 1);
    close_fixture(&f);
}

/* There is no room although the queue has drained: nobody is asked before more has left. */
static void test_no_turns_in_vain(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f, 2);
    sse_event_unref(f.seller.events[1]);
    f.seller.events[1] = sse_env_event("e", "more than a quarter of it");
    f.env.settings.queue_bytes = 64;
    f.seller.is_eager = true;
    assert_int_equal(sell(&f.seller), 1);
    assert_true(sse_connection_is_drained(f.sink.connection));
    assert_false(fake_loop_turn(f.env.loop));
    assert_int_equal(f.seller.calls, 0);
    recording_sink_drain(&f.sink, 0);
    fake_loop_turn(f.env.loop);
    assert_int_equal(f.seller.calls, 1);
    assert_int_equal(f.seller.sold, 2);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_are_taken),
        cmocka_unit_test(test_half_of_the_queue),
        cmocka_unit_test(test_several_offers),
        cmocka_unit_test(test_the_connection_ends),
        cmocka_unit_test(test_the_sink_leaves_within),
        cmocka_unit_test(test_behind_what_was_missed),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_no_turns_in_vain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
