/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "auth/auth.h"
#include "auth/denied.h"
#include "auth/jwks.h"
#include "auth/jwt.h"
#include "auth/jwt_key.h"
#include "fake_http.h"
#include "jwt_material.h"
#include "sse/user.h"
#include "support/fake_loop.h"

#define OLD_SET                                                                                    \
    "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"old\","                                                 \
    "\"k\":\"b2xkIG9sZCBvbGQgb2xkIG9sZCBvbGQgb2xkIG9sZCE\"}]}"
#define NEW_SET                                                                                    \
    "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"new\","                                                 \
    "\"k\":\"bmV3IG5ldyBuZXcgbmV3IG5ldyBuZXcgbmV3IG5ldyE\"}]}"
#define NEW_SECRET "new new new new new new new new!"

/* What a request carries. */
struct request {
    const char *authorization, *cookie, *parameter, *credential;
};

/* The answer that came, if one has. */
struct outcome {
    bool is_there;
    struct auth_result result;
};

struct fixture {
    struct loop *loop;
    struct auth_jwt_keys *keys;
    struct auth_jwks *set; /* NULL: only the keys of the configuration */
    struct auth *auth;
};

static const char *find_header(const void *request, const char *name)
{
    return strcmp(name, "authorization") == 0 ? ((const struct request *)request)->authorization
                                              : NULL;
}

static const char *find_cookie(const void *request, const char *name)
{
    return strcmp(name, "access-token") == 0 ? ((const struct request *)request)->cookie : NULL;
}

static const char *find_parameter(const void *request, const char *name)
{
    return strcmp(name, "access-token") == 0 ? ((const struct request *)request)->parameter : NULL;
}

static void keep(void *context, const struct auth_result *result)
{
    struct outcome *outcome = context;

    assert_false(outcome->is_there);
    *outcome = (struct outcome){true, *result};
}

static struct fixture open_with_settings(bool has_set, bool awaits_revocations)
{
    const struct auth_jwt_settings settings = {
        .cookie = "access-token",
        .parameter = "access-token",
        .rules = {.audiences = "", .issuer = "", .leeway_ms = 30000, .require_expiry = true},
        .claims = {.user_id = "sub",
                   .name = "name",
                   .tenant_id = "tenantId",
                   .channels = "channels",
                   .permissions = "permissions",
                   .fields = ""},
        .revocation_ms = 3600000,
        .revocations = 100,
        .waiting = 2,
        .signatures = {.verified = 10, .forged = 10, .address_failures = {3, 1}},
        .awaits_revocations = awaits_revocations,
    };
    struct fixture fixture = {.loop = loop_new(), .keys = auth_jwt_keys_new()};
    struct auth_jwt_sources sources = {.keys = fixture.keys};

    auth_jwt_keys_add(fixture.keys, read_key("", "HS256", SECRET));
    fake_calls = 0;
    if (has_set) {
        fixture.set = auth_jwks_new(
            &(struct auth_jwks_settings){.place = "https://idp.example/", .refresh_ms = 600000},
            fixture.loop, NULL);
        sources.sets = &fixture.set;
        sources.set_count = 1;
    }
    fixture.auth = auth_jwt_new(&settings, &sources, fixture.loop);
    return fixture;
}

static struct fixture open_with(bool has_set)
{
    return open_with_settings(has_set, false);
}

static void close_all(struct fixture *fixture)
{
    auth_free(fixture->auth);
    auth_jwks_free(fixture->set);
    auth_jwt_keys_free(fixture->keys);
    loop_free(fixture->loop);
}

/* more: members before exp, with a comma. */
static char *token_for(const struct fixture *fixture, const char *header, const char *more,
                       const char *secret)
{
    char payload[300];

    snprintf(payload, sizeof(payload), "{%s\"exp\":%lld}", more,
             (long long)loop_wall_ms(fixture->loop) / 1000 + 600);
    return hs256_token(header, payload, secret);
}

static char *plain_token(const struct fixture *fixture, const char *more)
{
    return token_for(fixture, "{\"alg\":\"HS256\"}", more, SECRET);
}

static struct auth_facts facts_of(const struct request *request)
{
    return (struct auth_facts){.method = "GET",
                               .path = "/",
                               .peer = "::1",
                               .customer = "::1",
                               .header = find_header,
                               .cookie = find_cookie,
                               .credential = request->credential,
                               .parameter = find_parameter,
                               .request = request};
}

