/* SPDX-License-Identifier: Apache-2.0 */
#include "outbound/posts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/table.h"

/* Whatever a target says beyond its status is not read, but a page of it is no fault. */
#define ANSWER_BYTES    ((size_t)64 * 1024)
#define FIRST_WAIT_MS   500u
#define LONGEST_WAIT_MS 60000u
#define MOST_DOUBLINGS  7u
/* With targets of their own: all tries within a minute. */
#define OWN_WAIT_MS 1000u

/* Those of one key. It is being sent to, or waits for its timer, or stands among the ready ones;
 * it ends with its last post. */
struct key_queue {
    struct table_node node;
    struct post_queue *owner;
    struct list posts; /* the oldest first */
    struct list ready;
    struct loop_timer timer;
    unsigned failures; /* of the first post */
    bool is_sending;
    char key[];
};

struct post_queue {
    struct post_queue_settings settings;
    struct post_sender sender;
    struct post_counters counters;
    struct loop *loop;
    struct table by_key;
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

static void pump(struct post_queue *queue);

static bool has_one_target(const struct post_queue *queue)
{
    return queue->settings.tries == 0;
}

static void on_pause_over(struct loop_timer *timer)
{
    pump(container_of(timer, struct post_queue, pause));
}

struct post_queue *post_queue_new(struct loop *loop, const struct post_queue_settings *settings,
                                  const struct post_sender *sender)
{
    struct post_queue *queue = mem_zalloc(sizeof(*queue));

    queue->settings = *settings;
    queue->sender = *sender;
    queue->loop = loop;
    queue->pause.on_fire = on_pause_over;
    table_init(&queue->by_key, TABLE_BY_TEXT(struct key_queue, node, key));
    list_init(&queue->all);
    list_init(&queue->ready);
    return queue;
}

static void make_ready(struct key_queue *waiting)
{
    loop_timer_stop(&waiting->timer);
    if (!list_is_linked(&waiting->ready))
        list_append(&waiting->owner->ready, &waiting->ready);
}

static void on_wait_over(struct loop_timer *timer)
{
    struct key_queue *waiting = container_of(timer, struct key_queue, timer);

    make_ready(waiting);
    pump(waiting->owner);
}

static struct key_queue *key_queue_new(struct post_queue *queue, const char *key)
{
    struct key_queue *waiting = table_new_item(&queue->by_key, key);

