/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "auth/auth.h"
#include "auth/jwt.h"
#include "auth/standing.h"
#include "jwt_material.h"
#include "support/fake_loop.h"

#define OTHER "another secret, of which nobody here has ever heard or seen a bit"
#define HERE  "192.0.2.1"
#define THERE "192.0.2.2"

struct fixture {
    struct loop *loop;
    struct auth_jwt_key *key, *other; /* of SECRET and of OTHER */
    struct auth_jwt_signatures *signatures;
};

static const struct auth_jwt_signature_limits no_limits = {.verified = 10, .forged = 10};

/* Each look at the clock is 10 ms of work later: so long does each check take. */
static uint64_t clock_us;

static uint64_t read_clock(void)
{
    return clock_us += 10000;
}

static struct fixture open_with_work(const struct auth_jwt_signature_limits *limits,
                                     struct auth_work *work)
{
    struct fixture fixture = {.loop = loop_new(),
                              .key = read_key("", "HS256", SECRET),
                              .other = read_key("", "HS256", OTHER)};

    fixture.signatures = auth_jwt_signatures_new(limits, work, fixture.loop);
    return fixture;
}

static struct fixture open_with(const struct auth_jwt_signature_limits *limits)
{
    return open_with_work(limits, NULL);
}

static void close_all(struct fixture *fixture)
{
    auth_jwt_signatures_free(fixture->signatures);
    auth_jwt_key_free(fixture->key);
    auth_jwt_key_free(fixture->other);
    loop_free(fixture->loop);
}

/* A different one for each number. */
static enum auth_jwt_finding check_from(struct fixture *fixture, int number, const char *secret,
                                        const char *address)
{
    const struct auth_jwt_candidates candidates = {{fixture->key}, 1};
    const struct auth_jwt_key *signer = NULL;
    enum auth_jwt_finding finding;
    char payload[40];
    char *token;

    snprintf(payload, sizeof(payload), "{\"sub\":%d}", number);
    token = hs256_token("{\"alg\":\"HS256\"}", payload, secret);
    finding = auth_jwt_signatures_check(fixture->signatures, &candidates, token, address, &signer);
    assert_ptr_equal(signer, finding == AUTH_JWT_RIGHT ? fixture->key : NULL);
    free(token);
    return finding;
}

static enum auth_jwt_finding check(struct fixture *fixture, int number, const char *secret)
{
    return check_from(fixture, number, secret, HERE);
}

static struct auth_counters counted(const struct auth_jwt_signatures *signatures)
{
    struct auth_counters counters = {0};

    auth_jwt_signatures_count(signatures, &counters);
    return counters;
}

static uint64_t computed(const struct fixture *fixture)
{
    return counted(fixture->signatures).signatures_computed;
}

static void test_each_is_computed_once(void **state)
{
    struct fixture fixture = open_with(&no_limits);

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(check(&fixture, 1, SECRET), AUTH_JWT_RIGHT);
        assert_int_equal(check(&fixture, 1, OTHER), AUTH_JWT_WRONG);
        assert_int_equal(check(&fixture, 2, SECRET), AUTH_JWT_RIGHT);
    }
    assert_int_equal(computed(&fixture), 3);
    assert_int_equal(counted(fixture.signatures).signatures_recalled, 6);
    assert_int_equal(counted(fixture.signatures).signatures_wrong, 1);
    assert_int_equal(counted(fixture.signatures).signatures_kept, 3);
    close_all(&fixture);
}

static void test_one_that_is_not_shown_is_forgotten(void **state)
{
    struct fixture fixture = open_with(&no_limits);

    (void)state;
    (void)check(&fixture, 1, SECRET);
    (void)check(&fixture, 2, OTHER);
    fake_loop_advance(fixture.loop, AUTH_JWT_WRONG_KEPT_MS);
    assert_int_equal(check(&fixture, 1, SECRET), AUTH_JWT_RIGHT);
    assert_int_equal(computed(&fixture), 2);
    assert_int_equal(check(&fixture, 2, OTHER), AUTH_JWT_WRONG);
    assert_int_equal(computed(&fixture), 3);
    fake_loop_advance(fixture.loop, AUTH_JWT_RIGHT_KEPT_MS - 1);
    assert_int_equal(check(&fixture, 1, SECRET), AUTH_JWT_RIGHT);
    assert_int_equal(computed(&fixture), 3);
    fake_loop_advance(fixture.loop, AUTH_JWT_RIGHT_KEPT_MS);
    assert_int_equal(check(&fixture, 1, SECRET), AUTH_JWT_RIGHT);
    assert_int_equal(computed(&fixture), 4);
    close_all(&fixture);
}

