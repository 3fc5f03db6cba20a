/* SPDX-License-Identifier: Apache-2.0 */
#include "api/query/user_query.h"

#include <stddef.h>

#include "api/exchange.h"
#include "api/reply.h"
#include "sse/service.h"
#include "sse/user_key.h"

static bool is_said(const char *text)
{
    return text && text[0] != '\0';
}

static bool can_be(struct api_exchange *exchange, const char *name, const char *text)
{
    if (!text || sse_user_key_may_have(text))
        return true;
    api_reply_error(exchange, 422, "%s has a control character, which no user and no tenant has",
                    name);
    return false;
}

bool user_query_read(struct user_query *query, struct api_exchange *exchange)
{
    const bool is_of_tenant =
        exchange->service->settings->core->users_unique == SSE_UNIQUE_IN_TENANT;
    const char *tenant_id = h2_form_get(&exchange->query, "tenantId");

    *query = (struct user_query){.user_id = h2_form_get(&exchange->query, "userId")};
    if (!is_said(query->user_id)) {
        query->user_id = NULL;
        return true;
    }
    if (is_of_tenant || is_said(tenant_id))
        query->tenant_id = tenant_id;
    if (is_of_tenant && !tenant_id) {
        api_reply_error(exchange, 422,
                        "userId alone names nobody here, since users are unique within their "
                        "tenant (services[].users.unique); give tenantId beside it, empty for "
                        "users without one");
        return false;
    }
    return can_be(exchange, "userId", query->user_id) &&
           can_be(exchange, "tenantId", query->tenant_id);
}
