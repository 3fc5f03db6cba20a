/* SPDX-License-Identifier: Apache-2.0 */
#include "api/backend/individuals.h"

#include <inttypes.h>
#include <string.h>

#include "api/backend/delivery.h"
#include "api/exchange.h"
#include "api/parameters.h"
#include "api/reply.h"
#include "api/tenancy.h"
#include "auth/auth.h"
#include "sse/service.h"

#define INDIVIDUALS (1u << SSE_BY_USER | 1u << SSE_BY_TOKEN | 1u << SSE_BY_CONNECTION)

struct delivery *individuals_select(struct api_exchange *exchange, const json_t *body)
{
    const unsigned of_tenant =
        exchange->service->settings->core->users_unique == SSE_UNIQUE_IN_TENANT
            ? SSE_TARGET_OF_TENANT
            : 0;
    struct delivery *delivery = delivery_new(exchange->service, exchange, 1);
    struct sse_target *target = &delivery->batch->items[0].target;
    char fault[400];

    if (sse_target_from_json(target, body, INDIVIDUALS | of_tenant, fault, sizeof(fault)) != 0)
        api_reply_error(exchange, 422, "%s", fault);
    else if (tenancy_admits_target(exchange, target))
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

bool individuals_read(struct api_exchange *exchange, const json_t *body, struct delivery *delivery)
{
    struct broker_item *item = &delivery->batch->items[0];
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
    delivery->wants_shown = json_is_true(connections);
    item->shown_most = delivery->wants_shown ? DELIVERY_MOST_SHOWN : 0;
    if (connections && !json_is_boolean(connections))
        api_reply_error(exchange, 422, "\"connections\" must be true or false");
    else if (delivery->wants_shown && !(exchange->permissions & AUTH_MAY_QUERY))
        api_reply_error(exchange, 403,
                        "\"connections\" shows what the permission query is for, which this key "
                        "does not have");
    else
        return true;
    return false;
}

const char *individuals_shown(const struct delivery *delivery,
                              const struct broker_results *published)
{
    const char *shown = published->items[0].shown;

    if (!delivery->wants_shown)
        return NULL;
    return shown ? shown : "";
}

void individuals_append_shown(struct buf *text, const char *shown)
{
    if (!shown)
        return;
    buf_append_str(text, ",\"connections\":[");
    for (const char *line = shown; *line;) {
        const size_t length = strcspn(line, "\n");

        if (line != shown)
            buf_append_char(text, ',');
        buf_append(text, line, length);
        line += length + 1;
    }
    buf_append_char(text, ']');
}
