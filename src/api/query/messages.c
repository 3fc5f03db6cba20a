/* SPDX-License-Identifier: Apache-2.0 */
/* Stored messages: what has become of one, what is not yet acknowledged, copy by copy or message by
 * message, and those that nobody is to get any more. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/limit.h"
#include "api/query/filters.h"
#include "api/reply.h"
#include "api/routes.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/slices.h"
#include "broker/message.h"
#include "broker/stored/text.h"
#include "sse/service.h"

static void show(struct api_exchange *exchange, const struct qos_copies *copies)
{
    struct buf text = BUF_INIT;

    stored_text_message(&text, copies, exchange->service->settings->core->show_secrets);
    api_reply_data(exchange, &text);
}

static void on_found(struct api_exchange *exchange, const struct broker_message *answer)
{
    const struct broker_found *found = &answer->found;

    if (found->copies.count > 0)
        show(exchange, &found->copies);
    else
        store_refuse(exchange, found->status == 0 ? -ENOENT : found->status);
}

/* What has become of each copy of a message. */
static void find(struct api_exchange *exchange, const char *id)
{
    const struct qos_filter filter = {.tenants = exchange->tenants};

    api_exchange_ask_owner(
        exchange, broker_choice_new(BROKER_FIND_MESSAGE, exchange->service->index, id, &filter),
        on_found);
}

void api_handle_message_state(struct api_exchange *exchange)
{
    find(exchange, api_exchange_path(exchange));
}

struct listing {
    struct api_exchange *exchange; /* a reference, while the page is written */
    struct paging paging;
    bool is_by_message;
    struct broker_message *answer; /* a reference, while the page is written */
    struct slices slices;
    struct buf text;
    struct stored_text message; /* of the copy that was written last */
    size_t written;
};

static void listing_free(struct listing *listing)
{
    broker_message_free(listing->answer);
    stored_text_release(&listing->message);
    api_exchange_unref(listing->exchange);
    free(listing);
}

/* To no page. */
static bool shows_tokens(const struct listing *listing)
{
    const struct api_exchange *exchange = listing->exchange;

    return exchange->service->settings->core->show_secrets && !exchange->user;
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
    json_text_next(&listing->text);
    if (listing->is_by_message) {
        count = copies_of_message(listing);
        stored_java_text(&listing->text, &listing->message, &copies->items[listing->written], count,
                         shows_tokens(listing));
    } else {
        stored_text_copy(&listing->message, &listing->text, &copies->items[listing->written],
                         shows_tokens(listing));
    }
    listing->written += count;
    return true;
}

static void all_written(struct slices *slices)
{
    struct listing *listing = container_of(slices, struct listing, slices);

    paging_close(&listing->text, listing->answer->found.is_timeout);
    if (listing->message.lacks_memory)
        store_refuse(listing->exchange, -ENOMEM);
    else
        api_reply_data(listing->exchange, &listing->text);
    buf_release(&listing->text);
    listing_free(listing);
}

static void on_listed(struct api_exchange *exchange, const struct broker_message *answer)
{
    struct listing *listing = exchange->context;
    const struct broker_found *found = &answer->found;

    if (found->status < 0) {
        store_refuse(exchange, found->status);
        free(listing);
        return;
    }
    listing->exchange = api_exchange_ref(exchange);
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
    struct listing *listing = mem_zalloc(sizeof(*listing));
    struct broker_message *question =
        broker_choice_new(BROKER_LIST_MESSAGES, exchange->service->index, NULL, &filter->filter);

    message_filter_release(filter);
    question->choice.is_by_message = is_by_message;
    question->choice.skip = paging_start(paging);
    question->choice.most = paging->size;
    question->choice.timeout_ms = paging->timeout_ms;
    listing->paging = *paging;
    listing->is_by_message = is_by_message;
    exchange->context = listing;
    api_exchange_ask_owner(exchange, question, on_listed);
}

void api_handle_messages(struct api_exchange *exchange)
{
    const char *id = h2_form_get(&exchange->query, "id");
    struct message_filter filter;
    struct paging paging;

    if (id)
        find(exchange, id);
    else if (paging_read(exchange, &paging, false) && message_filter_init(&filter, exchange))
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
    if (!paging_read(exchange, &paging, true) || !message_filter_init(&filter, exchange))
        return;
    filter.filter.is_exact = true;
    filter.filter.is_aside = false;
    list(exchange, &paging, &filter, true);
}

static void on_deleted(struct api_exchange *exchange, const struct broker_message *answer)
{
    const struct broker_done *done = &answer->done;

    if (done->is_cut_short || (done->status < 0 && done->count > 0))
        api_reply_error(exchange, 503,
                        "%zu copies were deleted, and more are left; ask again later", done->count);
    else if (done->status < 0)
        store_refuse(exchange, done->status);
    else
        api_reply_json(exchange, json_pack("{s:I}", "count", (json_int_t)done->count));
}

/* id NULL: by the filter, which is released. */
static void delete (struct api_exchange *exchange, const char *id, struct message_filter *filter)
{
    struct broker_message *question;

    /* What everybody is to get does not end because one of them is not to get it. */
    filter->filter.is_strict = true;
    question =
        broker_choice_new(BROKER_END_MESSAGES, exchange->service->index, id, &filter->filter);
    message_filter_release(filter);
    api_exchange_ask_owner(exchange, question, on_deleted);
}

void api_handle_delete_message(struct api_exchange *exchange)
{
    struct message_filter filter;

    api_audit_note_query(exchange);
    if (message_filter_init(&filter, exchange))
        delete (exchange, api_exchange_path(exchange), &filter);
}

/* By mistake nothing is deleted: exactly one of id, a filter and all=true. */
static bool is_clear(const struct message_filter *filter, const struct api_exchange *exchange)
{
    const char *all = h2_form_get(&exchange->query, "all");
    const bool is_all = all && strcmp(all, "true") == 0;
    const int said = (h2_form_get(&exchange->query, "id") ? 1 : 0) +
                     (message_filter_is_empty(filter) ? 0 : 1) + (is_all ? 1 : 0);

    return said == 1 && (!all || is_all);
}

void api_handle_delete_messages(struct api_exchange *exchange)
{
    struct message_filter filter;

    api_audit_note_query(exchange);
    if (!message_filter_init(&filter, exchange))
        return;
    if (is_clear(&filter, exchange)) {
        delete (exchange, h2_form_get(&exchange->query, "id"), &filter);
        return;
    }
    api_reply_error(exchange, 422,
                    "say which messages are to be deleted: by id; or by userId, accessToken, "
                    "tenantId, channel, listeners; or every one by all=true; or those that "
                    "are set aside by unreadable=true");
    message_filter_release(&filter);
}
