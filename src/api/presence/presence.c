/* SPDX-License-Identifier: Apache-2.0 */
/* presence: a back end watches who comes and goes. */
#include <string.h>

#include "api/exchange.h"
#include "api/handlers.h"
#include "api/presence/presence_event.h"
#include "api/presence/presence_watch.h"
#include "api/reply.h"
#include "api/tenancy.h"
#include "sse/service.h"

static bool is_true(const char *value)
{
    return value && (strcmp(value, "true") == 0 || strcmp(value, "1") == 0);
}

/* A browser's EventSource says it by itself, others by a parameter, where they cannot set fields.
 */
static const char *last_id_of(const struct api_exchange *exchange)
{
    const char *id = h2_request_header(exchange->request, "last-event-id");

    if (!id)
        id = h2_form_get(&exchange->query, "lastEventId");
    return id && id[0] != '\0' ? id : NULL;
}

/* Of users of several tenants, none is told when they come or go in another one. */
static bool narrow(struct api_exchange *exchange, bool are_kinds_said, unsigned *kinds)
{
    if (!exchange->tenants || !(*kinds & PRESENCE_OF_USERS) ||
        exchange->service->settings->core->users_unique == SSE_UNIQUE_IN_TENANT)
        return true;
    if (are_kinds_said)
        return tenancy_refuse(exchange, "users of this service may be of several tenants, so that "
                                        "user-online and user-offline are not theirs alone: ask "
                                        "for connect and disconnect, or set "
                                        "services[].users.unique to tenant");
    *kinds &= ~PRESENCE_OF_USERS;
    return true;
}

void api_handle_presence(struct api_exchange *exchange)
{
    const char *events = h2_form_get(&exchange->query, "events");
    struct presence_wish wish = {
        .last_id = last_id_of(exchange),
        .is_with_snapshot = is_true(h2_form_get(&exchange->query, "snapshot")),
    };
    struct word unknown;

    if (!presence_kinds_parse(events ? events : "", &wish.kinds, &unknown)) {
        api_reply_error(exchange, 422,
                        "events: \"%.*s\" is no presence event; there are " PRESENCE_KIND_LIST,
                        unknown.length < 64 ? (int)unknown.length : 64, unknown.text);
        return;
    }
    if (!narrow(exchange, events && *events != '\0', &wish.kinds))
        return;
    if (exchange->api->is_drained) {
        api_reply_error(exchange, 503, "the server stops; connect again, to another one");
        return;
    }
    if (strcmp(exchange->request->method, "HEAD") == 0)
        presence_watch_show(exchange);
    else
        presence_watch_start(exchange, &wish);
}
