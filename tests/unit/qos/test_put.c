/* SPDX-License-Identifier: Apache-2.0 */
#include "job_env.h"
#include "qos/put.h"

enum { MOST_ITEMS = 8 };

/* A request with messages for users. */
struct request {
    struct job_env *env;
    struct named_target targets[MOST_ITEMS];
    struct qos_put_item items[MOST_ITEMS];
    size_t count;
    struct qos_put put;
};

static void add(struct request *request, const char *id, const char *users)
{
    struct named_target *named = &request->targets[request->count];

    assert_true(request->count < MOST_ITEMS);
    name_target(named, SSE_BY_USER, users);
    request->items[request->count++] = (struct qos_put_item){
        .message = message_of(request->env, id),
        .target = &named->target,
    };
}

static int run(struct request *request)
{
    return env_put_items(request->env, &request->put, request->items, request->count);
}

static void finish(struct request *request)
{
    qos_put_release(&request->put);
    request->count = 0;
}

static void each_recipient_has_a_copy(void **state)
{
    struct request request = {.env = *state};

    add(&request, "m", "anna,bert");
    add(&request, "n", "bert,carl");
    assert_int_equal(run(&request), 0);
    assert_int_equal(request.put.job.weight, 4);
    assert_int_equal(request.items[0].stored, 2);
    assert_int_equal(request.items[1].stored, 2);
    assert_true(request.items[1].message.number > request.items[0].message.number);
    assert_queue(*state, SSE_BY_USER, "anna", "", "m:anna=stored");
    assert_queue(*state, SSE_BY_USER, "bert", "", "m:bert=stored n:bert=stored");
    assert_int_equal(request.put.displaced.count, 0);
    finish(&request);
}

static void all_have_one_copy(void **state)
{
    struct job_env *env = *state;
    struct sse_target target = {.dimension = SSE_ALL, .listening = (char *)"news"};
    struct qos_put_item item = {.message = message_of(env, "m"), .target = &target};
    struct qos_put put;

    assert_int_equal(env_put_items(env, &put, &item, 1), 0);
    assert_int_equal(item.stored, 1);
    assert_true(item.was_empty[0]);
    assert_queue(env, SSE_ALL, "", "news", "m:=stored");
    assert_queue(env, SSE_ALL, "", "", "");
    qos_put_release(&put);
}

static void a_queue_was_empty_until_something_came(void **state)
{
    struct request request = {.env = *state};

    add(&request, "m", "anna,bert");
    add(&request, "n", "bert,carl");
    assert_int_equal(run(&request), 0);
    assert_true(request.items[0].was_empty[0]);
    assert_true(request.items[0].was_empty[1]);
    assert_false(request.items[1].was_empty[0]);
    assert_true(request.items[1].was_empty[1]);
    finish(&request);
    add(&request, "o", "carl,dora");
    assert_int_equal(run(&request), 0);
    assert_false(request.items[0].was_empty[0]);
    assert_true(request.items[0].was_empty[1]);
    finish(&request);
}

static void a_value_that_is_there_twice_has_one_copy(void **state)
{
    struct request request = {.env = *state};

    add(&request, "m", "anna,bert,anna");
    assert_int_equal(run(&request), 0);
    assert_int_equal(request.items[0].stored, 2);
    finish(&request);
}

static void a_repeat_is_not_stored_again(void **state)
{
    struct job_env *env = *state;
    struct request request = {.env = env};
    const struct qos_recipient anna = {SSE_BY_USER, "anna", ""};
    uint64_t number;

    env_put_for(env, "m", SSE_BY_USER, "anna,bert", NULL);
    number = env_number(env, "m");
    assert_int_equal(env->ops.end(env->repository, number, &anna, QOS_ACKNOWLEDGED, env->now, 1),
                     0);
    add(&request, "m", "anna,bert");
    add(&request, "n", "carl");
    assert_int_equal(run(&request), 0);
    assert_true(request.items[0].is_repeat);
    assert_int_equal(request.items[0].stored, 1);
    assert_int_equal(request.items[0].message.number, number);
    assert_null(request.items[0].was_empty);
    assert_false(request.items[1].is_repeat);
    finish(&request);
    assert_stored(env, "m:bert=stored n:carl=stored");
}