    waiting->owner = queue;
    waiting->timer.on_fire = on_wait_over;
    list_init(&waiting->posts);
    make_ready(waiting);
    return waiting;
}

static void key_queue_free(struct key_queue *waiting)
{
    loop_timer_stop(&waiting->timer);
    list_remove(&waiting->ready);
    table_remove(&waiting->owner->by_key, &waiting->node);
    free(waiting);
}

static struct post *first_of(const struct key_queue *waiting)
{
    return container_of(waiting->posts.next, struct post, in_key);
}

/* Its queue ends with it when it was the last one. */
static void post_free(struct post *post)
{
    struct key_queue *waiting = post->waiting;

    outbound_call_cancel(post->call);
    list_remove(&post->in_key);
    list_remove(&post->in_queue);
    waiting->owner->count--;
    waiting->owner->bytes -= post->json->length;
    bytes_unref(post->json);
    free(post);
    if (list_is_empty(&waiting->posts))
        key_queue_free(waiting);
}

void post_queue_free(struct post_queue *queue)
{
    if (!queue)
        return;
    list_for_each_safe(node, after, &queue->all)
        post_free(container_of(node, struct post, in_queue));
    loop_timer_stop(&queue->pause);
    table_release(&queue->by_key);
    free(queue);
}

static void lose(struct post *post, enum post_loss loss, int status)
{
    struct post_queue *queue = post->waiting->owner;

    queue->counters.lost[loss]++;
    queue->sender.lost(queue->sender.context, post, loss, status);
    post_free(post);
}

static bool is_being_sent(const struct post *post)
{
    return post->waiting->is_sending && first_of(post->waiting) == post;
}

static bool has_room(const struct post_queue *queue, size_t size)
{
    return queue->count < queue->settings.most && queue->bytes + size <= queue->settings.most_bytes;
}

/* The oldest go, but for those being sent. */
static void make_room(struct post_queue *queue, size_t size)
{
    list_for_each_safe(node, after, &queue->all) {
        struct post *oldest = container_of(node, struct post, in_queue);

        if (has_room(queue, size))
            return;
        if (!is_being_sent(oldest))
            lose(oldest, POST_DROPPED, 0);
    }
}

static void add(struct post_queue *queue, const char *key, struct post *post)
{
    struct key_queue *waiting = table_find(&queue->by_key, key);

    post->waiting = waiting ? waiting : key_queue_new(queue, key);
    list_append(&post->waiting->posts, &post->in_key);
    list_append(&queue->all, &post->in_queue);
    queue->count++;
    queue->bytes += post->json->length;
}

static const char *put_text(char **at, const char *text)
{
    const size_t size = strlen(text) + 1;
    const char *put = memcpy(*at, text, size);

    *at += size;
    return put;
}

void post_queue_push(struct post_queue *queue, const char *key, const char *id,
                     const struct post_target *target, struct bytes *json)
{
    struct post *post;
    char *at;

    if (has_one_target(queue))
        make_room(queue, json->length);
    else if (!has_room(queue, json->length)) {
        queue->counters.lost[POST_DROPPED]++;
        return;
    }
    post = mem_zalloc(sizeof(*post) + strlen(id) + strlen(target->url) +
                      strlen(target->traceparent) + 3);
    at = post->id;
    (void)put_text(&at, id);
    post->url = put_text(&at, target->url);
    post->traceparent = put_text(&at, target->traceparent);
    post->json = bytes_ref(json);
    post->added_at = loop_now_ms(queue->loop);
    add(queue, key, post);
    pump(queue);
}

/* While the target is not well, one at a time asks whether it is again. */
static size_t most_in_flight(const struct post_queue *queue)
{
    return queue->failures > 0 && !queue->is_hurrying ? 1 : queue->settings.in_flight;
}

static bool start(struct key_queue *waiting)
{
    struct post_queue *queue = waiting->owner;

    if (!queue->sender.send(queue->sender.context, first_of(waiting)))
        return false;
    list_remove(&waiting->ready);
    waiting->is_sending = true;
    queue->in_flight++;
    queue->counters.retried += waiting->failures > 0;
    return true;
}

static void pump(struct post_queue *queue)
{
    while (!list_is_empty(&queue->ready) && !loop_timer_is_active(&queue->pause) &&
           queue->in_flight < most_in_flight(queue)) {
        if (!start(container_of(queue->ready.next, struct key_queue, ready)))
            return;
    }
}

static enum verdict judge(const struct post_queue *queue, const struct post_answer *answer)
{
    const int status = answer->status;

    if (answer->is_forbidden)
        return REFUSED;
    if (status >= 200 && status < 300)
        return ACCEPTED;
    if (!has_one_target(queue))
        return AILING;
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
        return status >= 500 ? AILING : REFUSED;
    }
}

/* As long as the answer says, if that is of any use; else longer each time, and never the same for
 * two who failed together. */
static uint64_t wait_ms(const struct post_queue *queue, unsigned failures,
                        const struct post_answer *answer)
{
    const unsigned doublings = failures - 1 < MOST_DOUBLINGS ? failures - 1 : MOST_DOUBLINGS;
    const uint64_t retry_after_s = (uint64_t)answer->retry_after_s;
    uint64_t most = (uint64_t)FIRST_WAIT_MS << doublings;

    if (!has_one_target(queue))
        most = (uint64_t)OWN_WAIT_MS << (2 * doublings);
    else if (answer->retry_after_s > 0)
        return retry_after_s < queue->settings.retry_ms / 1000 ? retry_after_s * 1000
                                                               : queue->settings.retry_ms;
    if (most > LONGEST_WAIT_MS)
        most = LONGEST_WAIT_MS;
    return random_between(most / 2, most);
}