static void ask(const struct fixture *fixture, const struct request *request,
                struct outcome *outcome)
{
    const struct auth_facts facts = facts_of(request);

    *outcome = (struct outcome){.is_there = false};
    auth_check(fixture->auth, &facts, keep, outcome);
}

/* The id of the user that the answer has, copied; "" when it is another answer. */
static const char *user_of(struct outcome *outcome, char id[64])
{
    id[0] = '\0';
    if (outcome->is_there && outcome->result.verdict == AUTH_OK) {
        snprintf(id, 64, "%s", outcome->result.user->id);
        sse_user_unref(outcome->result.user);
    }
    return id;
}

static enum auth_verdict verdict_on(const struct fixture *fixture, const char *token)
{
    struct outcome outcome;
    char id[64];

    ask(fixture, &(struct request){.parameter = token}, &outcome);
    assert_true(outcome.is_there);
    if (outcome.result.message)
        assert_null(strstr(outcome.result.message, token));
    (void)user_of(&outcome, id);
    return outcome.result.verdict;
}

static void test_where_a_token_is_looked_for(void **state)
{
    struct fixture fixture = open_with(false);
    char *first = plain_token(&fixture, "\"sub\":\"1\",");
    char *second = plain_token(&fixture, "\"sub\":\"2\",");
    char bearer[600];
    const struct {
        struct request request;
        const char *user;
        enum auth_source source;
    } cases[] = {
        {{bearer, NULL, NULL, NULL}, "1", AUTH_BY_REQUEST},
        {{NULL, second, NULL, NULL}, "2", AUTH_BY_COOKIE},
        {{NULL, NULL, second, NULL}, "2", AUTH_BY_REQUEST},
        {{bearer, second, second, NULL}, "1", AUTH_BY_REQUEST},
        {{NULL, second, first, NULL}, "2", AUTH_BY_COOKIE},
        {{NULL, "", first, NULL}, "1", AUTH_BY_REQUEST},
        {{"Basic dTpw", NULL, first, NULL}, "1", AUTH_BY_REQUEST},
        {{NULL, NULL, NULL, first}, "1", AUTH_BY_REQUEST},
        {{bearer, second, second, second}, "2", AUTH_BY_REQUEST},
        {{bearer, NULL, NULL, "x.y.z"}, "", AUTH_BY_REQUEST},
        {{NULL, NULL, NULL, NULL}, "", AUTH_BY_REQUEST},
        {{NULL, "", "", NULL}, "", AUTH_BY_REQUEST},
        /* A wrong one is not made good by another. */
        {{"Bearer x.y.z", second, second, NULL}, "", AUTH_BY_REQUEST},
        {{NULL, "x.y.z", second, NULL}, "", AUTH_BY_COOKIE},
    };

    (void)state;
    snprintf(bearer, sizeof(bearer), "Bearer %s", first);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct outcome outcome;
        char id[64];

        ask(&fixture, &cases[i].request, &outcome);
        assert_string_equal(user_of(&outcome, id), cases[i].user);
        assert_int_equal(outcome.result.source, cases[i].source);
    }
    free(first);
    free(second);
    close_all(&fixture);
}

static void test_verdicts(void **state)
{
    struct fixture fixture = open_with(false);
    char *good = plain_token(&fixture, "\"sub\":\"1\",");
    char *nameless = plain_token(&fixture, "");
    char *strange = token_for(&fixture, "{\"alg\":\"HS256\",\"kid\":\"new\"}", "", NEW_SECRET);
    struct outcome outcome;

    (void)state;
    assert_int_equal(verdict_on(&fixture, good), AUTH_OK);
    assert_int_equal(verdict_on(&fixture, nameless), AUTH_BAD);
    assert_int_equal(verdict_on(&fixture, strange), AUTH_BAD);
    assert_int_equal(verdict_on(&fixture, "x"), AUTH_BAD);
    ask(&fixture, &(struct request){NULL, NULL, NULL, NULL}, &outcome);
    assert_int_equal(outcome.result.verdict, AUTH_NONE);
    fake_loop_advance(fixture.loop, 600000 + 29999);
    assert_int_equal(verdict_on(&fixture, good), AUTH_OK);
    fake_loop_advance(fixture.loop, 1001);
    assert_int_equal(verdict_on(&fixture, good), AUTH_BAD);
    free(good);
    free(nameless);
    free(strange);
    close_all(&fixture);
}

