/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/revocations.h"
#include "repository_env.h"

static struct qos_repository *open_sqlite(const struct repository_env *env)
{
    char fault[256];
    int error = 0;

    return qos_sqlite_new(env->path, &error, fault, sizeof(fault));
}

static int set_up(void **state)
{
    *state = env_new(open_sqlite, true);
    return 0;
}

static int tear_down(void **state)
{
    env_free(*state);
    return 0;
}

/* At that time, with room for so many. */
static void keep(struct repository_env *env, const struct qos_revocation *revocation, int64_t now,
                 size_t most)
{
    struct qos_keep_revocations job = {.now = now, .most = most};

    qos_keep_revocations_init(&job);
    qos_revocations_add(&job.list, revocation);
    env_begin(env);
    assert_int_equal(job.job.run(&job.job, env->repository), 0);
    env_commit(env);
    qos_revocations_release(&job.list);
}

/* "name:issued:until" of each, by name. */
static void assert_kept(struct repository_env *env, int64_t now, const char *expected)
{
    struct qos_read_revocations job = {.now = now};
    char text[300] = "";
    size_t length = 0;

    qos_read_revocations_init(&job);
    env_begin(env);
    assert_int_equal(job.job.run(&job.job, env->repository), 0);
    env_commit(env);
    for (size_t i = 0; i < job.list.count; i++) {
        const struct qos_revocation *one = &job.list.items[i];

        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s:%lld:%lld",
                                   i > 0 ? " " : "", one->name, (long long)one->issued_until,
                                   (long long)one->until);
    }
    assert_string_equal(text, expected);
    qos_revocations_release(&job.list);
}

static void test_they_are_there_until_they_end(void **state)
{
    struct repository_env *env = *state;

    keep(env, &(struct qos_revocation){"t1", INT64_MAX, 1000}, 100, 10);
    keep(env, &(struct qos_revocation){"u7", 100, 2000}, 100, 10);
    BEFORE_AND_AFTER_REOPENING(env)
    {
        assert_kept(env, 100, "t1:9223372036854775807:1000 u7:100:2000");
        assert_kept(env, 1000, "u7:100:2000");
        assert_kept(env, 2000, "");
    }
}

static void test_the_longer_time_counts(void **state)
{
    struct repository_env *env = *state;

    keep(env, &(struct qos_revocation){"u7", 100, 2000}, 100, 10);
    keep(env, &(struct qos_revocation){"u7", 150, 1500}, 150, 10);
    assert_kept(env, 200, "u7:150:2000");
    keep(env, &(struct qos_revocation){"u7", 120, 3000}, 150, 10);
    assert_kept(env, 200, "u7:150:3000");
}

static void test_what_has_ended_is_forgotten_and_what_is_too_much(void **state)
{
    struct repository_env *env = *state;

    keep(env, &(struct qos_revocation){"a", 1, 1000}, 100, 2);
    keep(env, &(struct qos_revocation){"b", 1, 3000}, 1000, 2);
    assert_kept(env, 0, "b:1:3000");
    keep(env, &(struct qos_revocation){"c", 1, 2000}, 1000, 2);
    keep(env, &(struct qos_revocation){"d", 1, 4000}, 1000, 2);
    assert_kept(env, 0, "b:1:3000 d:1:4000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_they_are_there_until_they_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_longer_time_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_has_ended_is_forgotten_and_what_is_too_much,
                                        set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
