/* SPDX-License-Identifier: Apache-2.0 */
/* DELETE messages: stored messages that nobody is to get any more. */
#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/handlers.h"
#include "api/qos/qos_refusal.h"
#include "api/query/message_filter.h"
#include "api/reply.h"
#include "base/mem.h"
#include "broker/choice.h"

struct deletion {
    struct broker_request request;
    struct api_exchange *exchange; /* a reference */
};

static void reply(struct api_exchange *exchange, const struct broker_done *done)
{
    if (done->is_cut_short || (done->status < 0 && done->count > 0))
        api_reply_error(exchange, 503,
                        "%zu copies were deleted, and more are left; ask again later", done->count);
    else if (done->status < 0)
        qos_refuse(exchange, done->status);
    else
        api_reply_json(exchange, json_pack("{s:I}", "count", (json_int_t)done->count));
}

static void on_answer(struct broker_request *request, const struct broker_message *answer)
{
    struct deletion *deletion = container_of(request, struct deletion, request);

    reply(deletion->exchange, &answer->done);
    api_exchange_unref(deletion->exchange);
    free(deletion);
}

/* id NULL: by the filter, which is released. */
static void start(struct api_exchange *exchange, const char *id, struct message_filter *filter)
{
    const struct broker_service *service = &exchange->service->broker;
    struct deletion *deletion = mem_zalloc(sizeof(*deletion));
    struct broker_message *question;

    /* What everybody is to get does not end because one of them is not to get it. */
    filter->filter.is_strict = true;
    question = broker_choice_new(BROKER_END_MESSAGES, service->index, id, &filter->filter);
    message_filter_release(filter);
    deletion->exchange = api_exchange_ref(exchange);
    deletion->request.on_answer = on_answer;
    broker_ask_owner(service, question, &deletion->request);
}

void api_handle_delete_message(struct api_exchange *exchange)
{
    struct message_filter filter;

    api_audit_note_query(exchange);
    if (message_filter_init(&filter, exchange))
        start(exchange, exchange->variable, &filter);
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
        start(exchange, h2_form_get(&exchange->query, "id"), &filter);
        return;
    }
    api_reply_error(exchange, 422,
                    "say which messages are to be deleted: by id; or by userId, accessToken, "
                    "tenantId, channel, listeners; or every one by all=true; or those that "
                    "are set aside by unreadable=true");
    message_filter_release(&filter);
}
