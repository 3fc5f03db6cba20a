/* SPDX-License-Identifier: Apache-2.0 */
#include "api/qos/qos_rewrite.h"

#include <stdlib.h>
#include <string.h>

#include "api/hub.h"
#include "api/qos/qos_hub.h"
#include "api/worker.h"
#include "base/bytes.h"
#include "base/fault.h"
#include "base/mem.h"
#include "cluster/peers.h"
#include "qos/copies.h"
#include "sse/dispatch.h"
#include "sse/event.h"
#include "sse/history.h"
#include "sse/message.h"
#include "sse/offer.h"
#include "sse/registry.h"
#include "sse/service.h"
#include "sse/user.h"

/* One copy on its way. */
struct line {
    bool is_new; /* its recipient cannot have seen it before */
    char *id;
    char *event;
    struct bytes *wire;
};

/* To the worker of the connection; back when that has room for more, or has gone. */
struct rewrite {
    struct peers_call call;
    struct sse_offer offer;
    size_t service;
    uint64_t question;
    char connection_id[SSE_HANDLE_SIZE];
    size_t taken; /* the results */
    bool is_gone;
    size_t count;
    struct line lines[];
};

struct placed {
    bool is_new;
    char *id;
};

/* To the hub: a page that comes back with the id of such a copy comes back to where the order was
 * when it was written. It is said before the page can have it. */
struct placing {
    struct peers_call call;
    size_t service;
    uint64_t position;
    char *user_key;
    size_t count;
    struct placed copies[];
};

static void run_placing(struct peers_call *call, size_t worker, void *context)
{
    const struct placing *placing = container_of(call, struct placing, call);
    const struct api *api = context;
    struct sse_history *history = api->services[placing->service].core->history;

    (void)worker;
    for (size_t i = 0; i < placing->count; i++) {
        const struct placed *copy = &placing->copies[i];

        sse_history_note(history, copy->id, placing->user_key,
                         copy->is_new ? placing->position : SSE_POSITION_UNKNOWN);
    }
    peers_call_done(call);
}

static void finish_placing(struct peers_call *call, void *context)
{
    struct placing *placing = container_of(call, struct placing, call);

    (void)context;
    for (size_t i = 0; i < placing->count; i++)
        free(placing->copies[i].id);
    free(placing->user_key);
    free(placing);
}

static void place(const struct rewrite *rewrite, const struct api *api,
                  const struct sse_connection *connection)
{
    const struct api_service *service = &api->services[rewrite->service];
    struct placing *placing =
        mem_zalloc(sizeof(*placing) + rewrite->count * sizeof(placing->copies[0]));

    placing->service = rewrite->service;
    placing->position = sse_dispatch_position(service->core->dispatch);
    placing->user_key = mem_strdup(connection->user->key);
    placing->count = rewrite->count;
    for (size_t i = 0; i < rewrite->count; i++)
        placing->copies[i] = (struct placed){
            .is_new = rewrite->lines[i].is_new,
            .id = mem_strdup(rewrite->lines[i].id),
        };
    placing->call.run = run_placing;
    placing->call.finish = finish_placing;
    peers_call_one(api->peers, api->worker, hub_worker(service), &placing->call);
}

static void on_room(struct sse_offer *offer, bool is_gone)
{
    struct rewrite *rewrite = container_of(offer, struct rewrite, offer);

    rewrite->taken = offer->taken;
    rewrite->is_gone = is_gone;
    peers_call_done(&rewrite->call);
}

/* The offer may have been answered, and the rewrite be another thread's, when it returns. */
static void write_lines(struct rewrite *rewrite, struct sse_connection *connection)
{
    const size_t count = rewrite->count;
    struct sse_event **events = mem_alloc((count + 1) * sizeof(struct sse_event *));

    for (size_t i = 0; i < count; i++) {
        events[i] = sse_event_new(rewrite->lines[i].event, bytes_ref(rewrite->lines[i].wire));
        events[i]->is_kept = true;
    }
    rewrite->offer.on_room = on_room;
    sse_connection_offer(connection, &rewrite->offer, events, count);
    for (size_t i = 0; i < count; i++)
        sse_event_unref(events[i]);
    free(events);
    fault_point("desk.written");
}

static void run(struct peers_call *call, size_t worker, void *context)
{
    struct rewrite *rewrite = container_of(call, struct rewrite, call);
    const struct api *api = context;
    const struct sse_registry *registry = api->services[rewrite->service].core->registry;
    struct sse_connection *connection = sse_registry_find(registry, rewrite->connection_id);

    (void)worker;
    if (connection) {
        place(rewrite, api, connection);
        write_lines(rewrite, connection);
        return;
    }
    rewrite->is_gone = true;
    peers_call_done(call);
}

static void finish(struct peers_call *call, void *context)
{
    struct rewrite *rewrite = container_of(call, struct rewrite, call);
    const struct api *api = context;
    const struct qos_hub *hub = api->services[rewrite->service].qos;

    if (!hub->is_stopped)
        qos_desk_wrote_one(hub->desk, rewrite->question, rewrite->taken, rewrite->is_gone);
    for (size_t i = 0; i < rewrite->count; i++) {
        free(rewrite->lines[i].id);
        free(rewrite->lines[i].event);
        bytes_unref(rewrite->lines[i].wire);
    }
    free(rewrite);
}

static void fill_line(struct line *line, const struct qos_hub *hub, const struct qos_copy *copy)
{
    line->is_new = !qos_hub_was_written(hub, copy);
    line->id = mem_strdup(copy->message->id);
    line->event = mem_strdup(copy->decoded->event);
    line->wire = sse_message_resend_wire(copy->decoded);
}

void qos_rewrite_start(void *context, uint64_t question, const struct qos_client *client,
                       const struct qos_copy *copies, size_t count)
{
    struct qos_hub *hub = context;
    struct api *api = hub->service->api;
    struct rewrite *rewrite = mem_zalloc(sizeof(*rewrite) + count * sizeof(rewrite->lines[0]));

    rewrite->service = hub->service->index;
    rewrite->question = question;
    memcpy(rewrite->connection_id, client->id, sizeof(rewrite->connection_id));
    rewrite->count = count;
    for (size_t i = 0; i < count; i++)
        fill_line(&rewrite->lines[i], hub, &copies[i]);
    rewrite->call.run = run;
    rewrite->call.finish = finish;
    peers_call_one(api->peers, api->worker, client->worker, &rewrite->call);
}
