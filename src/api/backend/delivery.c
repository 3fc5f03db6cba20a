/* SPDX-License-Identifier: Apache-2.0 */
#include "api/backend/delivery.h"

#include <stdlib.h>
#include <string.h>

#include "api/backend/delivery_gate.h"
#include "api/exchange.h"
#include "api/hub.h"
#include "auth/auth.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "sse/dispatch.h"
#include "sse/event.h"
#include "sse/message.h"
#include "sse/service.h"

/* One worker's share. Only that worker touches it while the call is under way. */
struct delivery_part {
    struct delivery *delivery;
    const struct api *api; /* that worker's */
    size_t open;           /* jobs that are not done yet, and one while they are being submitted */
    struct delivery_job *jobs;
};

struct delivery_job {
    struct sse_dispatch_job job;
    struct delivery_part *part;
    const struct delivery_item *item;
    struct buf shown;    /* a line for each, */
    size_t shown_count;  /* at most DELIVERY_MOST_SHOWN, */
    size_t shown_before; /* and how long it was before the last */
};

static size_t worker_count(const struct delivery *delivery)
{
    return peers_count(delivery->service->api->peers);
}

/* One block: the delivery, its items, and per worker a part and a job for each item. */
struct delivery *delivery_new(struct api_service *service, struct api_exchange *exchange,
                              size_t count)
{
    size_t workers = peers_count(service->api->peers);
    size_t items_size = count * sizeof(struct delivery_item);
    size_t parts_size = workers * sizeof(struct delivery_part);
    struct delivery *delivery = mem_zalloc(sizeof(*delivery) + items_size + parts_size +
                                           workers * count * sizeof(struct delivery_job));
    struct delivery_job *jobs;

    delivery->service = service;
    delivery->exchange = exchange ? api_exchange_ref(exchange) : NULL;
    delivery->count = count;
    delivery->until = count;
    delivery->items = (struct delivery_item *)(delivery + 1);
    delivery->parts = (struct delivery_part *)(delivery->items + count);
    jobs = (struct delivery_job *)(delivery->parts + workers);
    for (size_t i = 0; i < count; i++) {
        delivery->items[i].target.dimension = SSE_DIMENSIONS;
        delivery->items[i].duration = delivery->items[i].session_duration = -1;
    }
    for (size_t i = 0; i < workers; i++) {
        delivery->parts[i].delivery = delivery;
        delivery->parts[i].jobs = jobs + i * count;
    }
    return delivery;
}

void delivery_free(struct delivery *delivery)
{
    for (size_t i = 0; i < delivery->count; i++) {
        sse_message_unref(delivery->items[i].message);
        sse_target_release(&delivery->items[i].target);
        free(delivery->items[i].reached);
        free(delivery->items[i].acknowledging);
        free(delivery->items[i].stored_as.json);
        buf_release(&delivery->items[i].shown);
    }
    json_decref(delivery->source);
    if (delivery->exchange)
        api_exchange_unref(delivery->exchange);
    free(delivery);
}

const struct sse_target *delivery_target(const struct delivery_item *item)
{
    return item->message ? &item->message->target : &item->target;
}

size_t delivery_values(const struct delivery_item *item)
{
    return sse_target_size(delivery_target(item));
}

static void come_home(struct delivery *delivery)
{
    delivery->done(delivery);
    delivery_free(delivery);
}

static void finish_errand(struct peers_call *call, void *context)
{
    (void)context;
    come_home(container_of(call, struct delivery, errand));
}

/* From the hub to whoever asked. */
void delivery_finish(struct delivery *delivery)
{
    if (delivery->errand.peers)
        peers_call_done(&delivery->errand);
    else
        come_home(delivery);
}

void delivery_fail(struct delivery *delivery, int status, size_t at)
{
    delivery->status = status;
    delivery->at = at;
    delivery_finish(delivery);
}

