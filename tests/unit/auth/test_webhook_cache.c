/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "auth/auth.h"
#include "auth/webhook.h"
#include "base/mem.h"
#include "base/random.h"
#include "sse/user.h"
#include "support/loop_fixture.h"
#include "support/test.h"

#define MANY 500u

static struct auth_webhook_cache *cache_new(struct loop *at, size_t most)
{
    struct auth_webhook_cache *cache = mem_zalloc(sizeof(*cache));

    auth_webhook_cache_init(cache, at, most);
    return cache;
}

static void cache_free(struct auth_webhook_cache *cache)
{
    auth_webhook_cache_release(cache);
    free(cache);
}

static void add(struct auth_webhook_cache *cache, const char *key, const char *user,
                const char *token, uint64_t until_ms)
{
    struct auth_result result = {.verdict = AUTH_OK};

    result.user = sse_user_new(&(struct sse_user_fields){.id = user, .access_token = token});
    auth_webhook_cache_add(cache, key, &result, 0, until_ms);
    sse_user_unref(result.user);
}

static bool has(struct auth_webhook_cache *cache, const char *key, uint64_t now_ms)
{
    return auth_webhook_cache_find(cache, key, now_ms) != NULL;
}

static void forget_user(struct auth_webhook_cache *cache, const char *user)
{
    auth_webhook_cache_forget(cache, &(struct auth_revocation){.user_key = user});
}

static void add_of(struct auth_webhook_cache *cache, const char *key, const char *tenant,
                   bool is_of_tenant)
{
    struct auth_result result = {.verdict = AUTH_OK};

    result.user = sse_user_new(
        &(struct sse_user_fields){.id = "42", .tenant_id = tenant, .is_of_tenant = is_of_tenant});
    auth_webhook_cache_add(cache, key, &result, 0, 100);
    sse_user_unref(result.user);
}

static void test_a_user_in_a_tenant_is_forgotten_alone(void **state)
{
    (void)state;
    for (unsigned is_of_tenant = 0; is_of_tenant < 2; is_of_tenant++) {
        struct auth_webhook_cache *cache = cache_new(loop, 10);

        add_of(cache, "a", "red", is_of_tenant);
        add_of(cache, "b", "blue", is_of_tenant);
        add_of(cache, "c", "red", is_of_tenant);
        forget_user(cache, "red\x1f"
                           "42");
        assert_false(has(cache, "a", 1));
        assert_true(has(cache, "b", 1));
        assert_false(has(cache, "c", 1));
        forget_user(cache, "42");
        assert_int_equal(has(cache, "b", 1), is_of_tenant);
        forget_user(cache, "blue\x1f"
                           "42");
        assert_false(has(cache, "b", 1));
        cache_free(cache);
    }
}

static void test_an_answer_counts_for_its_time(void **state)
{
    struct auth_webhook_cache *cache = cache_new(loop, 10);
    const struct auth_result bad = {.verdict = AUTH_BAD, .message = "no"};

    (void)state;
    add(cache, "a", "7", "", 100);
    auth_webhook_cache_add(cache, "b", &bad, 0, 50);
    auth_webhook_cache_add(cache, "c", &bad, 50, 50);
    assert_string_equal(auth_webhook_cache_find(cache, "a", 99)->user->id, "7");
    assert_int_equal(auth_webhook_cache_find(cache, "b", 49)->verdict, AUTH_BAD);
    assert_false(has(cache, "b", 50));
    assert_false(has(cache, "c", 0));
    assert_false(has(cache, "a", 100));
    assert_int_equal(cache->entries.count, 0);
    cache_free(cache);
}

static void test_a_newer_answer_takes_the_place(void **state)
{
    struct auth_webhook_cache *cache = cache_new(loop, 1);

    (void)state;
    add(cache, "a", "7", "", 100);
    add(cache, "a", "8", "", 200);
    assert_string_equal(auth_webhook_cache_find(cache, "a", 150)->user->id, "8");
    assert_int_equal(cache->entries.count, 1);
    assert_int_equal(cache->entries.evicted, 0);
    cache_free(cache);
}

static void test_at_the_bound_the_oldest_goes(void **state)
{
    struct auth_webhook_cache *cache = cache_new(loop, 2);

    (void)state;
    add(cache, "a", "7", "", 100);
    add(cache, "b", "7", "", 100);
    assert_true(has(cache, "a", 1));
    add(cache, "c", "7", "", 100);
    assert_false(has(cache, "a", 1));
    assert_true(has(cache, "b", 1) && has(cache, "c", 1));
    assert_int_equal(cache->entries.evicted, 1);
    cache_free(cache);
}

static void test_what_has_ended_makes_room(void **state)
{
    struct auth_webhook_cache *cache = cache_new(loop, 2);
    const struct auth_result bad = {.verdict = AUTH_BAD, .message = "no"};

    (void)state;
    add(cache, "a", "7", "", 10);
    add(cache, "b", "7", "", 10);
    auth_webhook_cache_add(cache, "c", &bad, 10, 20);
    assert_int_equal(cache->entries.count, 1);
    assert_int_equal(cache->entries.evicted, 0);
    cache_free(cache);
}

