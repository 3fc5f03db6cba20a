/* SPDX-License-Identifier: Apache-2.0 */
#include "job_env.h"
#include "qos/end.h"

enum { REMEMBER_MS = 5000 };

static const struct qos_recipient anna = {SSE_BY_USER, "anna", ""};

static void a_mark_notes_how_often_a_copy_was_written(void **state)
{
    struct job_env *env = *state;
    struct qos_mark mark = {.state = QOS_STORED, .written = 4, .now = env->now};
    struct qos_copies copies = {0};

    env_put_for(env, "m", SSE_BY_USER, "anna,bert", NULL);
    mark.number = env_number(env, "m");
    qos_mark_init(&mark, &anna);
    assert_int_equal(env_run(env, &mark.job), 0);
    assert_int_equal(mark.ended.count, 0);
    qos_mark_release(&mark);
    assert_int_equal(env->ops.read(env->repository, &anna, 0, 1, qos_copies_visit, &copies), 0);
    assert_int_equal(copies.items[0].written, 4);
    qos_copies_release(&copies);
    assert_stored(env, "m:anna=stored m:bert=stored");
}

static void a_mark_ends_a_copy(void **state)
{
    struct job_env *env = *state;
    struct qos_mark mark = {.state = QOS_ACKNOWLEDGED, .written = 4, .now = 1234};

    env_put_for(env, "m", SSE_BY_USER, "anna,bert", NULL);
    mark.number = env_number(env, "m");
    qos_mark_init(&mark, &anna);
    assert_int_equal(env_run(env, &mark.job), 0);
    assert_copies(&mark.ended, "m:anna=acknowledged");
    assert_int_equal(mark.ended.items[0].written, 4);
    assert_int_equal(mark.ended.items[0].ended, 1234);
    assert_string_equal(mark.ended.items[0].message->json, "m");
    qos_mark_release(&mark);
    assert_stored(env, "m:bert=stored");
}

static void what_is_not_stored_cannot_be_marked(void **state)
{
    struct job_env *env = *state;
    const struct qos_recipient bert = {SSE_BY_USER, "bert", ""};
    struct qos_mark note = {.state = QOS_STORED, .written = 1};
    struct qos_mark end = {.state = QOS_ACKNOWLEDGED, .written = 1, .now = env->now};

    env_put_for(env, "m", SSE_BY_USER, "anna", NULL);
    env_put_for(env, "n", SSE_BY_USER, "bert", NULL);
    note.number = end.number = env_number(env, "m");
    qos_mark_init(&note, &bert);
    assert_int_equal(env_run(env, &note.job), -ENOENT);
    qos_mark_release(&note);
    qos_mark_init(&end, &bert);
    assert_int_equal(env_run(env, &end.job), -ENOENT);
    assert_int_equal(end.ended.count, 0);
    qos_mark_release(&end);
    assert_stored(env, "m:anna=stored n:bert=stored");
}

static void a_message_is_deleted_by_its_id(void **state)
{
    struct job_env *env = *state;
    struct qos_delete delete = {.id = "m", .now = env->now};

    qos_delete_init(&delete);
    assert_int_equal(env_run(env, &delete.job), -ENOENT);
    env_put_for(env, "m", SSE_BY_USER, "anna,bert,carl", NULL);
    env_put_for(env, "n", SSE_BY_USER, "anna", NULL);
    assert_int_equal(
        env->ops.end(env->repository, env_number(env, "m"), &anna, QOS_ACKNOWLEDGED, env->now, 1),
        0);
    assert_int_equal(env_run(env, &delete.job), 0);
    assert_copies(&delete.ended, "m:bert=deleted m:carl=deleted");
    assert_true(delete.is_all);
    qos_copies_release(&delete.ended);
    assert_stored(env, "n:anna=stored");
    assert_int_equal(env_run(env, &delete.job), 0); /* known, and nothing is left of it */
    assert_int_equal(delete.ended.count, 0);
    qos_copies_release(&delete.ended);
}

static void a_filter_deletes_in_slices(void **state)
{
    struct job_env *env = *state;
    const struct qos_filter filter = {.user_id = "anna"};
    struct qos_delete delete = {.filter = &filter, .limit = 1, .now = env->now};

    env_put_for(env, "m", SSE_BY_USER, "anna,bert", NULL);
    env_put_for(env, "n", SSE_BY_USER, "bert", NULL);
    env_put_for(env, "o", SSE_BY_USER, "anna", NULL);
    env_put_for(env, "p", SSE_BY_TENANT, "anna", NULL);
    qos_delete_init(&delete);
    assert_int_equal(delete.job.weight, 1);
    assert_int_equal(env_run(env, &delete.job), 0);
    assert_copies(&delete.ended, "m:anna=deleted");
    assert_false(delete.is_all);
    qos_copies_release(&delete.ended);
    assert_int_equal(env_run(env, &delete.job), 0); /* goes on where it was */
    assert_copies(&delete.ended, "o:anna=deleted");
    assert_true(delete.is_all);
    qos_copies_release(&delete.ended);
    assert_stored(env, "m:bert=stored n:bert=stored p:anna=stored");
}

static struct qos_sweep sweep_of(int64_t now, size_t limit)
{
    return (struct qos_sweep){
        .now = now, .limit = limit, .remember_ms = REMEMBER_MS, .remembered_most = 100};
}

static void assert_sweeps(struct job_env *env, struct qos_sweep sweep, const char *expired,
                          size_t forgotten, bool is_all)
{
    qos_sweep_init(&sweep);
    assert_int_equal(env_run(env, &sweep.job), 0);
    assert_copies(&sweep.ended, expired);
    assert_int_equal(sweep.forgotten, forgotten);
    assert_int_equal(sweep.is_all, is_all);
    qos_copies_release(&sweep.ended);
}