/* What else was under way when it failed says nothing new. */
static void pause_all(struct post_queue *queue, const struct post_answer *answer)
{
    if (queue->is_hurrying || loop_timer_is_active(&queue->pause))
        return;
    queue->failures++;
    loop_timer_start(queue->loop, &queue->pause, wait_ms(queue, queue->failures, answer));
}

static bool is_last_try(const struct post *post)
{
    const struct post_queue *queue = post->waiting->owner;

    if (queue->is_hurrying)
        return true;
    return has_one_target(queue)
               ? loop_now_ms(queue->loop) - post->added_at >= queue->settings.retry_ms
               : post->waiting->failures + 1 >= queue->settings.tries;
}

static void wait_or_give_up(struct post *post, const struct post_answer *answer)
{
    struct key_queue *waiting = post->waiting;
    struct post_queue *queue = waiting->owner;

    if (!is_last_try(post)) {
        waiting->failures++;
        loop_timer_start(queue->loop, &waiting->timer, wait_ms(queue, waiting->failures, answer));
        return;
    }
    waiting->failures = 0;
    make_ready(waiting);
    lose(post, queue->is_hurrying ? POST_LAST : POST_GIVEN_UP, answer->status);
}

static void settle(struct post *post, enum verdict verdict, int status)
{
    struct key_queue *waiting = post->waiting;

    waiting->failures = 0;
    make_ready(waiting);
    if (verdict == REFUSED) {
        lose(post, POST_REFUSED, status);
        return;
    }
    waiting->owner->counters.sent++;
    post_free(post);
}

void post_queue_answered(struct post *post, const struct post_answer *answer)
{
    struct post_queue *queue = post->waiting->owner;
    const enum verdict verdict = judge(queue, answer);

    post->call = NULL;
    post->waiting->is_sending = false;
    queue->in_flight--;
    queue->counters.failed += verdict != ACCEPTED;
    if (verdict == DOWN)
        pause_all(queue, answer);
    else
        queue->failures = 0;
    if (verdict == ACCEPTED || verdict == REFUSED)
        settle(post, verdict, answer->status);
    else
        wait_or_give_up(post, answer);
    pump(queue);
}

static void make_all_ready(struct post_queue *queue)
{
    loop_timer_stop(&queue->pause);
    list_for_each(node, &queue->all) {
        struct key_queue *waiting = container_of(node, struct post, in_queue)->waiting;

        if (!waiting->is_sending)
            make_ready(waiting);
    }
}

void post_queue_change(struct post_queue *queue, const struct post_queue_settings *settings,
                       bool is_other)
{
    queue->settings = *settings;
    if (is_other) {
        queue->failures = 0;
        make_all_ready(queue);
    }
    pump(queue);
}

void post_queue_hurry(struct post_queue *queue)
{
    queue->is_hurrying = true;
    make_all_ready(queue);
    pump(queue);
}

size_t post_queue_count(const struct post_queue *queue)
{
    return queue->count;
}

size_t post_queue_bytes(const struct post_queue *queue)
{
    return queue->bytes;
}

uint64_t post_queue_age_ms(const struct post_queue *queue)
{
    if (queue->count == 0)
        return 0;
    return loop_now_ms(queue->loop) -
           container_of(queue->all.next, struct post, in_queue)->added_at;
}

const struct post_counters *post_queue_counters(const struct post_queue *queue)
{
    return &queue->counters;
}

/* ---- what sends them ---- */

struct posts {
    struct posts_settings settings;
    struct outbound_http *http;
    struct post_queue *queue;
};

static void tell_refusal(const struct posts *posts, const char *reason)
{
    log_abuse("a receipt is not posted to where its sender wants it",
              LOG_STR("service", posts->settings.service), LOG_STR("reason", reason));
}

