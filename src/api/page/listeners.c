/* SPDX-License-Identifier: Apache-2.0 */
/* addListener.do and removeListener.do: what a page says that it listens to. */
#include "api/exchange.h"
#include "api/exchange_identity.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "api/page/name_list.h"
#include "api/page/on_connection.h"
#include "api/reply.h"
#include "sse/service.h"

static uint32_t limit_of(const struct api_exchange *exchange)
{
    return exchange->service->settings->core->listeners;
}

static void refuse_number(struct api_exchange *exchange)
{
    api_reply_error(exchange, 422,
                    "\"listener\": a connection may listen to %u events at the most "
                    "(services[].listeners)",
                    limit_of(exchange));
}

static void answer(struct api_exchange *exchange, const struct broker_message *message)
{
    if (message->called.is_full)
        refuse_number(exchange);
    else if (on_connection_is_found(message))
        on_connection_answer_names(exchange, "listener", &message->called.names);
    else
        on_connection_answer_no_data(exchange);
}

static void start(struct api_exchange *exchange, json_t *body, enum broker_operation operation)
{
    const char *id = api_json_member_id(body, "connectionId");
    const json_t *listed = json_object_get(body, "listener");
    struct name_list names = {0};
    const char *fault = NULL;

    if (listed && !json_is_null(listed) && !json_is_array(listed)) {
        api_reply_error(exchange, 422, "\"listener\" must be an array of the names of events");
    } else if (!id || json_array_size(listed) == 0) {
        /* Who names no connection must say who it is: pages ask like that why they were refused. */
        if (id || api_exchange_require_user(exchange))
            api_reply_json(exchange, json_pack("{s:n}", "listener"));
    } else if (json_array_size(listed) > limit_of(exchange)) {
        refuse_number(exchange);
    } else if ((fault = name_list_add_json(&names, NAME_OF_EVENT, listed))) {
        api_reply_error(exchange, 422, "\"listener\": %s", fault);
    } else {
        on_connection_start(
            exchange, id,
            &(struct broker_call){.operation = operation, .names = {names.names, names.count}},
            answer);
    }
    on_connection_pass(exchange, id);
    name_list_release(&names);
    json_decref(body);
}

void api_handle_add_listener(struct api_exchange *exchange)
{
    json_t *body = api_json_body_members(exchange);

    if (body)
        start(exchange, body, BROKER_LISTEN);
}

void api_handle_remove_listener(struct api_exchange *exchange)
{
    json_t *body = api_json_body_members(exchange);

    if (body)
        start(exchange, body, BROKER_UNLISTEN);
}
