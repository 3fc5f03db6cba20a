/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/backlog.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "sse/backlogs.h"
#include "sse/connection.h"
#include "sse/event.h"
#include "sse/history.h"
#include "sse/offer.h"
#include "sse/server_events.h"
#include "sse/service.h"

struct sse_backlog *sse_backlog_of(struct sse_connection *connection)
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
    sse_backlogs_rouse(backlog->connection->home->backlogs, backlog);
}

static bool is_empty(const struct sse_backlog *backlog)
{
    return !backlog->notice && !backlog->is_catching_up && list_is_empty(&backlog->offers);
}

void sse_backlog_hold(struct sse_backlog *backlog)
{
    backlog->holds++;
}

void sse_backlog_let_go(struct sse_backlog *backlog)
{
    if (--backlog->holds > 0 || (backlog->connection && !is_empty(backlog)))
        return;
    list_remove(&backlog->node);
    if (backlog->connection)
        backlog->connection->backlog = NULL;
    sse_event_unref(backlog->notice);
    free(backlog);
}

void sse_backlog_end(struct sse_backlog *backlog)
{
    sse_backlog_hold(backlog);
    backlog->connection->backlog = NULL;
    backlog->connection = NULL;
    list_remove(&backlog->node);
    sse_offers_end(&backlog->offers);
    sse_backlog_let_go(backlog);
}

static void forget_notice(struct sse_backlog *backlog)
{
    backlog->notice = sse_event_unref(backlog->notice);
    backlog->dropped = 0;
}

static bool is_notice_waiting(const struct sse_backlog *backlog)
{
    return backlog->notice && sse_queue_is_inserted(&backlog->connection->queue, backlog->notice);
}

static enum sse_progress catch_up(struct sse_backlog *backlog)
{
    enum sse_progress progress;

    if (!backlog->is_catching_up)
        return SSE_PROGRESS_DONE;
    progress = sse_catch_up_run(backlog);
    backlog->is_catching_up = progress != SSE_PROGRESS_DONE;
    return progress;
}

/* Each step may end the connection. */
static enum sse_progress work(struct sse_backlog *backlog)
{
    enum sse_progress progress;

    if (!is_notice_waiting(backlog))
        forget_notice(backlog);
    progress = catch_up(backlog);
    if (progress == SSE_PROGRESS_DONE && backlog->connection)
        sse_offers_serve(backlog);
    return progress;
}

void sse_backlog_run(struct sse_backlog *backlog)
{
    sse_backlog_hold(backlog);
    if (work(backlog) == SSE_PROGRESS_MORE && backlog->connection)
        sse_backlog_rouse(backlog);
    sse_backlog_let_go(backlog);
}

void sse_backlog_add_dropped(struct sse_connection *connection, size_t count)
{
    struct sse_backlog *backlog = sse_backlog_of(connection);
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

void sse_backlog_catch_up(struct sse_connection *connection, const struct sse_arrival *arrival)
{
    struct sse_backlog *backlog = sse_backlog_of(connection);

    backlog->is_catching_up = true;
    sse_catch_up_init(&backlog->catch_up, arrival);
    sse_backlog_rouse(backlog);
}

bool sse_backlog_catches_up(const struct sse_backlog *backlog, uint64_t mark)
{
    return backlog->is_catching_up && mark <= backlog->catch_up.until_mark;
}

void sse_backlog_gate(struct sse_backlog *backlog)
{
    backlog->catch_up.gated_after = sse_history_last(backlog->connection->home->history);
    backlog->catch_up.gated_to = UINT64_MAX;
}

void sse_backlog_open_gate(struct sse_backlog *backlog)
{
    backlog->catch_up.gated_to = sse_history_last(backlog->connection->home->history);
}
