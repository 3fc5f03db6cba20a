/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>

#include "base/json.h"
#include "job_env.h"
#include "qos/aside.h"
#include "qos/end.h"
#include "qos/look.h"

/* jansson without memory, as base/json.h lets it be. */
static bool is_scarce;

static void *scarce(size_t size)
{
    return is_scarce ? NULL : malloc(size);
}

static int set_up(void **state)
{
    is_scarce = false;
    json_set_alloc_funcs(scarce, free);
    return job_env_set_up(state);
}

#undef ENV_TEST
#define ENV_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, job_env_tear_down)

static int read_queue(struct job_env *env, uint64_t after, size_t limit, const char *expected,
                      const char *aside, bool is_all)
{
    const struct qos_recipient anna = {SSE_BY_USER, "anna", ""};
    struct qos_read read = {.after = after, .limit = limit};
    int status;

    qos_read_init(&read, &anna);
    assert_int_equal(env->repository->ops->begin(env->repository), 0);
    status = read.job.run(&read.job, env->repository);
    assert_int_equal(env->repository->ops->commit(env->repository), 0);
    assert_copies(&read.copies, expected);
    for (size_t i = 0; i < read.copies.count; i++)
        assert_non_null(read.copies.items[i].decoded);
    assert_copies(&read.aside, aside);
    assert_int_equal(read.is_all, is_all);
    qos_read_release(&read);
    return status;
}

static void put(struct job_env *env, const char *id, const char *json)
{
    env->json = json;
    env_put_for(env, id, SSE_BY_USER, "anna", NULL);
}

/* What it has is no message: the queue goes on behind it, and it is kept. */
static void no_message_is_set_aside(void **state)
{
    static const char *const others[] = {
        "x",
        "[]",
        "[]",
        "{}",
        "{\"event\":\"e\"",
        "{\"event\":\"e\",\"all\":true,\"later\":1}",
        "\xff",
        "{\"event\":7,\"all\":true}",
    };
    struct job_env *env = *state;

    put(env, "m", READABLE);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        put(env, (char[]){(char)('a' + (char)i), 0}, others[i]);
    put(env, "n", READABLE);
    assert_int_equal(
        read_queue(env, 0, 3, "m:anna=stored", "a:anna=unreadable b:anna=unreadable", false), 0);
    assert_int_equal(read_queue(env, 1, 100, "n:anna=stored",
                                "c:anna=unreadable d:anna=unreadable e:anna=unreadable "
                                "f:anna=unreadable g:anna=unreadable h:anna=unreadable",
                                true),
                     0);
    assert_stored(env, "m:anna=stored n:anna=stored");
    assert_int_equal(env->repository->totals.aside, 8);
}

static void want_of_memory_is_waited_for(void **state)
{
    struct job_env *env = *state;

    put(env, "m", READABLE);
    put(env, "n", READABLE);
    is_scarce = true;
    for (int i = 0; i < 4; i++)
        assert_int_equal(read_queue(env, 0, 9, "", "", false), -ENOMEM);
    is_scarce = false;
    assert_int_equal(read_queue(env, 0, 9, "m:anna=stored n:anna=stored", "", true), 0);
    is_scarce = true; /* the count begins anew */
    for (int i = 0; i < 4; i++)
        assert_int_equal(read_queue(env, 0, 9, "", "", false), -ENOMEM);
}

static void want_of_memory_that_lasts_stops_no_queue(void **state)
{
    struct job_env *env = *state;

    put(env, "m", READABLE);
    put(env, "n", READABLE);
    is_scarce = true;
    for (int i = 0; i < 4; i++)
        assert_int_equal(read_queue(env, 0, 9, "", "", false), -ENOMEM);
    assert_int_equal(read_queue(env, 0, 9, "", "m:anna=unreadable", false), 0);
    is_scarce = false;
    assert_int_equal(read_queue(env, 0, 9, "n:anna=stored", "", true), 0);
    assert_int_equal(qos_aside_take_back(env->repository), 0);
    assert_int_equal(read_queue(env, 0, 9, "m:anna=stored n:anna=stored", "", true), 0);
    assert_int_equal(env->repository->totals.aside, 0);
}

/* It is in nobody's way where it is. */
static void what_still_cannot_be_read_is_not_taken_back(void **state)
{
    struct job_env *env = *state;

    for (int i = 0; i < 200; i++) {
        char id[8];

        snprintf(id, sizeof(id), "%d", i);
        put(env, id, i == 150 ? READABLE : "x");
        assert_int_equal(
            env->ops.set_aside(env->repository, env_number(env, id), "anna", QOS_NO_MEMORY), 0);
    }
    assert_int_equal(qos_aside_take_back(env->repository), 0);
    assert_stored(env, "150:anna=stored");
    assert_int_equal(env->repository->totals.aside, 199);
}

static void run_delete(struct job_env *env, struct qos_delete *delete, const char *expected)
{
    delete->limit = 100;
    delete->now = env->now;
    qos_delete_init(delete);
    assert_int_equal(env->repository->ops->begin(env->repository), 0);
    assert_int_equal(delete->job.run(&delete->job, env->repository), 0);
    assert_int_equal(env->repository->ops->commit(env->repository), 0);
    assert_copies(&delete->ended, expected);
    qos_copies_release(&delete->ended);
}

static void is_deleted_by_its_id_or_by_name(void **state)
{
    const struct qos_filter everything = {.is_strict = true};
    const struct qos_filter aside = {.is_strict = true, .is_aside = true};
    struct job_env *env = *state;

    put(env, "a", "x");
    put(env, "b", "x");
    put(env, "c", READABLE);
    assert_int_equal(
        read_queue(env, 0, 9, "c:anna=stored", "a:anna=unreadable b:anna=unreadable", true), 0);
    run_delete(env, &(struct qos_delete){.filter = &everything}, "c:anna=deleted");
    assert_int_equal(env->repository->totals.aside, 2);
    run_delete(env, &(struct qos_delete){.id = "a"}, "a:anna=deleted");
    run_delete(env, &(struct qos_delete){.filter = &aside}, "b:anna=deleted");
    assert_int_equal(env->repository->totals.aside, 0);
    assert_int_equal(env->repository->totals.messages, 0);
}

/* The time that nobody meant to end it with ends it neither. */
static void does_not_expire(void **state)
{
    struct job_env *env = *state;
    struct qos_sweep sweep = {.limit = 100, .remembered_most = 0};

    put(env, "a", "x");
    assert_int_equal(read_queue(env, 0, 9, "", "a:anna=unreadable", true), 0);
    env->now += 1000000;
    sweep.now = env->now;
    qos_sweep_init(&sweep);
    assert_int_equal(env_run(env, &sweep.job), 0);
    assert_copies(&sweep.ended, "");
    qos_copies_release(&sweep.ended);
    assert_int_equal(env->repository->totals.aside, 1);
    assert_int_equal(env->repository->totals.messages, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENV_TEST(no_message_is_set_aside),
        ENV_TEST(want_of_memory_is_waited_for),
        ENV_TEST(want_of_memory_that_lasts_stops_no_queue),
        ENV_TEST(what_still_cannot_be_read_is_not_taken_back),
        ENV_TEST(is_deleted_by_its_id_or_by_name),
        ENV_TEST(does_not_expire),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
