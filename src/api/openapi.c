/* SPDX-License-Identifier: Apache-2.0 */
/* The description of all paths that this server answers: docs/openapi.yaml. */
#include "api/exchange.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "h2/static.h"

void api_handle_openapi(struct api_exchange *exchange)
{
    const struct h2_asset *asset = h2_asset_find("openapi.yaml");

    if (!asset)
        api_reply_error(exchange, 404, "this build of the server has no description");
    else
        h2_static_respond(exchange->stream, asset, "no-cache", NULL, 0);
}
