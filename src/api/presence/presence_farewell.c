/* SPDX-License-Identifier: Apache-2.0 */
#include "api/presence/presence_farewell.h"

#include <stdlib.h>

#include "api/hub.h"
#include "api/presence/presence_hub.h"
#include "api/worker.h"
#include "base/mem.h"
#include "cluster/peers.h"

/* Once to every worker, through which our events went to the hub, then to the hub itself. */
struct farewell {
    struct peers_call call;
    struct api_service *service; /* of the worker that says it */
    size_t index;
};

static void run_at_hub(struct peers_call *call, size_t worker, void *context)
{
    const struct farewell *farewell = container_of(call, struct farewell, call);
    const struct api *api = context;

    (void)worker;
    api->services[farewell->index].hub->farewells++;
    peers_call_done(call);
}

static void finish_at_hub(struct peers_call *call, void *context)
{
    (void)context;
    free(container_of(call, struct farewell, call));
}

static void run_everywhere(struct peers_call *call, size_t worker, void *context)
{
    const struct farewell *farewell = container_of(call, struct farewell, call);
    const struct api *api = context;

    struct api_service *service = &api->services[farewell->index];

    (void)worker;
    held_events_tell_all(&service->online.held);
    presence_feed_flush(&service->feed);
    peers_call_done(call);
}

static void finish_everywhere(struct peers_call *call, void *context)
{
    struct farewell *farewell = container_of(call, struct farewell, call);
    const struct api *api = context;

    farewell->call.run = run_at_hub;
    farewell->call.finish = finish_at_hub;
    peers_call_one(api->peers, api->worker, hub_worker(farewell->service), &farewell->call);
}

void presence_farewell_start(struct api_service *service)
{
    struct farewell *farewell = mem_zalloc(sizeof(*farewell));

    farewell->service = service;
    farewell->index = service->index;
    farewell->call.run = run_everywhere;
    farewell->call.finish = finish_everywhere;
    peers_call_start(service->api->peers, service->api->worker, &farewell->call);
}
