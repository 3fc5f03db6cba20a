/* SPDX-License-Identifier: Apache-2.0 */
#include "api/presence/online_users.h"

#include <stdlib.h>
#include <string.h>

#include "api/presence/presence_event.h"
#include "api/presence/presence_subject.h"
#include "api/worker.h"
#include "base/bytes.h"
#include "broker/broker.h"
#include "sse/connection.h"
#include "sse/presence.h"
#include "sse/user.h"
#include "sse/user_key.h"

void online_users_receive(struct online_users *online, const struct broker_presence *sign)
{
    const struct presence_subject whom = {sign->user_key, sign->tenant_id};
    struct sse_presence *presence = online->presence;

    if (sign->is_last_words) {
        held_events_replace(&online->held, sign->handle, bytes_ref(sign->event));
        return;
    }
    if (sign->event && sign->handle[0] != '\0')
        held_events_add(&online->held, sign->handle, &whom, bytes_ref(sign->event));
    else if (sign->event)
        presence_feed_add(&online->service->feed, (enum presence_kind)sign->kind, &whom,
                          bytes_ref(sign->event));
    if (sign->kind == PRESENCE_CONNECT)
        sse_presence_join(presence, sign->user_key, sign->about);
    else if (sign->kind == PRESENCE_DISCONNECT)
        sse_presence_leave(presence, sign->user_key, sign->about);
    if (sign->left)
        sse_presence_remember(presence, sign->left);
}

static struct broker_message *sign_new(const struct online_users *online, enum presence_kind kind,
                                       const struct sse_connection *connection)
{
    const struct sse_user *user = connection->user;
    struct broker_message *message =
        broker_message_new(BROKER_PRESENCE, online->service->index,
                           broker_text_size(user->key) + broker_text_size(user->tenant_id));
    struct broker_presence *sign = &message->presence;

    sign->kind = kind;
    sign->user_key = broker_message_text(message, user->key);
    sign->tenant_id = broker_message_text(message, user->tenant_id);
    if (online->service->feed.is_recording && kind != PRESENCE_LISTENING)
        sign->about = presence_event_about(online->service, connection);
    return message;
}

static void on_connect(struct sse_observer *observer, struct sse_connection *connection)
{
    const struct online_users *online = container_of(observer, struct online_users, observer);
    struct broker_message *sign = sign_new(online, PRESENCE_CONNECT, connection);

    if (online->service->feed.is_recording)
        sign->presence.event = presence_event_connect(online->service, connection);
    broker_tell_owner(&online->service->broker, sign);
}

/* Without a grace time nobody waits. */
static bool may_say_more(const struct online_users *online, const struct sse_connection *connection,
                         enum sse_close_reason reason)
{
    return reason == SSE_CLOSE_GONE && connection->is_remembered &&
           connection->home->settings->offline_grace_ms > 0 &&
           !api_is_draining(online->service->api);
}

static void on_disconnect(struct sse_observer *observer, struct sse_connection *connection,
                          enum sse_close_reason reason, const char *text)
{
    const struct online_users *online = container_of(observer, struct online_users, observer);
    struct broker_message *sign = sign_new(online, PRESENCE_DISCONNECT, connection);

    if (online->service->feed.is_recording)
        sign->presence.event = presence_event_disconnect(online->service, connection, reason, text);
    if (connection->home->settings->offline_grace_ms > 0)
        sign->presence.left = sse_user_copy(connection->user);
    if (may_say_more(online, connection, reason))
        memcpy(sign->presence.handle, connection->handle, sizeof(sign->presence.handle));
    broker_tell_owner(&online->service->broker, sign);
}

static void on_last_words(struct sse_observer *observer, struct sse_connection *connection,
                          const char *text)
{
    const struct online_users *online = container_of(observer, struct online_users, observer);
    struct broker_message *sign;

    if (!online->service->feed.is_recording)
        return;
    sign = sign_new(online, PRESENCE_DISCONNECT, connection);
    sign->presence.event =
        presence_event_disconnect(online->service, connection, SSE_CLOSE_CLIENT, text);
    sign->presence.is_last_words = true;
    memcpy(sign->presence.handle, connection->handle, sizeof(sign->presence.handle));
    broker_tell_owner(&online->service->broker, sign);
}

static void on_listening(struct sse_observer *observer, struct sse_connection *connection,
                         const char *event, bool before, bool after)
{
    const struct online_users *online = container_of(observer, struct online_users, observer);
    struct broker_message *sign;

    (void)before;
    if (!online->service->feed.is_recording)
        return;
    sign = sign_new(online, PRESENCE_LISTENING, connection);
    sign->presence.event = presence_event_listening(online->service, connection, event, after);
    broker_tell_owner(&online->service->broker, sign);
}

static void tell_user(const struct online_users *online, enum presence_kind kind,
                      const char *user_key, const struct bytes *about)
{
    struct presence_feed *feed = &online->service->feed;
    char *tenant_id;

    if (!feed->is_recording)
        return;
    tenant_id = sse_user_key_tenant(user_key);
    presence_feed_add(feed, kind, &(struct presence_subject){user_key, tenant_id ? tenant_id : ""},
                      presence_event_user(online->service, kind, user_key, about));
    free(tenant_id);
}

static void on_online(void *context, const char *user_key, struct bytes *about)
{
    struct online_users *online = context;

    online->came_online++;
    tell_user(online, PRESENCE_USER_ONLINE, user_key, about);
}

/* A server that stops closes all its connections; that is not their users leaving. */
static void on_offline(void *context, const char *user_key, struct bytes *about)
{
    struct online_users *online = context;

    online->went_offline++;
    held_events_tell_due(&online->held);
    if (!api_is_draining(online->service->api))
        tell_user(online, PRESENCE_USER_OFFLINE, user_key, about);
}

void online_users_init(struct online_users *online, struct api_service *service)
{
    const struct sse_presence_handler handler = {on_online, on_offline, online};

    *online = (struct online_users){.service = service};
    online->presence =
        sse_presence_new(service->api->loop, service->settings->core->offline_grace_ms, &handler);
    online->observer.on_connect = on_connect;
    online->observer.on_disconnect = on_disconnect;
    online->observer.on_listening = on_listening;
    online->observer.on_last_words = on_last_words;
    held_events_init(&online->held, service);
    list_append(&service->core->observers, &online->observer.node);
}

void online_users_release(struct online_users *online)
{
    list_remove(&online->observer.node);
    held_events_release(&online->held);
    sse_presence_free(online->presence);
    online->presence = NULL;
}
