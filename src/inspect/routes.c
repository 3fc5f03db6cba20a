/* SPDX-License-Identifier: Apache-2.0 */
#include "inspect/routes.h"

#include "api/exchange.h"
#include "auth/auth.h"
#include "base/mem.h"
#include "h2/router.h"

/* clang-format off */
#define TRACE_PARAMETERS "userId, tenantId, id, event, channel, address, connection, clientId, kind, since, until, "
#define BACK_END(needed, of, handler, known)                                                          \
    &(const struct api_endpoint){.sides = API_BACK_ENDS_SIDE, .guard = API_BACK_END, .permission = (needed), .tenancy = TENANCY_##of, .handle = (handler), .parameters = (known)}
#define OPEN(handler)                                                                             \
    &(const struct api_endpoint){.sides = API_BACK_ENDS_SIDE, .guard = API_OPEN, .handle = (handler)}

static const struct h2_route service_routes[] = {
    {H2_GET, "/presence",       BACK_END(AUTH_MAY_PRESENCE, BY_HANDLER, inspect_handle_presence, "events, snapshot, lastEventId")},
    {H2_GET, "/trace",          BACK_END(AUTH_MAY_INSPECT, BY_HANDLER, inspect_handle_trace, TRACE_PARAMETERS "pageNum, pageSize, cluster, timeout")},
    {H2_GET, "/why",            BACK_END(AUTH_MAY_INSPECT, BY_QUERY, inspect_handle_why, "userId, tenantId, event, id, channel, cluster, timeout")},
};

static const struct h2_route server_routes[] = {
    {H2_GET, "/settings",       BACK_END(AUTH_MAY_METRICS, OF_PROCESS, inspect_handle_settings, NULL)},
    {H2_GET, "/access",         BACK_END(AUTH_MAY_ANY, BY_HANDLER, inspect_handle_access, NULL)},
    {H2_GET, "/certificates",   BACK_END(AUTH_MAY_METRICS, OF_PROCESS, inspect_handle_certificates, NULL)},
    {H2_GET, "/console",        OPEN(inspect_handle_console)},
    {H2_GET, "/console/{path}", OPEN(inspect_handle_console)},
};
/* clang-format on */

const struct api_routes inspect_routes = {
    .of_service = service_routes,
    .service_count = COUNT(service_routes),
    .of_server = server_routes,
    .server_count = COUNT(server_routes),
};