static const char *rule_on(const struct fixture *fixture, const char *token)
{
    struct outcome outcome;

    ask(fixture, &(struct request){.parameter = token}, &outcome);
    assert_int_not_equal(outcome.result.verdict, AUTH_OK);
    return outcome.result.rule ? outcome.result.rule : "";
}

static void test_rules_have_words(void **state)
{
    struct fixture fixture = open_with(false);
    char *token = plain_token(&fixture, "\"sub\":\"1\",\"jti\":\"x1\",");

    (void)state;
    assert_string_equal(rule_on(&fixture, "x.y.z"), "");
    assert_string_equal(rule_on(&fixture, ""), "");
    auth_revoke(fixture.auth, &(struct auth_revocation){.access_token = "x1"});
    assert_string_equal(rule_on(&fixture, token), "revoked");
    fake_loop_advance(fixture.loop, 600000 + 31000);
    assert_string_equal(rule_on(&fixture, token), "expired");
    free(token);
    close_all(&fixture);
}

static bool read_claimed(const struct fixture *fixture, const char *token,
                         struct auth_claimed *claimed)
{
    const struct request request = {.cookie = token};
    const struct auth_facts facts = facts_of(&request);

    return fixture->auth->ops->read_claimed(fixture->auth, &facts, claimed);
}

static void test_what_a_token_claims_needs_no_signature(void **state)
{
    struct fixture fixture = open_with(false);
    char *forged =
        token_for(&fixture, "{\"alg\":\"HS256\"}", "\"sub\":7,\"tenantId\":\"north\",", NEW_SECRET);
    char *odd = plain_token(&fixture, "\"sub\":\"a\\u0007b\",\"tenantId\":[],");
    struct auth_claimed claimed;

    (void)state;
    assert_true(read_claimed(&fixture, forged, &claimed));
    assert_string_equal(claimed.user_id, "7");
    assert_string_equal(claimed.tenant_id, "north");
    assert_false(read_claimed(&fixture, odd, &claimed));
    assert_string_equal(claimed.user_id, "");
    assert_string_equal(claimed.tenant_id, "");
    assert_false(read_claimed(&fixture, "x.y.z", &claimed));
    assert_false(read_claimed(&fixture, NULL, &claimed));
    free(forged);
    free(odd);
    close_all(&fixture);
}

static void test_revocation_of_a_token(void **state)
{
    struct fixture fixture = open_with(false);
    char *token = plain_token(&fixture, "\"sub\":\"1\",");
    char *named = plain_token(&fixture, "\"sub\":\"1\",\"jti\":\"x1\",");
    char *other = plain_token(&fixture, "\"sub\":\"1\",\"jti\":\"x2\",");

    (void)state;
    auth_revoke(fixture.auth, &(struct auth_revocation){.access_token = token});
    assert_int_equal(verdict_on(&fixture, token), AUTH_BAD);
    assert_int_equal(verdict_on(&fixture, named), AUTH_OK);
    auth_revoke(fixture.auth, &(struct auth_revocation){.access_token = "x1"});
    assert_int_equal(verdict_on(&fixture, named), AUTH_BAD);
    assert_int_equal(verdict_on(&fixture, other), AUTH_OK);
    auth_revoke(fixture.auth, &(struct auth_revocation){.access_token = other});
    assert_int_equal(verdict_on(&fixture, other), AUTH_BAD);
    /* Behind its expiry nothing of it is kept. */
    assert_int_equal(auth_count(fixture.auth).revocations_kept, 3);
    fake_loop_advance(fixture.loop, 600000 + 31000);
    assert_int_equal(verdict_on(&fixture, "x.y.z"), AUTH_BAD);
    auth_revoke(fixture.auth, &(struct auth_revocation){.access_token = "x3"});
    assert_int_equal(auth_count(fixture.auth).revocations_kept, 2);
    assert_int_equal(auth_count(fixture.auth).revocations, 4);
    free(token);
    free(named);
    free(other);
    close_all(&fixture);
}

