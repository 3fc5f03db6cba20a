/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/backlog.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/slice.h"
#include "sse/connection.h"
#include "sse/dispatch.h"
#include "sse/event.h"
#include "sse/log.h"
#include "sse/message.h"
#include "sse/registry.h"
#include "sse/server_events.h"
#include "sse/service.h"
#include "sse/target.h"

/* In values of targets that are compared: some tens of microseconds. */
#define SLICE_VALUES 4096u

struct sse_backlogs {
    struct loop *loop;
    struct loop_hook hook;
    struct list roused;
};

struct sse_backlog {
    struct list node; /* the backlogs': among those that have room, or in no list */
    struct sse_connection *connection; /* NULL once it has ended */
    struct sse_event *notice;          /* of what was dropped, while it waits; NULL: none does */
    uint64_t dropped;                  /* how many events it speaks of */
    struct list offers;
    unsigned holds; /* so long it is not freed */
    bool is_catching_up;
    bool is_exact;       /* as its arrival says */
    uint64_t until_mark; /* of dispatch: later jobs are written to it as to everybody */
    uint64_t seen;       /* up to this position it has what is for it */
    /* Kept events between these positions pass it by. */
    uint64_t paused_after, paused_to;
};

enum progress {
    DONE,
    MORE,  /* there is more to do now */
    WAITS, /* for room */
};

/* The connection's, made when it has none. */
static struct sse_backlog *backlog_of(struct sse_connection *connection)
{
    struct sse_backlog *backlog = connection->backlog;

    if (backlog)
        return backlog;
    backlog = mem_zalloc(sizeof(*backlog));
    backlog->connection = connection;
    list_init(&backlog->offers);
    connection->backlog = backlog;
    return backlog;
}

void sse_backlog_rouse(struct sse_backlog *backlog)
{
    struct sse_backlogs *backlogs = backlog->connection->home->backlogs;

    if (list_is_linked(&backlog->node))
        return;
    list_append(&backlogs->roused, &backlog->node);
    loop_wake(backlogs->loop, LOOP_WORK);
}

/* While something is done that may end the connection, which may free it: backlog->connection
 * tells. Let go of, a backlog with nothing in it is freed. */
static void hold(struct sse_backlog *backlog)
{
    backlog->holds++;
}

static bool is_empty(const struct sse_backlog *backlog)
{
    return !backlog->notice && !backlog->is_catching_up && list_is_empty(&backlog->offers);
}

static void let_go(struct sse_backlog *backlog)
{
    if (--backlog->holds > 0 || (backlog->connection && !is_empty(backlog)))
        return;
    list_remove(&backlog->node);
    if (backlog->connection)
        backlog->connection->backlog = NULL;
    sse_event_unref(backlog->notice);
    free(backlog);
}

/* ---- what was dropped ---- */

static void forget_notice(struct sse_backlog *backlog)
{
    backlog->notice = sse_event_unref(backlog->notice);
    backlog->dropped = 0;
}

static bool is_notice_waiting(const struct sse_backlog *backlog)
{
    return backlog->notice && sse_queue_is_inserted(&backlog->connection->queue, backlog->notice);
}

void sse_backlog_add_dropped(struct sse_connection *connection, size_t count)
{
    struct sse_backlog *backlog = backlog_of(connection);
    struct sse_event *notice;

    if (!is_notice_waiting(backlog)) {
        forget_notice(backlog);
        connection->home->counters.gaps++;
    }
    backlog->dropped += count;
    notice = sse_server_events_dropped(backlog->dropped);
    sse_queue_insert(&connection->queue, notice, backlog->notice);
    sse_event_unref(backlog->notice);
    backlog->notice = notice;
}

/* ---- what was missed ---- */

void sse_backlog_catch_up(struct sse_connection *connection, const struct sse_arrival *arrival)
{
    struct sse_backlog *backlog = backlog_of(connection);

    backlog->is_catching_up = true;
    backlog->seen = arrival->after;
    backlog->is_exact = arrival->is_exact;
    backlog->until_mark = UINT64_MAX;
    sse_backlog_rouse(backlog);
}

bool sse_backlog_catches_up(const struct sse_backlog *backlog, uint64_t mark)
{
    return backlog->is_catching_up && mark <= backlog->until_mark;
}

bool sse_backlog_has_seen(const struct sse_backlog *backlog, uint64_t *position)
{
    *position = backlog->seen;
    return backlog->is_catching_up;
}

void sse_backlog_raise_barrier(struct sse_backlog *backlog)
{
    backlog->paused_after = backlog->connection->home->position;
    backlog->paused_to = UINT64_MAX;
}

void sse_backlog_lift_barrier(struct sse_backlog *backlog)
{
    backlog->paused_to = backlog->connection->home->position;
}

