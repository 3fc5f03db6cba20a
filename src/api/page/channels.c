/* SPDX-License-Identifier: Apache-2.0 */
/* subscribe.do and unsubscribe.do: a page changes the channels of its open stream. */
#include "api/exchange.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "api/page/name_list.h"
#include "api/page/on_connection.h"
#include "api/reply.h"
#include "sse/service.h"

static void refuse(struct api_exchange *exchange, const char *channel)
{
    exchange->service->channels_refused++;
    api_reply_error(exchange, 403,
                    "this user may not have the channel \"%s\"; a pattern in the credential's "
                    "channels would allow it, or one in the service's channels.allow",
                    channel);
}

static void answer(struct api_exchange *exchange, const struct broker_message *message)
{
    const struct broker_called *called = &message->called;

    if (called->refused)
        refuse(exchange, called->refused);
    else if (called->is_full)
        api_reply_error(exchange, 422,
                        "a connection may have %u channels at the most "
                        "(services[].channelsPerConnection)",
                        exchange->service->settings->core->channels_per_connection);
    else if (on_connection_is_found(message))
        on_connection_answer_names(exchange, "channel", &called->names);
    else
        on_connection_answer_no_data(exchange);
}

/* NULL, or what is wrong. */
static const char *read_names(struct name_list *names, const json_t *body)
{
    const json_t *one = json_object_get(body, "channel");
    const json_t *several = json_object_get(body, "channels");
    const char *fault = NULL;

    if (one)
        fault = name_list_add_json(names, NAME_OF_CHANNEL, one);
    if (several && !fault)
        fault = name_list_add_json(names, NAME_OF_CHANNEL, several);
    if (!fault && names->count == 0)
        fault = "it is missing; give the name of a channel, or an array of names";
    return fault;
}

static void start(struct api_exchange *exchange, enum broker_operation operation)
{
    json_t *body = api_json_body_members(exchange);
    const char *id = body ? api_json_member_id(body, "connectionId") : NULL;
    struct name_list names = {0};
    const char *fault;

    if (!body)
        return;
    fault = read_names(&names, body);
    if (fault)
        api_reply_error(exchange, 422, "\"channel\": %s", fault);
    else if (!id)
        api_reply_error(exchange, 422,
                        "\"connectionId\" is missing; it is the one that connect-finish told");
    else
        on_connection_start(
            exchange, id,
            &(struct broker_call){.operation = operation, .names = {names.names, names.count}},
            answer);
    on_connection_pass(exchange, id);
    name_list_release(&names);
    json_decref(body);
}

void api_handle_subscribe(struct api_exchange *exchange)
{
    start(exchange, BROKER_SUBSCRIBE);
}

void api_handle_unsubscribe(struct api_exchange *exchange)
{
    start(exchange, BROKER_UNSUBSCRIBE);
}
