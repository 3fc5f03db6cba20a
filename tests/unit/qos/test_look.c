/* SPDX-License-Identifier: Apache-2.0 */
#include "job_env.h"
#include "qos/look.h"
#include "sse/user.h"

static const struct qos_filter everything;

/* Reads the next of anna's queue, from where the last one was. */
static void assert_read(struct job_env *env, uint64_t after, size_t limit, const char *expected,
                        bool is_all)
{
    const struct qos_recipient anna = {SSE_BY_USER, "anna", ""};
    struct qos_read read = {.after = after, .limit = limit};

    qos_read_init(&read, &anna);
    assert_int_equal(env_run(env, &read.job), 0);
    assert_copies(&read.copies, expected);
    assert_int_equal(read.is_all, is_all);
    qos_read_release(&read);
}

static void a_queue_is_read_in_order(void **state)
{
    struct job_env *env = *state;

    env->json = READABLE;
    assert_read(env, 0, 2, "", true);
    env_put_for(env, "m", SSE_BY_USER, "anna,bert", NULL);
    env_put_for(env, "n", SSE_BY_USER, "anna", (char *)"chat");
    env_put_for(env, "o", SSE_BY_USER, "anna", NULL);
    env_put_for(env, "p", SSE_BY_USER, "anna", NULL);
    assert_read(env, 0, 2, "m:anna=stored o:anna=stored", false);
    assert_read(env, 0, 3, "m:anna=stored o:anna=stored p:anna=stored", true);
    assert_read(env, env_number(env, "m"), 2, "o:anna=stored p:anna=stored", true);
    assert_read(env, env_number(env, "p"), 2, "", true);
}

static void queues_show_their_first_copies(void **state)
{
    struct job_env *env = *state;
    const struct qos_recipient recipients[] = {
        {SSE_BY_USER, "bert", "chat"},
        {SSE_BY_USER, "anna", ""},
        {SSE_BY_USER, "nobody", NULL},
        {SSE_BY_TENANT, "acme", NULL},
    };
    struct qos_queues queues = {.recipients = recipients, .count = 4};

    env_put_for(env, "m", SSE_BY_USER, "anna,bert", NULL);
    env_put_for(env, "n", SSE_BY_USER, "anna,bert", (char *)"chat");
    env_put_for(env, "o", SSE_BY_USER, "anna,bert", (char *)"chat");
    env_put_for(env, "p", SSE_BY_TENANT, "acme", (char *)"chat");
    qos_queues_init(&queues);
    assert_int_equal(env_run(env, &queues.job), 0);
    assert_copies(&queues.copies, "n:bert=stored m:anna=stored p:acme=stored");
    qos_copies_release(&queues.copies);
}

static void without_a_listening_all_queues_of_a_value_are_shown(void **state)
{
    struct job_env *env = *state;
    const struct qos_recipient anna = {SSE_BY_USER, "anna", NULL};
    struct qos_queues queues = {.recipients = &anna, .count = 1};

    env_put_for(env, "m", SSE_BY_USER, "anna", NULL);
    env_put_for(env, "n", SSE_BY_USER, "anna", (char *)"chat");
    qos_queues_init(&queues);
    assert_int_equal(env_run(env, &queues.job), 0);
    assert_int_equal(queues.copies.count, 2);
    qos_copies_release(&queues.copies);
}

static void all_copies_of_a_message_are_inspected(void **state)
{
    struct job_env *env = *state;
    const struct qos_recipient anna = {SSE_BY_USER, "anna", ""};
    struct qos_inspect inspect = {.id = "m"};

    qos_inspect_init(&inspect);
    assert_int_equal(env_run(env, &inspect.job), -ENOENT);
    env_put_for(env, "m", SSE_BY_USER, "anna,bert", NULL);
    assert_int_equal(
        env->ops.end(env->repository, env_number(env, "m"), &anna, QOS_ACKNOWLEDGED, env->now, 1),
        0);
    assert_int_equal(env_run(env, &inspect.job), 0);
    assert_copies(&inspect.copies, "m:anna=acknowledged m:bert=stored");
    qos_copies_release(&inspect.copies);
}

static void run_list(struct job_env *env, struct qos_list *list)
{
    qos_list_init(list);
    assert_int_equal(env_run(env, &list->job), 0);
}

static void a_list_is_made_in_slices(void **state)
{
    struct job_env *env = *state;
    struct qos_list list = {.filter = &everything, .limit = 2, .most = 100};

    env_put_for(env, "m", SSE_BY_USER, "anna,bert", NULL);
    env_put_for(env, "n", SSE_BY_TENANT, "acme", NULL);
    env_put_for(env, "o", SSE_ALL, "", NULL);
    run_list(env, &list);
    assert_copies(&list.copies, "m:anna=stored m:bert=stored n:acme=stored");
    assert_int_equal(list.passed, 3);
    assert_false(list.is_all);
    assert_int_equal(list.after, env_number(env, "n"));
    qos_copies_release(&list.copies);
    list = (struct qos_list){
        .filter = &everything, .after = env_number(env, "n"), .limit = 2, .most = 100};
    run_list(env, &list);
    assert_copies(&list.copies, "o:=stored");
    assert_true(list.is_all);
    qos_copies_release(&list.copies);
}

static void the_end_of_a_slice_may_be_the_end_of_all(void **state)
{
    struct job_env *env = *state;
    struct qos_list list = {.filter = &everything, .limit = 1, .most = 100};

    run_list(env, &list);
    assert_true(list.is_all);
    assert_int_equal(list.after, 0);
    env_put_for(env, "m", SSE_BY_USER, "anna,bert", NULL);
    run_list(env, &list);
    assert_true(list.is_all);
    assert_int_equal(list.passed, 2);
    qos_copies_release(&list.copies);
}

