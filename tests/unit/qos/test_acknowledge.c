/* SPDX-License-Identifier: Apache-2.0 */
#include "job_env.h"
#include "qos/end.h"

#define RED_42                                                                                     \
    "red\x1f"                                                                                      \
    "42"
#define BLUE_42                                                                                    \
    "blue\x1f"                                                                                     \
    "42"

static const char *const channels[] = {"sport", "news"};

/* Everything that a page may be. */
static const struct qos_identity anna = {
    .user_key = "anna",
    .token = "t1",
    .tenant_id = "acme",
    .connection_id = "c1",
    .channels = channels,
    .channel_count = 2,
};

static int run(struct job_env *env, struct qos_acknowledge *acknowledge)
{
    acknowledge->now = env->now;
    qos_acknowledge_init(acknowledge);
    return env_run(env, &acknowledge->job);
}

/* What anna ends with one id. */
static void assert_ends(struct job_env *env, const char *id, const char *expected)
{
    struct qos_acknowledge acknowledge = {.identity = anna, .ids = &id, .count = 1};

    assert_int_equal(run(env, &acknowledge), 0);
    assert_copies(&acknowledge.ended, expected);
    qos_copies_release(&acknowledge.ended);
}

static void assert_ends_through(struct job_env *env, const struct qos_identity *identity,
                                const char *id, const char *expected)
{
    struct qos_acknowledge acknowledge = {
        .identity = *identity, .ids = &id, .count = 1, .is_through = true};

    assert_int_equal(run(env, &acknowledge), 0);
    assert_copies(&acknowledge.ended, expected);
    qos_copies_release(&acknowledge.ended);
}

static void a_page_ends_its_own_copies(void **state)
{
    struct job_env *env = *state;

    env_put_for(env, "m", SSE_BY_USER, "bert,anna", NULL);
    env_put_for(env, "n", SSE_BY_TOKEN, "t1,t2", NULL);
    env_put_for(env, "o", SSE_BY_CONNECTION, "c0,c1", NULL);
    assert_ends(env, "m", "m:anna=acknowledged");
    assert_ends(env, "n", "n:t1=acknowledged");
    assert_ends(env, "o", "o:c1=acknowledged");
    assert_stored(env, "m:bert=stored n:t2=stored o:c0=stored");
}

static void each_name_of_a_user_ends_its_own_copies(void **state)
{
    struct job_env *env = *state;
    struct qos_identity of_red = {.user_key = "42", .user_in_tenant = RED_42};
    const struct qos_identity in_blue = {.user_key = BLUE_42, .user_in_tenant = BLUE_42};

    env_put_for(env, "m", SSE_BY_USER, RED_42, NULL);
    env_put_for(env, "n", SSE_BY_USER, BLUE_42, NULL);
    env_put_for(env, "o", SSE_BY_USER, "42", NULL);
    env_put_for(env, "p", SSE_BY_USER, RED_42, NULL);
    assert_ends_through(env, &of_red, "n", "");
    assert_ends_through(env, &of_red, "p", "m:" RED_42 "=acknowledged p:" RED_42 "=acknowledged");
    assert_ends_through(env, &in_blue, "o", "");
    assert_ends_through(env, &of_red, "o", "o:42=acknowledged");
    assert_ends_through(env, &in_blue, "n", "n:" BLUE_42 "=acknowledged");
}

static void what_was_acknowledged_was_written(void **state)
{
    const char *const id = "m";
    struct qos_acknowledge acknowledge = {.identity = {.user_key = "anna"}, .ids = &id, .count = 1};

    env_put_for(*state, "m", SSE_BY_USER, "anna", NULL);
    assert_int_equal(run(*state, &acknowledge), 0);
    assert_int_equal(acknowledge.ended.items[0].written, 1);
    qos_copies_release(&acknowledge.ended);
}

static void a_page_ends_a_groups_copies(void **state)
{
    struct job_env *env = *state;

    env_put_for(env, "m", SSE_BY_TENANT, "acme,other", NULL);
    env_put_for(env, "n", SSE_BY_CHANNEL, "weather,news,sport", NULL);
    env_put_for(env, "o", SSE_ALL, "", NULL);
    assert_ends(env, "m", "m:acme=acknowledged");
    assert_ends(env, "n", "n:sport=acknowledged n:news=acknowledged");
    assert_ends(env, "o", "o:=acknowledged");
    assert_stored(env, "m:other=stored n:weather=stored");
}

