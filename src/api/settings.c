/* SPDX-License-Identifier: Apache-2.0 */
/* /settings: those in use, of the whole server, without what is secret. */
#include "api/exchange.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "base/buf.h"

void api_handle_settings(struct api_exchange *exchange)
{
    struct buf text = BUF_INIT;

    if (exchange->services != AUTH_ALL_SERVICES) {
        api_reply_error(exchange, 403,
                        "the settings are those of all services, and this API key is for some; use "
                        "one whose services are []");
        return;
    }
    buf_append_str(&text, exchange->api->settings->shown);
    api_reply_text(exchange, "application/json", &text);
}