static void add_reached(struct delivery_item *item, struct sse_dispatch_job *job)
{
    const size_t values = delivery_values(item);

    if (!job->reached)
        return;
    if (!item->reached) {
        item->reached = mem_zalloc(values * sizeof(uint32_t));
        item->acknowledging = mem_zalloc(values * sizeof(uint32_t));
    }
    for (size_t i = 0; i < values; i++) {
        item->reached[i] += job->reached[i];
        item->acknowledging[i] += job->acknowledging[i];
    }
    free(job->reached);
    free(job->acknowledging);
}

/* Of the lines as many as there is room for. */
static void add_shown(struct delivery_item *item, struct delivery_job *job)
{
    const char *line = buf_str(&job->shown);

    for (; *line && item->shown_count < DELIVERY_MOST_SHOWN; item->shown_count++) {
        const size_t length = strcspn(line, "\n");

        if (item->shown_count > 0)
            buf_append_char(&item->shown, ',');
        buf_append(&item->shown, line, length);
        line += length + 1;
    }
    buf_release(&job->shown);
}

static void finish(struct delivery *delivery, struct api_service *service)
{
    const size_t workers = worker_count(delivery);

    for (size_t worker = 0; worker < workers; worker++) {
        for (size_t i = delivery->from; i < delivery->until; i++) {
            struct delivery_job *job = &delivery->parts[worker].jobs[i];

            delivery->items[i].count += job->job.count;
            add_reached(&delivery->items[i], &job->job);
            add_shown(&delivery->items[i], job);
        }
    }
    if (!delivery->end || delivery->end(delivery, service))
        delivery_finish(delivery);
}

static void finish_call(struct peers_call *call, void *context)
{
    struct delivery *delivery = container_of(call, struct delivery, call);
    const struct api *api = context;

    finish(delivery, &api->services[delivery->service->index]);
}

/* A lone worker needs no call to know that all are done. */
static void part_unref(struct delivery_part *part)
{
    struct delivery *delivery = part->delivery;

    if (--part->open > 0)
        return;
    if (worker_count(delivery) == 1)
        finish(delivery, delivery->service);
    else
        peers_call_done(&delivery->call);
}

static void on_job_done(struct sse_dispatch_job *job)
{
    struct delivery_part *part = container_of(job, struct delivery_job, job)->part;

    job->event = sse_event_unref(job->event);
    part_unref(part);
}

/* A message that sets one says it by itself (set_duration.c). */
static bool has_duration(const struct delivery_item *item)
{
    return !item->message && (item->duration >= 0 || item->session_duration >= 0);
}

static void set_duration(const struct delivery_item *item, struct sse_connection *connection)
{
    if (item->session_duration >= 0)
        connection->session_duration = item->session_duration;
    if (item->duration >= 0)
        connection->session_duration += item->duration;
}

static void show(struct delivery_job *job, const struct sse_connection *connection)
{
    json_t *shown = sse_connection_to_json(connection, job->part->api->server_id);
    char *text = json_dumps(shown, JSON_COMPACT);

    job->shown_before = job->shown.length;
    if (text) {
        buf_printf(&job->shown, "%s\n", text);
        job->shown_count++;
    }
    free(text);
    json_decref(shown);
}

static void on_visit(struct sse_dispatch_job *base, struct sse_connection *connection)
{
    struct delivery_job *job = container_of(base, struct delivery_job, job);

    if (connection && has_duration(job->item))
        set_duration(job->item, connection);
    if (!job->item->wants_shown)
        return;
    if (connection && job->shown_count < DELIVERY_MOST_SHOWN) {
        show(job, connection);
    } else if (!connection && job->shown.length > job->shown_before) {
        job->shown.length = job->shown_before; /* it got nothing */
        job->shown.data[job->shown.length] = '\0';
        job->shown_count--;
    }
}

static void prepare_event(struct sse_dispatch_job *job, struct sse_message *message)
{
    job->message = message;
    job->event = sse_event_new(message->event, bytes_ref(message->wire));
    job->event->is_kept = message->is_stored;
}

