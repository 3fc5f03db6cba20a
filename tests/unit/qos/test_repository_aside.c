/* SPDX-License-Identifier: Apache-2.0 */
/* What both repositories do with copies that cannot be read. */
#include <errno.h>

#include "repository_env.h"

static int take_back(struct repository_env *env, uint64_t number, const char *value)
{
    int result;

    env_begin(env);
    result = env->repository->ops->take_back(env->repository, number, value);
    env_commit(env);
    return result;
}

static int discard(struct repository_env *env, uint64_t number, const char *value, int64_t at)
{
    int result;

    env_begin(env);
    result = env->repository->ops->discard(env->repository, number, value, at);
    env_commit(env);
    return result;
}

static void assert_states(struct repository_env *env, uint64_t number, const char *expected)
{
    struct shown shown = {.text = ""};

    assert_int_equal(env->repository->ops->states(env->repository, number, shown_visit, &shown), 0);
    assert_string_equal(shown.text, expected);
}

static void is_in_no_queue_and_is_kept(void **state)
{
    struct repository_env *env = *state;
    const struct qos_recipient alice = user("alice");
    const uint64_t one = env_put(env, "1", "alice,bob");

    (void)env_put(env, "2", "alice");
    assert_int_equal(env_set_aside(env, one, "alice", QOS_BAD_MESSAGE), 0);
    assert_int_equal(env_set_aside(env, one, "alice", QOS_BAD_MESSAGE), -ENOENT);
    assert_int_equal(env_set_aside(env, one, "carol", QOS_BAD_MESSAGE), -ENOENT);
    BEFORE_AND_AFTER_REOPENING(env)
    {
        assert_read(env, &alice, 0, 9, "2:alice/=stored");
        assert_int_equal(env_count(env, &alice), 1);
        assert_scan(env, 0, 9, "1:bob/=stored 2:alice/=stored");
        assert_aside(env, 0, 9, "1:alice/=unreadable");
        assert_states(env, one, "1:alice/=unreadable 1:bob/=stored");
        assert_totals(env, 2, 2);
        assert_int_equal(env->repository->totals.aside, 1);
    }
}

/* Neither its ttl ends it, nor that what else there was of the message has ended. */
static void does_not_end(void **state)
{
    struct repository_env *env = *state;
    const struct qos_recipient alice = user("alice");
    const uint64_t one = env_put(env, "1", "alice,bob");
    const uint64_t two = env_put(env, "2", "alice");

    assert_int_equal(env_set_aside(env, two, "alice", QOS_NO_MEMORY), 0);
    assert_int_equal(env_set_aside(env, one, "alice", QOS_NO_MEMORY), 0);
    assert_expired(env, 5000, 9, "1:bob/=stored");
    env_end_user(env, one, "bob", 200);
    assert_int_equal(env_end(env, one, &alice, 200), -ENOENT);
    assert_int_equal(env_forget(env, 100000, 0, 100), 0);
    BEFORE_AND_AFTER_REOPENING(env)
    {
        assert_expired(env, 5000, 9, "");
        assert_scan(env, 0, 9, "");
        assert_aside(env, 0, 9, "1:alice/=unreadable 2:alice/=unreadable");
        assert_aside(env, 0, 1, "1:alice/=unreadable");
        assert_aside(env, one, 9, "2:alice/=unreadable");
        assert_totals(env, 0, 2);
    }
}

/* What is behind those that are set aside is found, however few are looked at in one go. */
static void is_in_no_slice(void **state)
{
    struct repository_env *env = *state;

    for (int i = 0; i < 5; i++)
        assert_int_equal(env_set_aside(env, env_put(env, (char[]){(char)('a' + i), 0}, "alice"),
                                       "alice", QOS_BAD_MESSAGE),
                         0);
    (void)env_put(env, "last", "alice");
    assert_scan(env, 0, 1, "last:alice/=stored");
    assert_expired(env, 5000, 1, "last:alice/=stored");
}

static void is_taken_back_into_its_place(void **state)
{
    struct repository_env *env = *state;
    const struct qos_recipient alice = user("alice");
    const uint64_t one = env_put(env, "1", "alice");

    (void)env_put(env, "2", "alice");
    assert_int_equal(env_set_aside(env, one, "alice", QOS_NO_MEMORY), 0);
    assert_int_equal(take_back(env, one, "bob"), -ENOENT);
    assert_int_equal(take_back(env, one, "alice"), 0);
    assert_int_equal(take_back(env, one, "alice"), -ENOENT);
    BEFORE_AND_AFTER_REOPENING(env)
    {
        assert_read(env, &alice, 0, 9, "1:alice/=stored 2:alice/=stored");
        assert_int_equal(env_count(env, &alice), 2);
        assert_expired(env, 5000, 9, "1:alice/=stored 2:alice/=stored");
        assert_aside(env, 0, 9, "");
        assert_totals(env, 2, 2);
        assert_int_equal(env->repository->totals.aside, 0);
    }
    env_end_user(env, one, "alice", 200);
    assert_totals(env, 1, 1);
}

static void is_deleted_where_that_is_said(void **state)
{
    struct repository_env *env = *state;
    const uint64_t one = env_put(env, "1", "alice,bob");

    assert_int_equal(env_set_aside(env, one, "alice", QOS_BAD_MESSAGE), 0);
    assert_int_equal(env_set_aside(env, one, "bob", QOS_BAD_MESSAGE), 0);
    assert_int_equal(discard(env, one, "carol", 300), -ENOENT);
    assert_int_equal(discard(env, one, "alice", 300), 0);
    assert_int_equal(discard(env, one, "alice", 300), -ENOENT);
    assert_totals(env, 0, 1);
    assert_int_equal(discard(env, one, "bob", 301), 0);
    BEFORE_AND_AFTER_REOPENING(env)
    {
        assert_states(env, one, "1:alice/=deleted 1:bob/=deleted");
        assert_aside(env, 0, 9, "");
        assert_totals(env, 0, 0);
        assert_int_equal(env->repository->totals.aside, 0);
    }
    assert_int_equal(env_forget(env, 301, 10, 10), 0);
    assert_int_equal(env_forget(env, 302, 10, 10), 1);
}

static void remembers_the_cause(void **state)
{
    struct repository_env *env = *state;
    struct qos_copies copies = {0};
    const uint64_t one = env_put(env, "1", "alice");

    assert_int_equal(env_set_aside(env, one, "alice", QOS_NO_MEMORY), 0);
    env_reopen(env);
    assert_int_equal(env->repository->ops->aside(env->repository, 0, 1, qos_copies_visit, &copies),
                     0);
    assert_int_equal(env->repository->ops->states(env->repository, one, qos_copies_visit, &copies),
                     0);
    assert_int_equal(copies.count, 2);
    assert_int_equal(copies.items[0].cause, QOS_NO_MEMORY);
    assert_int_equal(copies.items[1].cause, QOS_NO_MEMORY);
    assert_string_equal(copies.items[0].message->json, message_of("").json);
    qos_copies_release(&copies);
}

#define CONTRACT(set_up)                                                                           \
    {                                                                                              \
        ENV_CASE(is_in_no_queue_and_is_kept, set_up), ENV_CASE(does_not_end, set_up),              \
            ENV_CASE(is_in_no_slice, set_up), ENV_CASE(is_taken_back_into_its_place, set_up),      \
            ENV_CASE(is_deleted_where_that_is_said, set_up),                                       \
            ENV_CASE(remembers_the_cause, set_up),                                                 \
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
