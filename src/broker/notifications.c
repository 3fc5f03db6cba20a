/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/notifications.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/presence_event.h"
#include "broker/service.h"
#include "outbound/posts.h"
#include "sse/service.h"

struct notifications {
    struct broker_service *service;
    struct posts *posts;
    bool is_abandoned;
};

/* A reference. Whether it may have a token is for the settings of now to say. */
static struct bytes *text_of(void *context, const struct bytes *json)
{
    const struct notifications *notifications = context;
    struct buf text = BUF_INIT;

    presence_text_append_told(&text, json,
                              notifications->service->settings.notifications.has_token);
    return buf_freeze(&text);
}

bool notifications_are_wanted(const struct notification_settings *settings)
{
    return settings->url && settings->url[0] != '\0';
}

static bool are_wanted(const struct broker_service *service)
{
    return notifications_are_wanted(&service->settings.notifications);
}

static struct posts_settings posts_of(struct notifications *notifications)
{
    const struct broker_settings *settings = &notifications->service->settings;

    return (struct posts_settings){
        .webhook = {.url = settings->notifications.url,
                    .secret = settings->webhook_secret,
                    .time_limit_ms = settings->notifications.timeout_ms},
        .queue = settings->notifications.queue,
        .purpose = OUTBOUND_NOTIFICATION,
        .service = notifications->service->core->settings->name,
        .text = text_of,
        .context = notifications,
    };
}

static void on_event(void *context, enum presence_kind kind, const char *user_key, const char *id,
                     struct bytes *json)
{
    const struct notifications *notifications = context;

    if ((notifications->service->settings.notifications.kinds & PRESENCE_BIT(kind)) &&
        presence_text_is_told(json))
        posts_add(notifications->posts, user_key, id, presence_text_traceparent(json), json);
}

void notifications_open(struct broker_service *service)
{
    struct notifications *notifications;
    struct posts_settings posts;

    if (!are_wanted(service) || broker_service_owner(service) != broker_worker(service->broker))
        return;
    notifications = mem_zalloc(sizeof(*notifications));
    notifications->service = service;
    posts = posts_of(notifications);
    notifications->posts = posts_new(service->core->loop, service->outbound, &posts);
    service->notifications = notifications;
    service->presence_log.listener = (struct presence_log_listener){on_event, notifications};
}

void notifications_close(struct broker_service *service)
{
    struct notifications *notifications = service->notifications;

    if (!notifications)
        return;
    service->presence_log.listener = (struct presence_log_listener){NULL, NULL};
    service->notifications = NULL;
    posts_free(notifications->posts);
    free(notifications);
}

static void tell_loss(const struct notifications *notifications, const char *message)
{
    const size_t left = post_queue_count(posts_queue(notifications->posts));

    if (left > 0)
        log_warn(message, LOG_STR("service", notifications->service->core->settings->name),
                 LOG_INT("count", left));
}

void notifications_change(struct broker_service *service)
{
    struct posts_settings posts;

    if (!service->notifications) {
        notifications_open(service);
    } else if (are_wanted(service)) {
        posts = posts_of(service->notifications);
        posts_change(service->notifications->posts, &posts);
    } else {
        tell_loss(service->notifications, "notifications are lost: none are configured any more");
        notifications_close(service);
    }
}

void notifications_hurry(const struct broker_service *service)
{
    if (service->notifications)
        post_queue_hurry(posts_queue(service->notifications->posts));
}

void notifications_abandon(const struct broker_service *service)
{
    struct notifications *notifications = service->notifications;

    if (!notifications || notifications->is_abandoned)
        return;
    notifications->is_abandoned = true;
    tell_loss(notifications, "notifications are lost: the server stops");
}

bool notifications_are_settled(const struct broker_service *service)
{
    const struct notifications *notifications = service->notifications;

    return !notifications || notifications->is_abandoned ||
           (service->closed_shards == broker_workers(service->broker) &&
            post_queue_count(posts_queue(notifications->posts)) == 0);
}

const struct post_queue *notifications_queue(const struct notifications *notifications)
{
    return posts_queue(notifications->posts);
}