static void on_answer(void *context, const struct outbound_answer *answer)
{
    struct post *post = context;
    const struct posts *posts = post->waiting->owner->sender.context;
    const char *url = posts->settings.webhook.url;
    const struct post_answer said = {
        .status = answer->error == 0 ? answer->status : 0,
        .retry_after_s = answer->retry_after_s,
        .is_forbidden = answer->error == -EACCES,
    };

    if (said.is_forbidden)
        tell_refusal(posts, answer->reason);
    else if (said.status < 200 || said.status >= 300)
        outbound_complain(
            &(struct outbound_asker){posts->settings.purpose, posts->settings.service, NULL},
            url ? url : post->url, answer, NULL);
    post_queue_answered(post, &said);
}

static bool send_one(void *context, struct post *post)
{
    const struct posts *posts = context;
    const struct posts_settings *settings = &posts->settings;
    struct outbound_webhook webhook = settings->webhook;
    const struct outbound_delivery delivery = {
        .json =
            settings->text ? settings->text(settings->context, post->json) : bytes_ref(post->json),
        .id = post->id,
        .traceparent = *post->traceparent != '\0' ? post->traceparent : NULL,
        .done = on_answer,
        .context = post,
    };
    struct outbound_call *call;

    webhook.purpose = settings->purpose;
    webhook.answer_bytes = ANSWER_BYTES;
    if (!webhook.url)
        webhook.url = post->url;
    call = outbound_webhook_post(posts->http, &webhook, &delivery);
    bytes_unref(delivery.json);
    post->call = call;
    return call != NULL;
}

/* Receipts are counted: what becomes of their messages can be asked for at any time. */
static void on_lost(void *context, const struct post *post, enum post_loss loss, int status)
{
    static const char *const why[POST_LOSSES] = {
        [POST_DROPPED] = "too many wait",
        [POST_REFUSED] = "the target refuses it",
        [POST_GIVEN_UP] = "it failed for too long",
        [POST_LAST] = "it failed, and the server stops",
    };
    const struct posts *posts = context;

    if (posts->settings.purpose == OUTBOUND_NOTIFICATION)
        log_abuse("a notification is lost", LOG_STR("service", posts->settings.service),
                  LOG_STR("id", post->id), LOG_STR("reason", why[loss]), LOG_INT("status", status));
}

struct posts *posts_new(struct loop *loop, struct outbound_http *http,
                        const struct posts_settings *settings)
{
    struct posts *posts = mem_zalloc(sizeof(*posts));
    const struct post_sender sender = {send_one, on_lost, posts};

    posts->settings = *settings;
    posts->http = http;
    posts->queue = post_queue_new(loop, &settings->queue, &sender);
    return posts;
}

void posts_change(struct posts *posts, const struct posts_settings *settings)
{
    const struct outbound_webhook before = posts->settings.webhook;
    const struct outbound_webhook *now = &settings->webhook;
    const bool is_other =
        now->url && (strcmp(before.url, now->url) != 0 || strcmp(before.secret, now->secret) != 0);

    posts->settings = *settings;
    post_queue_change(posts->queue, &settings->queue, is_other);
}

void posts_free(struct posts *posts)
{
    if (!posts)
        return;
    post_queue_free(posts->queue);
    free(posts);
}

void posts_add(struct posts *posts, const char *key, const char *id, const char *traceparent,
               struct bytes *json)
{
    post_queue_push(posts->queue, key, id, &(struct post_target){"", traceparent}, json);
}

void posts_add_to(struct posts *posts, const struct post_target *target, const char *id,
                  struct bytes *json)
{
    post_queue_push(posts->queue, id, id, target, json);
}

void posts_refuse(struct posts *posts, const char *reason)
{
    posts->queue->counters.lost[POST_REFUSED]++;
    tell_refusal(posts, reason);
}

struct post_queue *posts_queue(const struct posts *posts)
{
    return posts->queue;
}
