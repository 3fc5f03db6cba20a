/* SPDX-License-Identifier: Apache-2.0 */
#include "api/limit/owner_news.h"

#include "api/worker.h"

static void run(struct peers_call *call, size_t worker, void *context)
{
    struct owner_news *news = container_of(call, struct owner_news, call);
    struct api *api = context;

    (void)worker;
    news->take(news, &api->services[news->service]);
    peers_call_done(call);
}

static void finish(struct peers_call *call, void *context)
{
    struct owner_news *news = container_of(call, struct owner_news, call);

    (void)context;
    news->release(news);
}

void owner_news_send_to(struct owner_news *news, const struct api_service *from, size_t owner)
{
    struct api *api = from->api;

    news->service = from->index;
    if (owner == api->worker) {
        news->take(news, &api->services[news->service]);
        news->release(news);
        return;
    }
    news->call.run = run;
    news->call.finish = finish;
    peers_call_one(api->peers, api->worker, owner, &news->call);
}

void owner_news_send(struct owner_news *news, const struct api_service *from, const char *key)
{
    owner_news_send_to(news, from, peers_owner(from->api->peers, key));
}
