/* SPDX-License-Identifier: Apache-2.0 */
#include "api/backend/individuals.h"

#include <inttypes.h>

#include "api/backend/delivery.h"
#include "api/exchange.h"
#include "api/parameters.h"
#include "api/qos/qos_line.h"
#include "api/reply.h"
#include "api/tenancy.h"
#include "auth/auth.h"
#include "sse/service.h"

#define INDIVIDUALS (1u << SSE_BY_USER | 1u << SSE_BY_TOKEN | 1u << SSE_BY_CONNECTION)

struct delivery *individuals_select(struct api_exchange *exchange, json_t *body)
{
    const unsigned of_tenant =
        exchange->service->settings->core->users_unique == SSE_UNIQUE_IN_TENANT
            ? SSE_TARGET_OF_TENANT
            : 0;
    struct delivery *delivery = delivery_new(exchange->service, exchange, 1);
    char fault[400];

    delivery->source = body;
    qos_line_follow(delivery); /* what was sent before is to be there before */
    if (sse_target_from_json(&delivery->items[0].target, body, INDIVIDUALS | of_tenant, fault,
                             sizeof(fault)) != 0)
        api_reply_error(exchange, 422, "%s", fault);
    else if (tenancy_admits_target(exchange, &delivery->items[0].target))
        return delivery;
    delivery_free(delivery);
    return NULL;
}

/* Seconds; -1 where it is not said. False: they are none. */
static bool read_seconds(const json_t *body, const char *key, int64_t *seconds)
{
    const json_t *value = json_object_get(body, key);

    *seconds = value ? json_integer_value(value) : -1;
    return !value || (json_is_integer(value) && *seconds >= 0 && *seconds <= API_MOST_SECONDS);
}

bool individuals_read(struct api_exchange *exchange, const json_t *body, struct delivery_item *item)
{
    static const char *const keys[] = {"duration", "sessionDuration"};
    int64_t *const seconds[] = {&item->duration, &item->session_duration};
    const json_t *connections = json_object_get(body, "connections");

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (read_seconds(body, keys[i], seconds[i]))
            continue;
        api_reply_error(exchange, 422,
                        "\"%s\" must be a whole number of seconds from 0 to %" PRId64, keys[i],
                        API_MOST_SECONDS);
        return false;
    }
    item->wants_shown = json_is_true(connections);
    if (connections && !json_is_boolean(connections))
        api_reply_error(exchange, 422, "\"connections\" must be true or false");
    else if (item->wants_shown && !(exchange->permissions & AUTH_MAY_QUERY))
        api_reply_error(exchange, 403,
                        "\"connections\" shows what the permission query is for, which this key "
                        "does not have");
    else
        return true;
    return false;
}

void individuals_append_shown(struct buf *text, const struct delivery_item *item)
{
    if (item->wants_shown)
        buf_printf(text, ",\"connections\":[%s]", buf_str(&item->shown));
}