static void submit(struct delivery_part *part, size_t index, struct sse_dispatch *dispatch)
{
    const struct delivery_item *item = &part->delivery->items[index];
    struct delivery_job *job = &part->jobs[index];

    if (item->is_held)
        return;
    job->part = part;
    job->item = item;
    if (item->wants_shown || has_duration(item))
        job->job.on_visit = on_visit;
    job->job.target = delivery_target(item);
    if (item->message)
        prepare_event(&job->job, item->message);
    if (item->wants_reached) {
        job->job.reached = mem_zalloc(delivery_values(item) * sizeof(uint32_t));
        job->job.acknowledging = mem_zalloc(delivery_values(item) * sizeof(uint32_t));
    }
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
    const struct api_service *service = &api->services[delivery->service->index];

    part->api = api;
    part->open = 1;
    if (delivery->prepare)
        delivery->prepare(delivery, service);
    for (size_t i = delivery->from; i < delivery->until; i++)
        submit(part, i, service->core->dispatch);
    part_unref(part);
}

static void run_call(struct peers_call *call, size_t worker, void *context)
{
    run_part(&container_of(call, struct delivery, call)->parts[worker], context);
}

static void broadcast(struct delivery *delivery, struct api_service *service)
{
    struct api *api = service->api;

    if (peers_count(api->peers) == 1) {
        run_part(&delivery->parts[0], api);
        return;
    }
    delivery->call.run = run_call;
    delivery->call.finish = finish_call;
    peers_call_start(api->peers, api->worker, &delivery->call);
}

void delivery_broadcast(struct delivery *delivery, struct api_service *service)
{
    if (service->gate.is_closed)
        list_append(&service->gate.waiting, &delivery->waiting);
    else
        broadcast(delivery, service);
}

void delivery_gate_init(struct delivery_gate *gate)
{
    *gate = (struct delivery_gate){0};
    list_init(&gate->waiting);
}

void delivery_gate_close(struct api_service *service)
{
    service->gate.is_closed = true;
}

/* One that is delivered may have the gate closed for another. */
void delivery_gate_open(struct api_service *service, struct delivery *first)
{
    struct delivery_gate *gate = &service->gate;
    struct list *node;

    gate->is_closed = false;
    broadcast(first, service);
    while (!gate->is_closed && (node = list_take_first(&gate->waiting)))
        broadcast(container_of(node, struct delivery, waiting), service);
}

static void begin(struct delivery *delivery, struct api_service *service)
{
    if (delivery->begin)
        delivery->begin(delivery, service);
    else
        delivery_broadcast(delivery, service);
}

static void run_errand(struct peers_call *call, size_t worker, void *context)
{
    struct delivery *delivery = container_of(call, struct delivery, errand);
    const struct api *api = context;

    (void)worker;
    begin(delivery, &api->services[delivery->service->index]);
}

/* Back ends know a token as it was shown; the registry, by the name that its user has. */
static void name_tokens(struct delivery *delivery)
{
    const struct auth_ops *ops = delivery->service->auth->ops;

    for (size_t i = 0; ops->name_token && i < delivery->count; i++) {
        const struct sse_target *target = delivery_target(&delivery->items[i]);

        for (size_t j = 0; target->dimension == SSE_BY_TOKEN && j < target->count; j++)
            ops->name_token(target->values[j]);
    }
}

void delivery_start(struct delivery *delivery)
{
    struct api *api = delivery->service->api;
    const size_t hub = hub_worker(delivery->service);

    if (!delivery->has_names)
        name_tokens(delivery);
    if (delivery->ready)
        delivery->ready(delivery);
    if (delivery->status < 0) {
        come_home(delivery);
        return;
    }
    if (hub == api->worker) {
        begin(delivery, delivery->service);
        return;
    }
    delivery->errand.run = run_errand;
    delivery->errand.finish = finish_errand;
    peers_call_one(api->peers, api->worker, hub, &delivery->errand);
}
