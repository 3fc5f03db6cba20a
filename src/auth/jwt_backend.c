/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/credential.h"
#include "auth/denied.h"
#include "auth/jwks.h"
#include "auth/jwt.h"
#include "base/loop.h"
#include "base/mem.h"
#include "sse/user.h"

static const char nobody[] =
    "the request carries no access token: send the field \"authorization: Bearer …\", or the "
    "cookie or the parameter that is configured for it (access-token where nothing else is)";
static const char revoked[] = "the access token has been revoked; get a new one";
static const char no_keys[] =
    "the keys that access tokens are checked with could not be read; try again later";
static const char unread[] =
    "the key of this access token is not known yet: the set of keys is read again soon; try again "
    "then";
static const char unrestored[] =
    "access tokens cannot be looked at now: the store that has the revocations cannot be read yet; "
    "come again in a few seconds";
static const char busy[] = "too many requests wait for the keys of access tokens; try again later";

/* Keys that no set has, as tokens name them: so many are remembered, so long without being asked
 * for. One that is forgotten is new again. */
#define UNKNOWN_KEYS    1000u
#define UNKNOWN_KEPT_MS 600000u
#define TICK_MS         100u

/* After which it makes sense to come again when the revocations cannot be read. */
#define RESTORE_PAUSE_S 2u

struct auth_jwt {
    struct auth base;
    struct auth_jwt_settings settings;
    struct loop *loop;
    struct auth_denied *denied;
    struct auth_jwt_signatures *signatures;
    const struct auth_jwt_keys **ring; /* room for the keys of the configuration and of each set */
    const struct auth_jwt_keys *keys;
    struct auth_jwks **sets;
    size_t set_count;
    struct auth_recent unknown; /* keys, and when they were first asked for: TICK_MS */
    uint64_t waiting, busy;
    struct list held; /* inquiries, until the revocations are there */
    enum { RESTORED, RESTORING, NOT_RESTORED } revocations;
};

/* One request, until it is answered. */
struct inquiry {
    struct auth_jwks_request request;
    struct auth_jwt *jwt;
    const char *token;   /* lies in the facts, */
    const char *address; /* as this does */
    enum auth_source source;
    bool has_waited;
    void (*done)(void *context, const struct auth_result *result);
    void *context;
};

static struct auth_jwt *jwt_of(struct auth *auth)
{
    return container_of(auth, struct auth_jwt, base);
}

static const char *text_or_null(const char *text)
{
    return text && *text != '\0' ? text : NULL;
}

static void find_token(const struct auth_facts *facts, const struct auth_jwt_settings *settings,
                       struct inquiry *inquiry)
{
    const char *authorization = facts->header(facts->request, "authorization");

    inquiry->token = facts->credential;
    if (!inquiry->token && authorization)
        inquiry->token = auth_bearer_token(authorization);
    if (!inquiry->token && *settings->cookie != '\0') {
        inquiry->token = text_or_null(facts->cookie(facts->request, settings->cookie));
        if (inquiry->token)
            inquiry->source = AUTH_BY_COOKIE;
    }
    if (!inquiry->token && *settings->parameter != '\0')
        inquiry->token = text_or_null(facts->parameter(facts->request, settings->parameter));
}

static void check_token(struct auth_jwt *jwt, const char *token, const char *address,
                        struct auth_jwt_answer *answer)
{
    const struct auth_jwt_key_ring ring = {jwt->ring, jwt->set_count + 1, jwt->signatures};
    const struct auth_jwt_question question = {token, address, loop_wall_ms(jwt->loop)};

    jwt->ring[0] = jwt->keys;
    for (size_t i = 0; i < jwt->set_count; i++)
        jwt->ring[i + 1] = jwt->sets[i]->keys;
    auth_jwt_check(&question, &ring, &jwt->settings.rules, answer);
}

