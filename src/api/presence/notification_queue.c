/* SPDX-License-Identifier: Apache-2.0 */
#include "api/presence/notification_queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/list.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/table.h"

#define FIRST_WAIT_MS   500u
#define LONGEST_WAIT_MS 60000u
#define MOST_DOUBLINGS  7u

/* Those of one user. It is being sent to, or waits for its timer, or stands among the ready ones;
 * it ends with its last notification. */
struct lane {
    struct table_node node;
    struct notification_queue *queue;
    struct list notifications; /* the oldest first */
    struct list ready;
    struct loop_timer timer;
    unsigned failures; /* of the first notification */
    bool is_sending;
    char user_key[];
};

struct notification {
    struct list in_lane, in_queue;
    struct lane *lane;
    struct bytes *json;
    uint64_t added_at; /* loop ms */
    char id[];
};

struct notification_queue {
    struct notification_queue_settings settings;
    struct notification_sender sender;
    struct notification_counters counters;
    struct loop *loop;
    struct table lanes;
    struct list all; /* the oldest first */
    struct list ready;
    size_t count, bytes;
    size_t in_flight;
    struct loop_timer pause; /* runs while the target is left alone */
    unsigned failures;       /* of the target, in a row; 0: it is well */
    bool is_hurrying;
};

enum verdict {
    ACCEPTED,
    REFUSED,
    AILING, /* this one could not be taken now */
    DOWN    /* the target cannot take any now */
};

static void pump(struct notification_queue *queue);

static void on_pause_over(struct loop_timer *timer)
{
    pump(container_of(timer, struct notification_queue, pause));
}

struct notification_queue *
notification_queue_new(struct loop *loop, const struct notification_queue_settings *settings,
                       const struct notification_sender *sender)
{
    struct notification_queue *queue = mem_zalloc(sizeof(*queue));

    queue->settings = *settings;
    queue->sender = *sender;
    queue->loop = loop;
    queue->pause.on_fire = on_pause_over;
    table_init(&queue->lanes, TABLE_BY_TEXT(struct lane, node, user_key));
    list_init(&queue->all);
    list_init(&queue->ready);
    return queue;
}

static void make_ready(struct lane *lane)
{
    loop_timer_stop(&lane->timer);
    if (!list_is_linked(&lane->ready))
        list_append(&lane->queue->ready, &lane->ready);
}

static void on_wait_over(struct loop_timer *timer)
{
    struct lane *lane = container_of(timer, struct lane, timer);

    make_ready(lane);
    pump(lane->queue);
}

static struct lane *lane_new(struct notification_queue *queue, const char *user_key)
{
    struct lane *lane = table_new_item(&queue->lanes, user_key);

    lane->queue = queue;
    lane->timer.on_fire = on_wait_over;
    list_init(&lane->notifications);
    make_ready(lane);
    return lane;
}

static void lane_free(struct lane *lane)
{
    loop_timer_stop(&lane->timer);
    list_remove(&lane->ready);
    table_remove(&lane->queue->lanes, &lane->node);
    free(lane);
}

static struct notification *first_of(const struct lane *lane)
{
    return container_of(lane->notifications.next, struct notification, in_lane);
}

/* Its lane ends with it when it was the last one. */
static void notification_free(struct notification *notification)
{
    struct lane *lane = notification->lane;

    list_remove(&notification->in_lane);
    list_remove(&notification->in_queue);
    lane->queue->count--;
    lane->queue->bytes -= notification->json->length;
    bytes_unref(notification->json);
    free(notification);
    if (list_is_empty(&lane->notifications))
        lane_free(lane);
}

void notification_queue_free(struct notification_queue *queue)
{
    if (!queue)
        return;
    list_for_each_safe(node, after, &queue->all)
        notification_free(container_of(node, struct notification, in_queue));
    loop_timer_stop(&queue->pause);
    table_release(&queue->lanes);
    free(queue);
}

static void lose(struct notification *notification, enum notification_loss loss, int status)
{
    struct notification_queue *queue = notification->lane->queue;

    queue->counters.lost[loss]++;
    queue->sender.lost(queue->sender.context, notification, loss, status);
    notification_free(notification);
}

static bool is_being_sent(const struct notification *notification)
{
    return notification->lane->is_sending && first_of(notification->lane) == notification;
}

static bool has_room(const struct notification_queue *queue, size_t size)
{
    return queue->count < queue->settings.most && queue->bytes + size <= queue->settings.most_bytes;
}

/* The oldest go, but for those being sent. */
static void make_room(struct notification_queue *queue, size_t size)
{
    list_for_each_safe(node, after, &queue->all) {
        struct notification *oldest = container_of(node, struct notification, in_queue);

        if (has_room(queue, size))
            return;
        if (!is_being_sent(oldest))
            lose(oldest, NOTIFICATION_DROPPED, 0);
    }
}

void notification_queue_push(struct notification_queue *queue, const char *user_key, const char *id,
                             struct bytes *json)
{
    const size_t size = strlen(id) + 1;
    struct notification *notification;

    make_room(queue, json->length);
    notification = mem_zalloc(sizeof(*notification) + size);
    notification->lane = table_find(&queue->lanes, user_key);
    if (!notification->lane)
        notification->lane = lane_new(queue, user_key);
    notification->json = bytes_ref(json);
    notification->added_at = loop_now_ms(queue->loop);
    memcpy(notification->id, id, size);
    list_append(&notification->lane->notifications, &notification->in_lane);
    list_append(&queue->all, &notification->in_queue);
    queue->count++;
    queue->bytes += json->length;
    pump(queue);
}

