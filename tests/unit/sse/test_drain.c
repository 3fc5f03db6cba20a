/* SPDX-License-Identifier: Apache-2.0 */
/* A server that stops: when streams end, and when their pages are to come back. */
#include <stdlib.h>

#include "base/mem.h"
#include "sse/dispatch.h"
#include "sse/lifetime.h"
#include "sse/target.h"
#include "support/event_stream.h"
#include "support/sse_env.h"
#include "support/test.h"

#define PAGES     400u
#define SPREAD_MS 8000u
#define SECONDS   (SPREAD_MS / 1000)

static const struct sse_guest guest = {.user = "ann"};

struct hall {
    struct sse_env env;
    struct recording_sink sinks[PAGES];
    size_t count;
};

static void open_hall(struct hall *hall, size_t count)
{
    *hall = (struct hall){.count = count};
    sse_env_open(&hall->env);
    for (size_t i = 0; i < count; i++)
        sse_env_settle(&hall->env, &hall->sinks[i], &guest);
}

static void close_hall(struct hall *hall)
{
    for (size_t i = 0; i < hall->count; i++)
        sse_env_leave(&hall->sinks[i]);
    sse_env_close(&hall->env);
}

/* In as many turns as it takes: a long walk is cut into slices. */
static void drain(struct hall *hall, uint32_t spread_ms)
{
    sse_service_drain(hall->env.service, spread_ms);
    while (sse_dispatch_oldest(hall->env.service->dispatch) != UINT64_MAX)
        fake_loop_turn(hall->env.loop);
}

static uint64_t ended(const struct hall *hall)
{
    return hall->env.service->counters.connections_closed[SSE_CLOSE_DRAIN];
}

/* What a connection's page was told to wait, in ms. */
static long wait_of(struct recording_sink *sink)
{
    struct event_stream stream;
    long retry_ms;

    recording_sink_drain(sink, 0);
    event_stream_parse(&stream, buf_str(&sink->received), sink->received.length);
    assert_true(stream.count > 0);
    assert_string_equal(stream.events[stream.count - 1].name, "connect-close");
    retry_ms = stream.retry_ms;
    event_stream_release(&stream);
    return retry_ms;
}

/* However few they are, no second has more than 1.5 times its share; and none is twice. */
static void assert_even(const unsigned *seconds, size_t count, size_t total)
{
    size_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        assert_true(seconds[i] <= total / count * 3 / 2);
        sum += seconds[i];
    }
    assert_int_equal(sum, total);
}

static void check_spread(size_t pages)
{
    struct hall hall;
    unsigned ends[SECONDS] = {0}, returns[SECONDS] = {0};
    long ended_at[PAGES];

    open_hall(&hall, pages);
    drain(&hall, SPREAD_MS);
    assert_int_equal(ended(&hall), 0);
    for (unsigned ms = 0; ms < SPREAD_MS; ms++) {
        fake_loop_advance(hall.env.loop, 1);
        ends[ms / 1000] = (unsigned)ended(&hall);
        for (size_t i = 0; i < pages; i++) {
            if (!hall.sinks[i].is_ended && !hall.sinks[i].connection->service) {
                hall.sinks[i].is_ended = true;
                ended_at[i] = (long)ms + 1;
            }
        }
    }
    for (size_t i = SECONDS - 1; i > 0; i--)
        ends[i] -= ends[i - 1];
    assert_even(ends, SECONDS, pages);
    for (size_t i = 0; i < pages; i++) {
        const long since = ended_at[i] + wait_of(&hall.sinks[i]) - (long)SPREAD_MS;

        assert_in_range(since, 2000, 2000 + SPREAD_MS - 1); /* when the server is back */
        returns[(since - 2000) / 1000]++;
    }
    assert_even(returns, SECONDS, pages);
    close_hall(&hall);
}

static void test_ends_and_returns_are_spread(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20; i++) /* from another start each time */
        check_spread(PAGES);
}

static void test_few_are_spread_as_evenly(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 50; i++)
        check_spread(40);
}

