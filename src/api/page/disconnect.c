/* SPDX-License-Identifier: Apache-2.0 */
/* disconnect.do: a page says goodbye, mostly through sendBeacon() while it goes away: its stream
 * has often ended by then. */
#include <string.h>

#include "api/exchange.h"
#include "api/handlers.h"
#include "api/page/on_connection.h"
#include "api/parameters.h"
#include "api/reply.h"
#include "sse/event.h"

static void answer(struct api_exchange *exchange, const struct broker_message *message)
{
    api_reply_json(exchange, json_pack("{s:i}", "count", message->called.is_heard ? 1 : 0));
}

/* A reason that cannot be told on is no reason to stay connected. */
static const char *usable_reason(const char *reason)
{
    if (!reason || reason[0] == '\0')
        return NULL;
    return sse_event_check_field(reason, strlen(reason), SSE_EVENT_MAX_NAME) == 0 ? reason : NULL;
}

void api_handle_disconnect(struct api_exchange *exchange)
{
    const char *id = api_exchange_parameter(exchange, "connectionId");

    if (!id || id[0] == '\0') {
        api_reply_json(exchange, json_pack("{s:i}", "count", 0));
        return;
    }
    on_connection_start(
        exchange, id,
        &(struct broker_call){
            .operation = BROKER_DISCONNECT,
            .reason = usable_reason(api_exchange_parameter(exchange, "reason")),
            .duration = api_lenient_seconds(api_exchange_parameter(exchange, "duration"), -1),
            .session_duration =
                api_lenient_seconds(api_exchange_parameter(exchange, "sessionDuration"), -1),
        },
        answer);
}