static void a_repeat_within_a_request_is_one_too(void **state)
{
    struct request request = {.env = *state};

    add(&request, "n", "carl");
    add(&request, "m", "anna,bert");
    add(&request, "a", "carl");
    add(&request, "m", "anna,bert");
    assert_int_equal(run(&request), 0);
    assert_false(request.items[1].is_repeat);
    assert_true(request.items[3].is_repeat);
    assert_int_equal(request.items[3].stored, 2);
    assert_int_equal(request.items[3].message.number, request.items[1].message.number);
    finish(&request);
    assert_stored(*state, "n:carl=stored m:anna=stored m:bert=stored a:carl=stored");
}

static void other_content_under_an_id_is_refused(void **state)
{
    struct request request = {.env = *state};

    env_put_for(*state, "m", SSE_BY_USER, "anna", NULL);
    add(&request, "n", "bert");
    add(&request, "m", "anna");
    request.items[1].message.digest++;
    assert_int_equal(run(&request), -EEXIST);
    assert_int_equal(request.put.at, 1);
    finish(&request);
    assert_stored(*state, "m:anna=stored");
}

static void other_content_within_a_request_is_refused(void **state)
{
    struct request request = {.env = *state};

    add(&request, "n", "bert");
    add(&request, "m", "anna");
    add(&request, "m", "anna");
    add(&request, "a", "anna");
    request.items[2].message.digest++;
    assert_int_equal(run(&request), -EEXIST);
    assert_int_equal(request.put.at, 2);
    finish(&request);
    assert_stored(*state, "");
}

static void the_oldest_of_a_queue_makes_room(void **state)
{
    struct job_env *env = *state;
    struct request request = {.env = env};

    env_put_for(env, "m", SSE_BY_USER, "anna,bert", NULL);
    env_put_for(env, "n", SSE_BY_USER, "anna", NULL);
    env_put_for(env, "o", SSE_BY_USER, "anna", NULL);
    env->queue_most = 2; /* it was more before */
    add(&request, "p", "anna,carl");
    assert_int_equal(run(&request), 0);
    assert_copies(&request.put.displaced, "m:anna=displaced n:anna=displaced");
    assert_string_equal(request.put.displaced.items[1].message->json, "n");
    assert_int_equal(request.put.displaced.items[1].ended, env->now);
    assert_false(request.items[0].was_empty[0]);
    assert_int_equal(request.items[0].stored, 2);
    finish(&request);
    assert_queue(env, SSE_BY_USER, "anna", "", "o:anna=stored p:anna=stored");
    assert_queue(env, SSE_BY_USER, "bert", "", "m:bert=stored");
}

static void a_request_may_evict_what_is_its_own(void **state)
{
    struct job_env *env = *state;
    struct request request = {.env = env};

    env->queue_most = 1;
    env_put_for(env, "m", SSE_BY_USER, "anna", NULL);
    add(&request, "n", "anna,bert");
    add(&request, "m", "anna");
    add(&request, "o", "anna");
    assert_int_equal(run(&request), 0);
    assert_copies(&request.put.displaced, "m:anna=displaced n:anna=displaced");
    assert_int_equal(request.items[0].stored, 1); /* bert's */
    assert_int_equal(request.items[1].stored, 0);
    assert_true(request.items[1].is_repeat);
    assert_int_equal(request.items[2].stored, 1);
    assert_false(request.items[2].was_empty[0]);
    finish(&request);
    assert_stored(env, "n:bert=stored o:anna=stored");
}

static void what_is_durable_does_not_make_room(void **state)
{
    struct job_env *env = *state;
    struct request request = {.env = env};

    env->repository->is_durable = true;
    env->messages_most = 2;
    env_put_for(env, "m", SSE_BY_USER, "anna", NULL);
    add(&request, "n", "anna");
    add(&request, "o", "anna");
    assert_int_equal(run(&request), -EDQUOT);
    assert_int_equal(request.put.at, 1);
    assert_int_equal(env->repository->fault, 0);
    finish(&request);
    assert_stored(env, "m:anna=stored");
    env->messages_most = 1000;
    env->bytes_most = 4;
    add(&request, "four", "anna");
    assert_int_equal(run(&request), -EDQUOT);
    finish(&request);
    add(&request, "thr", "anna");
    assert_int_equal(run(&request), 0);
    finish(&request);
    assert_stored(env, "m:anna=stored thr:anna=stored");
}

