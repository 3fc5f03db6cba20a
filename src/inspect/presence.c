/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/reply.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "broker/presence_event.h"
#include "broker/presence_reader.h"
#include "broker/service.h"
#include "inspect/routes.h"
#include "inspect/watch.h"
#include "sse/event.h"
#include "sse/service.h"

/* Watchers read at their own pace (broker/presence_reader.h), and who is too slow is closed and
 * told so. */

/* Below this much that waits the next events are asked for. */
#define ENOUGH_BYTES ((size_t)64 * 1024)

struct presence_watch {
    struct watch watch;
    struct presence_reader reader;
    bool is_with_snapshot;
    char last_id[PRESENCE_ID_SIZE];
    struct broker_watched watched; /* how it was attached */
};

static struct presence_watch *watch_of_reader(struct presence_reader *reader)
{
    return container_of(reader, struct presence_watch, reader);
}

static struct presence_watch *presence_watch_of(struct watch *watch)
{
    return container_of(watch, struct presence_watch, watch);
}

static void on_reader_closed(struct presence_reader *reader)
{
    struct presence_watch *watch = watch_of_reader(reader);

    watch_release(&watch->watch);
    free(watch);
}

static void on_snapshot_over(struct presence_reader *reader)
{
    struct presence_watch *watch = watch_of_reader(reader);
    struct buf json = BUF_INIT;

    buf_printf(&json, "{\"connections\":%zu,\"users\":%zu}", watch->reader.snapshot.connections,
               watch->reader.snapshot.users);
    watch_push_json(&watch->watch, "snapshot-end", watch->watched.id, &json);
}

static bool has_room(const struct presence_reader *reader)
{
    return container_of(reader, const struct presence_watch, reader)->watch.queue.bytes <
           ENOUGH_BYTES;
}

static void on_read(struct presence_reader *reader, struct bytes *wire)
{
    watch_push(&watch_of_reader(reader)->watch, bytes_ref(wire));
}

static void on_lost(struct presence_reader *reader)
{
    watch_end(&watch_of_reader(reader)->watch, "slow");
}

static void on_taken(struct watch *watch)
{
    presence_reader_go_on(&presence_watch_of(watch)->reader);
}

static void on_ended(struct watch *watch)
{
    presence_watch_of(watch)->reader.is_stopped = true;
}

static void on_closed(struct watch *watch)
{
    presence_reader_close(&presence_watch_of(watch)->reader);
}

static const struct watch_kind kind = {
    .permission = AUTH_MAY_PRESENCE,
    .last_event = "presence-close",
    .taken = on_taken,
    .ended = on_ended,
    .closed = on_closed,
};

static void push_gap(struct presence_watch *watch)
{
    struct buf json = BUF_INIT;

    buf_append_str(&json, "{\"from\":");
    json_text_string(&json, watch->last_id);
    buf_printf(&json, ",\"to\":\"%s\",\"reason\":\"%s\"}", watch->watched.id,
               presence_resume_words[watch->watched.resume]);
    watch_push_json(&watch->watch, "sse-gap", NULL, &json);
}

/* While a snapshot is under way the watcher knows but a part: it gets no id that it could resume
 * from before the end of it. */
static void push_start(struct presence_watch *watch, bool is_resumed)
{
    const struct api_service *service = watch->watch.service;
    const char *id = watch->watched.id;
    struct buf json = BUF_INIT;
    struct sse_event_fields fields = {
        .id = watch->reader.is_in_snapshot ? NULL : id,
        .name = "presence-start",
        .retry_ms = service->settings->core->reconnect_ms,
    };

    buf_printf(&json,
               "{\"service\":\"%s\",\"time\":%" PRId64
               ",\"id\":\"%s\",\"resumed\":%s,\"snapshot\":%s}",
               service->settings->core->name, loop_wall_ms(service->api->loop), id,
               is_resumed ? "true" : "false", watch->reader.is_in_snapshot ? "true" : "false");
    fields.data = json.data;
    fields.data_length = json.length;
    watch_push_fields(&watch->watch, &fields);
    buf_release(&json);
}

