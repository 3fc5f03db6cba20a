/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "auth/auth.h"
#include "auth/webhook.h"
#include "base/buf.h"
#include "outbound/webhook.h"
#include "request_facts.h"
#include "sse/user.h"
#include "support/fake_loop.h"
#include "support/test.h"

#define ANN           "{\"id\":\"7\",\"name\":\"Ann\",\"accessToken\":\"t7\"}"
#define MAX_QUESTIONS 8u
#define MAX_ANSWERS   40u

/* outbound/webhook.h, with the test as the other side. */
struct outbound_call {
    bool is_open;
    char url[100], secret[20];
    unsigned time_limit_ms;
    void (*done)(void *context, const struct outbound_answer *answer);
    void *context;
};

static struct outbound_call questions[MAX_QUESTIONS];
static unsigned question_count;
static bool refuses;

struct outbound_call *outbound_webhook_post(struct outbound_http *http,
                                            const struct outbound_webhook *webhook,
                                            const struct outbound_delivery *delivery)
{
    struct outbound_call *call = &questions[question_count];

    (void)http;
    if (refuses)
        return NULL;
    assert_true(question_count < MAX_QUESTIONS);
    question_count++;
    *call = (struct outbound_call){.is_open = true,
                                   .time_limit_ms = webhook->time_limit_ms,
                                   .done = delivery->done,
                                   .context = delivery->context};
    strncpy(call->url, webhook->url, sizeof(call->url) - 1);
    strncpy(call->secret, webhook->secret, sizeof(call->secret) - 1);
    return call;
}

void outbound_call_cancel(struct outbound_call *call)
{
    if (call)
        call->is_open = false;
}

const struct outbound_http_counters *outbound_http_counters(const struct outbound_http *http)
{
    static const struct outbound_http_counters counters = {.connections = 3};

    (void)http;
    return &counters;
}

static void answer(unsigned number, int status, const char *body)
{
    const struct outbound_answer given = {
        .status = status, .body = body, .length = strlen(body), .reason = ""};

    assert_true(questions[number].is_open);
    questions[number].is_open = false;
    questions[number].done(questions[number].context, &given);
}

static void fail_with(unsigned number, int error)
{
    const struct outbound_answer given = {.error = error, .body = "", .reason = "why"};

    questions[number].is_open = false;
    questions[number].done(questions[number].context, &given);
}

struct fixture {
    struct loop *loop;
    struct auth *auth;
    struct auth_result told[MAX_ANSWERS]; /* in the order of their coming */
    unsigned told_count;
};

static void keep(void *context, const struct auth_result *result)
{
    struct fixture *fixture = context;

    assert_true(fixture->told_count < MAX_ANSWERS);
    fixture->told[fixture->told_count++] = *result;
}

static int setup(void **state)
{
    static const struct auth_webhook_settings settings = {
        .service = "demo",
        .url = "https://back.example/who",
        .secret = "shared",
        .names = {.cookies = "session", .headers = "authorization", .parameters = "access-token"},
        .time_limit_ms = 3000,
        .in_flight = 2,
        .waiting = 1,
        .cache_ms = 10000,
        .cache_entries = 10,
        .answer_bytes = 65536,
    };
    struct fixture *fixture = mem_zalloc(sizeof(*fixture));

    fixture->loop = loop_new();
    fixture->auth = auth_webhook_new(&settings, fixture->loop, NULL);
    question_count = 0;
    refuses = false;
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    for (unsigned i = 0; i < fixture->told_count; i++)
        sse_user_unref(fixture->told[i].user);
    auth_free(fixture->auth);
    loop_free(fixture->loop);
    free(fixture);
    return 0;
}

static void connect_from(struct fixture *fixture, const char *session, const char *address)
{
    const struct request request = {.cookies = {{"session", session}}};
    struct auth_facts facts = request_facts(&request);

    facts.customer = address;
    auth_check(fixture->auth, &facts, keep, fixture);
}

static void connect(struct fixture *fixture, const char *session)
{
    connect_from(fixture, session, NULL);
}

static void assert_told(const struct fixture *fixture, unsigned number, enum auth_verdict verdict)
{
    assert_true(number < fixture->told_count);
    assert_int_equal(fixture->told[number].verdict, verdict);
    assert_int_equal(fixture->told[number].user != NULL, verdict == AUTH_OK);
    assert_int_equal(fixture->told[number].message != NULL, verdict != AUTH_OK);
}

static struct auth_counters count(const struct fixture *fixture)
{
    return auth_count(fixture->auth);
}

