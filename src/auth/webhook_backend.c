/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/denied.h"
#include "auth/standing.h"
#include "auth/webhook.h"
#include "base/buf.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/table.h"
#include "outbound/answer.h"
#include "outbound/webhook.h"
#include "sse/user.h"

/* Who has just signed in may bear the cookie of before: a refusal must not outlive that for long.
 */
#define REFUSAL_MS 1000u

#define ADDRESS_SIZE 48u

/* So many are a reason to think of the signature. */
#define STRANGERS 5u

/* They count for as long as a question may take; only back ends that may disconnect make them. */
#define MAX_REVOCATIONS 10000u

static const char nobody[] =
    "the request carries no credential: none of the cookies, header fields and parameters that are "
    "configured for it";
static const char nobody_apart[] =
    "this is allowed to some users only: the request must carry a credential of its own, a "
    "connectionId alone does not do";
static const char too_many[] =
    "too many requests wait for the service that knows the users; try again later";
static const char no_question[] =
    "the service that knows the users cannot be asked; try again later";
static const char revoked[] =
    "the credential was revoked while the service that knows the users was asked; try again later";

struct auth_webhook {
    struct auth base;
    struct auth_webhook_settings settings;
    struct loop *loop;
    struct outbound_http *http;
    struct auth_webhook_cache cache;
    struct auth_webhook_cache refusals; /* apart, so that they push no good answer out */
    struct auth_standing standing;      /* a failure costs the time that its question took */
    struct auth_meter failures;         /* ms of these */
    struct auth_denied *denied;         /* while their questions were under way */
    struct table shared;                /* lookups that others may join */
    struct list lookups;                /* all */
    struct auth_counters counters;
    unsigned strangers; /* whom it did not know before anybody whom it knew */
};

/* One question, until it is answered. */
struct lookup {
    struct table_node node;
    struct list in_all;
    struct auth_webhook *webhook;
    struct outbound_call *call;
    struct list inquiries;
    enum auth_source source;
    bool is_shared;    /* whether others may join */
    bool is_overtaken; /* by a revocation */
    uint64_t begun_ms; /* loop */
    char key[AUTH_KEY_HASH_TEXT];
};

/* One request that waits for it. */
struct inquiry {
    struct list node;
    void (*done)(void *context, const struct auth_result *result);
    void *context;
    char address[ADDRESS_SIZE]; /* the customer's; "": nobody whose failures count */
};

static struct auth_webhook *webhook_of(struct auth *auth)
{
    return container_of(auth, struct auth_webhook, base);
}

static struct lookup *lookup_new(struct auth_webhook *webhook,
                                 const struct auth_webhook_question *question)
{
    struct lookup *lookup = table_new_item(&webhook->shared, question->key);

    lookup->webhook = webhook;
    lookup->begun_ms = loop_now_ms(webhook->loop);
    lookup->source = question->source;
    list_init(&lookup->inquiries);
    list_append(&webhook->lookups, &lookup->in_all);
    lookup->is_shared = true;
    return lookup;
}

static void stop_sharing(struct lookup *lookup)
{
    if (lookup->is_shared)
        table_remove(&lookup->webhook->shared, &lookup->node);
    lookup->is_shared = false;
}

static void join(struct lookup *lookup, const char *address,
                 void (*done)(void *context, const struct auth_result *result), void *context)
{
    struct inquiry *inquiry = mem_zalloc(sizeof(*inquiry));

    snprintf(inquiry->address, sizeof(inquiry->address), "%s", address ? address : "");
    inquiry->done = done;
    inquiry->context = context;
    list_append(&lookup->inquiries, &inquiry->node);
    lookup->webhook->counters.waiting++;
}

static void leave(struct lookup *lookup, struct inquiry *inquiry)
{
    lookup->webhook->counters.waiting--;
    list_remove(&inquiry->node);
    free(inquiry);
}

/* Who still waits is dropped, and not called. */
static void lookup_free(struct lookup *lookup)
{
    outbound_call_cancel(lookup->call);
    stop_sharing(lookup);
    list_remove(&lookup->in_all);
    list_for_each_safe(node, after, &lookup->inquiries)
        leave(lookup, container_of(node, struct inquiry, node));
    free(lookup);
}

/* Users do not change, so that those who get the same one share it. */
static void tell(const struct auth_result *result, enum auth_source source,
                 void (*done)(void *context, const struct auth_result *result), void *context)
{
    struct auth_result own = *result;

    own.source = source;
    if (own.user)
        sse_user_ref(own.user);
    if (own.data)
        bytes_ref(own.data); /* what is remembered may be forgotten meanwhile */
    done(context, &own);
    bytes_unref(own.data);
}