static void test_a_user_and_a_token_are_forgotten(void **state)
{
    struct auth_webhook_cache *cache = cache_new(loop, 10);

    (void)state;
    add(cache, "a", "7", "t1", 100);
    add(cache, "b", "7", "t2", 100);
    add(cache, "c", "8", "t1", 100);
    add(cache, "d", "t1", "7", 100); /* as if each were the other */
    auth_webhook_cache_forget(cache, &(struct auth_revocation){.access_token = "t1"});
    assert_false(has(cache, "a", 1) || has(cache, "c", 1));
    assert_true(has(cache, "b", 1) && has(cache, "d", 1));
    add(cache, "a", "7", "", 100);
    forget_user(cache, "7");
    assert_false(has(cache, "a", 1) || has(cache, "b", 1));
    assert_true(has(cache, "d", 1));
    forget_user(cache, "7");
    forget_user(cache, "");
    auth_webhook_cache_forget(cache, &(struct auth_revocation){.access_token = ""});
    assert_int_equal(cache->entries.count, 1);
    cache_free(cache);
}

/* Against what a plain list of the same would hold. */
static void test_many_of_few_users(void **state)
{
    struct auth_webhook_cache *cache = cache_new(loop, MANY);
    unsigned users[MANY];
    char key[16], user[16], token[16];

    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        users[i] = (unsigned)random_between(0, 9);
        snprintf(key, sizeof(key), "key %u", i);
        snprintf(user, sizeof(user), "%u", users[i]);
        snprintf(token, sizeof(token), "%u", users[i] % 3);
        add(cache, key, user, i % 2 ? token : "", 100);
    }
    forget_user(cache, "3");
    auth_webhook_cache_forget(cache, &(struct auth_revocation){.access_token = "2"});
    for (unsigned i = 0; i < MANY; i++) {
        const bool is_gone = users[i] == 3 || (i % 2 && users[i] % 3 == 2);

        snprintf(key, sizeof(key), "key %u", i);
        assert_int_equal(has(cache, key, 1), !is_gone);
    }
    cache_free(cache);
}

/* One of shorter life behind another goes with that. */
/* Whoever has many credentials pushes out his own, and nobody else's. */
static void test_a_user_has_so_many_at_the_most(void **state)
{
    struct auth_webhook_cache *cache = cache_new(loop, 10);

    (void)state;
    cache->most_of_user = 2;
    add(cache, "b1", "bob", "", 100);
    add(cache, "a1", "ann", "", 100);
    add(cache, "a2", "ann", "", 100);
    add(cache, "a2", "ann", "", 100); /* takes its own place */
    assert_int_equal(cache->entries.evicted, 0);
    add(cache, "a3", "ann", "", 100);
    assert_int_equal(cache->entries.evicted, 1);
    assert_true(has(cache, "b1", 1));
    assert_false(has(cache, "a1", 1));
    assert_true(has(cache, "a2", 1));
    assert_true(has(cache, "a3", 1));
    cache_free(cache);
}

static void test_answers_end_by_the_clock(void **state)
{
    struct auth_webhook_cache *cache = cache_new(loop, 10);
    const uint64_t now = loop->now_ms;

    (void)state;
    add(cache, "a", "7", "token", now + 10000);
    add(cache, "b", "7", "token", now + 1000);
    add(cache, "c", "8", "token", now + 20000);
    fake_loop_advance(loop, 9000);
    assert_int_equal(cache->entries.count, 3);
    assert_false(has(cache, "b", loop->now_ms));
    fake_loop_advance(loop, 2000);
    assert_int_equal(cache->entries.count, 1);
    fake_loop_advance(loop, 10000);
    assert_int_equal(cache->entries.count, 0);
    assert_false(fake_loop_has_timers(loop));
    add(cache, "d", "7", "token", loop->now_ms + 1000);
    assert_true(fake_loop_has_timers(loop));
    cache_free(cache);
    assert_false(fake_loop_has_timers(loop));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer_counts_for_its_time),
        cmocka_unit_test(test_a_user_in_a_tenant_is_forgotten_alone),
        cmocka_unit_test(test_a_newer_answer_takes_the_place),
        cmocka_unit_test(test_at_the_bound_the_oldest_goes),
        cmocka_unit_test(test_what_has_ended_makes_room),
        cmocka_unit_test(test_a_user_and_a_token_are_forgotten),
        cmocka_unit_test(test_many_of_few_users),
        cmocka_unit_test(test_a_user_has_so_many_at_the_most),
        cmocka_unit_test(test_answers_end_by_the_clock),
    };

    return cmocka_run_group_tests(tests, open_loop, close_loop);
}