/* user: NULL where a token names none. */
static bool is_revoked(struct auth_jwt *jwt, const struct sse_user *user, const char *access_token,
                       int64_t issued_at)
{
    const struct auth_credential credential = {user, access_token, issued_at};

    return auth_denied_has(jwt->denied, &credential, loop_wall_ms(jwt->loop));
}

/* The answer to a good token; ends its claims. */
static struct auth_result judge(struct auth_jwt *jwt, const char *token,
                                struct auth_jwt_answer *answer)
{
    struct auth_result result = {.verdict = AUTH_BAD};
    struct sse_user *user = auth_jwt_user_new(answer->claims, &jwt->settings.claims, token,
                                              answer->expires_at, &result.message);

    if (user && is_revoked(jwt, user, user->access_token, answer->issued_at)) {
        user = sse_user_unref(user);
        result.message = revoked;
        result.rule = "revoked";
    }
    if (user)
        result = (struct auth_result){.verdict = AUTH_OK, .user = user};
    json_decref(answer->claims);
    return result;
}

static bool lacks_a_set(const struct auth_jwt *jwt)
{
    for (size_t i = 0; i < jwt->set_count; i++) {
        if (!jwt->sets[i]->keys)
            return true;
    }
    return false;
}

static void finish(struct inquiry *inquiry, struct auth_result *result)
{
    result->source = inquiry->source;
    inquiry->done(inquiry->context, result);
    free(inquiry);
}

/* A set of which nothing newer is to be had now is asked no more, so this ends. */
static bool wait_for_keys(struct inquiry *inquiry, bool is_absent)
{
    struct auth_jwt *jwt = inquiry->jwt;
    const bool is_new = !is_absent && !inquiry->has_waited;

    for (size_t i = 0; i < jwt->set_count; i++) {
        if (auth_jwks_wait(jwt->sets[i], &inquiry->request, is_new)) {
            inquiry->has_waited = true;
            jwt->waiting++;
            return true;
        }
    }
    return false;
}

/* Whoever has shown nothing good yet leaves room for those that have. */
static bool may_wait(const struct auth_jwt *jwt, const char *address)
{
    const uint64_t most = jwt->settings.waiting;

    switch (auth_jwt_signatures_rank(jwt->signatures, address)) {
    case AUTH_RANK_GOOD:
        return jwt->waiting < most;
    case AUTH_RANK_NEW:
        return jwt->waiting < (most * 3 + 3) / 4;
    default:
        return jwt->waiting < (most + 1) / 2;
    }
}

/* Whether every set has been read, whole, since somebody first asked for the token's key: only then
 * it is nobody's. A header that names a key stands for that; those that name none ask for one. */
static bool is_nobodys(struct auth_jwt *jwt, const char *token, bool is_named_key)
{
    const uint64_t now = loop_now_ms(jwt->loop);
    char *text = mem_strndup(token, is_named_key ? strcspn(token, ".") : 0);
    char name[AUTH_KEY_HASH_TEXT] = "";
    int since;

    (void)auth_key_hash_write(text, name); /* else all of them are as one */
    free(text);
    since = auth_recent_find(&jwt->unknown, name, now);
    if (since < 0) {
        since = (int)(now / TICK_MS);
        auth_recent_add(&jwt->unknown, name, since, now);
    }
    for (size_t i = 0; i < jwt->set_count; i++) {
        const struct auth_jwks *set = jwt->sets[i];

        if (!set->keys || set->good_ms < (uint64_t)since * TICK_MS)
            return false;
    }
    return true;
}

/* When all sets will have been read again, if somebody asks then. */
static unsigned pause_s(const struct auth_jwt *jwt)
{
    uint64_t longest = 0;

    for (size_t i = 0; i < jwt->set_count; i++) {
        const uint64_t pause = auth_jwks_pause(jwt->sets[i], true);

        longest = pause > longest ? pause : longest;
    }
    return (unsigned)(longest / 1000 + 1);
}

