/* SPDX-License-Identifier: Apache-2.0 */
/* ack.do: a page has handled these messages, and they need not be written to anybody again. It may
 * say so behind the end of its stream, whoever ended that. */
#include <stdlib.h>

#include "api/exchange.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "api/page/on_connection.h"
#include "api/qos/qos_text.h"
#include "api/reply.h"
#include "base/mem.h"
#include "broker/subscriber.h"

#define MAX_IDS 1000u

/* First to the connection, which says whose copies it may end, then to the owner. */
struct acknowledging {
    struct broker_request request;
    struct api_exchange *exchange; /* a reference */
    json_t *body;
    const char *ids[MAX_IDS]; /* the body's */
    size_t count;
};

static bool are_ids(const json_t *ids)
{
    for (size_t i = 0; i < json_array_size(ids); i++) {
        if (!json_is_string(json_array_get(ids, i)))
            return false;
    }
    return json_is_array(ids) && json_array_size(ids) <= MAX_IDS;
}

static void acknowledging_free(struct acknowledging *acknowledging)
{
    api_exchange_unref(acknowledging->exchange);
    json_decref(acknowledging->body);
    free(acknowledging);
}

static void on_answer(struct broker_request *request, const struct broker_message *answer)
{
    struct acknowledging *acknowledging = container_of(request, struct acknowledging, request);
    struct api_exchange *exchange = acknowledging->exchange;
    const struct broker_done *done = &answer->done;

    if (done->status < 0)
        api_reply_error(exchange, 503,
                        "messages cannot be acknowledged now, since %s; say it again",
                        qos_text_fault(done->status));
    else
        api_reply_json(exchange, json_pack("{s:I}", "count", (json_int_t)done->count));
    acknowledging_free(acknowledging);
}

static void ask_owner(struct acknowledging *acknowledging, const struct qos_identity *identity)
{
    const struct broker_service *service = &acknowledging->exchange->service->broker;
    const size_t room = broker_identity_copy_size(identity) +
                        broker_list_size(acknowledging->ids, acknowledging->count);
    struct broker_message *question = broker_message_new(BROKER_ACKNOWLEDGE, service->index, room);
    struct broker_acknowledge *acknowledge = &question->acknowledge;

    broker_identity_copy(question, &acknowledge->identity, identity);
    acknowledge->ids = broker_message_list(question, acknowledging->ids, acknowledging->count);
    acknowledge->count = acknowledging->count;
    acknowledging->request.on_answer = on_answer;
    broker_ask_owner(service, question, &acknowledging->request);
}

static void on_seen(struct api_exchange *exchange, const struct broker_message *answer)
{
    struct acknowledging *acknowledging = exchange->context;

    if (on_connection_is_found(answer)) {
        ask_owner(acknowledging, &answer->called.identity);
        return;
    }
    on_connection_answer_data(exchange, json_pack("{s:i}", "count", 0));
    acknowledging_free(acknowledging);
}

static void start(struct api_exchange *exchange, const char *id, json_t *body)
{
    struct acknowledging *acknowledging = mem_zalloc(sizeof(*acknowledging));
    const json_t *ids = json_object_get(body, "ids");

    acknowledging->exchange = api_exchange_ref(exchange);
    acknowledging->body = body;
    acknowledging->count = json_array_size(ids);
    for (size_t i = 0; i < acknowledging->count; i++)
        acknowledging->ids[i] = json_string_value(json_array_get(ids, i));
    exchange->context = acknowledging;
    on_connection_start(exchange, id, &(struct broker_call){.operation = BROKER_IDENTIFY}, on_seen);
}

void api_handle_ack(struct api_exchange *exchange)
{
    json_t *body = api_json_body_members(exchange);
    const char *id;

    if (!body)
        return;
    id = api_json_member_id(body, "connectionId");
    if (id && are_ids(json_object_get(body, "ids"))) {
        start(exchange, id, body);
        return;
    }
    if (!id)
        api_reply_error(exchange, 422,
                        "\"connectionId\" must be the text that connect-finish told");
    else
        api_reply_error(exchange, 422, "\"ids\" must be an array of at most %u strings", MAX_IDS);
    json_decref(body);
}
