/* SPDX-License-Identifier: Apache-2.0 */
#include "api/backend/delivery.h"

#include <stdlib.h>

#include "api/exchange.h"
#include "auth/auth.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "sse/dispatch.h"
#include "sse/event.h"
#include "sse/service.h"

/* One worker's share. Only that worker touches it while the call is under way. */
struct delivery_part {
    struct delivery *delivery;
    size_t open; /* jobs that are not done yet, and one while they are being submitted */
    struct delivery_job *jobs;
};

struct delivery_job {
    struct sse_dispatch_job job;
    struct delivery_part *part;
};

/* One block: the delivery, its items, and per worker a part and a job for each item. */
struct delivery *delivery_new(struct api_exchange *exchange, size_t count)
{
    size_t workers = peers_count(exchange->api->peers);
    size_t items_size = count * sizeof(struct delivery_item);
    size_t parts_size = workers * sizeof(struct delivery_part);
    struct delivery *delivery = mem_zalloc(sizeof(*delivery) + items_size + parts_size +
                                           workers * count * sizeof(struct delivery_job));
    struct delivery_job *jobs;

    delivery->exchange = api_exchange_ref(exchange);
    delivery->count = count;
    delivery->items = (struct delivery_item *)(delivery + 1);
    delivery->parts = (struct delivery_part *)(delivery->items + count);
    jobs = (struct delivery_job *)(delivery->parts + workers);
    for (size_t i = 0; i < count; i++)
        delivery->items[i].target.dimension = SSE_DIMENSIONS;
    for (size_t i = 0; i < workers; i++) {
        delivery->parts[i].delivery = delivery;
        delivery->parts[i].jobs = jobs + i * count;
    }
    return delivery;
}

void delivery_free(struct delivery *delivery)
{
    for (size_t i = 0; i < delivery->count; i++)
        sse_target_release(&delivery->items[i].target);
    json_decref(delivery->source);
    api_exchange_unref(delivery->exchange);
    free(delivery);
}

static void finish(struct delivery *delivery)
{
    size_t workers = peers_count(delivery->exchange->api->peers);

    for (size_t worker = 0; worker < workers; worker++) {
        for (size_t i = 0; i < delivery->count; i++)
            delivery->items[i].count += delivery->parts[worker].jobs[i].job.count;
    }
    delivery->done(delivery);
    delivery_free(delivery);
}

static void finish_call(struct peers_call *call, void *context)
{
    (void)context;
    finish(container_of(call, struct delivery, call));
}

/* A lone worker needs no call to know that all are done. */
static void part_unref(struct delivery_part *part)
{
    struct delivery *delivery = part->delivery;

    if (--part->open > 0)
        return;
    if (peers_count(delivery->call.peers) == 1)
        finish(delivery);
    else
        peers_call_done(&delivery->call);
}

static void on_job_done(struct sse_dispatch_job *job)
{
    struct delivery_part *part = container_of(job, struct delivery_job, job)->part;

    job->event = sse_event_unref(job->event);
    part_unref(part);
}

static void submit(struct delivery_part *part, size_t index, struct sse_dispatch *dispatch)
{
    const struct delivery_item *item = &part->delivery->items[index];
    struct delivery_job *job = &part->jobs[index];

    job->part = part;
    job->job.target = &item->target;
    if (item->wire)
        job->job.event = sse_event_new(item->event, bytes_ref(item->wire));
    job->job.reason = item->reason;
    job->job.text = item->text;
    job->job.reconnect_ms = item->reconnect_ms;
    job->job.on_done = on_job_done;
    part->open++;
    sse_dispatch_submit(dispatch, &job->job);
}

static void run_part(struct delivery_part *part, const struct api *api)
{
    struct delivery *delivery = part->delivery;
    const struct api_service *service = &api->services[delivery->exchange->service->index];

    part->open = 1;
    if (delivery->prepare)
        delivery->prepare(delivery, service);
    for (size_t i = 0; i < delivery->count; i++)
        submit(part, i, service->core->dispatch);
    part_unref(part);
}

static void run_call(struct peers_call *call, size_t worker, void *context)
{
    run_part(&container_of(call, struct delivery, call)->parts[worker], context);
}

/* Back ends know a token as it was shown; the registry, by the name that its user has. */
static void name_tokens(struct delivery *delivery)
{
    const struct auth_ops *ops = delivery->exchange->service->auth->ops;

    for (size_t i = 0; ops->name_token && i < delivery->count; i++) {
        const struct sse_target *target = &delivery->items[i].target;

        for (size_t j = 0; target->dimension == SSE_BY_TOKEN && j < target->count; j++)
            ops->name_token(target->values[j]);
    }
}

void delivery_start(struct delivery *delivery)
{
    struct api *api = delivery->exchange->api;

    name_tokens(delivery);
    delivery->call.peers = api->peers;
    if (peers_count(api->peers) == 1) {
        run_part(&delivery->parts[0], api);
        return;
    }
    delivery->call.run = run_call;
    delivery->call.finish = finish_call;
    peers_call_start(api->peers, api->worker, &delivery->call);
}