/* Whom it is told may ask again at once: by another question, where this answer is not kept. */
static void tell_all(struct lookup *lookup, const struct auth_result *result)
{
    stop_sharing(lookup);
    list_for_each_safe(node, after, &lookup->inquiries) {
        struct inquiry *inquiry = container_of(node, struct inquiry, node);

        tell(result, lookup->source, inquiry->done, inquiry->context);
        leave(lookup, inquiry);
    }
}

/* How long the answer may be kept. */
static uint64_t life_of(const struct auth_webhook *webhook, const struct auth_result *result)
{
    uint64_t life = webhook->settings.cache_ms;
    int64_t left;

    if (result->verdict == AUTH_BAD || result->verdict == AUTH_DENIED)
        return life < REFUSAL_MS ? life : REFUSAL_MS;
    if (result->verdict != AUTH_OK)
        return 0;
    if (result->user->expires_at == 0)
        return life;
    left = result->user->expires_at - loop_wall_ms(webhook->loop);
    if (left <= 0)
        return 0;
    return (uint64_t)left < life ? (uint64_t)left : life;
}

static void keep(struct lookup *lookup, const struct auth_result *result)
{
    struct auth_webhook *webhook = lookup->webhook;
    uint64_t now = loop_now_ms(webhook->loop);

    auth_webhook_cache_add(result->user ? &webhook->cache : &webhook->refusals, lookup->key, result,
                           now, now + life_of(webhook, result));
}

static const struct auth_result *recall(struct auth_webhook *webhook, const char *key)
{
    const uint64_t now = loop_now_ms(webhook->loop);
    const struct auth_result *known = auth_webhook_cache_find(&webhook->cache, key, now);

    return known ? known : auth_webhook_cache_find(&webhook->refusals, key, now);
}

/* That an address waited for the answer to another's question costs nothing. */
static void note_standing(struct lookup *lookup, enum auth_verdict verdict)
{
    struct auth_webhook *webhook = lookup->webhook;
    const uint64_t now = loop_now_ms(webhook->loop);
    const bool is_failure = verdict == AUTH_BAD || verdict == AUTH_DENIED;
    uint64_t cost = now - lookup->begun_ms + 1;

    if (is_failure)
        auth_meter_add(&webhook->failures, cost, now);

    list_for_each(node, &lookup->inquiries) {
        const struct inquiry *inquiry = container_of(node, struct inquiry, node);

        if (inquiry->address[0] == '\0')
            continue;
        if (verdict == AUTH_OK)
            auth_standing_succeeded(&webhook->standing, inquiry->address, now);
        else if (is_failure)
            auth_standing_failed(&webhook->standing, inquiry->address, cost, now);
        cost = 0;
    }
}

static bool is_revoked(const struct lookup *lookup, const struct sse_user *user)
{
    const struct auth_webhook *webhook = lookup->webhook;
    const struct auth_credential credential = {user, user->access_token, INT64_MIN};

    return lookup->is_overtaken &&
           auth_denied_has(webhook->denied, &credential, loop_wall_ms(webhook->loop));
}

/* One who refuses our signature may say what one says who does not know the credential. */
static void note_strangers(struct auth_webhook *webhook, enum auth_verdict verdict,
                           const struct outbound_answer *answer)
{
    if (verdict == AUTH_OK || verdict == AUTH_DENIED)
        webhook->strangers = STRANGERS;
    else if (verdict == AUTH_BAD && answer->status == 401 && webhook->strangers < STRANGERS &&
             ++webhook->strangers == STRANGERS)
        outbound_complain(&(struct outbound_asker){OUTBOUND_AUTH, webhook->settings.service, NULL},
                          webhook->settings.url, answer,
                          "it has known nobody since the start: is its secret this service's "
                          "webhookSecret?");
}

static struct auth_result judge(struct lookup *lookup, const struct outbound_answer *answer)
{
    struct auth_webhook *webhook = lookup->webhook;
    struct auth_result result;
    const char *fault = auth_webhook_answer_read(answer, loop_wall_ms(webhook->loop),
                                                 webhook->settings.of_tenant, &result);

    if (fault) {
        webhook->counters.question_failures++;
        outbound_complain(&(struct outbound_asker){OUTBOUND_AUTH, webhook->settings.service, NULL},
                          webhook->settings.url, answer, fault);
    }
    note_strangers(webhook, result.verdict, answer);
    if (result.user && is_revoked(lookup, result.user)) {
        result.user = sse_user_unref(result.user);
        bytes_unref(result.data);
        result = (struct auth_result){.verdict = AUTH_BUSY, .message = revoked};
    }
    if (result.verdict == AUTH_BUSY)
        webhook->counters.busy++;
    return result;
}

