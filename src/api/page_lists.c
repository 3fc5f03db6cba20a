/* SPDX-License-Identifier: Apache-2.0 */
#include "api/page_lists.h"

#include <stddef.h>

#include "api/client_address.h"
#include "api/exchange.h"
#include "api/exchange_identity.h"
#include "api/guard.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "h2/session.h"
#include "h2/stream.h"
#include "sse/user.h"

bool page_lists_is(const struct api_endpoint *endpoint)
{
    return endpoint->handle == api_handle_java_users ||
           endpoint->handle == api_handle_java_connections ||
           endpoint->handle == api_handle_java_messages;
}

bool page_lists_have(const struct api_service *service, const struct api_endpoint *endpoint)
{
    return service && service->settings->page_lists && page_lists_is(endpoint);
}

static void on_identity(struct api_exchange *exchange)
{
    if (api_exchange_refuse_wrong(exchange) || !api_exchange_require_user(exchange))
        return;
    if (exchange->user->may_list)
        exchange->endpoint->handle(exchange);
    else
        api_reply_error(exchange, 403,
                        "this user may not read lists; the credential needs the claim "
                        "\"lists\": true, or ask with an API key");
}

static bool is_public(const struct api_exchange *exchange)
{
    return h2_session_role(h2_stream_session(exchange->stream)) == API_ROLE_PUBLIC;
}

void page_lists_start(struct api_exchange *exchange)
{
    if (is_public(exchange) || !guard_knows(exchange))
        api_exchange_identify(exchange, on_identity);
    else if (guard_admits(exchange))
        exchange->endpoint->handle(exchange);
}
