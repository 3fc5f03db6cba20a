/* SPDX-License-Identifier: Apache-2.0 */
#include "api/presence/presence_feed.h"

#include <stdlib.h>

#include "api/presence/presence_hub.h"
#include "api/worker.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "broker/presence_subject.h"

struct presence_news {
    struct presence_news *next;
    enum presence_kind kind;
    struct bytes *json;
    struct presence_subject about;
    char texts[];
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

void presence_feed_flush(struct presence_feed *feed)
{
    struct presence_hub *hub = feed->service->hub;
    struct presence_news *all = feed->first;

    loop_cancel(&feed->task);
    if (!all)
        return;
    feed->first = NULL;
    for (const struct presence_news *news = all; news; news = news->next)
        presence_hub_add(hub, news->kind, &news->about, news->json);
    presence_hub_wake(hub);
    free_all(all);
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

void presence_feed_add(struct presence_feed *feed, enum presence_kind kind,
                       const struct presence_subject *about, struct bytes *json)
{
    struct presence_news *news = mem_zalloc(sizeof(*news) + presence_subject_size(about));

    news->kind = kind;
    news->json = json;
    news->about = presence_subject_copy(about, news->texts);
    if (feed->first)
        feed->last->next = news;
    else
        feed->first = news;
    feed->last = news;
    loop_defer(feed->service->api->loop, &feed->task);
}