static void test_other_keys_are_another_question(void **state)
{
    struct fixture fixture = open_with(&no_limits);
    struct auth_jwt_key *again = read_key("renamed", "HS256", SECRET);
    const struct {
        struct auth_jwt_candidates candidates;
        const struct auth_jwt_key *signer;
        unsigned computed; /* so far */
    } cases[] = {
        {{{fixture.key}, 1}, fixture.key, 1},
        {{{again}, 1}, again, 1}, /* read anew */
        {{{fixture.other}, 1}, NULL, 2},
        {{{fixture.other, fixture.key}, 2}, fixture.key, 3},
        {{{fixture.other, again}, 2}, again, 3},
        {{{fixture.key, fixture.other}, 2}, fixture.key, 4},
        {{{fixture.key}, 1}, fixture.key, 4},
        {{{fixture.other}, 1}, NULL, 4},
    };
    char *token = hs256_token("{\"alg\":\"HS256\"}", "{}", SECRET);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct auth_jwt_key *signer = NULL;

        assert_int_equal(auth_jwt_signatures_check(fixture.signatures, &cases[i].candidates, token,
                                                   HERE, &signer),
                         cases[i].signer ? AUTH_JWT_RIGHT : AUTH_JWT_WRONG);
        assert_ptr_equal(signer, cases[i].signer);
        assert_int_equal(computed(&fixture), cases[i].computed);
    }
    free(token);
    auth_jwt_key_free(again);
    close_all(&fixture);
}

static void test_wrong_ones_push_no_right_one_out(void **state)
{
    const struct auth_jwt_signature_limits limits = {.verified = 2, .forged = 3};
    struct fixture fixture = open_with(&limits);

    (void)state;
    (void)check(&fixture, 1, SECRET);
    (void)check(&fixture, 2, SECRET);
    for (int i = 0; i < 10; i++)
        (void)check(&fixture, i, OTHER);
    assert_int_equal(counted(fixture.signatures).signatures_kept, 5);
    assert_int_equal(counted(fixture.signatures).signatures_displaced, 7);
    assert_int_equal(computed(&fixture), 12);
    assert_int_equal(check(&fixture, 1, SECRET), AUTH_JWT_RIGHT);
    assert_int_equal(computed(&fixture), 12);
    /* But right ones do: the one that was not shown for longest. */
    (void)check(&fixture, 3, SECRET);
    assert_int_equal(computed(&fixture), 13);
    (void)check(&fixture, 1, SECRET);
    assert_int_equal(computed(&fixture), 13);
    (void)check(&fixture, 2, SECRET);
    assert_int_equal(computed(&fixture), 14);
    close_all(&fixture);
}

static void test_nothing_need_be_remembered(void **state)
{
    const struct auth_jwt_signature_limits limits = {.verified = 0, .forged = 1};
    struct fixture fixture = open_with(&limits);

    (void)state;
    assert_int_equal(check(&fixture, 1, SECRET), AUTH_JWT_RIGHT);
    assert_int_equal(check(&fixture, 1, SECRET), AUTH_JWT_RIGHT);
    assert_int_equal(computed(&fixture), 2);
    assert_int_equal(counted(fixture.signatures).signatures_kept, 0);
    close_all(&fixture);
}

static void test_an_address_fails_only_so_often(void **state)
{
    const struct auth_jwt_signature_limits limits = {
        .verified = 10, .forged = 10, .address_failures = {.burst = 2, .per_second = 1}};
    struct fixture fixture = open_with(&limits);

    (void)state;
    (void)check(&fixture, 1, SECRET);
    assert_int_equal(check(&fixture, 10, OTHER), AUTH_JWT_WRONG);
    assert_int_equal(check(&fixture, 11, OTHER), AUTH_JWT_WRONG);
    assert_int_equal(check(&fixture, 12, OTHER), AUTH_JWT_NOT_COMPUTED);
    assert_int_equal(check(&fixture, 2, SECRET), AUTH_JWT_NOT_COMPUTED);
    assert_int_equal(counted(fixture.signatures).signatures_refused, 2);
    /* What is known is answered. */
    assert_int_equal(check(&fixture, 1, SECRET), AUTH_JWT_RIGHT);
    assert_int_equal(check(&fixture, 10, OTHER), AUTH_JWT_WRONG);
    assert_int_equal(computed(&fixture), 3);
    assert_int_equal(check_from(&fixture, 2, SECRET, THERE), AUTH_JWT_RIGHT);
    for (int i = 20; i < 25; i++)
        assert_int_equal(check_from(&fixture, i, OTHER, NULL), AUTH_JWT_WRONG);
    fake_loop_advance(fixture.loop, 1000);
    assert_int_equal(check(&fixture, 3, SECRET), AUTH_JWT_RIGHT);
    assert_int_equal(check(&fixture, 12, OTHER), AUTH_JWT_WRONG);
    assert_int_equal(check(&fixture, 13, OTHER), AUTH_JWT_NOT_COMPUTED);
    close_all(&fixture);
}