/* While the target is not well, one at a time asks whether it is again. */
static size_t most_in_flight(const struct notification_queue *queue)
{
    return queue->failures > 0 && !queue->is_hurrying ? 1 : queue->settings.in_flight;
}

static bool start(struct lane *lane)
{
    struct notification_queue *queue = lane->queue;

    if (!queue->sender.send(queue->sender.context, first_of(lane)))
        return false;
    list_remove(&lane->ready);
    lane->is_sending = true;
    queue->in_flight++;
    queue->counters.retried += lane->failures > 0;
    return true;
}

static void pump(struct notification_queue *queue)
{
    while (!list_is_empty(&queue->ready) && !loop_timer_is_active(&queue->pause) &&
           queue->in_flight < most_in_flight(queue)) {
        if (!start(container_of(queue->ready.next, struct lane, ready)))
            return;
    }
}

static enum verdict judge(int status)
{
    switch (status) {
    case 0:
    case 401: /* our secret may be mended there or here; a new one may be on its way */
    case 407:
    case 429:
    case 502:
    case 503:
    case 504:
        return DOWN;
    case 408:
    case 425:
        return AILING;
    default:
        if (status >= 200 && status < 300)
            return ACCEPTED;
        return status >= 500 ? AILING : REFUSED;
    }
}

/* As long as the answer says, if that is of any use; else twice as long each time, and never the
 * same for two who failed together. */
static uint64_t wait_ms(const struct notification_queue *queue, unsigned failures,
                        const struct notification_answer *answer)
{
    const unsigned doublings = failures - 1 < MOST_DOUBLINGS ? failures - 1 : MOST_DOUBLINGS;
    uint64_t most = (uint64_t)FIRST_WAIT_MS << doublings;

    if (answer->retry_after_s > 0) {
        const uint64_t seconds = (uint64_t)answer->retry_after_s;

        return seconds < queue->settings.retry_ms / 1000 ? seconds * 1000
                                                         : queue->settings.retry_ms;
    }
    if (most > LONGEST_WAIT_MS)
        most = LONGEST_WAIT_MS;
    return random_between(most / 2, most);
}

/* What else was under way when it failed says nothing new. */
static void pause_all(struct notification_queue *queue, const struct notification_answer *answer)
{
    if (queue->is_hurrying || loop_timer_is_active(&queue->pause))
        return;
    queue->failures++;
    loop_timer_start(queue->loop, &queue->pause, wait_ms(queue, queue->failures, answer));
}

static void wait_or_give_up(struct notification *notification,
                            const struct notification_answer *answer)
{
    struct lane *lane = notification->lane;
    struct notification_queue *queue = lane->queue;
    const uint64_t age = loop_now_ms(queue->loop) - notification->added_at;

    if (!queue->is_hurrying && age < queue->settings.retry_ms) {
        lane->failures++;
        loop_timer_start(queue->loop, &lane->timer, wait_ms(queue, lane->failures, answer));
        return;
    }
    lane->failures = 0;
    make_ready(lane);
    lose(notification, queue->is_hurrying ? NOTIFICATION_LAST : NOTIFICATION_GIVEN_UP,
         answer->status);
}

static void settle(struct notification *notification, enum verdict verdict, int status)
{
    struct lane *lane = notification->lane;

    lane->failures = 0;
    make_ready(lane);
    if (verdict == REFUSED) {
        lose(notification, NOTIFICATION_REFUSED, status);
        return;
    }
    lane->queue->counters.sent++;
    notification_free(notification);
}

void notification_queue_answered(struct notification_queue *queue,
                                 struct notification *notification,
                                 const struct notification_answer *answer)
{
    const enum verdict verdict = judge(answer->status);

    notification->lane->is_sending = false;
    queue->in_flight--;
    queue->counters.failed += verdict != ACCEPTED;
    if (verdict == DOWN)
        pause_all(queue, answer);
    else
        queue->failures = 0;
    if (verdict == ACCEPTED || verdict == REFUSED)
        settle(notification, verdict, answer->status);
    else
        wait_or_give_up(notification, answer);
    pump(queue);
}

static void make_all_ready(struct notification_queue *queue)
{
    loop_timer_stop(&queue->pause);
    list_for_each(node, &queue->all) {
        struct lane *lane = container_of(node, struct notification, in_queue)->lane;

        if (!lane->is_sending)
            make_ready(lane);
    }
}

void notification_queue_change(struct notification_queue *queue,
                               const struct notification_queue_settings *settings, bool is_other)
{
    queue->settings = *settings;
    if (is_other) {
        queue->failures = 0;
        make_all_ready(queue);
    }
    pump(queue);
}

void notification_queue_hurry(struct notification_queue *queue)
{
    queue->is_hurrying = true;
    make_all_ready(queue);
    pump(queue);
}

const char *notification_id(const struct notification *notification)
{
    return notification->id;
}

struct bytes *notification_json(const struct notification *notification)
{
    return notification->json;
}

size_t notification_queue_count(const struct notification_queue *queue)
{
    return queue->count;
}

size_t notification_queue_bytes(const struct notification_queue *queue)
{
    return queue->bytes;
}

uint64_t notification_queue_age_ms(const struct notification_queue *queue)
{
    if (queue->count == 0)
        return 0;
    return loop_now_ms(queue->loop) -
           container_of(queue->all.next, struct notification, in_queue)->added_at;
}

const struct notification_counters *
notification_queue_counters(const struct notification_queue *queue)
{
    return &queue->counters;
}