static void greet(struct watch *of)
{
    struct presence_watch *watch = presence_watch_of(of);
    const bool is_new = watch->last_id[0] == '\0';
    const bool is_resumed = !is_new && watch->watched.resume == PRESENCE_RESUMED;

    /* Who has missed something can only begin anew. */
    watch->reader.is_in_snapshot = !is_resumed && (watch->is_with_snapshot || !is_new);
    push_start(watch, is_resumed);
    if (!is_new && !is_resumed)
        push_gap(watch);
    presence_reader_begin(&watch->reader, watch->watched.after, watch->reader.is_in_snapshot);
}

static void on_opened(struct presence_reader *reader, const struct broker_watched *watched)
{
    struct presence_watch *watch = watch_of_reader(reader);

    watch->watched = *watched;
    if (watched->is_refused) {
        api_reply_error(watch->watch.exchange, 503,
                        "there are %u watchers already, which is "
                        "services[].presence.watchers; end one first",
                        watch->watch.service->settings->broker.presence.watchers);
        on_reader_closed(reader);
    } else if (!watch_open(&watch->watch, greet)) {
        presence_reader_close(reader);
    }
}

static const struct presence_taker taker = {
    .opened = on_opened,
    .has_room = has_room,
    .take = on_read,
    .snapshot_over = on_snapshot_over,
    .lost = on_lost,
    .closed = on_reader_closed,
};

/* last_id: of the last event that it knows; NULL: none. is_with_snapshot: who is there comes first,
 * if it is not resumed. */
static void start(struct api_exchange *exchange, unsigned kinds, bool is_with_snapshot,
                  const char *last_id)
{
    struct presence_watch *watch = mem_zalloc(sizeof(*watch));

    watch_init(&watch->watch, &kind, exchange);
    watch->reader = (struct presence_reader){
        .taker = &taker,
        .service = &exchange->service->broker,
        .kinds = kinds,
        .tenants = watch->watch.tenants,
    };
    watch->is_with_snapshot = is_with_snapshot;
    if (last_id)
        snprintf(watch->last_id, sizeof(watch->last_id), "%s", last_id);
    presence_reader_open(&watch->reader, watch->last_id);
}

/* ---- the request ---- */

static bool is_true(const char *value)
{
    return value && (strcmp(value, "true") == 0 || strcmp(value, "1") == 0);
}

/* Of users of several tenants, none is told when they come or go in another one. */
static bool narrow(struct api_exchange *exchange, bool are_kinds_said, unsigned *kinds)
{
    if (!exchange->tenants || !(*kinds & PRESENCE_OF_USERS) ||
        exchange->service->settings->core->users_unique == SSE_UNIQUE_IN_TENANT)
        return true;
    if (are_kinds_said)
        return tenancy_refuse(exchange, "users of this service may be of several tenants, so that "
                                        "user-online and user-offline are not theirs alone: ask "
                                        "for connect and disconnect, or set "
                                        "services[].users.unique to tenant");
    *kinds &= ~PRESENCE_OF_USERS;
    return true;
}

void inspect_handle_presence(struct api_exchange *exchange)
{
    const char *events = h2_form_get(&exchange->query, "events");
    struct word unknown;
    unsigned kinds;

    if (!presence_kinds_parse(events ? events : "", &kinds, &unknown)) {
        api_reply_error(exchange, 422,
                        "events: \"%.*s\" is no presence event; there are " PRESENCE_KIND_LIST,
                        unknown.length < 64 ? (int)unknown.length : 64, unknown.text);
        return;
    }
    if (!narrow(exchange, events && *events != '\0', &kinds))
        return;
    if (!watch_is_possible(exchange))
        return;
    if (strcmp(exchange->request->method, "HEAD") == 0)
        api_reply_events(exchange, NULL, NULL);
    else
        start(exchange, kinds, is_true(h2_form_get(&exchange->query, "snapshot")),
              api_exchange_last_id(exchange));
}