static void test_names_of_tokens(void **state)
{
    struct fixture fixture = open_with(false);
    char *token = plain_token(&fixture, "\"sub\":\"1\",");
    char *named = plain_token(&fixture, "\"sub\":\"1\",\"jti\":\"x1\",");
    char *same = strdup(token);
    char other[] = "x.y.z";

    (void)state;
    fixture.auth->ops->name_token(named);
    assert_string_equal(named, "x1");
    fixture.auth->ops->name_token(named);
    assert_string_equal(named, "x1");
    fixture.auth->ops->name_token(same);
    assert_string_equal(same, token);
    fixture.auth->ops->name_token(other);
    assert_string_equal(other, "x.y.z");
    free(token);
    free(named);
    free(same);
    close_all(&fixture);
}

static char *issued_now(const struct fixture *fixture)
{
    char more[100];

    snprintf(more, sizeof(more), "\"sub\":7,\"iat\":%lld,",
             (long long)loop_wall_ms(fixture->loop) / 1000);
    return plain_token(fixture, more);
}

static void test_revocation_of_a_user(void **state)
{
    struct fixture fixture = open_with(false);
    char *undated = plain_token(&fixture, "\"sub\":\"7\",");
    char *other = plain_token(&fixture, "\"sub\":\"8\",");
    char *old = issued_now(&fixture);
    char *later;

    (void)state;
    auth_revoke(fixture.auth, &(struct auth_revocation){.user_key = "7"});
    assert_int_equal(verdict_on(&fixture, undated), AUTH_BAD);
    assert_int_equal(verdict_on(&fixture, old), AUTH_BAD);
    assert_int_equal(verdict_on(&fixture, other), AUTH_OK);
    fake_loop_advance(fixture.loop, 1000);
    later = issued_now(&fixture);
    assert_int_equal(verdict_on(&fixture, later), AUTH_OK);
    assert_int_equal(verdict_on(&fixture, old), AUTH_BAD);
    free(undated);
    free(other);
    free(old);
    free(later);
    close_all(&fixture);
}

static enum auth_verdict back_end(const struct fixture *fixture, const char *token,
                                  unsigned *permissions)
{
    return fixture->auth->ops->check_back_end(fixture->auth, token, "::1", permissions, NULL);
}

/* What was noted, as a store would keep it. */
struct noted {
    char name[100];
    struct auth_denial denial;
    size_t count;
};

static void note(void *context, const struct auth_denial *denial)
{
    struct noted *noted = context;

    snprintf(noted->name, sizeof(noted->name), "%s", denial->name);
    noted->denial = *denial;
    noted->denial.name = noted->name;
    noted->count++;
}

static void test_revocations_are_restored(void **state)
{
    struct fixture before = open_with(false);
    struct fixture after = open_with_settings(false, true);
    char *token = plain_token(&before, "\"sub\":\"7\",\"jti\":\"x1\",\"permissions\":\"all\",");
    char *other = plain_token(&before, "\"sub\":\"8\",\"permissions\":\"all\",");
    const struct request revoked = {.parameter = token}, good = {.parameter = other};
    struct noted user = {.count = 0}, named = {.count = 0};
    struct outcome first, second, third;
    unsigned permissions;

    (void)state;
    auth_revoke(before.auth,
                &(struct auth_revocation){.user_key = "7", .note = note, .context = &user});
    auth_revoke(before.auth,
                &(struct auth_revocation){.access_token = "x1", .note = note, .context = &named});
    auth_revoke(before.auth, &(struct auth_revocation){.access_token = "x2"});
    assert_int_equal(user.count, 1);
    assert_int_equal(named.count, 1);

    ask(&after, &revoked, &first);
    ask(&after, &good, &second);
    ask(&after, &good, &third); /* two wait at the most */
    assert_false(first.is_there || second.is_there);
    assert_int_equal(third.result.verdict, AUTH_BUSY);
    assert_int_equal(after.auth->ops->check_back_end(after.auth, other, "::1", &permissions, NULL),
                     AUTH_BUSY);
    after.auth->ops->restore(after.auth, 0, (struct auth_denial[]){user.denial, named.denial}, 2);
    assert_int_equal(first.result.verdict, AUTH_BAD);
    assert_int_equal(second.result.verdict, AUTH_OK);
    sse_user_unref(second.result.user);
    assert_int_equal(verdict_on(&after, token), AUTH_BAD);
    assert_int_equal(after.auth->ops->check_back_end(after.auth, other, "::1", &permissions, NULL),
                     AUTH_OK);
    assert_int_equal(after.auth->ops->check_back_end(after.auth, token, "::1", &permissions, NULL),
                     AUTH_BAD);
    assert_int_equal(auth_count(after.auth).revocations_kept, 2);
    assert_int_equal(auth_count(after.auth).waiting, 0);
    free(token);
    free(other);
    close_all(&before);
    close_all(&after);
}

