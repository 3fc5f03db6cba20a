/* SPDX-License-Identifier: Apache-2.0 */
/* The demo page at "/", and what it loads from below "/demo/". */
#include <stdio.h>

#include "api/exchange.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "h2/static.h"

void api_handle_demo(struct api_exchange *exchange)
{
    const char *path = exchange->variable[0] != '\0' ? exchange->variable : "index.html";
    const struct h2_asset *asset = NULL;
    char name[sizeof("demo/") + H2_ROUTE_MAX_VARIABLE];

    snprintf(name, sizeof(name), "demo/%s", path);
    if (exchange->api->settings->demo)
        asset = h2_asset_find(name);
    if (!asset)
        api_reply_error(exchange, 404, "there is no such page%s",
                        exchange->api->settings->demo ? "" : "; the demo is switched off");
    else
        h2_static_respond(exchange->stream, asset, "no-cache", NULL, 0);
}