static void test_order_is_not_that_of_arrival(void **state)
{
    struct sse_drain drain;
    unsigned ahead = 0;
    uint64_t before;

    (void)state;
    sse_drain_begin(&drain, SPREAD_MS, 5000);
    assert_int_equal(drain.until, 5000 + SPREAD_MS);
    before = sse_drain_next_end(&drain, 5000);
    for (unsigned i = 0; i < 1000; i++) {
        const uint64_t end = sse_drain_next_end(&drain, 5000);

        assert_in_range(end, 5000, 5000 + SPREAD_MS - 1);
        ahead += end > before;
        before = end;
    }
    assert_in_range(ahead, 200, 800);
}

static void test_same_places_give_the_same_moments(void **state)
{
    struct sse_drain one, other;

    (void)state;
    sse_drain_begin(&one, SPREAD_MS, 0);
    other = one;
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(sse_drain_next_end(&one, 70), sse_drain_next_end(&other, 70));
        assert_int_equal(sse_drain_next_wait(&one, 70), sse_drain_next_wait(&other, 70));
    }
}

static void test_newcomers_end_with_the_others(void **state)
{
    struct recording_sink late = {0};
    struct hall hall;

    (void)state;
    open_hall(&hall, 1);
    drain(&hall, SPREAD_MS);
    fake_loop_advance(hall.env.loop, SPREAD_MS - 10);
    sse_env_settle(&hall.env, &late, &guest);
    assert_non_null(late.connection->service);
    fake_loop_advance(hall.env.loop, 10);
    assert_null(late.connection->service);
    assert_int_equal(ended(&hall), 2);
    sse_env_leave(&late);
    close_hall(&hall);
}

static void test_end_of_life_meanwhile_is_the_drain(void **state)
{
    const struct sse_guest short_lived = {.user = "ann", .keepalive_time_ms = 100};
    struct recording_sink sink = {0};
    struct hall hall;

    (void)state;
    open_hall(&hall, 0);
    sse_env_settle(&hall.env, &sink, &short_lived);
    drain(&hall, 3600000);
    fake_loop_advance(hall.env.loop, 100);
    assert_int_equal(ended(&hall), 1);
    sse_env_leave(&sink);
    close_hall(&hall);
}

static void test_without_a_span_all_end_at_once(void **state)
{
    struct hall hall;

    (void)state;
    open_hall(&hall, 50);
    drain(&hall, 0);
    assert_int_equal(ended(&hall), 50);
    for (size_t i = 0; i < hall.count; i++)
        assert_in_range(wait_of(&hall.sinks[i]), 1000, 16000);
    close_hall(&hall);
}

static void test_what_was_sent_before_comes_before_the_end(void **state)
{
    struct sse_event *event = sse_env_event("bell", "1");
    struct sse_target target = {.dimension = SSE_ALL};
    struct sse_dispatch_job job = {.target = &target, .event = event};
    struct event_stream stream;
    struct hall hall;

    (void)state;
    open_hall(&hall, 1);
    sse_dispatch_submit(hall.env.service->dispatch, &job);
    drain(&hall, 0);
    recording_sink_drain(&hall.sinks[0], 0);
    event_stream_parse(&stream, buf_str(&hall.sinks[0].received), hall.sinks[0].received.length);
    assert_int_equal(stream.count, 2);
    assert_string_equal(stream.events[0].name, "bell");
    assert_string_equal(stream.events[1].name, "connect-close");
    event_stream_release(&stream);
    sse_event_unref(event);
    close_hall(&hall);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends_and_returns_are_spread),
        cmocka_unit_test(test_few_are_spread_as_evenly),
        cmocka_unit_test(test_order_is_not_that_of_arrival),
        cmocka_unit_test(test_same_places_give_the_same_moments),
        cmocka_unit_test(test_newcomers_end_with_the_others),
        cmocka_unit_test(test_end_of_life_meanwhile_is_the_drain),
        cmocka_unit_test(test_without_a_span_all_end_at_once),
        cmocka_unit_test(test_what_was_sent_before_comes_before_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