static void refuse_unknown_key(struct inquiry *inquiry, const struct auth_jwt_answer *answer)
{
    struct auth_jwt *jwt = inquiry->jwt;
    const bool is_absent = is_nobodys(jwt, inquiry->token, answer->is_named_key);
    struct auth_result result = {.verdict = AUTH_BAD, .message = answer->fault};

    if (!may_wait(jwt, inquiry->address)) {
        jwt->busy++;
        result = (struct auth_result){.verdict = AUTH_BUSY, .message = busy};
    } else if (wait_for_keys(inquiry, is_absent)) {
        return;
    } else if (lacks_a_set(jwt)) {
        result = (struct auth_result){.verdict = AUTH_FAILED, .message = no_keys};
    } else if (!is_absent) {
        result = (struct auth_result){
            .verdict = AUTH_BUSY, .message = unread, .retry_after_s = pause_s(jwt)};
    } else {
        auth_jwt_signatures_reject(jwt->signatures, inquiry->address);
    }
    finish(inquiry, &result);
}

static void settle(struct inquiry *inquiry)
{
    struct auth_result result;
    struct auth_jwt_answer answer;

    check_token(inquiry->jwt, inquiry->token, inquiry->address, &answer);
    if (answer.is_unknown_key && inquiry->jwt->set_count > 0) {
        refuse_unknown_key(inquiry, &answer);
        return;
    }
    if (answer.fault)
        result = (struct auth_result){.verdict = answer.is_postponed ? AUTH_BUSY : AUTH_BAD,
                                      .message = answer.fault,
                                      .rule = answer.is_expired ? "expired" : NULL};
    else
        result = judge(inquiry->jwt, inquiry->token, &answer);
    if (result.verdict == AUTH_OK)
        auth_jwt_signatures_accept(inquiry->jwt->signatures, inquiry->address);
    finish(inquiry, &result);
}

static void on_keys(struct auth_jwks_request *request)
{
    struct inquiry *inquiry = container_of(request, struct inquiry, request);

    inquiry->jwt->waiting--;
    settle(inquiry);
}

/* While it is not known what was revoked before the start. */
static void hold(struct inquiry *inquiry)
{
    struct auth_jwt *jwt = inquiry->jwt;
    struct auth_result result = {.verdict = AUTH_BUSY, .message = busy};

    if (jwt->revocations == RESTORING && may_wait(jwt, inquiry->address)) {
        list_append(&jwt->held, &inquiry->request.node);
        jwt->waiting++;
        return;
    }
    if (jwt->revocations == NOT_RESTORED)
        result = (struct auth_result){
            .verdict = AUTH_BUSY, .message = unrestored, .retry_after_s = RESTORE_PAUSE_S};
    jwt->busy++;
    finish(inquiry, &result);
}

static void look_at(struct inquiry *inquiry)
{
    if (inquiry->jwt->revocations == RESTORED)
        settle(inquiry);
    else
        hold(inquiry);
}

static void jwt_restore(struct auth *auth, int status, const struct auth_denial *denials,
                        size_t count)
{
    struct auth_jwt *jwt = jwt_of(auth);
    struct list held;

    for (size_t i = 0; status == 0 && i < count; i++)
        auth_denied_add(jwt->denied, &denials[i], loop_wall_ms(jwt->loop));
    jwt->revocations = status == 0 ? RESTORED : NOT_RESTORED;
    list_take_all(&held, &jwt->held);
    list_for_each_safe(node, after, &held) {
        list_remove(node);
        jwt->waiting--;
        look_at(container_of(node, struct inquiry, request.node));
    }
}

static void jwt_check(struct auth *auth, const struct auth_facts *facts,
                      void (*done)(void *context, const struct auth_result *result), void *context)
{
    struct inquiry *inquiry = mem_zalloc(sizeof(*inquiry));
    struct auth_result none = {.verdict = AUTH_NONE, .message = nobody};

    inquiry->request.run = on_keys;
    inquiry->jwt = jwt_of(auth);
    inquiry->address = facts->customer;
    inquiry->done = done;
    inquiry->context = context;
    find_token(facts, &inquiry->jwt->settings, inquiry);
    if (inquiry->token)
        look_at(inquiry);
    else
        finish(inquiry, &none);
}