/* What was stored for an individual before the connection was there comes from the store, in the
 * order of its queue: from here a later message might come before an earlier one. What somebody has
 * acknowledged meanwhile comes from here alone; but where it is not known what the page has had,
 * that may have been this one. */
static bool is_left_to_the_store(const struct sse_backlog *backlog,
                                 const struct sse_message *message)
{
    const char *value = sse_connection_individual(backlog->connection, &message->target);

    return message->is_stored && value &&
           !(backlog->is_exact && sse_message_has_ended(message, value));
}

static bool is_for(const struct sse_backlog *backlog, const struct sse_message *message)
{
    const uint64_t position = backlog->seen + 1;

    if (message->is_stored && position > backlog->paused_after && position <= backlog->paused_to)
        return false;
    return sse_connection_is_selected(backlog->connection, &message->target) &&
           !(position <= backlog->connection->opened && is_left_to_the_store(backlog, message));
}

/* False when there is no room for it. The sink may end the connection, and free it. */
static bool write_missed(struct sse_connection *connection, const struct sse_message *message,
                         uint64_t position)
{
    struct sse_service *service = connection->home;
    struct sse_event *event;

    if (!sse_connection_has_room(connection, message->wire->length))
        return false;
    event = sse_event_new(message->event, bytes_ref(message->wire));
    event->is_kept = message->is_stored;
    event->position = position;
    if (sse_connection_push(connection, event))
        service->counters.replayed++;
    sse_event_unref(event);
    return true;
}

static bool has_lost(const struct sse_connection *connection, uint64_t after)
{
    const size_t count = sse_registry_name_count(connection, SSE_GROUP_CHANNEL);
    const char **channels = mem_alloc(count * sizeof(*channels));
    const struct sse_subject subject = {.user = connection->user,
                                        .connection_id = connection->handle,
                                        .channels = channels,
                                        .channel_count = count};
    bool has;

    for (size_t i = 0; i < count; i++)
        channels[i] = sse_registry_name(connection, SSE_GROUP_CHANNEL, i);
    has = sse_log_has_lost(connection->home->log, &subject, after);
    free(channels);
    return has;
}

static void tell_gap(struct sse_connection *connection, uint64_t after_position, uint64_t position)
{
    list_for_each_safe(node, after, &connection->home->observers) {
        struct sse_observer *observer = container_of(node, struct sse_observer, node);

        if (observer->on_gap)
            observer->on_gap(observer, connection, after_position, position);
    }
}

/* The log does not keep any more what is next, because the client reads too slowly. Its owner may
 * be ahead of this worker, which goes no further than it has come: what is behind that it will be
 * given. False when there is no room to say so. */
static bool skip_lost(struct sse_backlog *backlog)
{
    struct sse_connection *connection = backlog->connection;
    struct sse_service *service = connection->home;
    const uint64_t first = sse_log_first(service->log);
    const uint64_t seen = first <= service->position ? first - 1 : service->position;
    char from[SSE_OWN_ID_SIZE], to[SSE_OWN_ID_SIZE];
    struct sse_event *event;
    bool has_room;

    if (!has_lost(connection, backlog->seen)) {
        backlog->seen = seen;
        return true;
    }
    sse_log_id(service->log, backlog->seen, from);
    sse_log_id(service->log, seen, to);
    event = sse_server_events_gap(from, to, "slow");
    has_room = sse_connection_has_room(connection, event->wire->length);
    if (has_room) {
        service->counters.gaps++;
        tell_gap(connection, backlog->seen, seen);
        backlog->seen = seen;
        (void)sse_connection_push(connection, event);
    }
    sse_event_unref(event);
    return has_room;
}

/* Commands are none of its business. False: it has seen all. */
static bool find_next(struct sse_backlog *backlog, const struct sse_service *service)
{
    if (backlog->seen < service->position && backlog->seen + 1 >= sse_log_first(service->log))
        backlog->seen = sse_log_skip(service->log, backlog->seen + 1, service->position) - 1;
    return backlog->seen < service->position;
}

static enum progress replay(struct sse_backlog *backlog, const struct sse_service *service)
{
    size_t compared = 0;

    while (backlog->connection && find_next(backlog, service)) {
        const struct sse_message *message = sse_log_at(service->log, backlog->seen + 1);

        if (compared >= SLICE_VALUES)
            return MORE;
        if (!message) {
            if (!skip_lost(backlog))
                return WAITS;
            continue;
        }
        if (is_for(backlog, message) &&
            !write_missed(backlog->connection, message, backlog->seen + 1))
            return WAITS;
        compared += 1 + message->target.count;
        backlog->seen++;
    }
    return DONE;
}

static enum progress catch_up(struct sse_backlog *backlog)
{
    const struct sse_service *service = backlog->connection->home;

