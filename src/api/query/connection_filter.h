/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_CONNECTION_FILTER_H
#define API_CONNECTION_FILTER_H
/* Which connections, or users, a query is about, as its parameters say it. */
#include <stdbool.h>

#include "broker/filter.h"

struct api_exchange;

/* The parameters, for the table of routes. */
#define CONNECTION_FILTER_PARAMETERS                                                               \
    "name, userId, accessToken, tenantId, channel, listening, clientId, id"

struct connection_filter {
    struct broker_filter said;     /* lent from the exchange, but for these: */
    char *name, *token, *user_key; /* owned */
};

/* of_users: those are listed, and not their connections. False: it has answered 422. */
bool connection_filter_init(struct connection_filter *filter, struct api_exchange *exchange,
                            bool of_users);
/* The same as the Java system has it: for connections the first that is said of id, clientId and
 * name; for users the name. A back end's tenantId narrows it, and so does the tenant of a page's
 * user where users are unique within theirs. */
void connection_filter_init_java(struct connection_filter *filter,
                                 const struct api_exchange *exchange, bool of_users);
void connection_filter_release(struct connection_filter *filter);

#endif
