/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract of qos/repository.h, for each repository: what is stored. What is kept is asked
 * again after reopening. Where the contract leaves the order of copies open, values rise, so that
 * all repositories have them in the same one.
 */
#include <errno.h>

#include "repository_env.h"

static const struct qos_recipient alice = {SSE_BY_USER, "alice", ""};
static const struct qos_recipient bob = {SSE_BY_USER, "bob", ""};

static void is_empty_at_first(void **state)
{
    struct repository_env *env = *state;
    struct qos_message message;
    struct shown shown = {.text = ""};
    const struct qos_repository_ops *ops = env->repository->ops;

    assert_totals(env, 0, 0);
    assert_int_equal(ops->find(env->repository, "1", &message), -ENOENT);
    assert_int_equal(ops->states(env->repository, 1, shown_visit, &shown), -ENOENT);
    assert_int_equal(ops->queues(env->repository, SSE_BY_USER, "alice", shown_visit, &shown), 0);
    assert_int_equal(shown.count, 0);
    assert_int_equal(env_count(env, &alice), 0);
    assert_read(env, &alice, 0, 10, "");
    assert_scan(env, 0, 10, "");
    assert_expired(env, INT64_MAX, 10, "");
    assert_int_equal(env_end(env, 1, &alice, 500), -ENOENT);
    assert_int_equal(env_forget(env, INT64_MAX, 0, 10), 0);
    assert_int_equal(env->repository->fault, 0);
}

static void finds_what_was_put(void **state)
{
    struct repository_env *env = *state;
    const uint64_t number = env_put(env, "one", "alice");
    struct qos_message found = {0};

    BEFORE_AND_AFTER_REOPENING(env)
    {
        assert_int_equal(env->repository->ops->find(env->repository, "one", &found), 0);
        assert_int_equal(found.number, number);
        assert_int_equal(found.digest, message_of("").digest);
        assert_int_equal(env->repository->ops->find(env->repository, "One", &found), -ENOENT);
    }
}

static void assert_single(struct repository_env *env, const char *id, const char *expected)
{
    struct qos_copies copies = {0};

    assert_int_equal(env->repository->ops->single(env->repository, id, qos_copies_visit, &copies),
                     0);
    assert_int_equal(copies.count, expected ? 1 : 0);
    if (expected) {
        assert_string_equal(copies.items[0].recipient.value, expected);
        assert_string_equal(copies.items[0].message->id, id);
        assert_non_null(copies.items[0].message->json);
    }
    qos_copies_release(&copies);
}

static void shows_what_is_for_one_by_its_id(void **state)
{
    struct repository_env *env = *state;
    const uint64_t number = env_put(env, "one", "alice");

    (void)env_put(env, "two", "alice,bob");
    BEFORE_AND_AFTER_REOPENING(env)
    {
        assert_single(env, "one", "alice");
        assert_single(env, "two", NULL);
        assert_single(env, "three", NULL);
    }
    assert_int_equal(env_end(env, number, &alice, 500), 0);
    assert_single(env, "one", NULL);
}

static void keeps_every_member(void **state)
{
    static const char value[] = "O'Brien \"\xf0\x9f\x98\x80\" %s \x01\\";
    struct repository_env *env = *state;
    char listening[3000];
    char *values[] = {(char *)value};
    struct sse_target target = {SSE_BY_CHANNEL, values, 1, listening};
    const struct qos_recipient recipient = {SSE_BY_CHANNEL, value, listening};
    struct qos_message message = message_of("id '; DROP TABLE message; --");
    char *json = mem_alloc(100001);

    memset(listening, 'l', sizeof(listening) - 1);
    listening[sizeof(listening) - 1] = '\0';
    memset(json, 'j', 100001);
    message.json = json;
    message.length = 100000; /* what lies behind is not part of it */
    message.digest = UINT64_MAX;
    message.receipt = "https://example.com/?a=1&b='2'";
    message.number = env_put_message(env, message, &target);
    env_begin(env);
    assert_int_equal(env->repository->ops->note(env->repository, message.number, &recipient, 7), 0);
    env_commit(env);

    BEFORE_AND_AFTER_REOPENING(env)
    {
        struct qos_copies copies = {0};
        const struct qos_copy *copy;

        assert_int_equal(env->repository->ops->read(env->repository, &recipient, 0, 9,
                                                    qos_copies_visit, &copies),
                         0);
        assert_int_equal(copies.count, 1);
        copy = &copies.items[0];
        assert_int_equal(copy->message->number, message.number);
        assert_string_equal(copy->message->id, message.id);
        assert_int_equal(copy->message->length, 100000);
        assert_int_equal(strlen(copy->message->json), 100000);
        assert_memory_equal(copy->message->json, json, 100000);
        assert_true(copy->message->digest == UINT64_MAX);
        assert_int_equal(copy->message->created, 100);
        assert_int_equal(copy->message->expires, 1000);
        assert_string_equal(copy->message->receipt, message.receipt);
        assert_true(qos_recipient_equals(&copy->recipient, &recipient));
        assert_int_equal(copy->state, QOS_STORED);
        assert_int_equal(copy->written, 7);
        assert_int_equal(copy->ended, 0);
        qos_copies_release(&copies);
    }
    free(json);
}

