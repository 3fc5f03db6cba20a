/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "broker/local/idempotency.h"
#include "broker/message.h"
#include "support/sse_env.h"
#include "support/test.h"

/* What is claimed is answered at once, or when the first has settled. */
struct fixture {
    struct sse_env env;
    struct idempotency idempotency;
};

struct claim {
    struct engine_claim claim;
    struct broker_claim wanted;
    unsigned answers;
    int status; /* 0: this one runs */
};

static void on_answer(struct idempotency *idempotency, struct engine_claim *base)
{
    struct claim *claim = container_of(base, struct claim, claim);

    (void)idempotency;
    claim->answers++;
    claim->status = base->job.status < 0 ? base->job.status : base->outcome;
    base->body = bytes_unref(base->body);
}

static void open_fixture(struct fixture *f, const struct idempotency_settings *settings)
{
    sse_env_open_alone(&f->env);
    idempotency_init(&f->idempotency, f->env.loop, settings, on_answer);
}

static void close_fixture(struct fixture *f)
{
    idempotency_release(&f->idempotency);
    sse_env_close(&f->env);
}

static void ask(struct fixture *f, struct claim *claim, const char *user, const char *key)
{
    *claim = (struct claim){.wanted = {user, key}};
    claim->claim.wanted = &claim->wanted;
    idempotency_claim(&f->idempotency, &claim->claim);
}

/* status 0: it did not run. */
static void settle(struct fixture *f, const char *key, int status, const char *text)
{
    struct bytes *body = status ? bytes_new(text, strlen(text)) : NULL;

    idempotency_settle(&f->idempotency, &(struct broker_outcome){key, status, body});
    bytes_unref(body);
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
    assert_int_equal(f.idempotency.replayed, 2);
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
    assert_int_equal(f.idempotency.entries.table.count, 1);
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
    assert_int_equal(f.idempotency.entries.count, 1);
    fake_loop_advance(f.env.loop, 2000);
    assert_int_equal(f.idempotency.entries.count, 0);
    assert_int_equal(f.idempotency.entries.table.count, 0);
    assert_int_equal(f.idempotency.users.count, 0);
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
    return table_find(&f->idempotency.entries.table, key) != NULL;
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
    assert_int_equal(f.idempotency.entries.bytes, 10);
    assert_int_equal(f.idempotency.entries.evicted, 1);
    close_fixture(&f);
}

/* Who waits then is told. */
static void it_may_end_with_claims(void **state)
{
    struct fixture f;
    struct claim claims[2];

    (void)state;
    open_fixture(&f, &roomy);
    ask(&f, &claims[0], "ann", "ann 1");
    ask(&f, &claims[1], "ann", "ann 1");
    assert_int_equal(claims[1].answers, 0);
    close_fixture(&f);
    assert_int_equal(claims[1].answers, 1);
    assert_int_equal(claims[1].status, -ESHUTDOWN);
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
