/* SPDX-License-Identifier: Apache-2.0 */
/* What a connection listens to, and its channels: the part of sse/connection.h about names. */
#include <string.h>

#include "sse/channel_pattern.h"
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

    return sse_registry_name_count(connection, SSE_GROUP_LISTENER) < service->settings->listeners &&
           is_event_name(name) &&
           sse_registry_join(service->registry, connection, SSE_GROUP_LISTENER, name);
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
        if (sse_registry_leave(connection->service->registry, connection, SSE_GROUP_LISTENER,
                               names[i]))
            tell_listening(connection, names[i], false);
    }
}

static json_t *names_of(const struct sse_connection *connection, enum sse_group_kind kind)
{
    const size_t count = sse_registry_name_count(connection, kind);
    json_t *names = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(names, json_string(sse_registry_name(connection, kind, i)));
    return names;
}

static bool has_name(const struct sse_connection *connection, enum sse_group_kind kind,
                     const char *name)
{
    const size_t count = sse_registry_name_count(connection, kind);

    for (size_t i = 0; i < count; i++) {
        if (strcmp(sse_registry_name(connection, kind, i), name) == 0)
            return true;
    }
    return false;
}

json_t *sse_connection_listeners(const struct sse_connection *connection)
{
    return names_of(connection, SSE_GROUP_LISTENER);
}

bool sse_connection_is_listening(const struct sse_connection *connection, const char *event)
{
    return has_name(connection, SSE_GROUP_LISTENER, event);
}

static void tell_channel(struct sse_connection *connection, const char *channel, bool after)
{
    list_for_each_safe(node, next, &connection->home->observers) {
        struct sse_observer *observer = container_of(node, struct sse_observer, node);

        if (observer->on_channel)
            observer->on_channel(observer, connection, channel, after);
    }
}

/* Whether that was news, as with listeners. */
static bool join(struct sse_connection *connection, const char *channel)
{
    const struct sse_service *service = connection->service;

    return sse_registry_name_count(connection, SSE_GROUP_CHANNEL) <
               service->settings->channels_per_connection &&
           sse_channel_is_name(channel) &&
           sse_registry_join(service->registry, connection, SSE_GROUP_CHANNEL, channel);
}

void sse_connection_set_channels(struct sse_connection *connection, const char *const *channels,
                                 size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)join(connection, channels[i]);
}

void sse_connection_subscribe(struct sse_connection *connection, const char *const *channels,
                              size_t count)
{
    for (size_t i = 0; connection->service && i < count; i++) {
        if (join(connection, channels[i]))
            tell_channel(connection, channels[i], true);
    }
}

void sse_connection_unsubscribe(struct sse_connection *connection, const char *const *channels,
                                size_t count)
{
    for (size_t i = 0; connection->service && i < count; i++) {
        if (sse_registry_leave(connection->service->registry, connection, SSE_GROUP_CHANNEL,
                               channels[i]))
            tell_channel(connection, channels[i], false);
    }
}

json_t *sse_connection_channels(const struct sse_connection *connection)
{
    return names_of(connection, SSE_GROUP_CHANNEL);
}

bool sse_connection_has_channel(const struct sse_connection *connection, const char *channel)
{
    return has_name(connection, SSE_GROUP_CHANNEL, channel);
}
