/* SPDX-License-Identifier: Apache-2.0 */
#include "api/page/repeats.h"

#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/limit/owner_news.h"
#include "api/reply.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/loop.h"
#include "base/mem.h"

#define KEEP_MS 300000u

/* A user with keys; lives as long as an entry names it. */
struct holder {
    struct sse_table_node node;
    struct list answered; /* its own entries, the oldest answer first */
    uint64_t count;       /* of these, */
    size_t bytes;         /* and their size */
    size_t entries;       /* and all, with those that have no answer yet */
    char user[];
};

struct entry {
    struct sse_table_node node;
    struct holder *holder;
    struct list age;          /* in repeats->answered, once it is */
    struct list own;          /* and in its holder's */
    struct list waiting;      /* claims, while it is not */
    struct api_answer answer; /* without a body while there is none */
    uint64_t answered_at;     /* loop ms */
    char key[];
};

/* Goes to the owner of the user. */
struct settlement {
    struct owner_news news;
    char *key;
    struct api_answer answer;
};

static void holder_unref(struct repeats *repeats, struct holder *holder)
{
    if (--holder->entries > 0)
        return;
    sse_table_remove(&repeats->holders, &holder->node);
    free(holder);
}

static void entry_free(struct repeats *repeats, struct entry *entry)
{
    sse_table_remove(&repeats->entries, &entry->node);
    holder_unref(repeats, entry->holder);
    bytes_unref(entry->answer.body);
    free(entry);
}

static void forget(struct repeats *repeats, struct entry *entry)
{
    const size_t size = entry->answer.body->length;

    list_remove(&entry->age);
    list_remove(&entry->own);
    repeats->count--;
    repeats->bytes -= size;
    entry->holder->count--;
    entry->holder->bytes -= size;
    entry_free(repeats, entry);
}

static uint64_t end_first(struct age_timer *age, uint64_t now_ms)
{
    struct repeats *repeats = container_of(age, struct repeats, age);
    struct entry *oldest = container_of(repeats->answered.next, struct entry, age);

    if (list_is_empty(&repeats->answered))
        return AGE_TIMER_NEVER;
    if (now_ms - oldest->answered_at < KEEP_MS)
        return oldest->answered_at + KEEP_MS;
    forget(repeats, oldest);
    return 0;
}

void repeats_init(struct repeats *repeats, struct api_service *service)
{
    *repeats = (struct repeats){.service = service};
    sse_table_init(&repeats->entries, SSE_TABLE_KEY_OFFSET(struct entry, node, key));
    sse_table_init(&repeats->holders, SSE_TABLE_KEY_OFFSET(struct holder, node, user));
    list_init(&repeats->answered);
    age_timer_init(&repeats->age, service->api->loop, end_first);
}

void repeats_release(struct repeats *repeats)
{
    struct sse_table_node *node;

    while ((node = sse_table_next(&repeats->entries, NULL)))
        entry_free(repeats, container_of(node, struct entry, node));
    age_timer_release(&repeats->age);
    sse_table_release(&repeats->entries);
    sse_table_release(&repeats->holders);
}

const char *repeats_key(struct api_exchange *exchange, bool *refused)
{
    const char *key = h2_request_header(exchange->request, "idempotency-key");
    size_t length = key ? strlen(key) : 0;

    *refused = key && (length == 0 || length > REPEATS_MAX_KEY);
    if (*refused)
        api_reply_error(exchange, 422, "idempotency-key must have 1 to %u characters",
                        REPEATS_MAX_KEY);
    return key;
}

static struct api_answer answer_ref(const struct api_answer *answer)
{
    return (struct api_answer){answer->status, bytes_ref(answer->body)};
}

static struct repeats *owned(struct api *api, size_t service)
{
    return &api->services[service].repeats;
}

static struct entry *find(const struct repeats *repeats, const char *key)
{
    struct sse_table_node *node = sse_table_find(&repeats->entries, key);

    return node ? container_of(node, struct entry, node) : NULL;
}

static struct holder *holder_ref(struct repeats *repeats, const char *user)
{
    struct sse_table_node *node = sse_table_find(&repeats->holders, user);
    struct holder *holder = node ? container_of(node, struct holder, node) : NULL;
    const size_t size = strlen(user) + 1;

    if (!holder) {
        holder = mem_zalloc(sizeof(*holder) + size);
        list_init(&holder->answered);
        memcpy(holder->user, user, size);
        sse_table_add(&repeats->holders, &holder->node);
    }
    holder->entries++;
    return holder;
}

static void add(struct repeats *repeats, const char *user, const char *key)
{
    size_t size = strlen(key) + 1;
    struct entry *entry = mem_zalloc(sizeof(*entry) + size);

    entry->holder = holder_ref(repeats, user);
    list_init(&entry->waiting);
    memcpy(entry->key, key, size);
    sse_table_add(&repeats->entries, &entry->node);
}

static void run_claim(struct peers_call *call, size_t worker, void *context)
{
    struct repeat_claim *claim = container_of(call, struct repeat_claim, call);
    struct api *api = context;
    struct repeats *repeats = owned(api, claim->exchange->service->index);
    struct entry *entry;

    (void)worker;
    age_timer_end_due(&repeats->age, loop_now_ms(api->loop));
    entry = find(repeats, claim->key);
    if (entry && !entry->answer.body) {
        list_append(&entry->waiting, &claim->node);
        return;
    }
    if (entry) {
        claim->answer = answer_ref(&entry->answer);
        repeats->replayed++;
    } else {
        add(repeats, claim->user, claim->key);
    }
    peers_call_done(call);
}

