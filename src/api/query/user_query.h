/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_USER_QUERY_H
#define API_USER_QUERY_H
/* The user that a query string names: by userId, and tenantId beside it. */
#include <stdbool.h>

struct api_exchange;

/* Lent from the exchange; NULL: not said. Where users are unique within their tenant the tenant is
 * always said, "" for users without one; elsewhere an empty text says nothing. */
struct user_query {
    const char *user_id, *tenant_id; /* without userId there is no tenant here */
};

/* False: it has answered with 422. */
bool user_query_read(struct user_query *query, struct api_exchange *exchange);

#endif
