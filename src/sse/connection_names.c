/* SPDX-License-Identifier: Apache-2.0 */
/* What a connection listens to, its channels, and which targets select it: the part of
 * sse/connection.h about names. */
#include <string.h>

#include "sse/connection.h"
#include "sse/event.h"
#include "sse/names.h"
#include "sse/service.h"
#include "sse/user.h"

static void tell(struct sse_connection *connection, enum sse_group_kind kind, const char *name,
                 bool after)
{
    list_for_each_safe(node, next, &connection->home->observers) {
        struct sse_observer *observer = container_of(node, struct sse_observer, node);
        void (*on_name)(struct sse_observer * observer, struct sse_connection * connection,
                        const char *name, bool after) =
            kind == SSE_GROUP_LISTENER ? observer->on_listening : observer->on_channel;

        if (on_name)
            on_name(observer, connection, name, after);
    }
}

/* Whether that was news: a name beyond the limit, or none at all, is not. */
static bool add(struct sse_connection *connection, enum sse_group_kind kind, const char *name)
{
    const struct sse_service_settings *settings = connection->service->settings;
    const bool is_event = kind == SSE_GROUP_LISTENER;
    const uint32_t most = is_event ? settings->listeners : settings->channels_per_connection;

    return sse_registry_name_count(connection, kind) < most &&
           (is_event ? sse_event_is_name(name) : sse_channel_is_name(name)) &&
           sse_registry_join(connection->service->registry, connection, kind, name);
}

void sse_connection_set_names(struct sse_connection *connection, enum sse_group_kind kind,
                              const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)add(connection, kind, names[i]);
}

void sse_connection_add_names(struct sse_connection *connection, enum sse_group_kind kind,
                              const char *const *names, size_t count)
{
    /* An observer may close the connection. */
    for (size_t i = 0; i < count && connection->service; i++) {
        if (add(connection, kind, names[i]))
            tell(connection, kind, names[i], true);
    }
}

void sse_connection_remove_names(struct sse_connection *connection, enum sse_group_kind kind,
                                 const char *const *names, size_t count)
{
    for (size_t i = 0; i < count && connection->service; i++) {
        if (sse_registry_leave(connection->service->registry, connection, kind, names[i]))
            tell(connection, kind, names[i], false);
    }
}

json_t *sse_connection_names(const struct sse_connection *connection, enum sse_group_kind kind)
{
    const size_t count = sse_registry_name_count(connection, kind);
    json_t *names = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(names, json_string(sse_registry_name(connection, kind, i)));
    return names;
}

bool sse_connection_has_name(const struct sse_connection *connection, enum sse_group_kind kind,
                             const char *name)
{
    const size_t count = sse_registry_name_count(connection, kind);

    for (size_t i = 0; i < count; i++) {
        if (strcmp(sse_registry_name(connection, kind, i), name) == 0)
            return true;
    }
    return false;
}

bool sse_connection_is_selected(const struct sse_connection *connection,
                                const struct sse_target *target)
{
    const struct sse_subject subject = {.user = connection->user,
                                        .connection_id = connection->handle};

    if (target->listening &&
        !sse_connection_has_name(connection, SSE_GROUP_LISTENER, target->listening))
        return false;
    if (target->dimension != SSE_BY_CHANNEL)
        return sse_subject_is_selected(&subject, target);
    /* Its channels are in the registry, not in a list that a subject could lend. */
    for (size_t i = 0; i < target->count; i++) {
        if (sse_connection_has_name(connection, SSE_GROUP_CHANNEL, target->values[i]))
            return true;
    }
    return false;
}

const char *sse_connection_individual(const struct sse_connection *connection,
                                      const struct sse_target *target)
{
    switch (target->dimension) {
    case SSE_BY_USER:
        return sse_target_value_of(target, connection->user);
    case SSE_BY_TOKEN:
        return connection->user->access_token;
    case SSE_BY_CONNECTION:
        return connection->handle;
    default:
        return NULL;
    }
}
