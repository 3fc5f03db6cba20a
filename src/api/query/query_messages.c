/* SPDX-License-Identifier: Apache-2.0 */
/* messages and repositoryMessages.json: what is stored and not yet acknowledged, copy by copy, or
 * message by message. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "api/exchange.h"
#include "api/handlers.h"
#include "api/json_text.h"
#include "api/qos/qos_refusal.h"
#include "api/qos/qos_text.h"
#include "api/query/java_message.h"
#include "api/query/message_filter.h"
#include "api/query/paging.h"
#include "api/query/query_message.h"
#include "api/reply.h"
#include "base/mem.h"
#include "base/slices.h"
#include "broker/choice.h"
#include "sse/service.h"

struct listing {
    struct broker_request request;
    struct api_exchange *exchange; /* a reference */
    struct paging paging;
    bool is_by_message;
    struct broker_message *answer; /* a reference, while the page is written */
    struct slices slices;
    struct buf text;
    struct qos_text message; /* of the copy that was written last */
    size_t written;
};

static void listing_free(struct listing *listing)
{
    if (listing->answer)
        broker_message_free(listing->answer);
    qos_text_release(&listing->message);
    api_exchange_unref(listing->exchange);
    free(listing);
}

/* To no page. */
static bool shows_tokens(const struct listing *listing)
{
    const struct api_exchange *exchange = listing->exchange;

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
    const struct qos_copies *copies = &listing->answer->found.copies;
    const uint64_t number = copies->items[listing->written].message->number;
    size_t end = listing->written;

    while (end < copies->count && copies->items[end].message->number == number)
        end++;
    return end - listing->written;
}

static bool write_next(struct slices *slices)
{
    struct listing *listing = container_of(slices, struct listing, slices);
    const struct qos_copies *copies = &listing->answer->found.copies;
    size_t count = 1;

    if (listing->written == copies->count)
        return false;
    if (listing->written > 0)
        buf_append_char(&listing->text, ',');
    if (listing->is_by_message) {
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

    paging_close(&listing->text, listing->answer->found.is_timeout);
    if (listing->message.lacks_memory)
        qos_refuse(listing->exchange, -ENOMEM);
    else
        api_reply_data(listing->exchange, &listing->text);
    buf_release(&listing->text);
    listing_free(listing);
}

static void on_answer(struct broker_request *request, const struct broker_message *answer)
{
    struct listing *listing = container_of(request, struct listing, request);
    const struct broker_found *found = &answer->found;

    if (found->status < 0) {
        qos_refuse(listing->exchange, found->status);
        listing_free(listing);
        return;
    }
    listing->answer = broker_message_keep(answer);
    paging_open(&listing->text, &listing->paging, (size_t)found->passed);
    listing->slices.has_long_steps = true;
    listing->slices.step = write_next;
    listing->slices.done = all_written;
    slices_start(listing->exchange->api->loop, &listing->slices);
}

/* The filter is released. */
static void list(struct api_exchange *exchange, const struct paging *paging,
                 struct message_filter *filter, bool is_by_message)
{
    const struct broker_service *service = &exchange->service->broker;
    struct listing *listing = mem_zalloc(sizeof(*listing));
    struct broker_message *question =
        broker_choice_new(BROKER_LIST_MESSAGES, service->index, NULL, &filter->filter);

    message_filter_release(filter);
    question->choice.is_by_message = is_by_message;
    question->choice.skip = paging_start(paging);
    question->choice.most = paging->size;
    question->choice.timeout_ms = paging->timeout_ms;
    listing->exchange = api_exchange_ref(exchange);
    listing->paging = *paging;
    listing->is_by_message = is_by_message;
    listing->request.on_answer = on_answer;
    broker_ask_owner(service, question, &listing->request);
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
