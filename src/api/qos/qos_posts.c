/* SPDX-License-Identifier: Apache-2.0 */
#include "api/qos/qos_posts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/list.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/random.h"
#include "outbound/complaint.h"
#include "outbound/webhook.h"
#include "sse/message.h"

/* Together within a minute. */
#define TRIES         3u
#define TIME_LIMIT_MS 10000u
#define FIRST_WAIT_MS 1000u
#define WAIT_FACTOR   4u

/* Addresses are the senders': one that does not answer takes no more places than these, of those
 * that the requests to other back ends need, too. */
#define IN_FLIGHT 8u
/* Whatever is said beyond the status is not read, but a page of it is no fault. */
#define ANSWER_BYTES ((size_t)64 * 1024)

struct post {
    struct list
        node; /* of those that are ready, or that rest: they wait for their timer or answer */
    struct qos_posts *posts;
    struct bytes *json;
    char id[SSE_MESSAGE_ID_SIZE]; /* the same for each try */
    unsigned tries;
    struct loop_timer timer;
    struct outbound_call *call; /* NULL: not under way */
    char url[];
};

struct qos_posts {
    struct qos_posts_settings settings;
    struct qos_posts_counters counters;
    struct list ready, resting;
    size_t count, in_flight;
    bool is_hurrying;
};

struct qos_posts *qos_posts_new(const struct qos_posts_settings *settings)
{
    struct qos_posts *posts = mem_zalloc(sizeof(*posts));

    posts->settings = *settings;
    list_init(&posts->ready);
    list_init(&posts->resting);
    return posts;
}

void qos_posts_change(struct qos_posts *posts, const struct qos_posts_settings *settings)
{
    posts->settings = *settings;
}

static void post_free(struct post *post)
{
    outbound_call_cancel(post->call);
    loop_timer_stop(&post->timer);
    list_remove(&post->node);
    post->posts->count--;
    bytes_unref(post->json);
    free(post);
}

static void free_all(struct list *list)
{
    list_for_each_safe(node, after, list)
        post_free(container_of(node, struct post, node));
}

void qos_posts_free(struct qos_posts *posts)
{
    if (!posts)
        return;
    free_all(&posts->ready);
    free_all(&posts->resting);
    free(posts);
}

static void pump(struct qos_posts *posts);

static void make_ready(struct post *post)
{
    loop_timer_stop(&post->timer);
    list_remove(&post->node);
    list_append(&post->posts->ready, &post->node);
}

static void on_wait_over(struct loop_timer *timer)
{
    struct post *post = container_of(timer, struct post, timer);

    make_ready(post);
    pump(post->posts);
}

static void settle(struct post *post, bool is_accepted)
{
    struct qos_posts *posts = post->posts;
    uint64_t wait_ms = FIRST_WAIT_MS;

    if (is_accepted || post->tries == TRIES || posts->is_hurrying) {
        posts->counters.sent += is_accepted ? 1 : 0;
        posts->counters.failed += is_accepted ? 0 : 1;
        post_free(post);
        return;
    }
    for (unsigned i = 1; i < post->tries; i++)
        wait_ms *= WAIT_FACTOR;
    loop_timer_start(posts->settings.loop, &post->timer, random_between(wait_ms / 2, wait_ms));
}

void qos_posts_refuse(struct qos_posts *posts, const char *reason)
{
    posts->counters.refused++;
    log_abuse("a receipt is not posted to where its sender wants it",
              LOG_STR("service", posts->settings.service), LOG_STR("reason", reason));
}

static void on_answer(void *context, const struct outbound_answer *answer)
{
    struct post *post = context;
    struct qos_posts *posts = post->posts;

    post->call = NULL;
    posts->in_flight--;
    if (answer->error == -EACCES) {
        qos_posts_refuse(posts, answer->reason);
        post_free(post);
    } else {
        bool is_accepted = answer->error == 0 && answer->status >= 200 && answer->status < 300;

        if (!is_accepted)
            outbound_complain(OUTBOUND_RECEIPT, posts->settings.service, post->url, answer, NULL);
        settle(post, is_accepted);
    }
    pump(posts);
}

static bool start(struct post *post)
{
    const struct qos_posts_settings *settings = &post->posts->settings;
    const struct outbound_webhook webhook = {
        .url = post->url,
        .secret = settings->secret,
        .time_limit_ms = TIME_LIMIT_MS,
        .answer_bytes = ANSWER_BYTES,
        .only_public = settings->only_public,
    };
    const struct outbound_delivery delivery = {
        .json = post->json, .id = post->id, .done = on_answer, .context = post};

    post->call = outbound_webhook_post(settings->http, &webhook, &delivery);
    return post->call != NULL;
}

static void pump(struct qos_posts *posts)
{
    while (!list_is_empty(&posts->ready) && posts->in_flight < IN_FLIGHT) {
        struct post *post = container_of(posts->ready.next, struct post, node);

        if (!start(post))
            return; /* the end of the server */
        list_remove(&post->node);
        list_append(&posts->resting, &post->node);
        post->tries++;
        posts->in_flight++;
    }
}

void qos_posts_add(struct qos_posts *posts, const char *url, struct bytes *json)
{
    const size_t size = strlen(url) + 1;
    struct post *post;

    if (posts->count >= posts->settings.most) {
        posts->counters.dropped++;
        return;
    }
    post = mem_zalloc(sizeof(*post) + size);
    post->posts = posts;
    post->json = bytes_ref(json);
    post->timer.on_fire = on_wait_over;
    sse_message_make_id(post->id, SSE_OWN_ID_MESSAGE);
    memcpy(post->url, url, size);
    list_append(&posts->ready, &post->node);
    posts->count++;
    pump(posts);
}

void qos_posts_hurry(struct qos_posts *posts)
{
    posts->is_hurrying = true;
    list_for_each_safe(node, after, &posts->resting) {
        struct post *post = container_of(node, struct post, node);

        if (!post->call)
            make_ready(post);
    }
    pump(posts);
}

size_t qos_posts_count(const struct qos_posts *posts)
{
    return posts->count;
}

const struct qos_posts_counters *qos_posts_counters(const struct qos_posts *posts)
{
    return &posts->counters;
}
