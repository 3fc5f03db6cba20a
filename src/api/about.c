/* SPDX-License-Identifier: Apache-2.0 */
/* The server itself: what it gives to pages, and to whoever watches the process or sends it
 * clients. */
#include <stdio.h>
#include <strings.h>

#include "api/exchange.h"
#include "api/reply.h"
#include "api/routes.h"
#include "base/buf.h"
#include "h2/static.h"
#include "h2/stream.h"

static void reply_asset(struct api_exchange *exchange, const char *name,
                        const struct h2_field *field, const char *missing)
{
    const struct h2_asset *asset = h2_asset_find(name);

    if (asset)
        h2_static_respond(exchange->stream, asset, "no-cache", field, field ? 1 : 0);
    else
        api_reply_error(exchange, 404, "%s", missing);
}

/* The client for pages: an ES module, or a classic script that defines window.Sse. It is no secret:
 * pages that demand of others that they may be embedded (COEP) may have it, too. */
void api_handle_script(struct api_exchange *exchange)
{
    static const struct h2_field anybody = {"cross-origin-resource-policy", "cross-origin"};
    const char *type = h2_form_get(&exchange->query, "script-type");
    const bool is_module = !type || type[0] == '\0' || strcasecmp(type, "module") == 0;

    reply_asset(exchange, is_module ? "sse.js" : "sse.classic.js", &anybody,
                "this build of the server has no such script");
}

/* The demo page at "/", and what it loads from below "/demo/". */
void api_handle_demo(struct api_exchange *exchange)
{
    const char *path = exchange->path ? exchange->path : "index.html";
    char name[sizeof("demo/") + H2_ROUTE_MAX_VARIABLE];

    snprintf(name, sizeof(name), "demo/%s", path);
    if (exchange->api->settings->demo)
        reply_asset(exchange, name, NULL, "there is no such page");
    else
        api_reply_error(exchange, 404, "there is no such page; the demo is switched off");
}

/* The description of all paths that this server answers: docs/openapi.yaml. */
void api_handle_openapi(struct api_exchange *exchange)
{
    reply_asset(exchange, "openapi.yaml", NULL, "this build of the server has no description");
}

void api_handle_live(struct api_exchange *exchange)
{
    api_reply_json(exchange, json_pack("{s:s}", "status", "live"));
}

/* It serves as before until it drains. */
void api_handle_ready(struct api_exchange *exchange)
{
    if (atomic_load_explicit(exchange->api->settings->ready, memory_order_relaxed))
        api_reply_json(exchange, json_pack("{s:s}", "status", "ready"));
    else
        api_reply_error(exchange, 503, "the server stops and takes no new connections");
}

static void on_metrics(void *context, struct buf *text)
{
    api_reply_text(context, "text/plain; version=0.0.4; charset=utf-8", text);
    api_exchange_unref(context);
}

void api_handle_metrics(struct api_exchange *exchange)
{
    const struct api_host *host = &exchange->api->host;

    host->gather_metrics(host->context, exchange->services, on_metrics, api_exchange_ref(exchange));
}
