/* SPDX-License-Identifier: Apache-2.0 */
/* disconnect.do: a page says goodbye, mostly through sendBeacon() while it goes away: its stream
 * has often ended by then. */
#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/handlers.h"
#include "api/page/on_connection.h"
#include "api/parameters.h"
#include "api/reply.h"
#include "base/mem.h"
#include "sse/event.h"
#include "sse/service.h"

struct disconnect_act {
    struct on_connection base;
    const char *reason; /* the exchange's, or NULL */
    int64_t duration,
        session_duration; /* seconds of the visit that ends, and before it; -1: not said */
    bool is_heard;
};

/* Negative: the page has said neither. */
static int64_t counted(const struct disconnect_act *act, const struct sse_connection *connection)
{
    if (act->duration < 0)
        return act->session_duration;
    return act->duration +
           (act->session_duration < 0 ? connection->session_duration : act->session_duration);
}

static void disconnect(struct on_connection *base, struct sse_connection *connection)
{
    struct disconnect_act *act = container_of(base, struct disconnect_act, base);
    const int64_t session_duration = counted(act, connection);

    if (!connection->service) {
        act->is_heard = sse_connection_take_last_words(connection, act->reason, session_duration);
        return;
    }
    act->is_heard = true;
    if (session_duration >= 0)
        connection->session_duration = session_duration;
    sse_connection_close(connection, SSE_CLOSE_CLIENT, act->reason, -1);
}

static void answer(struct on_connection *base)
{
    struct disconnect_act *act = container_of(base, struct disconnect_act, base);

    api_reply_json(base->exchange, json_pack("{s:i}", "count", act->is_heard ? 1 : 0));
    free(act);
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
    struct disconnect_act *act;

    if (!id || id[0] == '\0') {
        api_reply_json(exchange, json_pack("{s:i}", "count", 0));
        return;
    }
    act = mem_zalloc(sizeof(*act));
    act->base.act = disconnect;
    act->base.done = answer;
    act->base.may_have_ended = true;
    act->reason = usable_reason(api_exchange_parameter(exchange, "reason"));
    act->duration = api_lenient_seconds(api_exchange_parameter(exchange, "duration"), -1);
    act->session_duration =
        api_lenient_seconds(api_exchange_parameter(exchange, "sessionDuration"), -1);
    on_connection_start(&act->base, exchange, id);
}
