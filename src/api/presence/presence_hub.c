/* SPDX-License-Identifier: Apache-2.0 */
#include "api/presence/presence_hub.h"

#include <stdlib.h>

#include "api/hub.h"
#include "api/presence/notifications.h"
#include "api/presence/presence_watch.h"
#include "api/worker.h"
#include "base/mem.h"
#include "sse/service.h"

/* From the hub to every worker: whether to record. One origin, so that they come in order. */
struct record {
    struct peers_call call;
    size_t service;
    bool is_on;
    struct presence_attach *attach; /* that waits for it; NULL: none */
};

/* From the hub to a worker whose watchers wait. */
struct wake {
    struct peers_call call;
    size_t service;
};

/* To the hub: a watcher is gone. */
struct detach {
    struct peers_call call;
    size_t service;
};

static void run_record(struct peers_call *call, size_t worker, void *context)
{
    const struct record *record = container_of(call, struct record, call);
    const struct api *api = context;

    (void)worker;
    api->services[record->service].feed.is_recording = record->is_on;
    peers_call_done(call);
}

/* Only now, when every worker records, is it known from where on nothing is missing. */
static void answer_attach(struct presence_hub *hub, struct presence_attach *attach)
{
    const struct presence_history *history = &hub->history;

    attach->after = history->last;
    if (attach->last_id[0] != '\0') {
        attach->resume = presence_history_find(history, attach->last_id, &attach->after);
        hub->gaps += attach->resume != PRESENCE_RESUMED;
    }
    presence_history_id(history, attach->after, attach->id);
    peers_call_done(&attach->call);
}

static void finish_record(struct peers_call *call, void *context)
{
    struct record *record = container_of(call, struct record, call);
    const struct api *api = context;

    if (record->attach)
        answer_attach(api->services[record->service].hub, record->attach);
    free(record);
}

static void record_everywhere(const struct presence_hub *hub, bool is_on,
                              struct presence_attach *attach)
{
    const struct api *api = hub->service->api;
    struct record *record = mem_zalloc(sizeof(*record));

    record->call.run = run_record;
    record->call.finish = finish_record;
    record->service = hub->service->index;
    record->is_on = is_on;
    record->attach = attach;
    peers_call_start(api->peers, api->worker, &record->call);
}

static void on_kept_long_enough(struct loop_timer *timer)
{
    struct presence_hub *hub = container_of(timer, struct presence_hub, keep);

    hub->is_recording = false;
    presence_history_restart(&hub->history);
    record_everywhere(hub, false, NULL);
}

/* While somebody listens, only their number and size are bounded. */
static uint64_t end_first(struct age_timer *age, uint64_t now_ms)
{
    struct presence_hub *hub = container_of(age, struct presence_hub, age);
    const uint64_t keep_ms = hub->service->settings->presence.keep_ms;
    uint64_t at;

    if (hub->watchers > 0 || !presence_history_oldest(&hub->history, &at))
        return AGE_TIMER_NEVER;
    if (at + keep_ms > now_ms)
        return at + keep_ms;
    presence_history_forget_oldest(&hub->history);
    return 0;
}

static uint64_t kept_until(const struct presence_hub *hub)
{
    return loop_now_ms(hub->service->api->loop) + hub->service->settings->presence.keep_ms;
}

struct presence_hub *presence_hub_new(struct api_service *service)
{
    const struct api *api = service->api;
    const struct api_presence_settings *settings = &service->settings->presence;
    struct presence_hub *hub;

    if (hub_worker(service) != api->worker)
        return NULL;
    hub = mem_zalloc(sizeof(*hub) + peers_count(api->peers) * sizeof(hub->is_waiting[0]));
    hub->service = service;
    hub->keep.on_fire = on_kept_long_enough;
    age_timer_init(&hub->age, api->loop, end_first);
    presence_history_init(&hub->history, settings->history, settings->history_bytes);
    hub->notifications = notifications_new(service);
    hub->is_recording = hub->notifications != NULL;
    return hub;
}

void presence_hub_free(struct presence_hub *hub)
{
    if (!hub)
        return;
    loop_timer_stop(&hub->keep);
    age_timer_release(&hub->age);
    notifications_free(hub->notifications);
    presence_history_release(&hub->history);
    free(hub);
}

void presence_hub_add(struct presence_hub *hub, enum presence_kind kind, const char *user_id,
                      struct bytes *json)
{
    char id[PRESENCE_ID_SIZE];

    /* What was on its way when the recording ended is of no use: its like is missing. */
    if (!hub->is_recording)
        return;
    presence_history_add(&hub->history, kind, json, loop_now_ms(hub->service->api->loop));
    hub->added++;
    if (!hub->notifications)
        return;
    if (hub->watchers == 0)
        age_timer_add(&hub->age, kept_until(hub));
    presence_history_id(&hub->history, hub->history.last, id);
    notifications_add(hub->notifications, kind, user_id, id, json);
}