static void test_nobody_is_let_in_while_revocations_are_not_known(void **state)
{
    struct fixture fixture = open_with_settings(false, true);
    char *token = plain_token(&fixture, "\"sub\":\"7\",");
    const struct request request = {.parameter = token};
    struct outcome first, second;

    (void)state;
    ask(&fixture, &request, &first);
    fixture.auth->ops->restore(fixture.auth, -EIO, NULL, 0);
    assert_int_equal(first.result.verdict, AUTH_BUSY);
    assert_non_null(strstr(first.result.message, "revocations cannot be read"));
    assert_true(first.result.retry_after_s > 0);
    assert_int_equal(verdict_on(&fixture, token), AUTH_BUSY);
    fixture.auth->ops->restore(fixture.auth, 0, NULL, 0);
    assert_int_equal(verdict_on(&fixture, token), AUTH_OK);
    close_all(&fixture);
    fixture = open_with_settings(false, true);
    ask(&fixture, &request, &second); /* waits to the end */
    assert_false(second.is_there);
    free(token);
    close_all(&fixture);
}

static void test_back_ends(void **state)
{
    struct fixture fixture = open_with(false);
    char *page = plain_token(&fixture, "\"sub\":\"1\",");
    char *service = plain_token(&fixture, "\"jti\":\"b1\",\"permissions\":[\"send\",\"query\"],");
    unsigned permissions = 99;

    (void)state;
    assert_int_equal(back_end(&fixture, page, &permissions), AUTH_DENIED);
    assert_int_equal(permissions, 0);
    assert_int_equal(back_end(&fixture, service, &permissions), AUTH_OK);
    assert_int_equal(permissions, AUTH_MAY_SEND | AUTH_MAY_QUERY);
    assert_int_equal(back_end(&fixture, "x.y.z", &permissions), AUTH_BAD);
    assert_int_equal(permissions, 0);
    auth_revoke(fixture.auth, &(struct auth_revocation){.access_token = "b1"});
    assert_int_equal(back_end(&fixture, service, &permissions), AUTH_BAD);
    assert_int_equal(permissions, 0);
    free(page);
    free(service);
    close_all(&fixture);
}

static void test_an_unknown_key_makes_it_look_again(void **state)
{
    struct fixture fixture = open_with(true);
    char *token =
        token_for(&fixture, "{\"alg\":\"HS256\",\"kid\":\"new\"}", "\"sub\":\"1\",", NEW_SECRET);
    char *other =
        token_for(&fixture, "{\"alg\":\"HS256\",\"kid\":\"other\"}", "\"sub\":\"1\",", NEW_SECRET);
    const struct request request = {.parameter = token};
    struct outcome outcome;
    char id[64];

    (void)state;
    fake_http_answer(200, OLD_SET);
    /* Nobody has asked for a newer one yet. */
    fake_loop_advance(fixture.loop, 1000);
    ask(&fixture, &request, &outcome);
    fake_http_answer(200, OLD_SET);
    assert_int_equal(outcome.result.verdict, AUTH_BAD);
    /* The set is fresh: there is nothing newer to be had, */
    fake_loop_advance(fixture.loop, 1000);
    assert_int_equal(verdict_on(&fixture, token), AUTH_BAD);
    /* though it may be for another key, when the set may be read again. */
    ask(&fixture, &(struct request){.parameter = other}, &outcome);
    assert_int_equal(outcome.result.verdict, AUTH_BUSY);
    assert_int_equal(outcome.result.retry_after_s, 30);
    fake_loop_advance(fixture.loop, AUTH_JWKS_PAUSE_MS - 1000);
    ask(&fixture, &(struct request){.parameter = other}, &outcome);
    fake_http_answer(200, OLD_SET);
    assert_int_equal(outcome.result.verdict, AUTH_BAD);
    fake_loop_advance(fixture.loop, AUTH_JWKS_PAUSE_MS);
    ask(&fixture, &request, &outcome);
    assert_false(outcome.is_there);
    assert_int_equal(auth_count(fixture.auth).waiting, 1);
    fake_http_answer(200, NEW_SET);
    assert_string_equal(user_of(&outcome, id), "1");
    assert_int_equal(auth_count(fixture.auth).waiting, 0);
    assert_int_equal(auth_count(fixture.auth).key_reads, 4);
    free(token);
    free(other);
    close_all(&fixture);
}

