/* SPDX-License-Identifier: Apache-2.0 */
#include "api/presence/presence_hub.h"

#include <stdlib.h>
#include <string.h>

#include "api/hub.h"
#include "api/presence/notifications.h"
#include "api/worker.h"
#include "base/mem.h"
#include "broker/broker.h"
#include "broker/presence_subject.h"
#include "cluster/peers.h"
#include "sse/service.h"

/* Whether every shard is to record. One origin, so that they come in order. */
struct recording {
    struct presence_hub *hub;
    size_t open;    /* shards that have not answered yet */
    bool has_asker; /* a watcher waits for it: */
    struct broker_asker asker;
    char last_id[PRESENCE_ID_SIZE];
    struct broker_request requests[]; /* one for each shard */
};

/* Only now, when every shard records, is it known from where on nothing is missing. */
static void answer_watch(struct presence_hub *hub, const struct recording *recording)
{
    const struct presence_history *history = &hub->history;
    struct broker_message *answer = broker_message_new(BROKER_WATCHED, 0, 0);
    struct broker_watched *watched = &answer->watched;

    watched->after = history->last;
    if (recording->last_id[0] != '\0') {
        watched->resume = presence_history_find(history, recording->last_id, &watched->after);
        hub->gaps += watched->resume != PRESENCE_RESUMED;
    }
    presence_history_id(history, watched->after, watched->id);
    broker_answer(hub->service->broker.broker, &recording->asker, answer);
}

static void on_recorded(struct broker_request *request, const struct broker_message *answer)
{
    struct recording *recording =
        container_of(request - answer->from, struct recording, requests[0]);

    if (--recording->open > 0)
        return;
    if (recording->has_asker)
        answer_watch(recording->hub, recording);
    free(recording);
}

/* watch: of the watcher that waits for it; NULL: none does. */
static void record_everywhere(struct presence_hub *hub, bool is_on,
                              const struct broker_message *watch)
{
    const size_t shards = peers_count(hub->service->api->peers);
    struct recording *recording =
        mem_zalloc(sizeof(*recording) + shards * sizeof(recording->requests[0]));

    recording->hub = hub;
    recording->open = shards;
    if (watch) {
        recording->has_asker = true;
        recording->asker = broker_asker(watch);
        memcpy(recording->last_id, watch->watch.last_id, sizeof(recording->last_id));
    }
    for (size_t shard = 0; shard < shards; shard++) {
        struct broker_message *message = broker_message_new(BROKER_RECORD, hub->service->index, 0);

        message->is_recording = is_on;
        recording->requests[shard].on_answer = on_recorded;
        broker_ask(hub->service->broker.broker, shard, message, &recording->requests[shard]);
    }
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

static void begin_notifying(struct presence_hub *hub)
{
    hub->notifications = notifications_new(hub->service);
    hub->is_recording = true;
    loop_timer_stop(&hub->keep);
    record_everywhere(hub, true, NULL);
}

static void end_notifying(struct presence_hub *hub)
{
    const struct api_service *service = hub->service;

    notifications_end(hub->notifications);
    hub->notifications = NULL;
    if (hub->watchers == 0)
        loop_timer_start(service->api->loop, &hub->keep, service->settings->presence.keep_ms);
}

void presence_hub_change(struct presence_hub *hub)
{
    const struct api_presence_settings *settings = &hub->service->settings->presence;
    const bool is_wanted = notifications_are_wanted(hub->service);

    presence_history_change(&hub->history, settings->history, settings->history_bytes);
    if (is_wanted && hub->notifications)
        notifications_change(hub->notifications);
    else if (is_wanted)
        begin_notifying(hub);
    else if (hub->notifications)
        end_notifying(hub);
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

void presence_hub_add(struct presence_hub *hub, enum presence_kind kind,
                      const struct presence_subject *about, struct bytes *json)
{
    char id[PRESENCE_ID_SIZE];

    /* What was on its way when the recording ended is of no use: its like is missing. */
    if (!hub->is_recording)
        return;
    presence_history_add(&hub->history, kind, about->tenant_id, json,
                         loop_now_ms(hub->service->api->loop));
    hub->added++;
    if (!hub->notifications)
        return;
    if (hub->watchers == 0)
        age_timer_add(&hub->age, kept_until(hub));
    presence_history_id(&hub->history, hub->history.last, id);
    notifications_add(hub->notifications, kind, about->user_key, id, json);
}

void presence_hub_hurry(struct presence_hub *hub)
{
    if (hub->notifications)
        notifications_hurry(hub->notifications);
}

void presence_hub_abandon(struct presence_hub *hub)
{
    if (hub->notifications)
        notifications_abandon(hub->notifications);
}

bool presence_hub_is_settled(const struct presence_hub *hub)
{
    if (!hub->notifications || notifications_are_abandoned(hub->notifications))
        return true;
    return hub->farewells == peers_count(hub->service->api->peers) &&
           notifications_are_empty(hub->notifications);
}

void presence_hub_wake(struct presence_hub *hub)
{
    const struct broker_service *service = &hub->service->broker;

    for (size_t worker = 0; worker < peers_count(hub->service->api->peers); worker++) {
        if (!hub->is_waiting[worker])
            continue;
        hub->is_waiting[worker] = false;
        broker_send(service->broker, worker,
                    broker_message_new(BROKER_WAKE_WATCHERS, service->index, 0));
    }
}

void presence_hub_watch(struct presence_hub *hub, const struct broker_message *watch)
{
    const struct broker_asker asker = broker_asker(watch);
    struct broker_message *answer;

    if (hub->watchers >= hub->service->settings->presence.watchers) {
        hub->refused++;
        answer = broker_message_new(BROKER_WATCHED, 0, 0);
        answer->watched.is_refused = true;
        broker_answer(hub->service->broker.broker, &asker, answer);
        return;
    }
    hub->watchers++;
    hub->is_recording = true;
    loop_timer_stop(&hub->keep);
    record_everywhere(hub, true, watch);
}

void presence_hub_unwatch(struct presence_hub *hub)
{
    struct api_service *service = hub->service;

    if (--hub->watchers == 0 && !hub->notifications)
        loop_timer_start(service->api->loop, &hub->keep, service->settings->presence.keep_ms);
    else if (hub->watchers == 0)
        age_timer_add(&hub->age, kept_until(hub));
}

void presence_hub_read(struct presence_hub *hub, const struct broker_message *read)
{
    const struct broker_asker asker = broker_asker(read);
    struct broker_message *answer = broker_message_new(BROKER_EVENTS, 0, 0);
    struct broker_events *events = &answer->events;
    struct presence_reading reading = {
        .after = read->read.after,
        .kinds = read->read.kinds,
        .tenants = read->read.tenants,
        .most = BROKER_EVENTS_MOST,
        .most_bytes = read->read.most_bytes,
    };

    events->wires = mem_alloc(BROKER_EVENTS_MOST * sizeof(struct bytes *));
    reading.wires = events->wires;
    events->is_lost = presence_history_read(&hub->history, &reading) != 0;
    events->count = reading.count;
    events->after = reading.after;
    events->is_all = !events->is_lost && reading.after == hub->history.last;
    hub->gaps += events->is_lost;
    if (events->is_all)
        hub->is_waiting[read->from] = true;
    broker_answer(hub->service->broker.broker, &asker, answer);
}
