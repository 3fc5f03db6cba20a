/* SPDX-License-Identifier: Apache-2.0 */
/* What a connection listens to: the part of sse/connection.h about listeners. */
#include <string.h>

#include "sse/connection.h"
#include "sse/event.h"
#include "sse/registry.h"
#include "sse/service.h"

static void tell_listening(struct sse_connection *connection, const char *event, bool after)
{
    list_for_each_safe(node, next, &connection->home->observers) {
        struct sse_observer *observer = container_of(node, struct sse_observer, node);

        if (observer->on_listening)
            observer->on_listening(observer, connection, event, !after, after);
    }
}

static bool is_event_name(const char *name)
{
    return name[0] != '\0' && sse_event_check_field(name, strlen(name), SSE_EVENT_MAX_NAME) == 0;
}

/* Whether that was news: a name beyond the limit, or none at all, is not. */
static bool listen_to(struct sse_connection *connection, const char *name)
{
    const struct sse_service *service = connection->service;

    return sse_registry_listener_count(connection) < service->settings->listeners &&
           is_event_name(name) && sse_registry_listen(service->registry, connection, name);
}

void sse_connection_set_listeners(struct sse_connection *connection, const char *const *names,
                                  size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)listen_to(connection, names[i]);
}

void sse_connection_add_listeners(struct sse_connection *connection, const char *const *names,
                                  size_t count)
{
    /* An observer may close the connection. */
    for (size_t i = 0; i < count && connection->service; i++) {
        if (listen_to(connection, names[i]))
            tell_listening(connection, names[i], true);
    }
}

void sse_connection_remove_listeners(struct sse_connection *connection, const char *const *names,
                                     size_t count)
{
    for (size_t i = 0; i < count && connection->service; i++) {
        if (sse_registry_unlisten(connection->service->registry, connection, names[i]))
            tell_listening(connection, names[i], false);
    }
}

json_t *sse_connection_listeners(const struct sse_connection *connection)
{
    const size_t count = sse_registry_listener_count(connection);
    json_t *names = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(names, json_string(sse_registry_listener(connection, i)));
    return names;
}

bool sse_connection_is_listening(const struct sse_connection *connection, const char *event)
{
    const size_t count = sse_registry_listener_count(connection);

    for (size_t i = 0; i < count; i++) {
        if (strcmp(sse_registry_listener(connection, i), event) == 0)
            return true;
    }
    return false;
}