static void test_a_back_ends_unknown_key_makes_it_look_again(void **state)
{
    struct fixture fixture = open_with(true);
    char *token = token_for(&fixture, "{\"alg\":\"HS256\",\"kid\":\"new\"}",
                            "\"permissions\":\"send\",", NEW_SECRET);
    unsigned permissions = 0;

    (void)state;
    assert_int_equal(back_end(&fixture, token, &permissions),
                     AUTH_BUSY); /* the first is under way */
    fake_http_answer(200, OLD_SET);
    assert_int_equal(back_end(&fixture, token, &permissions), AUTH_BAD);
    fake_loop_advance(fixture.loop, AUTH_JWKS_PAUSE_MS);
    assert_int_equal(back_end(&fixture, token, &permissions), AUTH_BUSY);
    fake_http_answer(200, NEW_SET);
    assert_int_equal(back_end(&fixture, token, &permissions), AUTH_OK);
    assert_int_equal(permissions, AUTH_MAY_SEND);
    free(token);
    close_all(&fixture);
}

static void test_no_keys_yet(void **state)
{
    struct fixture fixture = open_with(true);
    char *own = plain_token(&fixture, "\"sub\":\"1\",");
    char *token =
        token_for(&fixture, "{\"alg\":\"HS256\",\"kid\":\"new\"}", "\"sub\":\"2\",", NEW_SECRET);
    const struct request request = {.parameter = token};
    struct outcome outcome;

    (void)state;
    ask(&fixture, &request, &outcome);
    assert_false(outcome.is_there);
    /* Whom the configuration's own keys know does not wait. */
    assert_int_equal(verdict_on(&fixture, own), AUTH_OK);
    fake_http_fail(-ECONNREFUSED);
    assert_true(outcome.is_there);
    assert_int_equal(outcome.result.verdict, AUTH_FAILED);
    assert_int_equal(verdict_on(&fixture, token), AUTH_FAILED);
    assert_int_equal(auth_count(fixture.auth).key_read_failures, 1);
    fake_loop_advance(fixture.loop, AUTH_JWKS_PAUSE_MS);
    fake_http_answer(200, NEW_SET);
    assert_int_equal(verdict_on(&fixture, token), AUTH_OK);
    free(own);
    free(token);
    close_all(&fixture);
}

/* What is known of a signature says nothing of the rest. */
static void test_a_known_token_is_judged_anew(void **state)
{
    struct fixture fixture = open_with(false);
    char *revoked = plain_token(&fixture, "\"sub\":\"1\",");
    char *expiring = plain_token(&fixture, "\"sub\":\"2\",");

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(verdict_on(&fixture, revoked), AUTH_OK);
        assert_int_equal(verdict_on(&fixture, expiring), AUTH_OK);
    }
    assert_int_equal(auth_count(fixture.auth).signatures_computed, 2);
    auth_revoke(fixture.auth, &(struct auth_revocation){.access_token = revoked});
    assert_int_equal(verdict_on(&fixture, revoked), AUTH_BAD);
    assert_int_equal(verdict_on(&fixture, expiring), AUTH_OK);
    fake_loop_advance(fixture.loop, 600000 + 31000);
    assert_int_equal(verdict_on(&fixture, expiring), AUTH_BAD);
    assert_int_equal(auth_count(fixture.auth).signatures_computed, 2);
    assert_int_equal(auth_count(fixture.auth).signatures_recalled, 7);
    free(revoked);
    free(expiring);
    close_all(&fixture);
}