/* Messages live for 1000 ms in this module. */
static void what_has_outlived_its_time_expires(void **state)
{
    struct job_env *env = *state;

    env->now = 1000;
    env_put_for(env, "m", SSE_BY_USER, "anna,bert", NULL);
    env->now = 1500;
    env_put_for(env, "n", SSE_BY_USER, "anna", NULL);
    assert_sweeps(env, sweep_of(1999, 10), "", 0, true);
    assert_sweeps(env, sweep_of(2000, 10), "m:anna=expired m:bert=expired", 0, true);
    assert_stored(env, "n:anna=stored");
    assert_sweeps(env, sweep_of(2500, 10), "n:anna=expired", 0, true);
}

static void what_has_ended_is_forgotten_later(void **state)
{
    struct job_env *env = *state;
    struct qos_message message;

    env_put_for(env, "m", SSE_BY_USER, "anna", NULL);
    assert_sweeps(env, sweep_of(2000, 10), "m:anna=expired", 0, true);
    assert_sweeps(env, sweep_of(2000 + REMEMBER_MS, 10), "", 0, true);
    assert_int_equal(env->ops.find(env->repository, "m", &message), 0);
    assert_sweeps(env, sweep_of(2001 + REMEMBER_MS, 10), "", 1, true);
    assert_int_equal(env->ops.find(env->repository, "m", &message), -ENOENT);
}

static void only_so_many_are_remembered(void **state)
{
    struct job_env *env = *state;
    struct qos_sweep sweep = sweep_of(2000, 10);

    sweep.remembered_most = 2;
    env_put_for(env, "m", SSE_BY_USER, "anna", NULL);
    env_put_for(env, "n", SSE_BY_USER, "anna", NULL);
    env_put_for(env, "o", SSE_BY_USER, "anna", NULL);
    assert_sweeps(env, sweep, "m:anna=expired n:anna=expired o:anna=expired", 1, true);
}

static void a_sweep_has_a_limit_for_both(void **state)
{
    struct job_env *env = *state;
    struct qos_sweep sweep = sweep_of(2000, 2);

    sweep.remembered_most = 0;
    env_put_for(env, "m", SSE_BY_USER, "anna", NULL);
    env_put_for(env, "n", SSE_BY_USER, "anna", NULL);
    env_put_for(env, "o", SSE_BY_USER, "anna", NULL);
    assert_sweeps(env, sweep, "m:anna=expired n:anna=expired", 0, false);
    assert_sweeps(env, sweep, "o:anna=expired", 1, false);
    assert_sweeps(env, sweep, "", 2, false);
    assert_sweeps(env, sweep, "", 0, true);
}

static void end_for_anna(struct job_env *env, const char *id)
{
    struct qos_mark mark = {.number = env_number(env, id), .state = QOS_ACKNOWLEDGED, .now = 1500};

    qos_mark_init(&mark, &anna);
    assert_int_equal(env_run(env, &mark.job), 0);
    qos_mark_release(&mark);
}

static void a_transaction_forgets_what_it_ends_too_many(void **state)
{
    struct job_env *env = *state;
    struct qos_sweep sweep = sweep_of(1500, 10);
    const struct qos_totals *totals = &env->repository->totals;
    static const char *const ids[] = {"m", "n", "o", "p", "q"};

    for (size_t i = 0; i < 5; i++) {
        env_put_for(env, ids[i], SSE_BY_USER, "anna", NULL);
        end_for_anna(env, ids[i]);
    }
    /* Nobody has said yet how many are remembered. */
    qos_forget_surplus(env->repository, 0);
    assert_int_equal(totals->ended, 5);
    sweep.limit = 2;
    sweep.remembered_most = 1;
    assert_sweeps(env, sweep, "", 2, false);
    /* One that has ended none leaves it to the sweeps; others do twice what they have ended. */
    qos_forget_surplus(env->repository, 3);
    assert_int_equal(totals->ended, 3);
    env_put_for(env, "r", SSE_BY_USER, "anna", NULL);
    end_for_anna(env, "r");
    qos_forget_surplus(env->repository, 3);
    assert_int_equal(totals->ended, 2);
    env_put_for(env, "s", SSE_BY_USER, "anna", NULL);
    end_for_anna(env, "s");
    qos_forget_surplus(env->repository, 2);
    assert_int_equal(totals->ended, 1);
    assert_true(env_number(env, "s") > 0);
    /* And what is too old, by the time of the last sweep. */
    env->now = 1501 + REMEMBER_MS;
    sweep = sweep_of(env->now, 10);
    env_put_for(env, "t", SSE_BY_USER, "anna", NULL);
    assert_sweeps(env, sweep, "", 1, true);
    end_for_anna(env, "t");
    qos_forget_surplus(env->repository, 0);
    assert_int_equal(totals->ended, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENV_TEST(a_mark_notes_how_often_a_copy_was_written),
        ENV_TEST(a_mark_ends_a_copy),
        ENV_TEST(what_is_not_stored_cannot_be_marked),
        ENV_TEST(a_message_is_deleted_by_its_id),
        ENV_TEST(a_filter_deletes_in_slices),
        ENV_TEST(what_has_outlived_its_time_expires),
        ENV_TEST(what_has_ended_is_forgotten_later),
        ENV_TEST(only_so_many_are_remembered),
        ENV_TEST(a_sweep_has_a_limit_for_both),
        ENV_TEST(a_transaction_forgets_what_it_ends_too_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