static struct auth_work half_of_the_time(void)
{
    struct auth_work work;

    auth_work_init(&work, 50);
    work.clock_us = read_clock;
    return work;
}

/* One address for each number. */
static const char *address_of(int number)
{
    static char address[32];

    snprintf(address, sizeof(address), "198.51.%d.%d", number / 256, number % 256);
    return address;
}

/* count forged ones from as many addresses: the number of those that were looked at. */
static int forge(struct fixture *fixture, int first, int count, int addresses)
{
    int looked_at = 0;

    for (int i = first; i < first + count; i++)
        looked_at += check_from(fixture, i, OTHER, address_of(i % addresses)) == AUTH_JWT_WRONG;
    return looked_at;
}

static const struct auth_jwt_signature_limits roomy = {.verified = 1000, .forged = 1000};

static void test_below_the_share_nobody_waits(void **state)
{
    struct auth_work work = half_of_the_time();
    struct fixture fixture = open_with_work(&roomy, &work);

    (void)state;
    for (int second = 0; second < 5; second++) {
        /* From 3 addresses, 24 times 10 ms. */
        assert_int_equal(forge(&fixture, 1000 * second, 24, 3), 24);
        assert_int_equal(check_from(&fixture, second, SECRET, address_of(0)), AUTH_JWT_RIGHT);
        fake_loop_advance(fixture.loop, 1000);
    }
    assert_int_equal(counted(fixture.signatures).signatures_refused, 0);
    assert_int_equal(counted(fixture.signatures).signatures_us, 5 * 25 * 10000);
    close_all(&fixture);
}

static void test_above_it_those_who_only_failed_come_last(void **state)
{
    struct auth_work work = half_of_the_time();
    struct fixture fixture = open_with_work(&roomy, &work);

    (void)state;
    fake_loop_advance(fixture.loop, 1000);
    assert_int_equal(forge(&fixture, 1000, 240, 240), 75); /* all are new: to three quarters */
    assert_int_equal(forge(&fixture, 2000, 75, 75), 0);    /* and now they are not */
    assert_int_equal(check_from(&fixture, 1, SECRET, address_of(3)), AUTH_JWT_NOT_COMPUTED);
    assert_true(counted(fixture.signatures).signatures_refused >= 240);
    /* Another second: who fails fills the half; who is new does not notice. */
    fake_loop_advance(fixture.loop, 2000);
    assert_int_equal(forge(&fixture, 3000, 240, 60), 50);
    for (int i = 0; i < 40; i++)
        assert_int_equal(check_from(&fixture, 100 + i, SECRET, address_of(1000 + i)),
                         AUTH_JWT_RIGHT);
    close_all(&fixture);
}

static void test_who_was_good_is_not_refused_for_others(void **state)
{
    struct auth_work work = half_of_the_time();
    struct fixture fixture = open_with_work(&roomy, &work);

    (void)state;
    assert_int_equal(check_from(&fixture, 1, SECRET, HERE), AUTH_JWT_RIGHT);
    auth_jwt_signatures_accept(fixture.signatures, HERE);
    fake_loop_advance(fixture.loop, 3600000);
    (void)forge(&fixture, 5000, 2000, 2000); /* more than are remembered */
    assert_int_equal(check_from(&fixture, 2, SECRET, THERE), AUTH_JWT_NOT_COMPUTED);
    assert_int_equal(check_from(&fixture, 2, SECRET, HERE), AUTH_JWT_RIGHT);
    /* A token that was good is, wherever it comes from. */
    assert_int_equal(check_from(&fixture, 2, SECRET, address_of(0)), AUTH_JWT_RIGHT);
    close_all(&fixture);
}

