/* SPDX-License-Identifier: Apache-2.0 */
#include "api/presence/presence_feed.h"

#include <stdlib.h>
#include <string.h>

#include "api/hub.h"
#include "api/presence/presence_hub.h"
#include "api/worker.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "cluster/peers.h"

struct presence_news {
    struct presence_news *next;
    enum presence_kind kind;
    struct bytes *json;
    char user_id[];
};

/* Goes to the hub. */
struct batch {
    struct peers_call call;
    size_t service;
    struct presence_news *news;
};

static void free_all(struct presence_news *news)
{
    while (news) {
        struct presence_news *next = news->next;

        bytes_unref(news->json);
        free(news);
        news = next;
    }
}

static void run_batch(struct peers_call *call, size_t worker, void *context)
{
    struct batch *batch = container_of(call, struct batch, call);
    const struct api *api = context;
    struct presence_hub *hub = api->services[batch->service].hub;

    (void)worker;
    for (const struct presence_news *news = batch->news; news; news = news->next)
        presence_hub_add(hub, news->kind, news->user_id, news->json);
    presence_hub_wake(hub);
    peers_call_done(call);
}

static void finish_batch(struct peers_call *call, void *context)
{
    struct batch *batch = container_of(call, struct batch, call);

    (void)context;
    free_all(batch->news);
    free(batch);
}

void presence_feed_flush(struct presence_feed *feed)
{
    const struct api *api = feed->service->api;
    struct batch *batch;

    loop_cancel(&feed->task);
    if (!feed->first)
        return;
    batch = mem_zalloc(sizeof(*batch));
    batch->call.run = run_batch;
    batch->call.finish = finish_batch;
    batch->service = feed->service->index;
    batch->news = feed->first;
    feed->first = NULL;
    peers_call_one(api->peers, api->worker, hub_worker(feed->service), &batch->call);
}

static void on_turn_end(struct loop_task *task)
{
    presence_feed_flush(container_of(task, struct presence_feed, task));
}

void presence_feed_init(struct presence_feed *feed, struct api_service *service, bool is_recording)
{
    *feed = (struct presence_feed){.service = service, .is_recording = is_recording};
    feed->task.run = on_turn_end;
}

void presence_feed_release(struct presence_feed *feed)
{
    loop_cancel(&feed->task);
    free_all(feed->first);
    feed->first = NULL;
}

void presence_feed_add(struct presence_feed *feed, enum presence_kind kind, const char *user_id,
                       struct bytes *json)
{
    const size_t size = strlen(user_id) + 1;
    struct presence_news *news = mem_zalloc(sizeof(*news) + size);

    news->kind = kind;
    news->json = json;
    memcpy(news->user_id, user_id, size);
    if (feed->first)
        feed->last->next = news;
    else
        feed->first = news;
    feed->last = news;
    loop_defer(feed->service->api->loop, &feed->task);
}
