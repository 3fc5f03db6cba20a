/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of qos/repository.h, for each repository: how copies end, and are forgotten. As in
 * test_repository.c. */
#include <errno.h>

#include "repository_env.h"

static const struct qos_recipient alice = {SSE_BY_USER, "alice", ""};
static const struct qos_recipient bob = {SSE_BY_USER, "bob", ""};

static void ends_a_copy_once(void **state)
{
    struct repository_env *env = *state;
    const uint64_t number = env_put(env, "1", "alice,bob");
    const struct qos_recipient carol = user("carol");

    assert_totals(env, 2, 1);
    env_end_user(env, number, "alice", 500);
    assert_int_equal(env_end(env, number, &alice, 600), -ENOENT);
    assert_int_equal(env_end(env, number, &carol, 600), -ENOENT);
    assert_int_equal(env_end(env, number + 1, &bob, 600), -ENOENT);
    assert_int_equal(env->repository->ops->note(env->repository, number, &alice, 9), -ENOENT);
    BEFORE_AND_AFTER_REOPENING(env)
    {
        assert_totals(env, 1, 1);
        assert_read(env, &alice, 0, 10, "");
        assert_read(env, &bob, 0, 10, "1:bob/=stored");
        assert_int_equal(env_count(env, &alice), 0);
    }
    env_end_user(env, number, "bob", 700);
    BEFORE_AND_AFTER_REOPENING(env)
    {
        assert_totals(env, 0, 0);
        assert_scan(env, 0, 10, "");
        assert_expired(env, INT64_MAX, 10, "");
    }
}

static void remembers_how_each_copy_ended(void **state)
{
    static const char *const users[] = {"a", "b", "c", "d"};
    struct repository_env *env = *state;
    const struct qos_repository_ops *ops = env->repository->ops;
    const uint64_t number = env_put(env, "1", "a,b,c,d,e");
    struct qos_copies copies = {0};

    env_begin(env);
    for (unsigned i = 0; i < 4; i++) {
        const struct qos_recipient recipient = user(users[i]);

        assert_int_equal(
            ops->end(env->repository, number, &recipient, QOS_ACKNOWLEDGED + i, 500 + i, 10 + i),
            0);
    }
    env_commit(env);
    BEFORE_AND_AFTER_REOPENING(env)
    {
        struct shown shown = {.text = ""};

        assert_int_equal(ops->states(env->repository, number, shown_visit, &shown), 0);
        assert_string_equal(shown.text, "1:a/=acknowledged 1:b/=expired 1:c/=displaced "
                                        "1:d/=deleted 1:e/=stored");
    }
    env_end_user(env, number, "e", 900);
    assert_int_equal(ops->states(env->repository, number, qos_copies_visit, &copies), 0);
    assert_int_equal(copies.count, 5);
    assert_null(copies.items[0].message->json);
    assert_int_equal(copies.items[1].ended, 501);
    assert_int_equal(copies.items[1].written, 11);
    assert_int_equal(copies.items[4].ended, 900);
    qos_copies_release(&copies);
}

static void shows_what_expires_first(void **state)
{
    struct repository_env *env = *state;
    char *values[] = {(char *)"alice", (char *)"bob"};
    const struct sse_target target = {SSE_BY_USER, values, 2, NULL};
    static const int64_t expires[] = {3000, 1000, 2000, 1000};
    uint64_t first = 0;

    for (size_t i = 0; i < 4; i++) {
        const char id[] = {(char)('0' + i), '\0'};
        struct qos_message message = message_of(id);

        message.expires = expires[i];
        message.number = env_put_message(env, message, &target);
        first = i == 0 ? message.number : first;
    }
    BEFORE_AND_AFTER_REOPENING(env)
    {
        assert_expired(env, 999, 10, "");
        assert_expired(env, 1000, 10,
                       "1:alice/=stored 1:bob/=stored 3:alice/=stored 3:bob/=stored");
        assert_expired(env, 2000, 5,
                       "1:alice/=stored 1:bob/=stored 3:alice/=stored 3:bob/=stored "
                       "2:alice/=stored");
        assert_expired(env, 2000, 0, "");
    }
    env_end_user(env, first + 1, "alice", 1500);
    assert_expired(env, 1500, 2, "1:bob/=stored 3:alice/=stored");
    env_end_user(env, first + 1, "bob", 1500);
    assert_expired(env, 1500, 1, "3:alice/=stored");
}

/* Whatever the numbers of those that have the same time. */
static void shows_what_expires_first_of_many(void **state)
{
    struct repository_env *env = *state;
    char *values[] = {(char *)"alice"};
    const struct sse_target target = {SSE_BY_USER, values, 1, NULL};
    const uint64_t count = 700;
    uint64_t first = 0;

    for (uint64_t i = 0; i < count; i++) {
        char id[24];
        struct qos_message message = message_of(id);

        snprintf(id, sizeof(id), "%d", (int)i);
        message.expires = i % 300 == 7 ? 2000 + (int64_t)i : 100000;
        message.number = env_put_message(env, message, &target);
        first = i == 0 ? message.number : first;
    }
    BEFORE_AND_AFTER_REOPENING(env)
    {
        assert_expired(env, 2006, 10, "");
        assert_expired(env, 2700, 10, "7:alice/=stored 307:alice/=stored 607:alice/=stored");
        assert_expired(env, 2700, 2, "7:alice/=stored 307:alice/=stored");
    }
    env_end_user(env, first + 7, "alice", 2100);
    assert_expired(env, 2700, 10, "307:alice/=stored 607:alice/=stored");
    assert_int_equal(env_set_aside(env, first + 307, "alice", QOS_BAD_ROW), 0);
    assert_expired(env, 2700, 10, "607:alice/=stored");
    assert_expired(env, 2600, 10, "");
    env_begin(env);
    assert_int_equal(env->repository->ops->take_back(env->repository, first + 307, "alice"), 0);
    env_commit(env);
    assert_expired(env, 2700, 10, "307:alice/=stored 607:alice/=stored");
    assert_int_equal(env_count(env, &alice), count - 1);
}