static void test_one_good_token_is_no_free_pass(void **state)
{
    struct auth_work work = half_of_the_time();
    struct fixture fixture = open_with_work(&roomy, &work);
    int looked_at[2] = {0};

    (void)state;
    for (int i = 0; i < 2; i++) {
        (void)check_from(&fixture, i, SECRET, address_of(i));
        auth_jwt_signatures_accept(fixture.signatures, address_of(i));
    }
    auth_jwt_signatures_accept(fixture.signatures, HERE);
    fake_loop_advance(fixture.loop, 5000);
    for (int i = 0; i < 1000; i++)
        looked_at[i % 2] +=
            check_from(&fixture, 100 + i, OTHER, address_of(i % 2)) == AUTH_JWT_WRONG;
    /* Together the half, each its part of it, and one more: what it had cost was not known. */
    assert_in_range(looked_at[0] + looked_at[1], 50, 53);
    assert_in_range(looked_at[0], 25, 27);
    assert_int_equal(check_from(&fixture, 50, SECRET, HERE), AUTH_JWT_RIGHT);
    assert_int_equal(check_from(&fixture, 51, SECRET, THERE), AUTH_JWT_RIGHT);
    close_all(&fixture);
}

static void test_many_good_ones_at_once_keep_nobody_out(void **state)
{
    struct auth_work work = half_of_the_time();
    struct fixture fixture = open_with_work(&roomy, &work);

    (void)state;
    for (int i = 0; i < 300; i++) /* three seconds' work */
        assert_int_equal(check_from(&fixture, i, SECRET, address_of(i)), AUTH_JWT_RIGHT);
    /* But who only fails waits. */
    assert_int_equal(check_from(&fixture, 1000, OTHER, HERE), AUTH_JWT_WRONG);
    assert_int_equal(check_from(&fixture, 1001, OTHER, HERE), AUTH_JWT_NOT_COMPUTED);
    close_all(&fixture);
}

static void test_services_of_a_worker_share_its_time(void **state)
{
    struct auth_work work = half_of_the_time();
    struct fixture one = open_with_work(&roomy, &work);
    struct auth_jwt_signatures *first = one.signatures;
    struct auth_jwt_signatures *second = auth_jwt_signatures_new(&roomy, &work, one.loop);

    (void)state;
    assert_int_equal(forge(&one, 1000, 60, 1), 50);
    one.signatures = second;
    (void)check_from(&one, 2000, OTHER, HERE); /* new there */
    assert_int_equal(check_from(&one, 2001, OTHER, HERE), AUTH_JWT_NOT_COMPUTED);
    one.signatures = first;
    auth_jwt_signatures_free(second);
    close_all(&one);
}

static void test_each_key_that_is_tried_counts(void **state)
{
    const struct auth_jwt_signature_limits limits = {
        .verified = 10, .forged = 10, .address_failures = {.burst = 3, .per_second = 1}};
    struct fixture fixture = open_with(&limits);
    const struct auth_jwt_candidates candidates = {{fixture.other, fixture.other}, 2};
    const struct auth_jwt_key *signer;
    const enum auth_jwt_finding expected[] = {AUTH_JWT_WRONG, AUTH_JWT_WRONG,
                                              AUTH_JWT_NOT_COMPUTED};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const char *const payloads[] = {"{\"a\":1}", "{\"a\":2}", "{\"a\":3}"};
        char *token = hs256_token("{\"alg\":\"HS256\"}", payloads[i], SECRET);

        assert_int_equal(
            auth_jwt_signatures_check(fixture.signatures, &candidates, token, HERE, &signer),
            expected[i]);
        free(token);
    }
    close_all(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_is_computed_once),
        cmocka_unit_test(test_one_that_is_not_shown_is_forgotten),
        cmocka_unit_test(test_other_keys_are_another_question),
        cmocka_unit_test(test_wrong_ones_push_no_right_one_out),
        cmocka_unit_test(test_nothing_need_be_remembered),
        cmocka_unit_test(test_an_address_fails_only_so_often),
        cmocka_unit_test(test_below_the_share_nobody_waits),
        cmocka_unit_test(test_above_it_those_who_only_failed_come_last),
        cmocka_unit_test(test_who_was_good_is_not_refused_for_others),
        cmocka_unit_test(test_one_good_token_is_no_free_pass),
        cmocka_unit_test(test_many_good_ones_at_once_keep_nobody_out),
        cmocka_unit_test(test_services_of_a_worker_share_its_time),
        cmocka_unit_test(test_each_key_that_is_tried_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