/* True when newer keys are on their way. */
static bool look_for_keys(const struct auth_jwt *jwt, bool is_new)
{
    bool is_coming = false;

    for (size_t i = 0; i < jwt->set_count; i++)
        is_coming |= auth_jwks_look(jwt->sets[i], is_new);
    return is_coming;
}

/* Whoever it names: a back end's token need not name a user. Nobody waits here: a back end whose
 * key is not known yet is asked to come again. */
static enum auth_verdict jwt_check_back_end(struct auth *auth, const char *token,
                                            const char *address, unsigned *permissions,
                                            char **subject)
{
    struct auth_jwt *jwt = jwt_of(auth);
    enum auth_verdict verdict = AUTH_BAD;
    struct sse_user *user;
    struct auth_jwt_answer answer;
    const char *fault;

    *permissions = 0;
    if (jwt->revocations != RESTORED)
        return AUTH_BUSY;
    check_token(jwt, token, address, &answer);
    if (answer.is_unknown_key && jwt->set_count > 0) {
        const bool is_new = !is_nobodys(jwt, token, answer.is_named_key);

        if (look_for_keys(jwt, is_new) || is_new)
            return AUTH_BUSY;
    }
    if (answer.fault)
        return answer.is_postponed ? AUTH_BUSY : AUTH_BAD;
    user = auth_jwt_user_new(answer.claims, &jwt->settings.claims, token, 0, &fault);
    if (!is_revoked(jwt, user, auth_jwt_token_name(answer.claims, token), answer.issued_at)) {
        (void)auth_jwt_permissions(answer.claims, &jwt->settings.claims, permissions);
        verdict = *permissions != 0 ? AUTH_OK : AUTH_DENIED;
        if (user && subject)
            *subject = mem_strdup(user->id);
        auth_jwt_signatures_accept(jwt->signatures, address);
    }
    sse_user_unref(user);
    json_decref(answer.claims);
    return verdict;
}

static void revoke_token(struct auth_jwt *jwt, const char *token, int64_t now)
{
    int64_t until = now + (int64_t)jwt->settings.revocation_ms;
    int64_t expires_at = 0;
    json_t *claims = auth_jwt_claimed(token, &expires_at);

    if (expires_at > 0)
        until = expires_at + jwt->settings.rules.leeway_ms;
    auth_denied_add_token(jwt->denied, claims ? auth_jwt_token_name(claims, token) : token, now,
                          until);
    json_decref(claims);
}

static void jwt_revoke(struct auth *auth, const struct auth_revocation *revocation)
{
    struct auth_jwt *jwt = jwt_of(auth);
    int64_t now = loop_wall_ms(jwt->loop);

    jwt->denied->note = revocation->note;
    jwt->denied->context = revocation->context;
    if (revocation->user_key)
        auth_denied_add_user(jwt->denied, revocation->user_key, now,
                             now + (int64_t)jwt->settings.revocation_ms);
    if (revocation->access_token)
        revoke_token(jwt, revocation->access_token, now);
    jwt->denied->note = NULL;
}

static void jwt_name_token(char *token)
{
    int64_t expires_at;
    json_t *claims = auth_jwt_claimed(token, &expires_at);
    const char *name = claims ? auth_jwt_token_name(claims, token) : token;
    const size_t length = strlen(name);

    /* It was in there, so that there is room for it. */
    if (name != token && length < strlen(token))
        memcpy(token, name, length + 1);
    json_decref(claims);
}

static_assert(AUTH_CLAIMED_SIZE == AUTH_CLAIM_SIZE, "room for a claim");

