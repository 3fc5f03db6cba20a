/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_CONNECTION_FILTER_H
#define API_CONNECTION_FILTER_H
/* Which connections, or users, a query is about: what its parameters say holds together. */
#include <stdbool.h>

#include "sse/registry.h"

struct api_exchange;
struct sse_connection;
struct sse_user;

/* The parameters, for the table of routes. */
#define CONNECTION_FILTER_PARAMETERS                                                               \
    "name, userId, accessToken, tenantId, channel, listening, clientId, id"

/* NULL or "": any. Lent from the exchange, but for what is owned. */
struct connection_filter {
    char *name, *token, *user_key; /* owned; a part of the name in any case; the user's group */
    const char *user_id, *tenant_id, *channel, *listening, *client_id;
    const char *id;   /* of a connection, */
    bool is_of_users; /* or of a user */
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

bool connection_filter_passes(const struct connection_filter *filter,
                              const struct sse_connection *connection);
/* A user without connections. */
bool connection_filter_passes_away(const struct connection_filter *filter,
                                   const struct sse_user *user);

/* The smallest group that has all who pass: its key, borrowed; NULL: nobody knows one. */
const char *connection_filter_group(const struct connection_filter *filter,
                                    enum sse_group_kind *kind);

#endif