    if (!backlog->is_catching_up)
        return DONE;
    if (backlog->until_mark == UINT64_MAX) {
        enum progress progress;

        sse_log_begin(service->log, service->shard.number);
        progress = replay(backlog, service);
        sse_log_end(service->log, service->shard.number);
        if (progress != DONE)
            return progress;
        backlog->until_mark = sse_dispatch_mark(service->dispatch);
    }
    /* Jobs that are still under way have been written from the history, and are to be counted. */
    if (sse_dispatch_oldest(service->dispatch) <= backlog->until_mark)
        return MORE;
    backlog->is_catching_up = false;
    return DONE;
}

/* ---- what is offered ---- */

static size_t push_while_room(const struct sse_backlog *backlog, struct sse_offer *offer,
                              struct sse_event *const *events, size_t count)
{
    size_t pushed = 0;

    /* One that is larger than the whole queue is refused, and would be again. The offer may be gone
     * when the connection is. */
    while (backlog->connection && pushed < count &&
           sse_connection_has_room(backlog->connection, events[pushed]->wire->length)) {
        offer->taken = pushed + 1;
        (void)sse_connection_push(backlog->connection, events[pushed++]);
    }
    return pushed;
}

/* Whether there is nothing left to drain, or more would fit: nobody else would say so. */
static bool is_due(const struct sse_connection *connection, bool is_all_taken)
{
    return connection->queue.count == 0 || (is_all_taken && sse_connection_is_drained(connection));
}

size_t sse_connection_offer(struct sse_connection *connection, struct sse_offer *offer,
                            struct sse_event *const *events, size_t count)
{
    struct sse_backlog *backlog;
    size_t pushed = 0;

    offer->node = (struct list){0};
    offer->taken = 0;
    if (!connection->service) {
        offer->on_room(offer, true);
        return 0;
    }
    backlog = backlog_of(connection);
    hold(backlog);
    list_append(&backlog->offers, &offer->node);
    if (!backlog->is_catching_up)
        pushed = push_while_room(backlog, offer, events, count);
    if (backlog->connection && is_due(backlog->connection, pushed == count))
        sse_backlog_rouse(backlog);
    let_go(backlog);
    return pushed;
}

static bool tell_next_offer(struct sse_backlog *backlog, bool is_gone)
{
    struct list *node = list_take_first(&backlog->offers);
    struct sse_offer *offer = node ? container_of(node, struct sse_offer, node) : NULL;

    if (offer)
        offer->on_room(offer, is_gone);
    return offer != NULL;
}

/* Tells those that wait, while there is room. */
static void serve_offers(struct sse_backlog *backlog)
{
    size_t left = 0;

    list_for_each(node, &backlog->offers)
        left++;
    /* What is offered meanwhile has its turn later. */
    while (left-- > 0 && backlog->connection && sse_connection_is_drained(backlog->connection) &&
           tell_next_offer(backlog, false))
        ;
}

/* ---- the turns ---- */

/* Each step may end the connection. */
static enum progress work(struct sse_backlog *backlog)
{
    enum progress progress;

    if (!is_notice_waiting(backlog))
        forget_notice(backlog);
    progress = catch_up(backlog);
    if (progress == DONE && backlog->connection)
        serve_offers(backlog);
    return progress;
}

static void run(struct sse_backlog *backlog)
{
    hold(backlog);
    if (work(backlog) == MORE && backlog->connection)
        sse_backlog_rouse(backlog);
    let_go(backlog);
}

void sse_backlog_end(struct sse_backlog *backlog)
{
    hold(backlog);
    backlog->connection->backlog = NULL;
    backlog->connection = NULL;
    list_remove(&backlog->node);
    while (tell_next_offer(backlog, true))
        ;
    let_go(backlog);
}

/* Each that is roused now once; those for whom the time does not suffice come first in the next
 * turn. */
static bool on_turn(struct loop_hook *hook)
{
    struct sse_backlogs *backlogs = container_of(hook, struct sse_backlogs, hook);
    struct list batch;
    struct list *node;
    struct slice slice;

    if (list_is_empty(&backlogs->roused))
        return false;
    slice = slice_new(SLICE_NS, UINT32_MAX, 1);
    list_take_all(&batch, &backlogs->roused);
    while ((node = list_take_first(&batch))) {
        run(container_of(node, struct sse_backlog, node));
        if (!slice_spend(&slice))
            break;
    }
    list_prepend_all(&backlogs->roused, &batch);
    return !list_is_empty(&backlogs->roused);
}

struct sse_backlogs *sse_backlogs_new(struct loop *loop)
{
    struct sse_backlogs *backlogs = mem_zalloc(sizeof(*backlogs));

    backlogs->loop = loop;
    backlogs->hook.run = on_turn;
    list_init(&backlogs->roused);
    loop_hook_add(loop, LOOP_WORK, &backlogs->hook);
    return backlogs;
}

void sse_backlogs_free(struct sse_backlogs *backlogs)
{
    assert(list_is_empty(&backlogs->roused));
    loop_hook_remove(&backlogs->hook);
    free(backlogs);
}
