/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/slice.h"
#include "broker/redelivery/redelivery.h"
#include "sse/target.h"
#include "support/fake_loop.h"
#include "support/test.h"

#define RECIPIENTS SSE_TARGET_MAX_VALUES
#define A_TURN     256u

static void nothing_is_read(void *context, uint64_t question, const struct qos_recipient *recipient,
                            uint64_t after, size_t limit)
{
    (void)context;
    (void)question;
    (void)recipient;
    (void)after;
    (void)limit;
    fail();
}

static void nobody_is_asked(void *context, uint64_t question, const struct qos_recipient *recipient,
                            uint64_t position, uint64_t instance)
{
    (void)context;
    (void)question;
    (void)recipient;
    (void)position;
    (void)instance;
    fail();
}

static const struct redelivery_ops ops = {.read = nothing_is_read,
                                          .check_liveness = nobody_is_asked};

struct fixture {
    struct loop *loop;
    struct redelivery *redelivery;
    struct redelivery_settings settings;
    struct sse_target target;
    bool was_empty[RECIPIENTS];
    struct decision decision;
    struct redelivery_write write;
};

/* Users, of whom every third has older copies. */
static int open_fixture(void **state)
{
    struct fixture *fixture = mem_zalloc(sizeof(*fixture));

    fixture->loop = loop_new();
    fixture->settings = (struct redelivery_settings){
        .window = 4, .ack_ms = 30000, .ack_ms_most = 100000, .takeover_ms = 10000, .batch = 64};
    fixture->redelivery = redelivery_new(fixture->loop, &fixture->settings, &ops, NULL);
    fixture->target.dimension = SSE_BY_USER;
    fixture->target.values = mem_alloc(RECIPIENTS * sizeof(char *));
    fixture->target.count = RECIPIENTS;
    for (size_t i = 0; i < RECIPIENTS; i++) {
        char name[24];

        snprintf(name, sizeof(name), "user%zu", i);
        fixture->target.values[i] = mem_strdup(name);
        fixture->was_empty[i] = i % 3 != 0;
    }
    fixture->decision = (struct decision){.redelivery = fixture->redelivery,
                                          .target = &fixture->target,
                                          .was_empty = fixture->was_empty,
                                          .number = 7,
                                          .write = &fixture->write};
    redelivery_write_begin(fixture->redelivery, &fixture->write);
    fixture->write.position = 40;
    *state = fixture;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *fixture = *state;

    decision_release(&fixture->decision);
    redelivery_write_end(fixture->redelivery, &fixture->write);
    redelivery_free(fixture->redelivery);
    for (size_t i = 0; i < RECIPIENTS; i++)
        free(fixture->target.values[i]);
    free(fixture->target.values);
    loop_free(fixture->loop);
    free(fixture);
    return 0;
}

static size_t queues(const struct fixture *fixture)
{
    struct redelivery_report report;

    redelivery_report(fixture->redelivery, &report);
    return report.queues;
}

static bool take_a_turn(struct fixture *fixture)
{
    struct slice slice = slice_without_end();

    slice.left = A_TURN;
    return decision_go_on(&fixture->decision, &slice);
}

static void a_turn_decides_on_some(void **state)
{
    struct fixture *fixture = *state;
    size_t turns = 1;

    for (; !take_a_turn(fixture); turns++) {
        assert_int_equal(fixture->decision.next, turns * A_TURN);
        assert_in_range(queues(fixture), turns * (A_TURN * 2 / 3), turns * (A_TURN * 2 / 3 + 1));
    }
    assert_int_equal(turns, (RECIPIENTS + A_TURN - 1) / A_TURN);
    assert_int_equal(fixture->decision.live, queues(fixture));
    for (size_t i = 0; i < RECIPIENTS; i++)
        assert_int_equal(fixture->decision.is_live[i], fixture->was_empty[i]);
}

/* Who comes and goes meanwhile gets the message with the others, or does not get it. */
static void what_happens_between_turns_changes_no_decision(void **state)
{
    struct fixture *fixture = *state;
    const struct consumer client = {.id = "c", .instance = 1, .joined = 39, .opened = 39};
    const struct qos_recipient decided = {SSE_BY_USER, "user1", ""};
    const struct qos_recipient undecided = {SSE_BY_USER, "user9998", ""};

    assert_false(take_a_turn(fixture));
    redelivery_join(fixture->redelivery, &client, &decided,
                    true); /* it asks for nothing: it has all */
    redelivery_join(fixture->redelivery, &client, &undecided, false);
    while (!take_a_turn(fixture)) {
    }
    assert_true(fixture->decision.is_live[1]);
    assert_true(fixture->decision.is_live[9998]);
    redelivery_reached(fixture->redelivery, 7, &decided, 1, 1);
    assert_int_equal(redelivery_written(fixture->redelivery, 7, &decided), 1);
}

static void one_piece_decides_the_same(void **state)
{
    struct fixture *fixture = *state;
    struct slice slice = slice_without_end();

    assert_true(decision_go_on(&fixture->decision, &slice));
    assert_int_equal(fixture->decision.live, queues(fixture));
    for (size_t i = 0; i < RECIPIENTS; i++)
        assert_int_equal(fixture->decision.is_live[i], fixture->was_empty[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_turn_decides_on_some, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(what_happens_between_turns_changes_no_decision,
                                        open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(one_piece_decides_the_same, open_fixture, close_fixture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