void presence_hub_drain(struct presence_hub *hub, uint32_t drain_ms)
{
    if (hub->notifications)
        notifications_drain(hub->notifications, drain_ms);
}

bool presence_hub_is_settled(const struct presence_hub *hub)
{
    if (!hub->notifications || notifications_are_abandoned(hub->notifications))
        return true;
    return hub->farewells == peers_count(hub->service->api->peers) &&
           notifications_are_empty(hub->notifications);
}

static void run_wake(struct peers_call *call, size_t worker, void *context)
{
    const struct wake *wake = container_of(call, struct wake, call);
    const struct api *api = context;

    (void)worker;
    presence_watches_wake(&api->services[wake->service].watches);
    peers_call_done(call);
}

static void finish_wake(struct peers_call *call, void *context)
{
    (void)context;
    free(container_of(call, struct wake, call));
}

void presence_hub_wake(struct presence_hub *hub)
{
    const struct api *api = hub->service->api;

    for (size_t worker = 0; worker < peers_count(api->peers); worker++) {
        struct wake *wake;

        if (!hub->is_waiting[worker])
            continue;
        hub->is_waiting[worker] = false;
        wake = mem_zalloc(sizeof(*wake));
        wake->call.run = run_wake;
        wake->call.finish = finish_wake;
        wake->service = hub->service->index;
        peers_call_one(api->peers, api->worker, worker, &wake->call);
    }
}

static void run_attach(struct peers_call *call, size_t worker, void *context)
{
    struct presence_attach *attach = container_of(call, struct presence_attach, call);
    const struct api *api = context;
    struct presence_hub *hub = api->services[attach->service].hub;

    (void)worker;
    if (hub->watchers >= hub->service->settings->presence.watchers) {
        hub->refused++;
        attach->is_refused = true;
        peers_call_done(call);
        return;
    }
    hub->watchers++;
    hub->is_recording = true;
    loop_timer_stop(&hub->keep);
    record_everywhere(hub, true, attach);
}

static void finish_attach(struct peers_call *call, void *context)
{
    struct presence_attach *attach = container_of(call, struct presence_attach, call);

    (void)context;
    attach->done(attach);
}

void presence_hub_attach(struct api_service *service, struct presence_attach *attach)
{
    const struct api *api = service->api;

    attach->call.run = run_attach;
    attach->call.finish = finish_attach;
    attach->service = service->index;
    peers_call_one(api->peers, api->worker, hub_worker(service), &attach->call);
}

static void run_detach(struct peers_call *call, size_t worker, void *context)
{
    const struct detach *detach = container_of(call, struct detach, call);
    const struct api *api = context;
    struct presence_hub *hub = api->services[detach->service].hub;

    (void)worker;
    if (--hub->watchers == 0 && !hub->notifications)
        loop_timer_start(api->loop, &hub->keep, hub->service->settings->presence.keep_ms);
    else if (hub->watchers == 0)
        age_timer_add(&hub->age, kept_until(hub));
    peers_call_done(call);
}

static void finish_detach(struct peers_call *call, void *context)
{
    (void)context;
    free(container_of(call, struct detach, call));
}

void presence_hub_detach(struct api_service *service)
{
    const struct api *api = service->api;
    struct detach *detach = mem_zalloc(sizeof(*detach));

    detach->call.run = run_detach;
    detach->call.finish = finish_detach;
    detach->service = service->index;
    peers_call_one(api->peers, api->worker, hub_worker(service), &detach->call);
}

static void run_fetch(struct peers_call *call, size_t worker, void *context)
{
    struct presence_fetch *fetch = container_of(call, struct presence_fetch, call);
    const struct api *api = context;
    struct presence_hub *hub = api->services[fetch->service].hub;

    (void)worker;
    fetch->is_lost = presence_history_read(&hub->history, &fetch->reading) != 0;
    fetch->is_all = !fetch->is_lost && fetch->reading.after == hub->history.last;
    hub->gaps += fetch->is_lost;
    if (fetch->is_all)
        hub->is_waiting[call->origin] = true;
    peers_call_done(call);
}

static void finish_fetch(struct peers_call *call, void *context)
{
    struct presence_fetch *fetch = container_of(call, struct presence_fetch, call);

    (void)context;
    fetch->done(fetch);
}

void presence_hub_fetch(struct api_service *service, struct presence_fetch *fetch)
{
    const struct api *api = service->api;

    fetch->call.run = run_fetch;
    fetch->call.finish = finish_fetch;
    fetch->service = service->index;
    fetch->reading.wires = fetch->wires;
    fetch->reading.most = PRESENCE_FETCH_MOST;
    peers_call_one(api->peers, api->worker, hub_worker(service), &fetch->call);
}
