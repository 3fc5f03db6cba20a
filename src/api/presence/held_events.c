/* SPDX-License-Identifier: Apache-2.0 */
#include "api/presence/held_events.h"

#include <stdlib.h>
#include <string.h>

#include "api/worker.h"
#include "base/bytes.h"
#include "base/loop.h"
#include "base/mem.h"
#include "sse/connection_id.h"
#include "sse/service.h"

#define HOLD_MS 1000u /* beacons come 10 to 100 ms behind the end of their stream */

struct held {
    struct list node;
    struct sse_table_node by_handle;
    uint64_t due_ms;
    struct bytes *json;
    char handle[SSE_HANDLE_SIZE];
    char user_id[];
};

static struct held *oldest(const struct held_events *held)
{
    return container_of(held->events.next, struct held, node);
}

/* Takes it out; its json is the caller's. */
static struct bytes *take_out(struct held_events *held, struct held *event)
{
    struct bytes *json = event->json;

    list_remove(&event->node);
    sse_table_remove(&held->by_handle, &event->by_handle);
    free(event);
    return json;
}

static void tell(struct held_events *held, struct held *event)
{
    presence_feed_add(&held->service->feed, PRESENCE_DISCONNECT, event->user_id,
                      bytes_ref(event->json));
    bytes_unref(take_out(held, event));
}

static uint64_t end_first(struct age_timer *age, uint64_t now_ms)
{
    struct held_events *held = container_of(age, struct held_events, age);

    if (list_is_empty(&held->events))
        return AGE_TIMER_NEVER;
    if (oldest(held)->due_ms > now_ms)
        return oldest(held)->due_ms;
    tell(held, oldest(held));
    return 0;
}

void held_events_init(struct held_events *held, struct api_service *service)
{
    *held = (struct held_events){.service = service};
    list_init(&held->events);
    sse_table_init(&held->by_handle, SSE_TABLE_KEY_OFFSET(struct held, by_handle, handle));
    age_timer_init(&held->age, service->api->loop, end_first);
}

void held_events_release(struct held_events *held)
{
    while (!list_is_empty(&held->events))
        bytes_unref(take_out(held, oldest(held)));
    age_timer_release(&held->age);
    sse_table_release(&held->by_handle);
}

void held_events_add(struct held_events *held, const char *handle, const char *user_id,
                     struct bytes *json)
{
    const struct sse_service_settings *settings = held->service->settings->core;
    const uint32_t grace_ms = settings->offline_grace_ms;
    const size_t size = strlen(user_id) + 1;
    struct held *event = mem_zalloc(sizeof(*event) + size);

    if (held->by_handle.count >= settings->last_words_connections)
        tell(held, oldest(held));
    event->json = json;
    event->due_ms =
        loop_now_ms(held->service->api->loop) + (grace_ms < HOLD_MS ? grace_ms : HOLD_MS);
    memcpy(event->handle, handle, SSE_HANDLE_SIZE);
    memcpy(event->user_id, user_id, size);
    list_append(&held->events, &event->node);
    sse_table_add(&held->by_handle, &event->by_handle);
    age_timer_add(&held->age, event->due_ms);
}

void held_events_replace(struct held_events *held, const char *handle, struct bytes *json)
{
    struct sse_table_node *node = sse_table_find(&held->by_handle, handle);

    if (node) {
        struct held *event = container_of(node, struct held, by_handle);
        struct bytes *before = event->json;

        event->json = json;
        bytes_unref(before);
        tell(held, event);
    } else {
        bytes_unref(json);
    }
}

void held_events_tell_due(struct held_events *held)
{
    age_timer_end_due(&held->age, loop_now_ms(held->service->api->loop));
}

void held_events_tell_all(struct held_events *held)
{
    while (!list_is_empty(&held->events))
        tell(held, oldest(held));
}
