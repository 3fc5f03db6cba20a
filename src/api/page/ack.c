/* SPDX-License-Identifier: Apache-2.0 */
/* ack.do: a page has handled these messages. Nothing is stored yet, so that none is waiting. */
#include "api/exchange.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "api/reply.h"

#define MAX_IDS 1000u

static bool are_ids(const json_t *ids)
{
    for (size_t i = 0; i < json_array_size(ids); i++) {
        if (!json_is_string(json_array_get(ids, i)))
            return false;
    }
    return json_is_array(ids) && json_array_size(ids) <= MAX_IDS;
}

void api_handle_ack(struct api_exchange *exchange)
{
    json_t *body = api_json_body_object(exchange);

    if (!body)
        return;
    if (!api_json_member_text(body, "connectionId"))
        api_reply_error(exchange, 422,
                        "\"connectionId\" must be the text that connect-finish told");
    else if (!are_ids(json_object_get(body, "ids")))
        api_reply_error(exchange, 422, "\"ids\" must be an array of at most %u strings", MAX_IDS);
    else
        api_reply_json(exchange, json_pack("{s:i}", "count", 0));
    json_decref(body);
}
