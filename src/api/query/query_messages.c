/* SPDX-License-Identifier: Apache-2.0 */
/* messages and repositoryMessages.json: what is stored and not yet acknowledged, copy by copy, or
 * message by message. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "api/exchange.h"
#include "api/handlers.h"
#include "api/json_text.h"
#include "api/qos/qos_errand.h"
#include "api/qos/qos_hub.h"
#include "api/qos/qos_text.h"
#include "api/query/java_message.h"
#include "api/query/message_filter.h"
#include "api/query/paging.h"
#include "api/query/query_message.h"
#include "api/query/slices.h"
#include "api/reply.h"
#include "base/mem.h"
#include "qos/look.h"
#include "sse/service.h"

/* Messages that the store looks at in one go: what is sent meanwhile waits no longer than that. */
#define SLICE_MESSAGES 500u

struct listing {
    struct qos_errand errand;
    struct paging paging;
    struct message_filter filter;
    struct qos_list list;
    uint64_t began_at; /* the hub's loop ms */
    bool is_timeout;
    struct slices slices; /* back at the origin: the page is written */
    struct buf text;
    struct qos_text message; /* of the copy that was written last */
    size_t written;
};

static void listing_free(struct listing *listing)
{
    qos_list_release(&listing->list);
    message_filter_release(&listing->filter);
    qos_text_release(&listing->message);
    api_exchange_unref(listing->errand.exchange);
    free(listing);
}

/* To no page. */
static bool shows_tokens(const struct listing *listing)
{
    const struct api_exchange *exchange = listing->errand.exchange;

    return exchange->service->settings->core->show_secrets && !exchange->user;
}

static void append_copy(struct listing *listing, const struct qos_copy *copy)
{
    const struct qos_message *message = copy->message;
    struct buf *text = &listing->text;

    buf_append_str(text, "{\"id\":");
    json_text_string(text, message->id);
    buf_append_str(text, ",\"event\":");
    qos_text_member(&listing->message, text, message, "event");
    buf_append_str(text, ",\"data\":");
    qos_text_data(&listing->message, text, message);
    buf_append_char(text, ',');
    qos_text_recipient(text, &copy->recipient, shows_tokens(listing));
    buf_printf(text,
               ",\"listening\":%s,\"createTime\":%" PRId64 ",\"expireTime\":%" PRId64
               ",\"state\":\"%s\",\"written\":%" PRIu32,
               copy->recipient.listening[0] != '\0' ? "true" : "false", message->created,
               message->expires, qos_state_words[copy->state], copy->written);
    qos_text_cause(text, copy);
    buf_append_char(text, '}');
}

/* From the first copy that is not written. */
static size_t copies_of_message(const struct listing *listing)
{
    const struct qos_copies *copies = &listing->list.copies;
    const uint64_t number = copies->items[listing->written].message->number;
    size_t end = listing->written;

    while (end < copies->count && copies->items[end].message->number == number)
        end++;
    return end - listing->written;
}

static bool write_next(struct slices *slices)
{
    struct listing *listing = container_of(slices, struct listing, slices);
    const struct qos_copies *copies = &listing->list.copies;
    size_t count = 1;

    if (listing->written == copies->count)
        return false;
    if (listing->written > 0)
        buf_append_char(&listing->text, ',');
    if (listing->list.is_by_message) {
        count = copies_of_message(listing);
        java_message_append(&listing->text, &listing->message, &copies->items[listing->written],
                            count, shows_tokens(listing));
    } else {
        append_copy(listing, &copies->items[listing->written]);
    }
    listing->written += count;
    return true;
}

static void all_written(struct slices *slices)
{
    struct listing *listing = container_of(slices, struct listing, slices);

    paging_close(&listing->text, listing->is_timeout);
    if (listing->message.lacks_memory)
        qos_errand_refuse(&listing->errand, -ENOMEM);
    else
        api_reply_data(listing->errand.exchange, &listing->text);
    buf_release(&listing->text);
    listing_free(listing);
}

static void answer(struct qos_errand *errand)
{
    struct listing *listing = container_of(errand, struct listing, errand);

    if (listing->list.job.status < 0) {
        qos_errand_refuse(errand, listing->list.job.status);
        listing_free(listing);
        return;
    }
    paging_open(&listing->text, &listing->paging, (size_t)listing->list.passed);
    listing->slices.has_long_steps = true;
    listing->slices.step = write_next;
    listing->slices.done = all_written;
    slices_start(errand->exchange->api->loop, &listing->slices);
}

static uint64_t now_ms(const struct listing *listing)
{
    return loop_now_ms(listing->errand.hub->service->api->loop);
}

static bool is_too_late(const struct listing *listing)
{
    const uint64_t limit_ms = listing->paging.timeout_ms;

    return (limit_ms > 0 && now_ms(listing) - listing->began_at >= limit_ms) ||
           qos_errand_is_late(&listing->errand);
}

static void on_listed(struct qos_job *job)
{
    struct listing *listing = container_of(job, struct listing, list.job);
    struct qos_hub *hub = listing->errand.hub;

    if (job->status == 0 && !listing->list.is_all) {
        listing->is_timeout = is_too_late(listing);
        if (!listing->is_timeout) {
            qos_store_submit(hub->store, job);
            return;
        }
    }
    qos_hub_count_written(hub, &listing->list.copies);
    qos_errand_end(&listing->errand);
}

static void begin(struct qos_errand *errand)
{
    struct listing *listing = container_of(errand, struct listing, errand);

    listing->began_at = now_ms(listing);
    qos_store_submit(errand->hub->store, &listing->list.job);
}

/* Takes over the filter. */
static void list(struct api_exchange *exchange, const struct paging *paging,
                 const struct message_filter *filter, bool is_by_message)
{
    struct listing *listing = mem_zalloc(sizeof(*listing));

    listing->paging = *paging;
    listing->filter = *filter;
    listing->list.is_by_message = is_by_message;
    qos_list_init(&listing->list);
    listing->list.filter = &listing->filter.filter;
    listing->list.limit = SLICE_MESSAGES;
    listing->list.skip = paging_start(paging);
    listing->list.most = paging->size;
    listing->list.job.done = on_listed;
    listing->list.job.is_asked = true;
    listing->errand.begin = begin;
    listing->errand.answer = answer;
    qos_errand_start(&listing->errand, exchange);
}

void api_handle_messages(struct api_exchange *exchange)
{
    const char *id = h2_form_get(&exchange->query, "id");
    struct message_filter filter;
    struct paging paging;

    if (id)
        query_message_start(exchange, id);
    else if (paging_read(exchange, &paging) && message_filter_init(&filter, exchange))
        list(exchange, &paging, &filter, false);
}

void api_handle_java_messages(struct api_exchange *exchange)
{
    struct message_filter filter;
    struct paging paging;

    if (exchange->user && exchange->service->settings->core->users_unique == SSE_UNIQUE_IN_TENANT) {
        api_reply_error(exchange, 403,
                        "the messages of all tenants lie together, and users are of one "
                        "(services[].users.unique); ask with an API key");
        return;
    }
    if (!paging_read_java(exchange, &paging) || !message_filter_init(&filter, exchange))
        return;
    filter.filter.is_exact = true;
    filter.filter.is_aside = false;
    list(exchange, &paging, &filter, true);
}
