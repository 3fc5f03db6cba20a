/* SPDX-License-Identifier: Apache-2.0 */
#include "api/shown_token.h"

#include "api/exchange.h"
#include "api/json_text.h"
#include "base/buf.h"
#include "sse/service.h"
#include "sse/user.h"

bool shown_token_is_whole(const struct api_exchange *exchange)
{
    return exchange->service->settings->core->show_secrets ||
           (exchange->permissions & (AUTH_MAY_SEND | AUTH_MAY_DISCONNECT)) != 0;
}

void shown_token_append(struct buf *text, const char *token, bool is_whole)
{
    struct buf shown = BUF_INIT;

    if (is_whole) {
        json_text_string(text, token);
        return;
    }
    sse_user_append_shortened(&shown, token);
    json_text_string(text, buf_str(&shown));
    buf_release(&shown);
}