static bool jwt_read_claimed(const struct auth *auth, const struct auth_facts *facts,
                             struct auth_claimed *claimed)
{
    const struct auth_jwt *jwt = container_of(auth, const struct auth_jwt, base);
    const struct auth_jwt_claims *names = &jwt->settings.claims;
    struct inquiry inquiry = {.token = NULL};
    int64_t expires_at;
    json_t *claims = NULL;

    find_token(facts, &jwt->settings, &inquiry);
    if (inquiry.token)
        claims = auth_jwt_claimed(inquiry.token, &expires_at);
    if (!auth_claim_text(claims, names->user_id, claimed->user_id))
        claimed->user_id[0] = '\0';
    if (!auth_claim_text(claims, names->tenant_id, claimed->tenant_id))
        claimed->tenant_id[0] = '\0';
    json_decref(claims);
    return claimed->user_id[0] != '\0';
}

static void jwt_count(const struct auth *auth, struct auth_counters *counters)
{
    const struct auth_jwt *jwt = container_of(auth, const struct auth_jwt, base);

    auth_jwt_signatures_count(jwt->signatures, counters);
    auth_denied_count(jwt->denied, counters);
    for (size_t i = 0; i < jwt->set_count; i++) {
        counters->key_reads += jwt->sets[i]->reads;
        counters->key_read_failures += jwt->sets[i]->failures;
    }
    counters->waiting = jwt->waiting;
    counters->busy = jwt->busy;
}

static void jwt_free(struct auth *auth)
{
    struct auth_jwt *jwt = jwt_of(auth);

    list_for_each_safe(node, after, &jwt->held)
        free(container_of(node, struct inquiry, request.node));
    auth_recent_release(&jwt->unknown);
    auth_denied_free(jwt->denied);
    auth_jwt_signatures_free(jwt->signatures);
    free(jwt->ring);
    free(jwt->sets);
    free(jwt);
}

static const struct auth_ops jwt_ops = {
    .name = "jwt",
    .check = jwt_check,
    .check_back_end = jwt_check_back_end,
    .revoke = jwt_revoke,
    .restore = jwt_restore,
    .name_token = jwt_name_token,
    .read_claimed = jwt_read_claimed,
    .count = jwt_count,
    .free = jwt_free,
};

static void take_sources(struct auth_jwt *jwt, const struct auth_jwt_sources *sources)
{
    const size_t count = sources->set_count;

    jwt->keys = sources->keys;
    jwt->set_count = count;
    jwt->sets = mem_realloc(jwt->sets, count * sizeof(struct auth_jwks *) + 1);
    if (count > 0)
        memcpy(jwt->sets, sources->sets, count * sizeof(struct auth_jwks *));
    jwt->ring = mem_realloc(jwt->ring, (1 + count) * sizeof(struct auth_jwt_keys *));
}

void auth_jwt_change(struct auth *auth, const struct auth_jwt_settings *settings,
                     const struct auth_jwt_sources *sources)
{
    struct auth_jwt *jwt = jwt_of(auth);

    jwt->settings = *settings;
    jwt->denied->most = settings->revocations;
    auth_jwt_signatures_change(jwt->signatures, &settings->signatures);
    take_sources(jwt, sources);
}

struct auth *auth_jwt_new(const struct auth_jwt_settings *settings,
                          const struct auth_jwt_sources *sources, struct loop *loop)
{
    struct auth_jwt *jwt = mem_zalloc(sizeof(*jwt));

    jwt->base.ops = &jwt_ops;
    jwt->settings = *settings;
    jwt->loop = loop;
    jwt->revocations = settings->awaits_revocations ? RESTORING : RESTORED;
    list_init(&jwt->held);
    jwt->denied = auth_denied_new(loop, settings->revocations);
    jwt->signatures = auth_jwt_signatures_new(&settings->signatures, sources->work, loop);
    auth_recent_init(&jwt->unknown, loop, UNKNOWN_KEYS, UNKNOWN_KEPT_MS);
    take_sources(jwt, sources);
    return &jwt->base;
}
