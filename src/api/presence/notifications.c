/* SPDX-License-Identifier: Apache-2.0 */
#include "api/presence/notifications.h"

#include <stdlib.h>
#include <string.h>

#include "api/presence/notification_queue.h"
#include "api/worker.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/list.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "broker/broker.h"
#include "broker/presence_text.h"
#include "outbound/complaint.h"
#include "outbound/webhook.h"
#include "sse/service.h"

/* Whatever a target says beyond its status is not read, but a page of it is no fault. */
#define ANSWER_BYTES ((size_t)64 * 1024)

struct notifications {
    struct api_service *service;
    struct outbound_webhook webhook; /* its texts are those of the service's settings */
    struct notification_queue *queue;
    struct list deliveries; /* under way */
    bool is_abandoned;
};

struct delivery {
    struct list node;
    struct notifications *notifications;
    struct notification *notification;
    struct outbound_call *call;
};

static void on_answer(void *context, const struct outbound_answer *answer)
{
    struct delivery *delivery = context;
    struct notification_queue *queue = delivery->notifications->queue;
    struct notification *notification = delivery->notification;
    const struct notification_answer said = {
        .status = answer->error == 0 ? answer->status : 0,
        .retry_after_s = answer->retry_after_s,
    };

    if (said.status < 200 || said.status >= 300)
        outbound_complain(OUTBOUND_NOTIFICATION,
                          delivery->notifications->service->settings->core->name,
                          delivery->notifications->webhook.url, answer, NULL);
    list_remove(&delivery->node);
    free(delivery);
    notification_queue_answered(queue, notification, &said);
}

/* A reference. Whether it may have a token is for the settings of now to say. */
static struct bytes *text_for(const struct notifications *notifications,
                              const struct notification *notification)
{
    struct buf text = BUF_INIT;

    presence_text_append_told(&text, notification_json(notification),
                              notifications->service->settings->notifications.has_token);
    return buf_freeze(&text);
}

static bool send_one(void *context, struct notification *notification)
{
    struct notifications *notifications = context;
    struct delivery *delivery = mem_zalloc(sizeof(*delivery));
    const struct outbound_delivery post = {
        .json = text_for(notifications, notification),
        .id = notification_id(notification),
        .done = on_answer,
        .context = delivery,
    };

    delivery->notifications = notifications;
    delivery->notification = notification;
    delivery->call = outbound_webhook_post(notifications->service->api->outbound,
                                           &notifications->webhook, &post);
    bytes_unref(post.json);
    if (!delivery->call) {
        free(delivery);
        return false;
    }
    list_append(&notifications->deliveries, &delivery->node);
    return true;
}

static void on_lost(void *context, const struct notification *notification,
                    enum notification_loss loss, int status)
{
    static const char *const why[NOTIFICATION_LOSSES] = {
        [NOTIFICATION_DROPPED] = "too many wait",
        [NOTIFICATION_REFUSED] = "the target refuses it",
        [NOTIFICATION_GIVEN_UP] = "it failed for too long",
        [NOTIFICATION_LAST] = "it failed, and the server stops",
    };
    const struct notifications *notifications = context;

    log_abuse("a notification is lost",
              LOG_STR("service", notifications->service->settings->core->name),
              LOG_STR("id", notification_id(notification)), LOG_STR("reason", why[loss]),
              LOG_INT("status", status));
}

/* The queue goes with its notifications; deliveries hold on to them. */
static void cancel_all(struct notifications *notifications)
{
    list_for_each_safe(node, after, &notifications->deliveries) {
        struct delivery *delivery = container_of(node, struct delivery, node);

        outbound_call_cancel(delivery->call);
        list_remove(&delivery->node);
        free(delivery);
    }
}

bool notifications_are_wanted(const struct api_service *service)
{
    const char *url = service->settings->notifications.url;

    return url && url[0] != '\0';
}

static struct outbound_webhook webhook_of(const struct api_service *service)
{
    const struct api_notification_settings *settings = &service->settings->notifications;

    return (struct outbound_webhook){
        .url = settings->url,
        .secret = service->settings->webhook_secret,
        .time_limit_ms = settings->timeout_ms,
        .answer_bytes = ANSWER_BYTES,
    };
}

static void on_event(void *context, enum presence_kind kind, const char *user_key, const char *id,
                     struct bytes *json)
{
    const struct notifications *notifications = context;

    if ((notifications->service->settings->notifications.kinds & PRESENCE_BIT(kind)) &&
        presence_text_is_told(json))
        notification_queue_push(notifications->queue, user_key, id, json);
}

void notifications_open(struct api_service *service)
{
    const struct api_notification_settings *settings = &service->settings->notifications;
    struct notifications *notifications;
    struct notification_sender sender = {.send = send_one, .lost = on_lost};

    if (!notifications_are_wanted(service) ||
        broker_service_owner(&service->broker) != service->api->worker)
        return;
    notifications = mem_zalloc(sizeof(*notifications));
    notifications->service = service;
    notifications->webhook = webhook_of(service);
    list_init(&notifications->deliveries);
    sender.context = notifications;
    notifications->queue = notification_queue_new(service->api->loop, &settings->queue, &sender);
    service->notifications = notifications;
    service->broker.presence_log.listener = (struct presence_log_listener){on_event, notifications};
}

void notifications_close(struct api_service *service)
{
    struct notifications *notifications = service->notifications;

    if (!notifications)
        return;
    service->broker.presence_log.listener = (struct presence_log_listener){NULL, NULL};
    service->notifications = NULL;
    cancel_all(notifications);
    notification_queue_free(notifications->queue);
    free(notifications);
}

static void tell_loss(const struct notifications *notifications, const char *message)
{
    const size_t left = notification_queue_count(notifications->queue);

    if (left > 0)
        log_warn(message, LOG_STR("service", notifications->service->settings->core->name),
                 LOG_INT("count", left));
}

static void change(struct notifications *notifications)
{
    const struct api_service *service = notifications->service;
    const struct outbound_webhook before = notifications->webhook;
    const struct outbound_webhook *now = &notifications->webhook;
    bool is_other;

    notifications->webhook = webhook_of(service);
    is_other = strcmp(before.url, now->url) != 0 || strcmp(before.secret, now->secret) != 0;
    notification_queue_change(notifications->queue, &service->settings->notifications.queue,
                              is_other);
}

void notifications_change(struct api_service *service)
{
    if (!service->notifications) {
        notifications_open(service);
    } else if (notifications_are_wanted(service)) {
        change(service->notifications);
    } else {
        tell_loss(service->notifications, "notifications are lost: none are configured any more");
        notifications_close(service);
    }
}

void notifications_hurry(const struct api_service *service)
{
    if (service->notifications)
        notification_queue_hurry(service->notifications->queue);
}

void notifications_abandon(const struct api_service *service)
{
    struct notifications *notifications = service->notifications;

    if (!notifications || notifications->is_abandoned)
        return;
    notifications->is_abandoned = true;
    tell_loss(notifications, "notifications are lost: the server stops");
}

bool notifications_are_settled(const struct api_service *service)
{
    const struct notifications *notifications = service->notifications;

    return !notifications || notifications->is_abandoned ||
           (service->broker.farewells == broker_workers(service->api->broker) &&
            notification_queue_count(notifications->queue) == 0);
}

const struct notification_queue *notifications_queue(const struct notifications *notifications)
{
    return notifications->queue;
}