static void a_page_of_a_list_counts_the_rest(void **state)
{
    struct job_env *env = *state;
    struct qos_list list = {.filter = &everything, .limit = 10, .skip = 1, .most = 2};

    env_put_for(env, "m", SSE_BY_USER, "anna,bert", NULL);
    env_put_for(env, "n", SSE_BY_USER, "anna,bert,carl", NULL);
    run_list(env, &list);
    assert_copies(&list.copies, "m:bert=stored n:anna=stored");
    assert_int_equal(list.passed, 5);
    qos_copies_release(&list.copies);
}

static void a_filter_counts_only_what_passes(void **state)
{
    struct job_env *env = *state;
    const struct qos_filter bert = {.user_id = "bert"};
    /* What is for others is not even looked at. */
    struct qos_list list = {.filter = &bert, .limit = 2, .skip = 1, .most = 10};

    env_put_for(env, "m", SSE_BY_USER, "anna,bert", NULL);
    env_put_for(env, "n", SSE_BY_USER, "anna", NULL);
    env_put_for(env, "o", SSE_BY_USER, "bert", NULL);
    env_put_for(env, "p", SSE_BY_USER, "bert", NULL);
    run_list(env, &list);
    assert_copies(&list.copies, "o:bert=stored");
    assert_int_equal(list.passed, 2);
    assert_false(list.is_all);
    qos_copies_release(&list.copies);
}

/* Slice by slice, "m:value" of all that pass. */
static void collect(struct job_env *env, const struct qos_filter *filter, struct qos_copies *all)
{
    struct qos_list list = {.filter = filter, .limit = 2, .most = 100};

    do {
        run_list(env, &list);
        for (size_t i = 0; i < list.copies.count; i++)
            qos_copies_add(all, &list.copies.items[i]);
        qos_copies_release(&list.copies);
    } while (!list.is_all);
}

/* Where somebody is named an index says what there is; it does not for a user of any tenant. */
static void what_is_named_is_found_as_by_looking_at_all(void **state)
{
    static const char *const channels[] = {"news", "sport"};
    static const char *const chat[] = {"chat"};
    static const struct qos_filter filters[] = {
        {.user_id = "anna"},
        {.user_id = "anna", .is_strict = true},
        {.user_id = "anna", .listeners = chat, .listener_count = 1},
        {.user_id = "anna", .tenant_id = "acme", .channels = channels, .channel_count = 2},
        {.user_id = "anna", .tenant_id = "acme", .of_tenant = true, .is_strict = true},
        {.tenant_id = "acme"},
        {.token = "anna", .is_strict = true},
        {.channels = channels, .channel_count = 2, .is_exact = true},
        {.user_id = "nobody"},
    };
    struct job_env *env = *state;

    for (size_t round = 0; round < 3; round++) {
        char id[] = {(char)('0' + round), '\0', '\0'};
        const struct {
            enum sse_dimension dimension;
            const char *values;
            char *listening;
        } puts[] = {
            {SSE_BY_USER, "anna", NULL},
            {SSE_BY_USER, "anna,bert", NULL},
            {SSE_BY_USER, "bert", NULL},
            {SSE_BY_USER, "anna", (char *)"chat"},
            {SSE_BY_TENANT, "acme", NULL},
            {SSE_BY_TOKEN, "anna", NULL},
            {SSE_BY_CHANNEL, "news,sport", NULL},
            {SSE_BY_CHANNEL, "anna", NULL},
            {SSE_ALL, "", NULL},
        };

        for (size_t i = 0; i < sizeof(puts) / sizeof(puts[0]); i++) {
            id[1] = (char)('a' + i);
            env_put_for(env, id, puts[i].dimension, puts[i].values, puts[i].listening);
        }
    }
    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
        struct qos_copies found = {0}, passed = {0};
        size_t at = 0;

        collect(env, &filters[i], &found);
        assert_int_equal(
            env->repository->ops->scan(env->repository, 0, 100, qos_copies_visit, &passed), 0);
        for (size_t j = 0; j < passed.count; j++)
            if (qos_filter_passes(&filters[i], &passed.items[j]))
                assert_string_equal(found.items[at++].message->id, passed.items[j].message->id);
        assert_int_equal(at, found.count);
        qos_copies_release(&found);
        qos_copies_release(&passed);
    }
}

static void a_user_is_found_in_any_tenant(void **state)
{
    struct job_env *env = *state;
    const struct qos_filter anna = {.user_id = "anna"};
    struct qos_copies found = {0};

    env_put_for(env, "m", SSE_BY_USER, "anna", NULL);
    env_put_for(env, "n", SSE_BY_USER, "acme" SSE_USER_KEY_SEPARATOR "anna", NULL);
    collect(env, &anna, &found);
    assert_int_equal(found.count, 2);
    qos_copies_release(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENV_TEST(a_queue_is_read_in_order),
        ENV_TEST(queues_show_their_first_copies),
        ENV_TEST(without_a_listening_all_queues_of_a_value_are_shown),
        ENV_TEST(all_copies_of_a_message_are_inspected),
        ENV_TEST(a_list_is_made_in_slices),
        ENV_TEST(the_end_of_a_slice_may_be_the_end_of_all),
        ENV_TEST(a_page_of_a_list_counts_the_rest),
        ENV_TEST(a_filter_counts_only_what_passes),
        ENV_TEST(what_is_named_is_found_as_by_looking_at_all),
        ENV_TEST(a_user_is_found_in_any_tenant),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