static void a_page_ends_what_is_for_it_alone(void **state)
{
    struct job_env *env = *state;
    static const struct {
        enum sse_dimension dimension;
        const char *value;
    } rows[] = {{SSE_BY_USER, "anna"},    {SSE_BY_TOKEN, "t1"},      {SSE_BY_TENANT, "acme"},
                {SSE_BY_CHANNEL, "news"}, {SSE_BY_CONNECTION, "c1"}, {SSE_ALL, ""}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char id[] = {(char)('a' + (int)i), '\0'};
        char ended[40];

        env_put_for(env, id, rows[i].dimension, rows[i].value, NULL);
        snprintf(ended, sizeof(ended), "%s:%s=acknowledged", id, rows[i].value);
        assert_ends(env, id, ended);
        assert_ends(env, id, "");
    }
    assert_int_equal(env->repository->totals.copies, 0);
}

static void nobody_ends_what_is_for_others(void **state)
{
    struct job_env *env = *state;
    const char *const ids[] = {"m", "n", "o", "p", "q"};
    struct qos_acknowledge nobody = {.ids = ids, .count = 5};

    env_put_for(env, "m", SSE_BY_USER, "bert", NULL);
    env_put_for(env, "n", SSE_BY_TOKEN, "t2", NULL);
    env_put_for(env, "o", SSE_BY_TENANT, "other", NULL);
    env_put_for(env, "p", SSE_BY_CHANNEL, "weather", NULL);
    env_put_for(env, "q", SSE_BY_CONNECTION, "c0", NULL);
    for (size_t i = 0; i < 5; i++) {
        assert_ends(env, ids[i], "");
        assert_ends_through(env, &anna, ids[i], "");
    }
    nobody.identity = (struct qos_identity){.user_key = "", .token = ""};
    assert_int_equal(run(env, &nobody), 0);
    assert_int_equal(nobody.ended.count, 0);
    qos_copies_release(&nobody.ended);
    assert_int_equal(env->repository->totals.copies, 5);
}

static void names_of_other_dimensions_do_not_count(void **state)
{
    struct job_env *env = *state;

    env_put_for(env, "m", SSE_BY_USER, "acme,t1,c1,news", NULL);
    assert_ends(env, "m", "");
}

static void many_are_acknowledged_at_once(void **state)
{
    struct job_env *env = *state;
    const char *const ids[] = {"n", "unknown", "m", "n"};
    struct qos_acknowledge acknowledge = {.identity = anna, .ids = ids, .count = 4};

    env_put_for(env, "m", SSE_BY_USER, "anna", NULL);
    env_put_for(env, "n", SSE_BY_USER, "anna", NULL);
    assert_int_equal(run(env, &acknowledge), 0);
    assert_int_equal(acknowledge.job.weight, 4);
    assert_copies(&acknowledge.ended, "n:anna=acknowledged m:anna=acknowledged");
    qos_copies_release(&acknowledge.ended);
    assert_ends(env, "m", "");
}

static void the_listening_is_the_messages(void **state)
{
    struct job_env *env = *state;

    env_put_for(env, "m", SSE_BY_USER, "anna", NULL);
    env_put_for(env, "n", SSE_BY_USER, "anna", (char *)"chat");
    assert_ends(env, "n", "n:anna=acknowledged");
    assert_queue(env, SSE_BY_USER, "anna", "", "m:anna=stored");
    assert_queue(env, SSE_BY_USER, "anna", "chat", "");
}

static void what_is_brought_home_is_as_it_was(void **state)
{
    struct job_env *env = *state;
    const struct qos_recipient recipient = {SSE_BY_USER, "anna", ""};
    struct qos_acknowledge acknowledge = {
        .identity = anna, .ids = (const char *const[]){"m"}, .count = 1};

    env_put_for(env, "m", SSE_BY_USER, "anna", NULL);
    assert_int_equal(env->ops.note(env->repository, env_number(env, "m"), &recipient, 3), 0);
    env->now = 1234;
    assert_int_equal(run(env, &acknowledge), 0);
    assert_int_equal(acknowledge.ended.count, 1);
    assert_int_equal(acknowledge.ended.items[0].written, 3);
    assert_int_equal(acknowledge.ended.items[0].ended, 1234);
    assert_string_equal(acknowledge.ended.items[0].message->json, "m");
    qos_copies_release(&acknowledge.ended);
}

