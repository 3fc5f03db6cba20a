/* SPDX-License-Identifier: Apache-2.0 */
/* What a dispatch leaves behind: who was reached, and a place in the history. */
#include <string.h>

#include "sse/dispatch.h"
#include "sse/history.h"
#include "support/sse_message.h"
#include "support/sse_room.h"
#include "support/test.h"

struct errand {
    struct sse_dispatch_job job;
    struct sse_target target;
    unsigned done;
};

static void on_done(struct sse_dispatch_job *job)
{
    container_of(job, struct errand, job)->done++;
}

/* values are borrowed. */
static void prepare(struct errand *errand, enum sse_dimension dimension, char **values,
                    size_t count)
{
    *errand = (struct errand){
        .target = {.dimension = dimension, .values = values, .count = count},
        .job = {.target = &errand->target, .on_done = on_done},
    };
}

static void send_event(struct sse_room *room, struct errand *errand, bool is_kept)
{
    errand->job.event = sse_room_event("e", "x");
    errand->job.event->is_kept = is_kept;
    sse_dispatch_submit(room->service->dispatch, &errand->job);
    while (errand->done == 0) /* the slice of this turn may be over */
        fake_loop_turn(room->loop);
    errand->job.event = sse_event_unref(errand->job.event);
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
    struct errand errand;
    struct sse_room room;

    (void)state;
    sse_room_open(&room);
    for (size_t i = 0; i < 3; i++)
        sse_room_settle(&room, &sinks[i], &guests[i]);
    prepare(&errand, SSE_BY_USER, users, 4);
    errand.job.reached = reached;
    send_event(&room, &errand, false);
    assert_int_equal(errand.job.count, 3);
    assert_int_equal(reached[0], 2);
    assert_int_equal(reached[1], 0);
    assert_int_equal(reached[2], 1);
    assert_int_equal(reached[3], 2);
    prepare(&errand, SSE_ALL, NULL, 0);
    errand.job.reached = reached;
    reached[0] = 0;
    send_event(&room, &errand, false);
    assert_int_equal(reached[0], 3);
    for (size_t i = 0; i < 3; i++)
        sse_room_leave(&sinks[i]);
    sse_room_close(&room);
}

/* Who does not get it is not reached by the second value either. */
static void test_who_gets_nothing_is_not_reached(void **state)
{
    static const struct sse_guest ann = {.user = "ann"};
    static char *users[] = {(char *)(uintptr_t) "ann", (char *)(uintptr_t) "ann"};
    struct recording_sink sinks[2] = {0};
    uint32_t reached[2] = {0};
    struct errand errand;
    struct sse_room room;

    (void)state;
    sse_room_open(&room);
    sse_room_settle(&room, &sinks[0], &ann);
    sse_room_settle(&room, &sinks[1], &ann);
    sse_connection_gate(sinks[0].connection);
    prepare(&errand, SSE_BY_USER, users, 2);
    errand.job.reached = reached;
    send_event(&room, &errand, true);
    assert_int_equal(errand.job.count, 1);
    assert_int_equal(reached[0], 1);
    assert_int_equal(reached[1], 1);
    assert_int_equal(sinks[0].connection->queue.count, 0);
    assert_int_equal(sinks[1].connection->queue.count, 1);
    sse_room_leave(&sinks[0]);
    sse_room_leave(&sinks[1]);
    sse_room_close(&room);
}

/* In the order of submission, before anything is written. */
static void test_messages_join_the_history(void **state)
{
    struct sse_message *message = sse_message_of("\"event\":\"e\",\"all\":true");
    struct errand errands[2];
    struct sse_room room;

    (void)state;
    sse_room_open(&room);
    for (size_t i = 0; i < 2; i++) {
        prepare(&errands[i], SSE_ALL, NULL, 0);
        errands[i].job.message = i == 0 ? NULL : message;
        send_event(&room, &errands[i], false);
    }
    assert_int_equal(errands[0].job.position, 0);
    assert_int_equal(errands[1].job.position, 1);
    assert_ptr_equal(sse_history_at(room.service->history, 1), message);
    sse_message_unref(message);
    sse_room_close(&room);
}

struct sender {
    struct recording_sink sink;
    struct sse_room *room;
    struct errand errand;
};

static void send_in_wake(struct recording_sink *sink)
{
    struct sender *sender = container_of(sink, struct sender, sink);

    sink->on_wake = NULL;
    sse_dispatch_submit(sender->room->service->dispatch, &sender->errand.job);
    assert_int_equal(sse_history_last(sender->room->service->history), 1);
    assert_int_equal(sse_dispatch_position(sender->room->service->dispatch), 0);
}

/* What waits behind another job is in the history before anybody has it. */
static void test_how_far_all_has_been_written(void **state)
{
    static const struct sse_guest ann = {.user = "ann"};
    struct sse_message *message = sse_message_of("\"event\":\"e\",\"all\":true");
    struct sender sender = {0};
    struct errand first;
    struct sse_room room;

    (void)state;
    sse_room_open(&room);
    sender.room = &room;
    sse_room_settle(&room, &sender.sink, &ann);
    assert_int_equal(sse_dispatch_position(room.service->dispatch), 0);
    prepare(&sender.errand, SSE_ALL, NULL, 0);
    sender.errand.job.message = message;
    sender.errand.job.event = sse_room_event("e", "x");
    sender.sink.on_wake = send_in_wake;
    prepare(&first, SSE_ALL, NULL, 0);
    first.job.event = sender.errand.job.event;
    sse_dispatch_submit(room.service->dispatch, &first.job);
    while (sender.errand.done == 0)
        fake_loop_turn(room.loop);
    assert_int_equal(sse_dispatch_position(room.service->dispatch), 1);
    sse_event_unref(sender.errand.job.event);
    sse_message_unref(message);
    sse_room_leave(&sender.sink);
    sse_room_close(&room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reached_by_value),
        cmocka_unit_test(test_who_gets_nothing_is_not_reached),
        cmocka_unit_test(test_messages_join_the_history),
        cmocka_unit_test(test_how_far_all_has_been_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