static void forgets_what_ended_before_a_time(void **state)
{
    struct repository_env *env = *state;
    const uint64_t first = env_put(env, "1", "alice,bob");
    const uint64_t second = env_put(env, "2", "alice");
    struct qos_message message;
    struct shown shown = {.text = ""};

    (void)env_put(env, "3", "alice");
    env_end_user(env, second, "alice", 500);
    env_end_user(env, first, "alice", 600);
    assert_int_equal(env_forget(env, 500, 100, 10), 0);
    env_end_user(env, first, "bob", 700);
    assert_int_equal(env_forget(env, 501, 100, 10), 1);
    BEFORE_AND_AFTER_REOPENING(env)
    {
        const struct qos_repository_ops *ops = env->repository->ops;

        assert_int_equal(ops->find(env->repository, "2", &message), -ENOENT);
        assert_int_equal(ops->states(env->repository, second, shown_visit, &shown), -ENOENT);
        assert_int_equal(ops->find(env->repository, "1", &message), 0);
        assert_int_equal(ops->find(env->repository, "3", &message), 0);
    }
    assert_int_equal(env_forget(env, INT64_MAX, 100, 10), 1);
    assert_int_equal(env_forget(env, INT64_MAX, 0, 10), 0);
    assert_read(env, &alice, 0, 10, "3:alice/=stored");
    assert_totals(env, 1, 1);
}

static void forgets_the_oldest_beyond_most(void **state)
{
    struct repository_env *env = *state;
    struct qos_message message;
    char id[] = "0";

    for (int i = 0; i < 6; i++) {
        id[0] = (char)('0' + i);
        env_end_user(env, env_put(env, id, "alice"), "alice", i == 0 ? 5000 : 500 + i);
    }
    assert_int_equal(env->repository->totals.ended, 6);
    assert_int_equal(env_forget(env, 0, 4, 10), 2);
    env_reopen(env);
    assert_int_equal(env->repository->totals.ended, 4);
    assert_int_equal(env_forget(env, 0, 4, 10), 0);
    assert_int_equal(env->repository->ops->find(env->repository, "0", &message), 0);
    assert_int_equal(env->repository->ops->find(env->repository, "1", &message), -ENOENT);
    assert_int_equal(env->repository->ops->find(env->repository, "2", &message), -ENOENT);
    assert_int_equal(env_forget(env, 0, 0, 3), 3);
    assert_int_equal(env_forget(env, 0, 0, 3), 1);
    assert_int_equal(env->repository->totals.ended, 0);
    assert_false(env_shrink(env));
}

static void takes_a_forgotten_id_again_with_a_new_number(void **state)
{
    struct repository_env *env = *state;
    uint64_t last = 0;

    for (int round = 0; round < 4; round++) {
        const uint64_t number = env_put(env, "1", "alice");

        assert_true(number > last);
        last = number;
        env_end_user(env, number, "alice", 500);
        assert_int_equal(env_forget(env, INT64_MAX, 0, 10), 1);
        env_reopen(env);
    }
    assert_totals(env, 0, 0);
}

static void remembers_a_message_for_nobody(void **state)
{
    struct repository_env *env = *state;
    const struct sse_target target = {.dimension = SSE_BY_USER};
    const uint64_t number = env_put_message(env, message_of("1"), &target);

    BEFORE_AND_AFTER_REOPENING(env)
    {
        struct qos_message message;
        struct shown shown = {.text = ""};

        assert_totals(env, 0, 0);
        assert_scan(env, 0, 10, "");
        assert_int_equal(env->repository->ops->find(env->repository, "1", &message), 0);
        assert_int_equal(env->repository->ops->states(env->repository, number, shown_visit, &shown),
                         0);
        assert_int_equal(shown.count, 0);
    }
    assert_int_equal(env_forget(env, 100, 10, 10), 0);
    assert_int_equal(env_forget(env, 101, 10, 10), 1);
}

#define CONTRACT(set_up)                                                                           \
    {                                                                                              \
        ENV_CASE(ends_a_copy_once, set_up), ENV_CASE(remembers_how_each_copy_ended, set_up),       \
            ENV_CASE(shows_what_expires_first, set_up),                                            \
            ENV_CASE(shows_what_expires_first_of_many, set_up),                                    \
            ENV_CASE(forgets_what_ended_before_a_time, set_up),                                    \
            ENV_CASE(forgets_the_oldest_beyond_most, set_up),                                      \
            ENV_CASE(takes_a_forgotten_id_again_with_a_new_number, set_up),                        \
            ENV_CASE(remembers_a_message_for_nobody, set_up),                                      \
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
