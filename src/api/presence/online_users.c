/* SPDX-License-Identifier: Apache-2.0 */
#include "api/presence/online_users.h"

#include <stdlib.h>
#include <string.h>

#include "api/limit/owner_news.h"
#include "api/presence/presence_event.h"
#include "api/worker.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "sse/connection.h"
#include "sse/presence.h"
#include "sse/user.h"

/* Goes to the worker that keeps the user. */
struct sign {
    struct owner_news base;
    enum presence_kind kind;
    struct bytes *event;   /* for back ends; NULL: nobody wants to hear it */
    struct bytes *about;   /* the same, of the user */
    struct sse_user *left; /* whose connection has gone; NULL: none has, or nobody waits */
    /* Of the connection, where its page may still say why it left, or says so now; else "". */
    char handle[SSE_HANDLE_SIZE];
    bool is_last_words;
    char user_id[];
};

static void take(struct owner_news *base, struct api_service *service)
{
    const struct sign *sign = container_of(base, struct sign, base);
    struct sse_presence *presence = service->online.presence;

    if (sign->is_last_words) {
        held_events_replace(&service->online.held, sign->handle, bytes_ref(sign->event));
        return;
    }
    if (sign->event && sign->handle[0] != '\0')
        held_events_add(&service->online.held, sign->handle, sign->user_id, bytes_ref(sign->event));
    else if (sign->event)
        presence_feed_add(&service->feed, sign->kind, sign->user_id, bytes_ref(sign->event));
    if (sign->kind == PRESENCE_CONNECT)
        sse_presence_join(presence, sign->user_id, sign->about);
    else if (sign->kind == PRESENCE_DISCONNECT)
        sse_presence_leave(presence, sign->user_id, sign->about);
    if (sign->left)
        sse_presence_remember(presence, sign->left);
}

static void release(struct owner_news *base)
{
    struct sign *sign = container_of(base, struct sign, base);

    bytes_unref(sign->event);
    bytes_unref(sign->about);
    sse_user_unref(sign->left);
    free(sign);
}

static struct sign *sign_new(const struct online_users *online, enum presence_kind kind,
                             const struct sse_connection *connection)
{
    const char *user_id = connection->user->id;
    const size_t size = strlen(user_id) + 1;
    struct sign *sign = mem_zalloc(sizeof(*sign) + size);

    sign->base.take = take;
    sign->base.release = release;
    sign->kind = kind;
    if (online->service->feed.is_recording && kind != PRESENCE_LISTENING)
        sign->about = presence_event_about(connection);
    memcpy(sign->user_id, user_id, size);
    return sign;
}

static void tell(const struct online_users *online, struct sign *sign)
{
    owner_news_send(&sign->base, online->service, sign->user_id);
}

static void on_connect(struct sse_observer *observer, struct sse_connection *connection)
{
    const struct online_users *online = container_of(observer, struct online_users, observer);
    struct sign *sign = sign_new(online, PRESENCE_CONNECT, connection);

    if (online->service->feed.is_recording)
        sign->event = presence_event_connect(online->service, connection);
    tell(online, sign);
}

/* Without a grace time nobody waits. */
static bool may_say_more(const struct online_users *online, const struct sse_connection *connection,
                         enum sse_close_reason reason)
{
    return reason == SSE_CLOSE_GONE && connection->is_remembered &&
           connection->home->settings->offline_grace_ms > 0 && api_is_ready(online->service->api);
}

static void on_disconnect(struct sse_observer *observer, struct sse_connection *connection,
                          enum sse_close_reason reason, const char *text)
{
    const struct online_users *online = container_of(observer, struct online_users, observer);
    struct sign *sign = sign_new(online, PRESENCE_DISCONNECT, connection);

    if (online->service->feed.is_recording)
        sign->event = presence_event_disconnect(online->service, connection, reason, text);
    if (connection->home->settings->offline_grace_ms > 0)
        sign->left = sse_user_copy(connection->user);
    if (may_say_more(online, connection, reason))
        memcpy(sign->handle, connection->handle, sizeof(sign->handle));
    tell(online, sign);
}

static void on_last_words(struct sse_observer *observer, struct sse_connection *connection,
                          const char *text)
{
    const struct online_users *online = container_of(observer, struct online_users, observer);
    struct sign *sign;

    if (!online->service->feed.is_recording)
        return;
    sign = sign_new(online, PRESENCE_DISCONNECT, connection);
    sign->event = presence_event_disconnect(online->service, connection, SSE_CLOSE_CLIENT, text);
    sign->is_last_words = true;
    memcpy(sign->handle, connection->handle, sizeof(sign->handle));
    tell(online, sign);
}

static void on_listening(struct sse_observer *observer, struct sse_connection *connection,
                         const char *event, bool before, bool after)
{
    const struct online_users *online = container_of(observer, struct online_users, observer);
    struct sign *sign;

    (void)before;
    if (!online->service->feed.is_recording)
        return;
    sign = sign_new(online, PRESENCE_LISTENING, connection);
    sign->event = presence_event_listening(online->service, connection, event, after);
    tell(online, sign);
}

static void tell_user(const struct online_users *online, enum presence_kind kind,
                      const char *user_id, const struct bytes *about)
{
    struct presence_feed *feed = &online->service->feed;

    if (feed->is_recording)
        presence_feed_add(feed, kind, user_id,
                          presence_event_user(online->service, kind, user_id, about));
}

static void on_online(void *context, const char *user_id, struct bytes *about)
{
    struct online_users *online = context;

    online->came_online++;
    tell_user(online, PRESENCE_USER_ONLINE, user_id, about);
}

/* A server that stops closes all its connections; that is not their users leaving. */
static void on_offline(void *context, const char *user_id, struct bytes *about)
{
    struct online_users *online = context;

    online->went_offline++;
    held_events_tell_due(&online->held);
    if (api_is_ready(online->service->api))
        tell_user(online, PRESENCE_USER_OFFLINE, user_id, about);
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
