/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/subject.h"

#include <string.h>

#include "sse/connection.h"
#include "sse/registry.h"
#include "sse/target.h"
#include "sse/user.h"

/* "" is what a user has none of: nobody is selected by it. */
static bool has_value(const struct sse_target *target, const char *value)
{
    if (!value || value[0] == '\0')
        return false;
    for (size_t i = 0; i < target->count; i++) {
        if (strcmp(target->values[i], value) == 0)
            return true;
    }
    return false;
}

static const char *value_of_user(const struct sse_target *target, const struct sse_user *user)
{
    for (size_t i = 0; i < target->count; i++) {
        if (sse_user_is(user, target->values[i]))
            return target->values[i];
    }
    return NULL;
}

static bool has_channel(const struct sse_target *target, const struct sse_subject *subject)
{
    for (size_t i = 0; i < subject->channel_count; i++) {
        if (has_value(target, subject->channels[i]))
            return true;
    }
    return false;
}

bool sse_subject_is_selected(const struct sse_subject *subject, const struct sse_target *target)
{
    switch (target->dimension) {
    case SSE_BY_USER:
        return value_of_user(target, subject->user) != NULL;
    case SSE_BY_TOKEN:
        return has_value(target, subject->user->access_token);
    case SSE_BY_TENANT:
        return has_value(target, subject->user->tenant_id);
    case SSE_BY_CHANNEL:
        return has_channel(target, subject);
    case SSE_BY_CONNECTION:
        return has_value(target, subject->connection_id);
    case SSE_ALL:
        return true;
    case SSE_DIMENSIONS:
        break;
    }
    return false;
}

/* Its channels are in the registry, not in a list that a subject could lend. */
static bool is_in_channel(const struct sse_connection *connection, const struct sse_target *target)
{
    const size_t count = sse_registry_name_count(connection, SSE_GROUP_CHANNEL);

    for (size_t i = 0; i < count; i++) {
        if (has_value(target, sse_registry_name(connection, SSE_GROUP_CHANNEL, i)))
            return true;
    }
    return false;
}

bool sse_connection_is_selected(const struct sse_connection *connection,
                                const struct sse_target *target)
{
    const struct sse_subject subject = {.user = connection->user,
                                        .connection_id = connection->handle};

    if (target->listening && !sse_connection_is_listening(connection, target->listening))
        return false;
    if (target->dimension == SSE_BY_CHANNEL)
        return is_in_channel(connection, target);
    return sse_subject_is_selected(&subject, target);
}

const char *sse_connection_individual(const struct sse_connection *connection,
                                      const struct sse_target *target)
{
    switch (target->dimension) {
    case SSE_BY_USER:
        return value_of_user(target, connection->user);
    case SSE_BY_TOKEN:
        return connection->user->access_token;
    case SSE_BY_CONNECTION:
        return connection->handle;
    case SSE_BY_TENANT:
    case SSE_BY_CHANNEL:
    case SSE_ALL:
    case SSE_DIMENSIONS:
        break;
    }
    return NULL;
}