static void on_answer(void *context, const struct outbound_answer *answer)
{
    struct lookup *lookup = context;
    struct auth_result result = judge(lookup, answer);

    lookup->call = NULL;
    if (!lookup->is_overtaken)
        keep(lookup, &result);
    note_standing(lookup, result.verdict);
    tell_all(lookup, &result);
    sse_user_unref(result.user);
    bytes_unref(result.data);
    lookup_free(lookup);
}

/* Unless the settings make it one of the fields that are told at any rate. */
static const char *traceparent_of(const struct auth_webhook_question *question,
                                  const struct auth_facts *facts)
{
    for (size_t i = 0; i < question->field_count; i++) {
        if (strcasecmp(question->fields[i].name, "traceparent") == 0)
            return NULL;
    }
    return facts->traceparent ? facts->traceparent(facts->request) : NULL;
}

static bool ask(struct lookup *lookup, const struct auth_webhook_question *question,
                const struct auth_facts *facts)
{
    struct auth_webhook *webhook = lookup->webhook;
    const struct auth_webhook_settings *settings = &webhook->settings;
    const struct outbound_webhook target = {
        .purpose = OUTBOUND_AUTH,
        .url = settings->url,
        .secret = settings->secret,
        .time_limit_ms = settings->time_limit_ms,
        .answer_bytes = settings->answer_bytes,
    };
    const struct outbound_delivery delivery = {
        .json = auth_webhook_question_text(question, facts, settings->service,
                                           loop_wall_ms(webhook->loop)),
        .traceparent = traceparent_of(question, facts),
        .fields = question->fields,
        .field_count = question->field_count,
        .done = on_answer,
        .context = lookup,
    };

    webhook->counters.questions++;
    lookup->call = outbound_webhook_post(webhook->http, &target, &delivery);
    bytes_unref(delivery.json);
    return lookup->call != NULL;
}

static uint64_t count_waiting(const struct auth_webhook *webhook, const char *address)
{
    uint64_t count = 0;

    list_for_each(each, &webhook->lookups) {
        list_for_each(node, &container_of(each, struct lookup, in_all)->inquiries)
            count += strcmp(container_of(node, struct inquiry, node)->address, address) == 0;
    }
    return count;
}

/* As many as may wait before one of this address must not. Those who only failed keep away from the
 * second half of the questions that are asked at a time, so that others are answered in time. While
 * questions fail, those of whom nothing is known leave a quarter of all places, as does whoever has
 * all the others. */
static uint64_t places_for(struct auth_webhook *webhook, const char *address)
{
    const uint64_t now = loop_now_ms(webhook->loop);
    const uint64_t in_flight = webhook->settings.in_flight;
    const uint64_t all = in_flight + webhook->settings.waiting;
    const uint64_t most = (all * 3 + 3) / 4;
    enum auth_rank rank;

    if (!address)
        return all;
    rank = auth_standing_of(&webhook->standing, address, in_flight * 1000 / 2, now);
    if (rank == AUTH_RANK_LAST)
        return (in_flight + 1) / 2;
    if (auth_meter_read(&webhook->failures, now) == 0 || webhook->counters.waiting < most)
        return all;
    return rank == AUTH_RANK_NEW || count_waiting(webhook, address) >= most ? most : all;
}

/* The lookup whose answer is the question's, too; NULL with *refusal. */
static struct lookup *find_or_ask(struct auth_webhook *webhook,
                                  const struct auth_webhook_question *question,
                                  const struct auth_facts *facts, struct auth_result *refusal)
{
    struct lookup *lookup = table_find(&webhook->shared, question->key);

    if (webhook->counters.waiting >= places_for(webhook, facts->customer)) {
        webhook->counters.busy++;
        *refusal = (struct auth_result){.verdict = AUTH_BUSY, .message = too_many};
        return NULL;
    }
    if (lookup) {
        webhook->counters.shared_answers++;
        return lookup;
    }
    lookup = lookup_new(webhook, question);
    if (ask(lookup, question, facts))
        return lookup;
    lookup_free(lookup);
    *refusal = (struct auth_result){.verdict = AUTH_FAILED, .message = no_question};
    return NULL;
}

static void webhook_check(struct auth *auth, const struct auth_facts *facts,
                          void (*done)(void *context, const struct auth_result *result),
                          void *context)
{
    struct auth_webhook *webhook = webhook_of(auth);
    struct auth_result refusal = {.verdict = AUTH_NONE, .message = nobody};
    struct auth_webhook_question question;
    const struct auth_result *known;
    struct lookup *lookup;

    if (!auth_webhook_question_init(&question, &webhook->settings.names, facts)) {
        /* Whose connection it is does not say what its user may do. */
        if (auth_webhook_class(&webhook->settings.names, facts).length > 0)
            refusal = (struct auth_result){.verdict = AUTH_BAD, .message = nobody_apart};
        done(context, &refusal);
        return;
    }
    known = recall(webhook, question.key);
    if (known) {
        webhook->counters.cache_hits++;
        tell(known, question.source, done, context);
    } else if ((lookup = find_or_ask(webhook, &question, facts, &refusal))) {
        join(lookup, facts->customer, done, context);
    } else {
        tell(&refusal, question.source, done, context);
    }
    auth_webhook_question_release(&question);
}

