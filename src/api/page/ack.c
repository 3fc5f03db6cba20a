/* SPDX-License-Identifier: Apache-2.0 */
/* ack.do: a page has handled these messages, and they need not be written to anybody again. It may
 * say so behind the end of its stream, whoever ended that. */
#include <stdlib.h>

#include "api/exchange.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "api/page/on_connection.h"
#include "api/qos/qos_errand.h"
#include "api/qos/qos_hub.h"
#include "api/qos/qos_text.h"
#include "api/qos/qos_visitor.h"
#include "api/reply.h"
#include "base/fault.h"
#include "base/mem.h"

#define MAX_IDS 1000u

/* First to the connection, which says whose copies it may end, then to the hub. */
struct acknowledging {
    struct on_connection act;
    struct qos_errand errand;
    struct qos_acknowledge acknowledge;
    struct qos_visitor visitor;
    json_t *body;
    const char *ids[MAX_IDS]; /* the body's */
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
    qos_acknowledge_release(&acknowledging->acknowledge);
    qos_visitor_release(&acknowledging->visitor);
    json_decref(acknowledging->body);
    free(acknowledging);
}

static void answer(struct api_exchange *exchange, size_t count)
{
    api_reply_json(exchange, json_pack("{s:I}", "count", (json_int_t)count));
}

static void come_home(struct qos_errand *errand)
{
    struct acknowledging *acknowledging = container_of(errand, struct acknowledging, errand);
    struct api_exchange *exchange = errand->exchange;

    if (acknowledging->acknowledge.job.status < 0)
        api_reply_error(exchange, 503,
                        "messages cannot be acknowledged now, since %s; say it again",
                        qos_text_fault(acknowledging->acknowledge.job.status));
    else
        answer(exchange, acknowledging->acknowledge.ended.count);
    acknowledging_free(acknowledging);
    api_exchange_unref(exchange);
}

static void on_acknowledged(struct qos_job *job)
{
    struct acknowledging *acknowledging = container_of(job, struct acknowledging, acknowledge.job);
    struct qos_hub *hub = acknowledging->errand.hub;

    fault_point("store.acknowledged");
    qos_hub_ended(hub, job, &acknowledging->acknowledge.ended);
    qos_hub_publish(hub);
    qos_errand_end(&acknowledging->errand);
}

static void begin(struct qos_errand *errand)
{
    qos_store_submit(errand->hub->store,
                     &container_of(errand, struct acknowledging, errand)->acknowledge.job);
}

static void go_to_hub(struct acknowledging *acknowledging, struct api_exchange *exchange)
{
    struct qos_acknowledge *acknowledge = &acknowledging->acknowledge;
    const json_t *ids = json_object_get(acknowledging->body, "ids");

    acknowledge->identity = acknowledging->visitor.identity;
    acknowledge->count = json_array_size(ids);
    for (size_t i = 0; i < acknowledge->count; i++)
        acknowledging->ids[i] = json_string_value(json_array_get(ids, i));
    acknowledge->ids = acknowledging->ids;
    acknowledge->now = loop_wall_ms(exchange->api->loop);
    qos_acknowledge_init(acknowledge);
    acknowledge->job.done = on_acknowledged;
    acknowledge->job.is_asked = true;
    acknowledging->errand.begin = begin;
    acknowledging->errand.answer = come_home;
    qos_errand_start(&acknowledging->errand, exchange);
}

static void see_whose(struct on_connection *act, struct sse_connection *connection)
{
    struct acknowledging *acknowledging = container_of(act, struct acknowledging, act);

    qos_visitor_init(&acknowledging->visitor, connection, act->exchange->api->peers, 0);
}

static void on_seen(struct on_connection *act)
{
    struct acknowledging *acknowledging = container_of(act, struct acknowledging, act);

    if (act->found) {
        go_to_hub(acknowledging, act->exchange);
        return;
    }
    on_connection_answer_data(act->exchange, json_pack("{s:i}", "count", 0));
    acknowledging_free(acknowledging);
}

void api_handle_ack(struct api_exchange *exchange)
{
    json_t *body = api_json_body_members(exchange);
    struct acknowledging *acknowledging;
    const char *id;

    if (!body)
        return;
    id = api_json_member_id(body, "connectionId");
    if (id && are_ids(json_object_get(body, "ids"))) {
        acknowledging = mem_zalloc(sizeof(*acknowledging));
        acknowledging->act.act = see_whose;
        acknowledging->act.may_have_ended = true;
        acknowledging->act.done = on_seen;
        acknowledging->body = body;
        on_connection_start(&acknowledging->act, exchange, id);
        return;
    }
    if (!id)
        api_reply_error(exchange, 422,
                        "\"connectionId\" must be the text that connect-finish told");
    else
        api_reply_error(exchange, 422, "\"ids\" must be an array of at most %u strings", MAX_IDS);
    json_decref(body);
}
