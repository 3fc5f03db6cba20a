/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/held_events.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/loop.h"
#include "base/mem.h"
#include "broker/presence_log.h"
#include "broker/presence_subject.h"
#include "sse/connection_id.h"
#include "sse/service.h"

#define HOLD_MS 1000u /* beacons come 10 to 100 ms behind the end of their stream */

struct held {
    struct lru_item item;
    struct bytes *json;
    char handle[SSE_HANDLE_SIZE];
    struct presence_subject about;
    char texts[];
};

static void tell(struct lru *lru, void *item)
{
    struct held_events *held = container_of(lru, struct held_events, events);
    struct held *event = item;

    presence_log_add(held->log, PRESENCE_DISCONNECT, &event->about, event->json);
}

static void forget(struct lru *lru, void *item)
{
    (void)lru;
    bytes_unref(((struct held *)item)->json);
}

void held_events_init(struct held_events *held, const struct sse_service *core,
                      struct presence_log *log)
{
    held->core = core;
    held->log = log;
    lru_init(&held->events, core->loop, LRU_BY_TEXT(struct held, item, handle), 0);
    held->events.leave = tell;
}

void held_events_release(struct held_events *held)
{
    held->events.leave = forget;
    lru_release(&held->events);
}

void held_events_add(struct held_events *held, const char *handle,
                     const struct presence_subject *about, struct bytes *json)
{
    const struct sse_service_settings *settings = held->core->settings;
    const uint32_t grace_ms = settings->offline_grace_ms;
    const uint64_t now = loop_now_ms(held->core->loop);
    struct held *event = mem_zalloc(sizeof(*event) + presence_subject_size(about));

    event->json = json;
    memcpy(event->handle, handle, SSE_HANDLE_SIZE);
    event->about = presence_subject_copy(about, event->texts);
    held->events.most = settings->last_words_connections;
    lru_insert(&held->events, &event->item, now, now + (grace_ms < HOLD_MS ? grace_ms : HOLD_MS));
}

void held_events_replace(struct held_events *held, const char *handle, struct bytes *json)
{
    struct held *event = table_find(&held->events.table, handle);

    if (event) {
        bytes_unref(event->json);
        event->json = json;
        lru_drop(&held->events, &event->item);
    } else {
        bytes_unref(json);
    }
}

void held_events_tell_due(struct held_events *held)
{
    age_timer_end_due(&held->events.age, loop_now_ms(held->core->loop));
}

void held_events_tell_all(struct held_events *held)
{
    lru_clear(&held->events);
}
