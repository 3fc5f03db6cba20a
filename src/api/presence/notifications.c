/* SPDX-License-Identifier: Apache-2.0 */
#include "api/presence/notifications.h"

#include <stdlib.h>

#include "api/presence/notification_queue.h"
#include "api/worker.h"
#include "base/list.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "outbound/complaint.h"
#include "outbound/webhook.h"
#include "sse/service.h"

/* Whatever a target says beyond its status is not read, but a page of it is no fault. */
#define ANSWER_BYTES ((size_t)64 * 1024)

struct notifications {
    struct api_service *service;
    struct outbound_webhook webhook;
    struct notification_queue *queue;
    struct list deliveries; /* under way */
    struct loop_timer deadline;
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

static bool send_one(void *context, struct notification *notification)
{
    struct notifications *notifications = context;
    struct delivery *delivery = mem_zalloc(sizeof(*delivery));
    const struct outbound_delivery post = {
        .json = notification_json(notification),
        .id = notification_id(notification),
        .done = on_answer,
        .context = delivery,
    };

    delivery->notifications = notifications;
    delivery->notification = notification;
    delivery->call = outbound_webhook_post(notifications->service->api->outbound,
                                           &notifications->webhook, &post);
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

static void on_deadline(struct loop_timer *timer)
{
    struct notifications *notifications = container_of(timer, struct notifications, deadline);
    const size_t left = notification_queue_count(notifications->queue);

    notifications->is_abandoned = true;
    if (left > 0)
        log_warn("notifications are lost: the server stops",
                 LOG_STR("service", notifications->service->settings->core->name),
                 LOG_INT("count", left));
}

bool notifications_are_wanted(const struct api_service *service)
{
    const char *url = service->settings->notifications.url;

    return url && url[0] != '\0';
}

struct notifications *notifications_new(struct api_service *service)
{
    const struct api_notification_settings *settings = &service->settings->notifications;
    struct notifications *notifications;
    struct notification_sender sender = {.send = send_one, .lost = on_lost};

    if (!notifications_are_wanted(service))
        return NULL;
    notifications = mem_zalloc(sizeof(*notifications));
    notifications->service = service;
    notifications->webhook = (struct outbound_webhook){
        .url = settings->url,
        .secret = service->settings->webhook_secret,
        .time_limit_ms = settings->timeout_ms,
        .answer_bytes = ANSWER_BYTES,
    };
    notifications->deadline.on_fire = on_deadline;
    list_init(&notifications->deliveries);
    sender.context = notifications;
    notifications->queue = notification_queue_new(service->api->loop, &settings->queue, &sender);
    return notifications;
}

void notifications_free(struct notifications *notifications)
{
    if (!notifications)
        return;
    loop_timer_stop(&notifications->deadline);
    cancel_all(notifications);
    notification_queue_free(notifications->queue);
    free(notifications);
}

void notifications_add(struct notifications *notifications, enum presence_kind kind,
                       const char *user_id, const char *id, struct bytes *json)
{
    if (notifications->service->settings->notifications.kinds & PRESENCE_BIT(kind))
        notification_queue_push(notifications->queue, user_id, id, json);
}

void notifications_drain(struct notifications *notifications, uint32_t drain_ms)
{
    notification_queue_hurry(notifications->queue);
    loop_timer_start(notifications->service->api->loop, &notifications->deadline, drain_ms);
}

bool notifications_are_abandoned(const struct notifications *notifications)
{
    return notifications->is_abandoned;
}

bool notifications_are_empty(const struct notifications *notifications)
{
    return notification_queue_count(notifications->queue) == 0;
}

const struct notification_queue *notifications_queue(const struct notifications *notifications)
{
    return notifications->queue;
}
