/* SPDX-License-Identifier: Apache-2.0 */
/* messages: what is stored and not yet acknowledged. Nothing is stored yet. */
#include "api/exchange.h"
#include "api/handlers.h"
#include "api/query/paging.h"
#include "api/reply.h"

void api_handle_messages(struct api_exchange *exchange)
{
    struct buf text = BUF_INIT;
    struct paging paging;

    if (!paging_read(exchange, &paging))
        return;
    api_reply_begin(exchange, &text);
    paging_open(&text, &paging, 0);
    paging_close(&text, false);
    api_reply_end(exchange, &text);
}
