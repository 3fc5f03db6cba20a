/* SPDX-License-Identifier: Apache-2.0 */
/* The client for pages: an ES module, or a classic script that defines window.Sse. It is no secret:
 * pages that demand of others that they may be embedded (COEP) may have it, too. */
#include <strings.h>

#include "api/exchange.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "h2/static.h"
#include "h2/stream.h"

void api_handle_script(struct api_exchange *exchange)
{
    const char *type = h2_form_get(&exchange->query, "script-type");
    bool is_module = !type || type[0] == '\0' || strcasecmp(type, "module") == 0;
    static const struct h2_field anybody = {"cross-origin-resource-policy", "cross-origin"};
    const struct h2_asset *asset = h2_asset_find(is_module ? "sse.js" : "sse.classic.js");

    if (!asset)
        api_reply_error(exchange, 404, "this build of the server has no such script");
    else
        h2_static_respond(exchange->stream, asset, "no-cache", &anybody, 1);
}
