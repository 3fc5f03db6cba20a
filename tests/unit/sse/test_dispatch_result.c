/* SPDX-License-Identifier: Apache-2.0 */
/* What a dispatch leaves behind: who was reached, and a place in the history. */
#include <string.h>

#include "sse/dispatch.h"
#include "support/sse_env.h"
#include "support/sse_message.h"
#include "support/test.h"

struct sending {
    struct sse_dispatch_job job;
    struct sse_target target;
    unsigned done;
};

static void on_done(struct sse_dispatch_job *job)
{
    container_of(job, struct sending, job)->done++;
}

/* values are borrowed. */
static void prepare(struct sending *sending, enum sse_dimension dimension, char **values,
                    size_t count)
{
    *sending = (struct sending){
        .target = {.dimension = dimension, .values = values, .count = count},
        .job = {.target = &sending->target, .on_done = on_done},
    };
}

static void send_event(struct sse_env *env, struct sending *sending, bool is_kept)
{
    sending->job.event = sse_env_event("e", "x");
    sending->job.event->is_kept = is_kept;
    sse_dispatch_submit(env->service->dispatch, &sending->job);
    while (sending->done == 0) /* the slice of this turn may be over */
        fake_loop_turn(env->loop);
    sending->job.event = sse_event_unref(sending->job.event);
}

/* Who got it, of each value. */
static void test_reached_by_value(void **state)
{
    static const struct sse_guest guests[] = {
        {.user = "ann", .tenant = "t"}, {.user = "ann", .tenant = "t"}, {.user = "bob"}};
    static char *users[] = {(char *)(uintptr_t) "ann", (char *)(uintptr_t) "nobody",
                            (char *)(uintptr_t) "bob", (char *)(uintptr_t) "ann"};
    struct recording_sink sinks[3] = {0};
    uint32_t reached[4] = {0};
    struct sending sending;
    struct sse_env env;

    (void)state;
    sse_env_open(&env);
    for (size_t i = 0; i < 3; i++)
        sse_env_settle(&env, &sinks[i], &guests[i]);
    prepare(&sending, SSE_BY_USER, users, 4);
    sending.job.reached = reached;
    send_event(&env, &sending, false);
    assert_int_equal(sending.job.count, 3);
    assert_int_equal(reached[0], 2);
    assert_int_equal(reached[1], 0);
    assert_int_equal(reached[2], 1);
    assert_int_equal(reached[3], 2);
    prepare(&sending, SSE_ALL, NULL, 0);
    sending.job.reached = reached;
    reached[0] = 0;
    send_event(&env, &sending, false);
    assert_int_equal(reached[0], 3);
    for (size_t i = 0; i < 3; i++)
        sse_env_leave(&sinks[i]);
    sse_env_close(&env);
}

/* Who does not get it is not reached by the second value either. */
static void test_who_gets_nothing_is_not_reached(void **state)
{
    static const struct sse_guest ann = {.user = "ann"};
    static char *users[] = {(char *)(uintptr_t) "ann", (char *)(uintptr_t) "ann"};
    struct recording_sink sinks[2] = {0};
    uint32_t reached[2] = {0};
    struct sending sending;
    struct sse_env env;

    (void)state;
    sse_env_open(&env);
    sse_env_settle(&env, &sinks[0], &ann);
    sse_env_settle(&env, &sinks[1], &ann);
    sse_connection_raise_barrier(sinks[0].connection);
    prepare(&sending, SSE_BY_USER, users, 2);
    sending.job.reached = reached;
    send_event(&env, &sending, true);
    assert_int_equal(sending.job.count, 1);
    assert_int_equal(reached[0], 1);
    assert_int_equal(reached[1], 1);
    assert_int_equal(sinks[0].connection->queue.count, 0);
    assert_int_equal(sinks[1].connection->queue.count, 1);
    sse_env_leave(&sinks[0]);
    sse_env_leave(&sinks[1]);
    sse_env_close(&env);
}

/* What has none leaves it as it is. */
static void test_the_latest_position_is_known(void **state)
{
    static const uint64_t positions[] = {3, 0, 7};
    struct sending sendings[3];
    struct sse_env env;

    (void)state;
    sse_env_open(&env);
    for (size_t i = 0; i < 3; i++) {
        prepare(&sendings[i], SSE_ALL, NULL, 0);
        sendings[i].job.position = positions[i];
        send_event(&env, &sendings[i], false);
        assert_int_equal(env.service->position, i == 2 ? 7 : 3);
    }
    sse_env_close(&env);
}

struct sender {
    struct recording_sink sink;
    struct sse_env *env;
    struct sending sending;
};

static void send_in_wake(struct recording_sink *sink)
{
    struct sender *sender = container_of(sink, struct sender, sink);

    sink->on_wake = NULL;
    sse_dispatch_submit(sender->env->service->dispatch, &sender->sending.job);
    assert_int_equal(sender->env->service->position, 1);
    assert_int_equal(sse_dispatch_position(sender->env->service->dispatch), 0);
}

/* What waits behind another job is in the log before anybody has it. */
static void test_how_far_all_has_been_written(void **state)
{
    static const struct sse_guest ann = {.user = "ann"};
    struct sender sender = {0};
    struct sending first;
    struct sse_env env;

    (void)state;
    sse_env_open(&env);
    sender.env = &env;
    sse_env_settle(&env, &sender.sink, &ann);
    assert_int_equal(sse_dispatch_position(env.service->dispatch), 0);
    prepare(&sender.sending, SSE_ALL, NULL, 0);
    sender.sending.job.position = 1;
    sender.sending.job.event = sse_env_event("e", "x");
    sender.sink.on_wake = send_in_wake;
    prepare(&first, SSE_ALL, NULL, 0);
    first.job.event = sender.sending.job.event;
    sse_dispatch_submit(env.service->dispatch, &first.job);
    while (sender.sending.done == 0)
        fake_loop_turn(env.loop);
    assert_int_equal(sse_dispatch_position(env.service->dispatch), 1);
    sse_event_unref(sender.sending.job.event);
    sse_env_leave(&sender.sink);
    sse_env_close(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reached_by_value),
        cmocka_unit_test(test_who_gets_nothing_is_not_reached),
        cmocka_unit_test(test_the_latest_position_is_known),
        cmocka_unit_test(test_how_far_all_has_been_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
