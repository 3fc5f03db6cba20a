/* SPDX-License-Identifier: Apache-2.0 */
/* For whoever watches the process, or sends it clients. */
#include "api/exchange.h"
#include "api/handlers.h"
#include "api/reply.h"

void api_handle_live(struct api_exchange *exchange)
{
    api_reply_json(exchange, json_pack("{s:s}", "status", "live"));
}

void api_handle_ready(struct api_exchange *exchange)
{
    if (api_is_ready(exchange->api))
        api_reply_json(exchange, json_pack("{s:s}", "status", "ready"));
    else
        api_reply_error(exchange, 503, "the server stops and takes no new connections");
}
