/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/sqlite_repository.h"
#include "support/test.h"

static const struct qos_recipient alice = {SSE_BY_USER, "alice", ""};
static const struct qos_recipient bob = {SSE_BY_USER, "bob", ""};
static const struct qos_recipient carol = {SSE_BY_USER, "carol", ""};

static bool is_known(struct qos_queue_counts *counts, const struct qos_recipient *recipient)
{
    uint64_t count;

    return qos_queue_counts_find(counts, recipient, &count);
}

static uint64_t count_of(struct qos_queue_counts *counts, const struct qos_recipient *recipient)
{
    uint64_t count = 0;

    assert_true(qos_queue_counts_find(counts, recipient, &count));
    return count;
}

static void knows_what_it_was_told(void **state)
{
    struct qos_queue_counts counts;

    (void)state;
    qos_queue_counts_init(&counts, 10);
    assert_false(is_known(&counts, &alice));
    qos_queue_counts_add(&counts, &alice, 5);
    qos_queue_counts_change(&counts, &alice, 1);
    qos_queue_counts_change(&counts, &alice, -2);
    qos_queue_counts_change(&counts, &bob, 1);
    assert_int_equal(count_of(&counts, &alice), 4);
    assert_false(is_known(&counts, &bob));
    qos_queue_counts_release(&counts);
}

static void tells_similar_queues_apart(void **state)
{
    static const struct qos_recipient queues[] = {
        {SSE_BY_USER, "ab", ""},  {SSE_BY_USER, "a", "b"},    {SSE_BY_USER, "", "ab"},
        {SSE_BY_TOKEN, "ab", ""}, {SSE_BY_CHANNEL, "a", "b"}, {SSE_ALL, "", ""},
        {SSE_ALL, "", "ab"},      {SSE_BY_USER, "1:a", "b"},  {SSE_BY_USER, "1", ":ab"},
    };
    const size_t most = sizeof(queues) / sizeof(queues[0]);
    struct qos_queue_counts counts;

    (void)state;
    qos_queue_counts_init(&counts, most);
    for (size_t i = 0; i < most; i++)
        qos_queue_counts_add(&counts, &queues[i], i);
    for (size_t i = 0; i < most; i++)
        assert_int_equal(count_of(&counts, &queues[i]), i);
    qos_queue_counts_release(&counts);
}

static void forgets_who_was_not_asked_about_for_longest(void **state)
{
    struct qos_queue_counts counts;

    (void)state;
    qos_queue_counts_init(&counts, 2);
    qos_queue_counts_add(&counts, &alice, 1);
    qos_queue_counts_add(&counts, &bob, 2);
    assert_int_equal(count_of(&counts, &alice), 1);
    qos_queue_counts_add(&counts, &carol, 3);
    assert_false(is_known(&counts, &bob));
    assert_int_equal(count_of(&counts, &alice), 1);
    assert_int_equal(count_of(&counts, &carol), 3);
    qos_queue_counts_release(&counts);
}

static void forgets_all(void **state)
{
    struct qos_queue_counts counts;

    (void)state;
    qos_queue_counts_init(&counts, 2);
    qos_queue_counts_add(&counts, &alice, 1);
    qos_queue_counts_add(&counts, &bob, 2);
    qos_queue_counts_forget(&counts);
    assert_false(is_known(&counts, &alice));
    assert_false(is_known(&counts, &bob));
    qos_queue_counts_add(&counts, &alice, 7);
    assert_int_equal(count_of(&counts, &alice), 7);
    qos_queue_counts_release(&counts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_what_it_was_told),
        cmocka_unit_test(tells_similar_queues_apart),
        cmocka_unit_test(forgets_who_was_not_asked_about_for_longest),
        cmocka_unit_test(forgets_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