static void reads_a_queue_in_order(void **state)
{
    struct repository_env *env = *state;
    uint64_t numbers[4];

    numbers[0] = env_put(env, "1", "alice");
    (void)env_put(env, "x", "bob");
    numbers[1] = env_put(env, "2", "alice,bob");
    numbers[2] = env_put(env, "3", "alice");
    numbers[3] = env_put(env, "4", "alice");

    BEFORE_AND_AFTER_REOPENING(env)
    {
        assert_read(env, &alice, 0, 10,
                    "1:alice/=stored 2:alice/=stored 3:alice/=stored 4:alice/=stored");
        assert_read(env, &alice, 0, 2, "1:alice/=stored 2:alice/=stored");
        assert_read(env, &alice, 0, 0, "");
        assert_read(env, &alice, numbers[1], 10, "3:alice/=stored 4:alice/=stored");
        assert_read(env, &alice, numbers[0] + 1, 1, "2:alice/=stored");
        assert_read(env, &alice, numbers[3], 10, "");
        assert_read(env, &bob, 0, 10, "x:bob/=stored 2:bob/=stored");
        assert_int_equal(env_count(env, &alice), 4);
        assert_int_equal(env_count(env, &bob), 2);
    }
}

static void stops_when_the_visit_has_enough(void **state)
{
    struct repository_env *env = *state;
    const struct qos_repository_ops *ops = env->repository->ops;
    struct shown shown[4];

    for (size_t i = 0; i < 4; i++)
        shown[i] = (struct shown){.text = "", .enough = 1};
    (void)env_put(env, "1", "alice,bob");
    (void)env_put(env, "2", "alice,bob");
    assert_int_equal(ops->read(env->repository, &alice, 0, 9, shown_visit, &shown[0]), 0);
    assert_int_equal(ops->scan(env->repository, 0, 9, shown_visit, &shown[1]), 0);
    assert_int_equal(ops->expired(env->repository, 5000, 9, shown_visit, &shown[2]), 0);
    assert_int_equal(ops->queues(env->repository, SSE_BY_USER, "alice", shown_visit, &shown[3]), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(shown[i].count, 1);
    /* And leaves nothing open behind it. */
    assert_read(env, &alice, 0, 10, "1:alice/=stored 2:alice/=stored");
    env_end_user(env, 1, "alice", 500);
}

static void has_one_copy_for_a_value_that_is_there_twice(void **state)
{
    struct repository_env *env = *state;
    const uint64_t number = env_put(env, "1", "alice,bob,alice,alice");

    BEFORE_AND_AFTER_REOPENING(env)
    {
        assert_scan(env, 0, 10, "1:alice/=stored 1:bob/=stored");
        assert_int_equal(env_count(env, &alice), 1);
        assert_totals(env, 2, 1);
    }
    env_end_user(env, number, "alice", 500);
    env_end_user(env, number, "bob", 500);
    assert_totals(env, 0, 0);
}

static void parts_queues_by_dimension_and_listening(void **state)
{
    struct repository_env *env = *state;
    char *values[] = {(char *)"a"};
    struct sse_target target = {SSE_BY_USER, values, 1, NULL};
    static const struct qos_recipient recipients[] = {
        {SSE_BY_USER, "a", ""},      {SSE_BY_USER, "a", "news"}, {SSE_BY_USER, "a", "sport"},
        {SSE_BY_TOKEN, "a", ""},     {SSE_BY_TENANT, "a", ""},   {SSE_BY_CHANNEL, "a", ""},
        {SSE_BY_CONNECTION, "a", ""}};

    for (size_t i = 0; i < sizeof(recipients) / sizeof(recipients[0]); i++) {
        const char id[] = {(char)('0' + i), '\0'};

        target.dimension = recipients[i].dimension;
        target.listening = recipients[i].listening[0] ? (char *)recipients[i].listening : NULL;
        (void)env_put_message(env, message_of(id), &target);
    }
    BEFORE_AND_AFTER_REOPENING(env)
    {
        for (size_t i = 0; i < sizeof(recipients) / sizeof(recipients[0]); i++) {
            char expected[64];

            snprintf(expected, sizeof(expected), "%zu:a/%s=stored", i, recipients[i].listening);
            assert_read(env, &recipients[i], 0, 10, expected);
            assert_int_equal(env_count(env, &recipients[i]), 1);
        }
    }
    assert_int_equal(env_end(env, 1, &recipients[1], 500), -ENOENT);
    assert_int_equal(env_end(env, 1, &recipients[3], 500), -ENOENT);
    assert_int_equal(env_end(env, 1, &recipients[0], 500), 0);
}

static void has_one_queue_for_all(void **state)
{
    struct repository_env *env = *state;
    const struct sse_target target = {.dimension = SSE_ALL};
    const struct sse_target listening = {.dimension = SSE_ALL, .listening = (char *)"news"};
    const struct qos_recipient all = {SSE_ALL, "", ""};
    const uint64_t number = env_put_message(env, message_of("1"), &target);

    (void)env_put_message(env, message_of("2"), &listening);
    BEFORE_AND_AFTER_REOPENING(env)
    {
        assert_read(env, &all, 0, 10, "1:/=stored");
        assert_scan(env, 0, 10, "1:/=stored 2:/news=stored");
    }
    assert_int_equal(env_end(env, number, &all, 500), 0);
    assert_totals(env, 1, 1);
}

static void shows_the_first_of_each_queue_of_a_value(void **state)
{
    struct repository_env *env = *state;
    char *values[] = {(char *)"alice", (char *)"bob"};
    struct sse_target target = {SSE_BY_USER, values, 2, (char *)"news"};
    const uint64_t plain = env_put(env, "1", "alice");
    struct shown shown = {.text = ""};

    (void)env_put_message(env, message_of("2"), &target);
    (void)env_put_message(env, message_of("3"), &target);
    target.listening = (char *)"sport";
    (void)env_put_message(env, message_of("4"), &target);
    (void)env_put(env, "5", "alice");
    BEFORE_AND_AFTER_REOPENING(env)
    {
        shown = (struct shown){.text = ""};
        assert_int_equal(env->repository->ops->queues(env->repository, SSE_BY_USER, "alice",
                                                      shown_visit, &shown),
                         0);
        assert_string_equal(shown.text, "1:alice/=stored 2:alice/news=stored 4:alice/sport=stored");
    }
    env_end_user(env, plain, "alice", 500);
    env_end_user(env, plain + 4, "alice", 500);
    shown = (struct shown){.text = ""};
    assert_int_equal(
        env->repository->ops->queues(env->repository, SSE_BY_USER, "alice", shown_visit, &shown),
        0);
    assert_string_equal(shown.text, "2:alice/news=stored 4:alice/sport=stored");
}

static void scans_message_by_message(void **state)
{
    struct repository_env *env = *state;
    const uint64_t first = env_put(env, "1", "alice,bob");
    const uint64_t second = env_put(env, "2", "alice");

    (void)env_put(env, "3", "alice,bob,carol");
    (void)env_put(env, "4", "carol");
    env_end_user(env, second, "alice", 500);
    BEFORE_AND_AFTER_REOPENING(env)
    {
        assert_scan(env, 0, 1, "1:alice/=stored 1:bob/=stored");
        assert_scan(env, 0, 0, "");
        assert_scan(env, first, 2, "3:alice/=stored 3:bob/=stored 3:carol/=stored 4:carol/=stored");
        assert_scan(env, second, 1, "3:alice/=stored 3:bob/=stored 3:carol/=stored");
        assert_scan(env, second + 2, 9, "");
    }
    env_end_user(env, first, "alice", 500);
    assert_scan(env, 0, 1, "1:bob/=stored");
}

static void numbers_rise(void **state)
{
    struct repository_env *env = *state;
    uint64_t last = 0;
    char id[24];

    for (int i = 0; i < 3000; i++) {
        uint64_t number;

        snprintf(id, sizeof(id), "%d", i);
        number = env_put(env, id, "alice");
        assert_true(number > last);
        last = number;
        if (i % 1000 == 999)
            env_reopen(env);
    }
    assert_int_equal(env_count(env, &alice), 3000);
    assert_totals(env, 3000, 3000);
}

static void does_many_things_in_one_transaction(void **state)
{
    struct repository_env *env = *state;
    const struct qos_repository_ops *ops = env->repository->ops;
    char *values[] = {(char *)"alice"};
    const struct sse_target target = {SSE_BY_USER, values, 1, NULL};
    struct qos_message first = message_of("1");
    struct qos_message second = message_of("2");

    env_begin(env);
    assert_int_equal(ops->put(env->repository, &first, &target), 0);
    assert_int_equal(env_count(env, &alice), 1);
    assert_read(env, &alice, 0, 9, "1:alice/=stored");
    assert_int_equal(ops->end(env->repository, first.number, &alice, QOS_DISPLACED, 500, 0), 0);
    assert_int_equal(ops->put(env->repository, &second, &target), 0);
    assert_int_equal(env_count(env, &alice), 1);
    assert_int_equal(ops->note(env->repository, second.number, &alice, 2), 0);
    env_commit(env);
    BEFORE_AND_AFTER_REOPENING(env)
    {
        assert_read(env, &alice, 0, 9, "2:alice/=stored");
        assert_totals(env, 1, 1);
    }
}

static void counts_many_queues(void **state)
{
    struct repository_env *env = *state;
    const size_t queues = 300;
    char id[24], name[24];

    for (size_t i = 0; i < queues * 2; i++) {
        snprintf(id, sizeof(id), "%zu", i);
        snprintf(name, sizeof(name), "user%zu", i % queues);
        (void)env_put(env, id, name);
    }
    BEFORE_AND_AFTER_REOPENING(env)
    {
        for (size_t i = 0; i < queues; i++) {
            snprintf(name, sizeof(name), "user%zu", i);
            const struct qos_recipient recipient = user(name);

            assert_int_equal(env_count(env, &recipient), 2);
        }
    }
}

static void counts_users_without_a_tenant(void **state)
{
    struct repository_env *env = *state;
    const struct qos_recipient plain = {SSE_BY_USER, "42", ""};
    char *value = (char *)(uintptr_t) "42";
    uint64_t count = 999, number;

    number = env_put(env, "m",
                     "42,43,red\x1f"
                     "42,\x1f"
                     "42");
    env_put_message(
        env, message_of("n"),
        &(struct sse_target){.dimension = SSE_BY_CHANNEL, .values = &value, .count = 1});
    BEFORE_AND_AFTER_REOPENING(env)
    {
        assert_int_equal(env->repository->ops->count_plain(env->repository, &count), 0);
        assert_int_equal(count, 2);
    }
    assert_int_equal(env_end(env, number, &plain, 500), 0);
    assert_int_equal(env->repository->ops->count_plain(env->repository, &count), 0);
    assert_int_equal(count, 1);
}

#define CONTRACT(set_up)                                                                           \
    {                                                                                              \
        ENV_CASE(is_empty_at_first, set_up), ENV_CASE(finds_what_was_put, set_up),                 \
            ENV_CASE(shows_what_is_for_one_by_its_id, set_up),                                     \
            ENV_CASE(keeps_every_member, set_up), ENV_CASE(reads_a_queue_in_order, set_up),        \
            ENV_CASE(stops_when_the_visit_has_enough, set_up),                                     \
            ENV_CASE(has_one_copy_for_a_value_that_is_there_twice, set_up),                        \
            ENV_CASE(parts_queues_by_dimension_and_listening, set_up),                             \
            ENV_CASE(has_one_queue_for_all, set_up),                                               \
            ENV_CASE(shows_the_first_of_each_queue_of_a_value, set_up),                            \
            ENV_CASE(scans_message_by_message, set_up), ENV_CASE(numbers_rise, set_up),            \
            ENV_CASE(does_many_things_in_one_transaction, set_up),                                 \
            ENV_CASE(counts_many_queues, set_up), ENV_CASE(counts_users_without_a_tenant, set_up), \
    }

int main(void)
{
    const struct CMUnitTest memory[] = CONTRACT(env_set_up_memory);
    const struct CMUnitTest sqlite[] = CONTRACT(env_set_up_sqlite);
    const struct CMUnitTest moved[] = CONTRACT(env_set_up_moved);
    int failures = cmocka_run_group_tests_name("memory", memory, NULL, NULL);

    failures += cmocka_run_group_tests_name("sqlite", sqlite, NULL, NULL);
    failures += cmocka_run_group_tests_name("sqlite, moved", moved, NULL, NULL);
    return failures;
}