static void test_it_asks_and_tells(void **state)
{
    struct fixture *fixture = *state;

    connect(fixture, "ann");
    assert_int_equal(fixture->told_count, 0);
    assert_string_equal(questions[0].url, "https://back.example/who");
    assert_string_equal(questions[0].secret, "shared");
    assert_int_equal(questions[0].time_limit_ms, 3000);
    assert_int_equal(count(fixture).waiting, 1);
    answer(0, 200, ANN);
    assert_told(fixture, 0, AUTH_OK);
    assert_string_equal(fixture->told[0].user->name, "Ann");
    assert_int_equal(fixture->told[0].source, AUTH_BY_COOKIE);
    assert_int_equal(count(fixture).waiting, 0);
    assert_int_equal(count(fixture).questions, 1);
    assert_int_equal(count(fixture).question_connections, 3);
}

static void test_who_shows_nothing_is_not_asked_about(void **state)
{
    struct fixture *fixture = *state;

    connect(fixture, "");
    assert_told(fixture, 0, AUTH_NONE);
    assert_int_equal(question_count, 0);
}

static void test_the_same_is_asked_once_at_a_time(void **state)
{
    struct fixture *fixture = *state;

    connect(fixture, "ann");
    connect(fixture, "ann");
    connect(fixture, "bob");
    assert_int_equal(question_count, 2);
    answer(0, 200, ANN);
    assert_told(fixture, 0, AUTH_OK);
    assert_told(fixture, 1, AUTH_OK);
    assert_int_equal(fixture->told_count, 2);
    answer(1, 403, "");
    assert_told(fixture, 2, AUTH_DENIED);
    assert_int_equal(count(fixture).shared_answers, 1);
}

static void test_an_answer_is_remembered(void **state)
{
    struct fixture *fixture = *state;

    connect(fixture, "ann");
    answer(0, 200, ANN);
    fixture->loop->now_ms += 9999;
    connect(fixture, "ann");
    assert_told(fixture, 1, AUTH_OK);
    assert_int_equal(question_count, 1);
    assert_int_equal(count(fixture).cache_hits, 1);
    assert_int_equal(count(fixture).cached, 1);
    fixture->loop->now_ms += 1;
    connect(fixture, "ann");
    assert_int_equal(question_count, 2);
    answer(1, 401, "");
    assert_told(fixture, 2, AUTH_BAD);
}

static void test_a_refusal_is_remembered_for_a_moment(void **state)
{
    struct fixture *fixture = *state;

    connect(fixture, "ann");
    answer(0, 401, "");
    fixture->loop->now_ms += 999;
    connect(fixture, "ann");
    assert_told(fixture, 1, AUTH_BAD);
    fixture->loop->now_ms += 1;
    connect(fixture, "ann");
    assert_int_equal(question_count, 2);
}

static void test_not_longer_than_it_counts(void **state)
{
    struct fixture *fixture = *state;

    connect(fixture, "ann");
    answer(0, 200, "{\"id\":7,\"expiresIn\":2}");
    fixture->loop->now_ms += 1999;
    connect(fixture, "ann");
    assert_told(fixture, 1, AUTH_OK);
    fixture->loop->now_ms += 1;
    connect(fixture, "ann");
    assert_int_equal(question_count, 2);
}

static void test_failures_are_not_remembered(void **state)
{
    struct fixture *fixture = *state;

    connect(fixture, "ann");
    answer(0, 500, "");
    assert_told(fixture, 0, AUTH_FAILED);
    connect(fixture, "ann");
    fail_with(1, -ETIMEDOUT);
    assert_told(fixture, 1, AUTH_TIMEOUT);
    connect(fixture, "ann");
    answer(2, 503, "");
    assert_told(fixture, 2, AUTH_BUSY);
    refuses = true;
    connect(fixture, "ann");
    assert_told(fixture, 3, AUTH_FAILED);
    assert_int_equal(count(fixture).question_failures, 3);
    assert_int_equal(count(fixture).busy, 1);
    assert_int_equal(count(fixture).waiting, 0);
}

static void test_too_many_are_refused_at_once(void **state)
{
    struct fixture *fixture = *state;

    connect(fixture, "a");
    connect(fixture, "b");
    connect(fixture, "b");
    connect(fixture, "c");
    connect(fixture, "a");
    assert_told(fixture, 0, AUTH_BUSY);
    assert_told(fixture, 1, AUTH_BUSY);
    assert_int_equal(question_count, 2);
    assert_int_equal(count(fixture).busy, 2);
    answer(1, 200, ANN);
    connect(fixture, "c");
    assert_int_equal(question_count, 3);
    connect(fixture, "b");
    assert_told(fixture, 4, AUTH_OK);
}

