/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_FILTER_H
#define BROKER_FILTER_H
/* Which connections, or users, a query is about: what is said of them holds together. */
#include <stdbool.h>

#include "sse/registry.h"

struct sse_connection;
struct sse_user;

enum broker_filter_by {
    BROKER_BY_NAME, /* a part of it, in any case */
    BROKER_BY_TOKEN,
    BROKER_BY_USER_KEY, /* their group */
    BROKER_BY_USER,     /* the id */
    BROKER_BY_TENANT,
    BROKER_BY_CHANNEL,
    BROKER_BY_LISTENER,
    BROKER_BY_CLIENT,
    BROKER_BY_ID, /* of a connection, */
    BROKER_FILTERS
};

struct broker_filter {
    const char *by[BROKER_FILTERS]; /* NULL: any */
    bool is_of_users;               /* the id may be a user's, too */
};

bool broker_filter_passes(const struct broker_filter *filter,
                          const struct sse_connection *connection);
/* A user without connections. */
bool broker_filter_passes_away(const struct broker_filter *filter, const struct sse_user *user);

/* The smallest group that has all who pass: its key, borrowed; NULL: nobody knows one. */
const char *broker_filter_group(const struct broker_filter *filter, enum sse_group_kind *kind);

#endif
