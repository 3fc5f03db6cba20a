/* SPDX-License-Identifier: Apache-2.0 */
#include "api/limit/client_limit.h"

#include <stdlib.h>
#include <string.h>

#include "api/limit/owner_news.h"
#include "api/worker.h"
#include "base/mem.h"
#include "cluster/peers.h"
#include "sse/clients.h"
#include "sse/connection.h"
#include "sse/registry.h"

/* Goes to the owner of the client's key. */
struct news {
    struct owner_news base;
    bool joins;
    int64_t order;
    char id[SSE_HANDLE_SIZE];
    char *key;
};

/* Goes to everyone: only one has the connection. */
struct eviction {
    struct peers_call call;
    size_t service;
    char id[SSE_HANDLE_SIZE];
};

static bool evict_here(const struct api *api, size_t service, const char *id)
{
    struct sse_connection *connection =
        sse_registry_find(api->services[service].core->registry, id);

    if (!connection)
        return false;
    /* reconnect 0: this page has a successor, and is to stay away. */
    sse_connection_close(connection, SSE_CLOSE_EVICTED, NULL, 0);
    return true;
}

static void run_eviction(struct peers_call *call, size_t worker, void *context)
{
    const struct eviction *eviction = container_of(call, struct eviction, call);

    (void)worker;
    (void)evict_here(context, eviction->service, eviction->id);
    peers_call_done(call);
}

static void finish_eviction(struct peers_call *call, void *context)
{
    (void)context;
    free(container_of(call, struct eviction, call));
}

static void evict(const struct api *api, size_t service, const char *id)
{
    struct eviction *eviction;

    if (evict_here(api, service, id) || peers_count(api->peers) == 1)
        return;
    eviction = mem_zalloc(sizeof(*eviction));
    eviction->call.run = run_eviction;
    eviction->call.finish = finish_eviction;
    eviction->service = service;
    memcpy(eviction->id, id, sizeof(eviction->id));
    peers_call_start(api->peers, api->worker, &eviction->call);
}

static void take_news(struct owner_news *base, struct api_service *service)
{
    const struct news *news = container_of(base, struct news, base);
    struct sse_clients *clients = service->limit.clients;
    char evicted[SSE_HANDLE_SIZE];

    if (!news->joins)
        sse_clients_leave(clients, news->key, news->id);
    else if (sse_clients_join(clients, news->key, news->id, news->order, evicted))
        evict(service->api, service->index, evicted);
}

static void release_news(struct owner_news *base)
{
    struct news *news = container_of(base, struct news, base);

    free(news->key);
    free(news);
}

static void tell(const struct client_limit *limit, const struct sse_connection *connection,
                 bool joins)
{
    struct sse_client_info info = sse_connection_info(connection);
    /* The origin is the one that the request was sent to: EventSource names no other. */
    char *key = sse_clients_key(info.client_id, connection->user, info.request_domain);
    struct news *news;

    if (!key)
        return;
    news = mem_zalloc(sizeof(*news));
    news->base.take = take_news;
    news->base.release = release_news;
    news->joins = joins;
    news->order = connection->create_time;
    memcpy(news->id, connection->handle, sizeof(news->id));
    news->key = key;
    owner_news_send(&news->base, limit->service, key);
}

static void on_connect(struct sse_observer *observer, struct sse_connection *connection)
{
    tell(container_of(observer, struct client_limit, observer), connection, true);
}

static void on_disconnect(struct sse_observer *observer, struct sse_connection *connection,
                          enum sse_close_reason reason, const char *text)
{
    (void)reason;
    (void)text;
    tell(container_of(observer, struct client_limit, observer), connection, false);
}

void client_limit_init(struct client_limit *limit, struct api_service *service)
{
    uint32_t most = service->settings->core->client_connections;

    *limit = (struct client_limit){.service = service, .clients = sse_clients_new(most)};
    if (most == 0)
        return;
    limit->observer.on_connect = on_connect;
    limit->observer.on_disconnect = on_disconnect;
    list_append(&service->core->observers, &limit->observer.node);
}

void client_limit_release(struct client_limit *limit)
{
    list_remove(&limit->observer.node);
    sse_clients_free(limit->clients);
    limit->clients = NULL;
}