static void finish_claim(struct peers_call *call, void *context)
{
    struct repeat_claim *claim = container_of(call, struct repeat_claim, call);
    struct api_exchange *exchange = claim->exchange;

    (void)context;
    claim->done(claim);
    api_exchange_unref(exchange);
}

void repeats_claim(struct repeat_claim *claim, struct api_exchange *exchange, const char *tenant_id,
                   const char *user_id)
{
    const char *key = h2_request_header(exchange->request, "idempotency-key");
    struct peers *peers = exchange->api->peers;
    struct buf text = BUF_INIT;

    /* Told apart whatever is in them: a header field holds no newline. Each path has keys of its
     * own, for messages and for uploads: the answer to one is none to another. */
    buf_printf(&text, "%zu:%s%s", strlen(tenant_id), tenant_id, user_id);
    claim->user = mem_strdup(buf_str(&text));
    buf_printf(&text, "\n%d %s\n%s", exchange->endpoint->body, key, exchange->variable);
    claim->key = mem_strdup(buf_str(&text));
    buf_release(&text);
    claim->exchange = api_exchange_ref(exchange);
    claim->call.run = run_claim;
    claim->call.finish = finish_claim;
    peers_call_one(peers, exchange->api->worker, peers_owner(peers, claim->user), &claim->call);
}

static void let_go(struct repeats *repeats, struct list *waiting, const struct api_answer *answer)
{
    struct repeat_claim *claim = container_of(waiting, struct repeat_claim, node);

    if (answer) {
        claim->answer = answer_ref(answer);
        repeats->replayed++;
    }
    peers_call_done(&claim->call);
}

/* Whether somebody has more than one user may, or all have more than all may. */
static bool is_too_much(const struct holder *holder, const struct api_service_settings *settings)
{
    return holder->count > settings->idempotency_user_keys ||
           holder->bytes > settings->idempotency_user_bytes ||
           holder->bytes > settings->idempotency_bytes;
}

static bool is_full(const struct repeats *repeats, const struct api_service_settings *settings)
{
    return repeats->count > settings->idempotency_keys ||
           repeats->bytes > settings->idempotency_bytes;
}

/* The user who brings one more pays for it, with the oldest of its own; who brings its first, with
 * the oldest of all. */
static void make_room(struct repeats *repeats, struct holder *holder)
{
    const struct api_service_settings *settings = repeats->service->settings;

    holder->entries++; /* it stays until the end */
    list_for_each_safe(own, after, &holder->answered) {
        if (!is_too_much(holder, settings) && (!is_full(repeats, settings) || holder->count == 1))
            break;
        repeats->displaced++;
        forget(repeats, container_of(own, struct entry, own));
    }
    list_for_each_safe(oldest, after, &repeats->answered) {
        if (!is_full(repeats, settings))
            break;
        repeats->displaced++;
        forget(repeats, container_of(oldest, struct entry, age));
    }
    holder_unref(repeats, holder);
}

static void keep_answer(struct repeats *repeats, struct entry *entry,
                        const struct api_answer *answer)
{
    struct list *waiting;

    entry->answer = answer_ref(answer);
    entry->answered_at = loop_now_ms(repeats->service->api->loop);
    while ((waiting = list_take_first(&entry->waiting)))
        let_go(repeats, waiting, answer);
    list_append(&repeats->answered, &entry->age);
    list_append(&entry->holder->answered, &entry->own);
    age_timer_add(&repeats->age, entry->answered_at + KEEP_MS);
    repeats->count++;
    repeats->bytes += answer->body->length;
    entry->holder->count++;
    entry->holder->bytes += answer->body->length;
    make_room(repeats, entry->holder);
}

static void take_settlement(struct owner_news *news, struct api_service *service)
{
    struct settlement *settlement = container_of(news, struct settlement, news);
    struct repeats *repeats = &service->repeats;
    struct entry *entry = find(repeats, settlement->key);
    struct list *next;

    if (settlement->answer.body) {
        keep_answer(repeats, entry, &settlement->answer);
        return;
    }
    next = list_take_first(&entry->waiting);
    if (next)
        let_go(repeats, next, NULL); /* which is the first now */
    else
        entry_free(repeats, entry);
}

static void release_settlement(struct owner_news *news)
{
    struct settlement *settlement = container_of(news, struct settlement, news);

    bytes_unref(settlement->answer.body);
    free(settlement->key);
    free(settlement);
}

void repeats_settle(struct repeat_claim *claim, struct api_service *service,
                    const struct api_answer *answer)
{
    struct settlement *settlement = mem_zalloc(sizeof(*settlement));

    settlement->key = claim->key;
    if (answer)
        settlement->answer = answer_ref(answer);
    settlement->news.take = take_settlement;
    settlement->news.release = release_settlement;
    claim->key = NULL;
    owner_news_send(&settlement->news, service, claim->user);
    free(claim->user);
    claim->user = NULL;
}

void repeat_claim_release(struct repeat_claim *claim)
{
    free(claim->user);
    free(claim->key);
    claim->user = NULL;
    claim->key = NULL;
    claim->answer.body = bytes_unref(claim->answer.body);
}