static void test_a_key_that_has_gone_is_forgotten(void **state)
{
    static const char other_set[] = "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"new\","
                                    "\"k\":\"b2xkIG9sZCBvbGQgb2xkIG9sZCBvbGQgb2xkIG9sZCE\"}]}";
    struct fixture fixture = open_with(true);
    char *token =
        token_for(&fixture, "{\"alg\":\"HS256\",\"kid\":\"new\"}", "\"sub\":\"1\",", NEW_SECRET);

    (void)state;
    fake_http_answer(200, NEW_SET);
    assert_int_equal(verdict_on(&fixture, token), AUTH_OK);
    /* Read anew, and still there. */
    fake_loop_advance(fixture.loop, 600000);
    fake_http_answer(200, NEW_SET);
    assert_int_equal(verdict_on(&fixture, token), AUTH_OK);
    assert_int_equal(auth_count(fixture.auth).signatures_computed, 1);
    /* Another key of that kid, and the first one again. */
    fake_loop_advance(fixture.loop, 600000);
    fake_http_answer(200, other_set);
    assert_int_equal(verdict_on(&fixture, token), AUTH_BAD);
    assert_int_equal(auth_count(fixture.auth).signatures_wrong, 1);
    free(token);
    close_all(&fixture);
}

static char *forged_token(const struct fixture *fixture, int number)
{
    char more[40];

    snprintf(more, sizeof(more), "\"sub\":%d,", number);
    return token_for(fixture, "{\"alg\":\"HS256\"}", more, NEW_SECRET);
}

static void test_only_so_many_are_wrong(void **state)
{
    struct fixture fixture = open_with(false);
    char *known = plain_token(&fixture, "\"sub\":\"1\",");
    char *new = plain_token(&fixture, "\"sub\":\"2\",");
    unsigned permissions;

    (void)state;
    assert_int_equal(verdict_on(&fixture, known), AUTH_OK);
    for (int i = 0; i < 5; i++) {
        char *forged = forged_token(&fixture, i);

        assert_int_equal(verdict_on(&fixture, forged), i < 3 ? AUTH_BAD : AUTH_BUSY);
        free(forged);
    }
    assert_int_equal(verdict_on(&fixture, known), AUTH_OK);
    assert_int_equal(verdict_on(&fixture, new), AUTH_BUSY);
    assert_int_equal(back_end(&fixture, new, &permissions), AUTH_BUSY);
    assert_int_equal(auth_count(fixture.auth).signatures_refused, 4);
    fake_loop_advance(fixture.loop, 1000);
    assert_int_equal(verdict_on(&fixture, new), AUTH_OK);
    free(known);
    free(new);
    close_all(&fixture);
}

static void test_only_so_many_wait(void **state)
{
    struct fixture fixture = open_with(true);
    char *token =
        token_for(&fixture, "{\"alg\":\"HS256\",\"kid\":\"new\"}", "\"sub\":\"2\",", NEW_SECRET);
    const struct request request = {.parameter = token};
    struct outcome outcomes[3];
    char id[64];

    (void)state;
    for (size_t i = 0; i < 3; i++)
        ask(&fixture, &request, &outcomes[i]);
    assert_true(outcomes[2].is_there);
    assert_int_equal(outcomes[2].result.verdict, AUTH_BUSY);
    assert_int_equal(auth_count(fixture.auth).busy, 1);
    fake_http_answer(200, NEW_SET);
    assert_string_equal(user_of(&outcomes[0], id), "2");
    assert_string_equal(user_of(&outcomes[1], id), "2");
    free(token);
    close_all(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_where_a_token_is_looked_for),
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_rules_have_words),
        cmocka_unit_test(test_what_a_token_claims_needs_no_signature),
        cmocka_unit_test(test_revocation_of_a_token),
        cmocka_unit_test(test_names_of_tokens),
        cmocka_unit_test(test_revocation_of_a_user),
        cmocka_unit_test(test_revocations_are_restored),
        cmocka_unit_test(test_nobody_is_let_in_while_revocations_are_not_known),
        cmocka_unit_test(test_back_ends),
        cmocka_unit_test(test_an_unknown_key_makes_it_look_again),
        cmocka_unit_test(test_a_back_ends_unknown_key_makes_it_look_again),
        cmocka_unit_test(test_no_keys_yet),
        cmocka_unit_test(test_a_known_token_is_judged_anew),
        cmocka_unit_test(test_a_key_that_has_gone_is_forgotten),
        cmocka_unit_test(test_only_so_many_are_wrong),
        cmocka_unit_test(test_only_so_many_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