static void what_was_seen_last_ends_all_before_it(void **state)
{
    struct job_env *env = *state;

    env_put_for(env, "l", SSE_BY_USER, "anna,bert", NULL);
    env_put_for(env, "m", SSE_BY_USER, "anna", (char *)"chat");
    env_put_for(env, "n", SSE_BY_TOKEN, "t1", NULL);
    env_put_for(env, "o", SSE_BY_USER, "anna,bert", NULL);
    env_put_for(env, "p", SSE_BY_USER, "anna", NULL);
    assert_ends_through(env, &anna, "o", "l:anna=acknowledged o:anna=acknowledged");
    assert_stored(env, "l:bert=stored m:anna=stored n:t1=stored o:bert=stored p:anna=stored");
}

static void what_has_ended_still_tells_what_was_before(void **state)
{
    struct job_env *env = *state;

    env_put_for(env, "m", SSE_BY_USER, "anna", NULL);
    env_put_for(env, "n", SSE_BY_USER, "bert,anna", NULL);
    env_put_for(env, "o", SSE_BY_USER, "anna", NULL);
    assert_ends(env, "n", "n:anna=acknowledged");
    assert_ends_through(env, &anna, "n", "m:anna=acknowledged");
    assert_ends_through(env, &anna, "n", "");
    assert_queue(env, SSE_BY_USER, "anna", "", "o:anna=stored");
}

static void the_last_event_of_another_user_ends_nothing(void **state)
{
    struct job_env *env = *state;
    const struct qos_identity bert = {.user_key = "bert"};

    env_put_for(env, "m", SSE_BY_USER, "bert", NULL);
    env_put_for(env, "n", SSE_BY_USER, "anna", NULL);
    assert_ends_through(env, &bert, "n", "");
    assert_ends(env, "n", "n:anna=acknowledged");
    assert_ends_through(env, &bert, "n", "");
    assert_queue(env, SSE_BY_USER, "bert", "", "m:bert=stored");
}

static void in_a_group_each_is_on_its_own(void **state)
{
    struct job_env *env = *state;

    env_put_for(env, "m", SSE_BY_CHANNEL, "news", NULL);
    env_put_for(env, "n", SSE_BY_CHANNEL, "news", NULL);
    env_put_for(env, "o", SSE_ALL, "", NULL);
    env_put_for(env, "p", SSE_ALL, "", NULL);
    assert_ends_through(env, &anna, "n", "n:news=acknowledged");
    assert_ends_through(env, &anna, "p", "p:=acknowledged");
    assert_stored(env, "m:news=stored o:=stored");
}

static int fail_to_end(struct qos_repository *repository, uint64_t number,
                       const struct qos_recipient *recipient, enum qos_state state, int64_t at,
                       uint32_t written)
{
    (void)number;
    (void)recipient;
    (void)state;
    (void)at;
    (void)written;
    return repository->fault = -EIO;
}

static void a_fault_is_passed_on(void **state)
{
    struct job_env *env = *state;
    struct qos_acknowledge acknowledge = {
        .identity = anna, .ids = (const char *const[]){"m"}, .count = 1};

    env_put_for(env, "m", SSE_BY_USER, "anna", NULL);
    env->ops.end = fail_to_end;
    assert_int_equal(run(env, &acknowledge), -EIO);
    qos_copies_release(&acknowledge.ended);
    acknowledge.is_through = true;
    assert_int_equal(run(env, &acknowledge), -EIO);
    qos_copies_release(&acknowledge.ended);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENV_TEST(a_page_ends_its_own_copies),
        ENV_TEST(each_name_of_a_user_ends_its_own_copies),
        ENV_TEST(what_was_acknowledged_was_written),
        ENV_TEST(a_page_ends_a_groups_copies),
        ENV_TEST(a_page_ends_what_is_for_it_alone),
        ENV_TEST(nobody_ends_what_is_for_others),
        ENV_TEST(names_of_other_dimensions_do_not_count),
        ENV_TEST(many_are_acknowledged_at_once),
        ENV_TEST(the_listening_is_the_messages),
        ENV_TEST(what_is_brought_home_is_as_it_was),
        ENV_TEST(what_was_seen_last_ends_all_before_it),
        ENV_TEST(what_has_ended_still_tells_what_was_before),
        ENV_TEST(the_last_event_of_another_user_ends_nothing),
        ENV_TEST(in_a_group_each_is_on_its_own),
        ENV_TEST(a_fault_is_passed_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
