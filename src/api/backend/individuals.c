/* SPDX-License-Identifier: Apache-2.0 */
#include "api/backend/individuals.h"

#include "api/backend/delivery.h"
#include "api/exchange.h"
#include "api/qos/qos_line.h"
#include "api/reply.h"

#define INDIVIDUALS (1u << SSE_BY_USER | 1u << SSE_BY_TOKEN | 1u << SSE_BY_CONNECTION)

struct delivery *individuals_select(struct api_exchange *exchange, json_t *body)
{
    struct delivery *delivery = delivery_new(exchange->service, exchange, 1);
    char fault[400];

    delivery->source = body;
    qos_line_follow(delivery); /* what was sent before is to be there before */
    if (sse_target_from_json(&delivery->items[0].target, body, INDIVIDUALS, fault, sizeof(fault)) ==
        0)
        return delivery;
    api_reply_error(exchange, 422, "%s", fault);
    delivery_free(delivery);
    return NULL;
}