static void test_who_only_failed_leaves_room(void **state)
{
    struct fixture *fixture = *state;

    connect_from(fixture, "wrong-1", "192.0.2.1");
    connect_from(fixture, "right", "192.0.2.2");
    answer(0, 401, "");
    answer(1, 200, ANN);
    assert_told(fixture, 0, AUTH_BAD);
    /* Below half of the questions at a time nobody is refused. */
    connect_from(fixture, "wrong-2", "192.0.2.1");
    assert_int_equal(question_count, 3);
    connect_from(fixture, "wrong-3", "192.0.2.1");
    assert_told(fixture, 2, AUTH_BUSY);
    connect_from(fixture, "right", "192.0.2.1"); /* what is known is known of all */
    assert_told(fixture, 3, AUTH_OK);
    connect_from(fixture, "another", "192.0.2.2");
    connect_from(fixture, "more", "192.0.2.2");
    assert_int_equal(question_count, 5);
    answer(2, 403, "");
    answer(3, 401, "");
    answer(4, 200, ANN);
    assert_int_equal(count(fixture).addresses_kept, 2);
}

static void test_refusals_push_no_answer_out(void **state)
{
    struct fixture *fixture = *state;

    connect(fixture, "right");
    answer(0, 200, ANN);
    for (unsigned i = 0; i < 30; i++) {
        char session[20];

        snprintf(session, sizeof(session), "wrong-%u", i);
        question_count = 0;
        connect(fixture, session);
        answer(0, 401, "");
    }
    assert_int_equal(count(fixture).cached, 11);
    question_count = 0;
    connect(fixture, "right");
    assert_int_equal(question_count, 0);
}

static void test_a_revocation_makes_it_ask_again(void **state)
{
    static const struct auth_revocation revocations[] = {{.user_key = "7"}, {.access_token = "t7"}};
    struct fixture *fixture = *state;

    connect(fixture, "ann");
    answer(0, 200, ANN);
    auth_revoke(fixture->auth, &(struct auth_revocation){.user_key = "8"});
    connect(fixture, "ann");
    assert_int_equal(question_count, 1);
    for (unsigned i = 0; i < 2; i++) {
        auth_revoke(fixture->auth, &revocations[i]);
        connect(fixture, "ann");
        answer(1 + i, 200, ANN);
    }
    assert_int_equal(fixture->told_count, 4);
    assert_told(fixture, 3, AUTH_OK); /* who decides is the other side */
}

static void test_what_was_asked_before_a_revocation_does_not_count(void **state)
{
    struct fixture *fixture = *state;

    connect(fixture, "ann");
    connect(fixture, "bob");
    auth_revoke(fixture->auth, &(struct auth_revocation){.user_key = "7"});
    connect(fixture, "ann"); /* does not wait for the answer of before */
    assert_int_equal(question_count, 3);
    answer(0, 200, ANN);
    assert_told(fixture, 0, AUTH_BUSY);
    answer(1, 200, "{\"id\":8}");
    assert_told(fixture, 1, AUTH_OK);
    answer(2, 200, ANN);
    assert_told(fixture, 2, AUTH_OK);
    assert_int_equal(count(fixture).revocations, 1);
    connect(fixture, "bob"); /* was asked too early to be remembered */
    assert_int_equal(question_count, 4);
}

static void connect_again(void *context, const struct auth_result *result)
{
    struct fixture *fixture = context;

    keep(fixture, result);
    connect(fixture, "ann");
}

static void test_who_asks_again_at_once_is_told(void **state)
{
    const struct request request = {.cookies = {{"session", "ann"}}};
    const struct auth_facts facts = request_facts(&request);
    struct fixture *fixture = *state;

    auth_check(fixture->auth, &facts, connect_again, fixture);
    answer(0, 200, ANN);
    assert_told(fixture, 1, AUTH_OK);
    auth_check(fixture->auth, &facts, connect_again, fixture);
    assert_int_equal(question_count, 1);
}

static void test_the_end_cancels(void **state)
{
    struct fixture *fixture = *state;

    connect(fixture, "ann");
    auth_revoke(fixture->auth, &(struct auth_revocation){.user_key = "7"});
    connect(fixture, "ann");
    auth_free(fixture->auth);
    fixture->auth = NULL;
    assert_false(questions[0].is_open || questions[1].is_open);
    assert_int_equal(fixture->told_count, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_it_asks_and_tells),
        TEST(test_who_shows_nothing_is_not_asked_about),
        TEST(test_the_same_is_asked_once_at_a_time),
        TEST(test_an_answer_is_remembered),
        TEST(test_a_refusal_is_remembered_for_a_moment),
        TEST(test_not_longer_than_it_counts),
        TEST(test_failures_are_not_remembered),
        TEST(test_too_many_are_refused_at_once),
        TEST(test_who_only_failed_leaves_room),
        TEST(test_refusals_push_no_answer_out),
        TEST(test_a_revocation_makes_it_ask_again),
        TEST(test_what_was_asked_before_a_revocation_does_not_count),
        TEST(test_who_asks_again_at_once_is_told),
        TEST(test_the_end_cancels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