static void overtake_all(struct auth_webhook *webhook)
{
    list_for_each(node, &webhook->lookups) {
        struct lookup *lookup = container_of(node, struct lookup, in_all);

        stop_sharing(lookup);
        lookup->is_overtaken = true;
    }
}

static void webhook_revoke(struct auth *auth, const struct auth_revocation *revocation)
{
    struct auth_webhook *webhook = webhook_of(auth);
    int64_t now = loop_wall_ms(webhook->loop);
    int64_t until = now + (int64_t)webhook->settings.time_limit_ms + LOOP_TIMER_TICK_MS;

    auth_webhook_cache_forget(&webhook->cache, revocation);
    if (list_is_empty(&webhook->lookups))
        return;
    overtake_all(webhook);
    if (revocation->user_key)
        auth_denied_add_user(webhook->denied, revocation->user_key, now, until);
    if (revocation->access_token)
        auth_denied_add_token(webhook->denied, revocation->access_token, now, until);
}

static void webhook_count(const struct auth *auth, struct auth_counters *counters)
{
    const struct auth_webhook *webhook = container_of(auth, const struct auth_webhook, base);

    *counters = webhook->counters;
    auth_denied_count(webhook->denied, counters);
    auth_standing_count(&webhook->standing, counters);
    counters->cached = webhook->cache.entries.count + webhook->refusals.entries.count;
    counters->cache_displaced = webhook->cache.entries.evicted + webhook->refusals.entries.evicted;
    counters->question_connections = outbound_http_counters(webhook->http)->connections;
}

static void webhook_free(struct auth *auth)
{
    struct auth_webhook *webhook = webhook_of(auth);

    list_for_each_safe(node, after, &webhook->lookups)
        lookup_free(container_of(node, struct lookup, in_all));
    table_release(&webhook->shared);
    auth_webhook_cache_release(&webhook->cache);
    auth_webhook_cache_release(&webhook->refusals);
    auth_standing_release(&webhook->standing);
    auth_denied_free(webhook->denied);
    free(webhook);
}

static const struct auth_ops webhook_ops = {
    .name = "webhook",
    .check = webhook_check,
    .revoke = webhook_revoke,
    .count = webhook_count,
    .free = webhook_free,
};

static bool asks_same(const struct auth_webhook_settings *one,
                      const struct auth_webhook_settings *other)
{
    return strcmp(one->url, other->url) == 0 && strcmp(one->secret, other->secret) == 0 &&
           strcmp(one->names.cookies, other->names.cookies) == 0 &&
           strcmp(one->names.headers, other->names.headers) == 0 &&
           strcmp(one->names.parameters, other->names.parameters) == 0 &&
           strcmp(one->names.apis ? one->names.apis : "",
                  other->names.apis ? other->names.apis : "") == 0;
}

void auth_webhook_change(struct auth *auth, const struct auth_webhook_settings *settings)
{
    struct auth_webhook *webhook = webhook_of(auth);
    const bool is_same = asks_same(&webhook->settings, settings);

    webhook->settings = *settings;
    webhook->cache.entries.most = webhook->refusals.entries.most = settings->cache_entries;
    webhook->cache.most_of_user = settings->user_entries;
    auth_standing_change(&webhook->standing, settings->cache_entries, settings->cache_entries);
    if (is_same)
        return;
    lru_clear(&webhook->cache.entries);
    lru_clear(&webhook->refusals.entries);
    overtake_all(webhook);
    webhook->strangers = 0;
}

struct auth *auth_webhook_new(const struct auth_webhook_settings *settings, struct loop *loop,
                              struct outbound_http *http)
{
    struct auth_webhook *webhook = mem_zalloc(sizeof(*webhook));

    webhook->base.ops = &webhook_ops;
    webhook->settings = *settings;
    webhook->loop = loop;
    webhook->http = http;
    auth_webhook_cache_init(&webhook->cache, loop, settings->cache_entries);
    webhook->cache.most_of_user = settings->user_entries;
    auth_webhook_cache_init(&webhook->refusals, loop, settings->cache_entries);
    auth_standing_init(&webhook->standing, loop, settings->cache_entries, settings->cache_entries);
    webhook->denied = auth_denied_new(webhook->loop, MAX_REVOCATIONS);
    table_init(&webhook->shared, TABLE_BY_TEXT(struct lookup, node, key));
    list_init(&webhook->lookups);
    return &webhook->base;
}
