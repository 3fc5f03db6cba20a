/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/filter.h"

#include <string.h>

#include "sse/connection.h"
#include "sse/user.h"

static bool is_same(const char *wanted, const char *value)
{
    return !wanted || strcmp(wanted, value) == 0;
}

static bool passes_user(const struct broker_filter *filter, const struct sse_user *user)
{
    const char *const *by = filter->by;

    return (!by[BROKER_BY_NAME] || strcasestr(user->name, by[BROKER_BY_NAME])) &&
           is_same(by[BROKER_BY_USER], user->id) &&
           is_same(by[BROKER_BY_TENANT], user->tenant_id) &&
           is_same(by[BROKER_BY_TOKEN], user->access_token);
}

static bool passes_id(const struct broker_filter *filter, const struct sse_connection *connection)
{
    const char *id = filter->by[BROKER_BY_ID];

    return !id || sse_connection_id_names(connection, id) ||
           (filter->is_of_users && strcmp(connection->user->id, id) == 0);
}

bool broker_filter_passes(const struct broker_filter *filter,
                          const struct sse_connection *connection)
{
    const char *const *by = filter->by;

    return passes_user(filter, connection->user) && passes_id(filter, connection) &&
           (!by[BROKER_BY_CHANNEL] ||
            sse_connection_has_channel(connection, by[BROKER_BY_CHANNEL])) &&
           (!by[BROKER_BY_LISTENER] ||
            sse_connection_is_listening(connection, by[BROKER_BY_LISTENER])) &&
           (!by[BROKER_BY_CLIENT] ||
            strcmp(by[BROKER_BY_CLIENT], sse_connection_info(connection).client_id) == 0);
}

bool broker_filter_passes_away(const struct broker_filter *filter, const struct sse_user *user)
{
    return passes_user(filter, user) && is_same(filter->by[BROKER_BY_ID], user->id) &&
           !filter->by[BROKER_BY_CHANNEL] && !filter->by[BROKER_BY_LISTENER] &&
           !filter->by[BROKER_BY_CLIENT];
}

const char *broker_filter_group(const struct broker_filter *filter, enum sse_group_kind *kind)
{
    static const struct {
        enum broker_filter_by by;
        enum sse_group_kind kind;
    } groups[] = {
        {BROKER_BY_USER_KEY, SSE_GROUP_USER},   {BROKER_BY_TOKEN, SSE_GROUP_TOKEN},
        {BROKER_BY_CHANNEL, SSE_GROUP_CHANNEL}, {BROKER_BY_LISTENER, SSE_GROUP_LISTENER},
        {BROKER_BY_TENANT, SSE_GROUP_TENANT},
    };

    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        const char *key = filter->by[groups[i].by];

        *kind = groups[i].kind;
        if (key && *key != '\0') /* "" is no group */
            return key;
    }
    return NULL;
}
