/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/buf.h"
#include "broker/broker.h"
#include "broker/receive.h"
#include "broker/service.h"
#include "support/sse_env.h"
#include "support/test.h"

/* One worker, which owns the service: what is asked is answered at once, or when the first has
 * settled. */
struct fixture {
    struct sse_env env;
    struct broker *broker;
    struct broker_service service;
};

struct claim {
    struct broker_request request;
    unsigned answers;
    int status; /* 0: this one runs */
};

static void post(void *context, size_t to, struct broker_message *message)
{
    (void)context;
    (void)to;
    (void)message;
    fail_msg("there is no other worker");
}

static void open_fixture(struct fixture *f, const struct idempotency_settings *settings)
{
    const struct hash_key key = hash_key_new();
    const struct broker_transport transport = {.post = post, .context = f};

    *f = (struct fixture){.broker = NULL};
    sse_env_open_alone(&f->env);
    f->broker = broker_new(0, 1, &key, &transport);
    broker_service_init(&f->service, f->broker, 0, f->env.service,
                        &(struct broker_settings){.idempotency = *settings, .presence.history = 1});
    broker_service_receive(&f->service);
}

static void close_fixture(struct fixture *f)
{
    assert_int_equal(broker_traffic(f->broker)->open, 0);
    broker_service_release(&f->service);
    broker_free(f->broker);
    sse_env_close(&f->env);
}

static void on_answer(struct broker_request *request, const struct broker_message *answer)
{
    struct claim *claim = container_of(request, struct claim, request);

    claim->answers++;
    claim->status = answer->outcome.body ? answer->outcome.status : 0;
}

static void ask(struct fixture *f, struct claim *claim, const char *user, const char *key)
{
    struct broker_message *message =
        broker_message_new(BROKER_CLAIM, 0, broker_text_size(user) + broker_text_size(key));

    *claim = (struct claim){.request.on_answer = on_answer};
    message->claim.user = broker_message_text(message, user);
    message->claim.key = broker_message_text(message, key);
    broker_ask(f->broker, 0, message, &claim->request);
}

/* status 0: it did not run. */
static void settle(struct fixture *f, const char *key, int status, const char *body)
{
    struct broker_message *message = broker_message_new(BROKER_SETTLE, 0, broker_text_size(key));

    message->outcome.key = broker_message_text(message, key);
    message->outcome.status = status;
    if (status)
        message->outcome.body = bytes_new(body, strlen(body));
    broker_send(f->broker, 0, message);
}

static const struct idempotency_settings roomy = {100, 100, 100000, 100000};

static void the_first_runs_and_the_others_get_its_answer(void **state)
{
    struct fixture f;
    struct claim first, second, third;

    (void)state;
    open_fixture(&f, &roomy);
    ask(&f, &first, "ann", "ann 1");
    assert_int_equal(first.answers, 1);
    assert_int_equal(first.status, 0);
    ask(&f, &second, "ann", "ann 1");
    assert_int_equal(second.answers, 0);
    settle(&f, "ann 1", 201, "{}");
    assert_int_equal(second.answers, 1);
    assert_int_equal(second.status, 201);
    ask(&f, &third, "ann", "ann 1");
    assert_int_equal(third.status, 201);
    assert_int_equal(f.service.idempotency.replayed, 2);
    close_fixture(&f);
}

static void when_the_first_did_not_run_the_next_does(void **state)
{
    struct fixture f;
    struct claim claims[4];

    (void)state;
    open_fixture(&f, &roomy);
    for (size_t i = 0; i < 3; i++)
        ask(&f, &claims[i], "ann", "ann 1");
    settle(&f, "ann 1", 0, NULL);
    assert_int_equal(claims[1].answers, 1);
    assert_int_equal(claims[1].status, 0);
    assert_int_equal(claims[2].answers, 0);
    settle(&f, "ann 1", 200, "x");
    assert_int_equal(claims[2].status, 200);
    ask(&f, &claims[3], "ann", "ann 2");
    settle(&f, "ann 2", 0, NULL);
    assert_int_equal(f.service.idempotency.entries.table.count, 1);
    close_fixture(&f);
}

static void an_answer_is_kept_for_five_minutes(void **state)
{
    struct fixture f;
    struct claim claim;

    (void)state;
    open_fixture(&f, &roomy);
    ask(&f, &claim, "ann", "ann 1");
    settle(&f, "ann 1", 200, "x");
    fake_loop_advance(f.env.loop, 299999);
    assert_int_equal(f.service.idempotency.entries.count, 1);
    fake_loop_advance(f.env.loop, 2000);
    assert_int_equal(f.service.idempotency.entries.count, 0);
    assert_int_equal(f.service.idempotency.entries.table.count, 0);
    assert_int_equal(f.service.idempotency.users.count, 0);
    close_fixture(&f);
}

static void keep(struct fixture *f, const char *user, const char *key)
{
    struct claim claim;

    ask(f, &claim, user, key);
    assert_int_equal(claim.status, 0);
    settle(f, key, 200, "12345");
}

static bool is_kept(const struct fixture *f, const char *key)
{
    return table_find(&f->service.idempotency.entries.table, key) != NULL;
}

static void who_brings_one_too_many_loses_its_own_oldest(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f, &(struct idempotency_settings){4, 2, 1000, 1000});
    keep(&f, "ann", "ann 1");
    keep(&f, "ann", "ann 2");
    keep(&f, "bob", "bob 1");
    keep(&f, "ann", "ann 3");
    assert_false(is_kept(&f, "ann 1"));
    assert_true(is_kept(&f, "ann 2"));
    assert_true(is_kept(&f, "bob 1"));
    close_fixture(&f);
}

static void a_users_first_evicts_the_oldest_of_all(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f, &(struct idempotency_settings){3, 3, 1000, 1000});
    keep(&f, "ann", "ann 1");
    keep(&f, "ann", "ann 2");
    keep(&f, "bob", "bob 1");
    keep(&f, "cid", "cid 1");
    assert_false(is_kept(&f, "ann 1"));
    keep(&f, "ann", "ann 3");
    assert_false(is_kept(&f, "ann 2"));
    assert_true(is_kept(&f, "bob 1"));
    assert_true(is_kept(&f, "cid 1"));
    close_fixture(&f);
}

static void bytes_are_bounded_too(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f, &(struct idempotency_settings){100, 100, 12, 10});
    keep(&f, "ann", "ann 1");
    keep(&f, "ann", "ann 2");
    keep(&f, "ann", "ann 3");
    assert_int_equal(f.service.idempotency.entries.bytes, 10);
    assert_int_equal(f.service.idempotency.entries.evicted, 1);
    close_fixture(&f);
}

/* What waits when the worker ends is freed. */
static void it_may_end_with_claims(void **state)
{
    struct fixture f;
    struct claim claims[2];

    (void)state;
    open_fixture(&f, &roomy);
    ask(&f, &claims[0], "ann", "ann 1");
    ask(&f, &claims[1], "ann", "ann 1");
    settle(&f, "ann 1", 0, NULL);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_runs_and_the_others_get_its_answer),
        cmocka_unit_test(when_the_first_did_not_run_the_next_does),
        cmocka_unit_test(an_answer_is_kept_for_five_minutes),
        cmocka_unit_test(who_brings_one_too_many_loses_its_own_oldest),
        cmocka_unit_test(a_users_first_evicts_the_oldest_of_all),
        cmocka_unit_test(bytes_are_bounded_too),
        cmocka_unit_test(it_may_end_with_claims),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
