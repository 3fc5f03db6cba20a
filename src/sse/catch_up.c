/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/catch_up.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/loop.h"
#include "base/mem.h"
#include "sse/backlog.h"
#include "sse/connection.h"
#include "sse/dispatch.h"
#include "sse/event.h"
#include "sse/history.h"
#include "sse/message.h"
#include "sse/registry.h"
#include "sse/server_events.h"
#include "sse/service.h"
#include "sse/subject.h"

/* In values of targets that are compared: some tens of microseconds. */
#define SLICE_VALUES 4096u

void sse_catch_up_init(struct sse_catch_up *catch_up, const struct sse_arrival *arrival)
{
    *catch_up = (struct sse_catch_up){
        .seen = arrival->after,
        .is_exact = arrival->is_exact,
        .until_mark = UINT64_MAX,
    };
}

/* What was stored for an individual before the connection was there comes from the store, in the
 * order of its queue: from here a later message might come before an earlier one. What somebody has
 * acknowledged meanwhile comes from here alone; but where it is not known what the page has had,
 * that may have been this one. */
static bool is_left_to_the_store(const struct sse_catch_up *catch_up,
                                 const struct sse_connection *connection,
                                 const struct sse_message *message)
{
    const char *value = sse_connection_individual(connection, &message->target);

    return message->is_stored && value &&
           !(catch_up->is_exact && sse_message_has_ended(message, value));
}

static bool is_for(const struct sse_catch_up *catch_up, const struct sse_connection *connection,
                   const struct sse_message *message)
{
    const uint64_t position = catch_up->seen + 1;

    if (message->is_stored && position > catch_up->gated_after && position <= catch_up->gated_to)
        return false;
    return sse_connection_is_selected(connection, &message->target) &&
           !(position <= connection->opened && is_left_to_the_store(catch_up, connection, message));
}

/* False when there is no room for it. The sink may end the connection, and free it. */
static bool write_missed(struct sse_connection *connection, const struct sse_message *message)
{
    struct sse_service *service = connection->home;
    struct sse_event *event;

    if (!sse_connection_has_room(connection, message->wire->length))
        return false;
    event = sse_event_new(message->event, bytes_ref(message->wire));
    event->is_kept = message->is_stored;
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
    has = sse_history_has_lost(connection->home->history, &subject, after);
    free(channels);
    return has;
}

/* The history has forgotten what is next, because the client reads too slowly. False when there is
 * no room to say so. */
static bool skip_lost(struct sse_catch_up *catch_up, struct sse_connection *connection)
{
    struct sse_service *service = connection->home;
    const uint64_t seen = sse_history_first(service->history, loop_now_ms(service->loop)) - 1;
    char from[SSE_POSITION_ID_SIZE];
    struct sse_event *event;
    bool has_room;

    if (!has_lost(connection, catch_up->seen)) {
        catch_up->seen = seen;
        return true;
    }
    sse_history_id(catch_up->seen, from);
    event = sse_server_events_gap(from, seen, "slow");
    has_room = sse_connection_has_room(connection, event->wire->length);
    if (has_room) {
        catch_up->seen = seen;
        service->counters.gaps++;
        (void)sse_connection_push(connection, event);
    }
    sse_event_unref(event);
    return has_room;
}

static enum sse_progress replay(struct sse_backlog *backlog, const struct sse_history *history)
{
    struct sse_catch_up *catch_up = &backlog->catch_up;
    size_t compared = 0;

    while (backlog->connection && catch_up->seen < sse_history_last(history)) {
        struct sse_connection *connection = backlog->connection;
        const struct sse_message *message = sse_history_at(history, catch_up->seen + 1);

        if (compared >= SLICE_VALUES)
            return SSE_PROGRESS_MORE;
        if (!message) {
            if (!skip_lost(catch_up, connection))
                return SSE_PROGRESS_WAITS;
            continue;
        }
        if (is_for(catch_up, connection, message) && !write_missed(connection, message))
            return SSE_PROGRESS_WAITS;
        compared += 1 + message->target.count;
        catch_up->seen++;
    }
    return SSE_PROGRESS_DONE;
}

enum sse_progress sse_catch_up_run(struct sse_backlog *backlog)
{
    const struct sse_service *service = backlog->connection->home;
    struct sse_catch_up *catch_up = &backlog->catch_up;

    if (catch_up->until_mark == UINT64_MAX) {
        const enum sse_progress progress = replay(backlog, service->history);

        if (progress != SSE_PROGRESS_DONE)
            return progress;
        catch_up->until_mark = sse_dispatch_mark(service->dispatch);
    }
    /* Jobs that are still under way have been written from the history, and are to be counted. */
    return sse_dispatch_oldest(service->dispatch) > catch_up->until_mark ? SSE_PROGRESS_DONE
                                                                         : SSE_PROGRESS_MORE;
}