static void a_repeat_needs_no_room(void **state)
{
    struct job_env *env = *state;
    struct request request = {.env = env};

    env->repository->is_durable = true;
    env_put_for(env, "m", SSE_BY_USER, "anna", NULL);
    env_put_for(env, "n", SSE_BY_USER, "anna", NULL);
    env->messages_most = 1; /* it was more before */
    add(&request, "m", "anna");
    assert_int_equal(run(&request), 0);
    assert_true(request.items[0].is_repeat);
    finish(&request);
}

static void what_is_not_durable_makes_room(void **state)
{
    struct job_env *env = *state;
    struct request request = {.env = env};

    env_put_for(env, "m", SSE_BY_USER, "anna,bert", NULL);
    env_put_for(env, "n", SSE_BY_USER, "anna", NULL);
    env_put_for(env, "o", SSE_BY_USER, "anna", NULL);
    env->messages_most = 3;
    add(&request, "p", "carl");
    add(&request, "q", "carl");
    assert_int_equal(run(&request), 0);
    assert_copies(&request.put.displaced, "m:anna=displaced m:bert=displaced n:anna=displaced");
    finish(&request);
    assert_stored(env, "o:anna=stored p:carl=stored q:carl=stored");
    env->bytes_most = 4;
    add(&request, "rrr", "carl");
    assert_int_equal(run(&request), 0);
    assert_copies(&request.put.displaced, "o:anna=displaced p:carl=displaced");
    finish(&request);
    assert_stored(env, "q:carl=stored rrr:carl=stored");
}

static void what_can_never_fit_evicts_nothing(void **state)
{
    struct job_env *env = *state;
    struct request request = {.env = env};

    env->bytes_most = 4;
    env_put_for(env, "m", SSE_BY_USER, "anna", NULL);
    add(&request, "nnn", "anna");
    add(&request, "oo", "anna");
    assert_int_equal(run(&request), -EDQUOT);
    assert_int_equal(request.put.at, 1);
    assert_int_equal(request.put.displaced.count, 0);
    finish(&request);
    assert_stored(env, "m:anna=stored");
}

static int fail_to_count(struct qos_repository *repository, const struct qos_recipient *recipient,
                         uint64_t *count)
{
    (void)recipient;
    (void)count;
    return repository->fault = -EIO;
}

static int fail_to_put(struct qos_repository *repository, struct qos_message *message,
                       const struct sse_target *target)
{
    (void)message;
    (void)target;
    return repository->fault = -EIO;
}

static void a_fault_is_passed_on(void **state)
{
    struct job_env *env = *state;
    struct request request = {.env = env};
    const struct qos_repository_ops working = env->ops;

    env->ops.count = fail_to_count;
    add(&request, "m", "anna");
    assert_int_equal(run(&request), -EIO);
    finish(&request);
    env->ops = working;
    env->ops.put = fail_to_put;
    add(&request, "m", "anna");
    assert_int_equal(run(&request), -EIO);
    finish(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENV_TEST(each_recipient_has_a_copy),
        ENV_TEST(all_have_one_copy),
        ENV_TEST(a_queue_was_empty_until_something_came),
        ENV_TEST(a_value_that_is_there_twice_has_one_copy),
        ENV_TEST(a_repeat_is_not_stored_again),
        ENV_TEST(a_repeat_within_a_request_is_one_too),
        ENV_TEST(other_content_under_an_id_is_refused),
        ENV_TEST(other_content_within_a_request_is_refused),
        ENV_TEST(the_oldest_of_a_queue_makes_room),
        ENV_TEST(a_request_may_evict_what_is_its_own),
        ENV_TEST(what_is_durable_does_not_make_room),
        ENV_TEST(a_repeat_needs_no_room),
        ENV_TEST(what_is_not_durable_makes_room),
        ENV_TEST(what_can_never_fit_evicts_nothing),
        ENV_TEST(a_fault_is_passed_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
