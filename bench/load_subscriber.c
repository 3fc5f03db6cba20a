/* SPDX-License-Identifier: Apache-2.0 */
#include "load_subscriber.h"

#include <stdio.h>

#include "load_crew.h"
#include "load_exchange.h"
#include "load_options.h"
#include "load_template.h"

#define MAX_COMPLAINTS    5u
#define SLOW_RECEIVE_SIZE 4096

/* Only the worker's own thread writes; others may read. */
static void count(atomic_uint_fast64_t *counter)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

static void complain(struct load_session *session, const char *what, int status)
{
    struct load_crew *crew = session->worker->crew;

    if (atomic_fetch_add(&crew->complaints, 1) < MAX_COMPLAINTS)
        (void)fprintf(stderr, "session %u: %s (status %d)\n", session->index, what, status);
}

static void settle(struct load_session *session, bool success)
{
    count(success ? &session->worker->opened : &session->worker->failed);
    if (--session->pending == 0)
        session->worker->opening--;
}

static void on_event(void *context, const struct load_stamp *stamp, bool damaged)
{
    struct load_subscriber *subscriber = context;
    struct load_session *session = subscriber->session;
    struct load_worker *worker = session->worker;
    struct load_statistics *statistics = &worker->statistics;
    uint64_t arrived = session->connection.socket.arrived;

    if (session->slow) {
        statistics->stalled++;
        return;
    }
    if (stamp->phase != worker->crew->phase ||
        stamp->publisher >= worker->crew->options->publishers ||
        (stamp->target != LOAD_EVERYONE && stamp->target != subscriber->number)) {
        statistics->stray++;
        return;
    }
    if (damaged)
        statistics->damaged++;
    switch (load_sequence_take(&subscriber->sequences[stamp->publisher], stamp->number)) {
    case LOAD_DUPLICATED:
        statistics->duplicated++;
        return;
    case LOAD_DISORDERED:
        statistics->disordered++;
        break;
    case LOAD_IN_ORDER:
        break;
    }
    load_histogram_add(&statistics->latency, arrived > stamp->sent ? arrived - stamp->sent : 0);
    statistics->last_arrival = arrived;
    count(&worker->delivered);
}

static void on_data(struct load_call *call, const char *data, size_t length)
{
    struct load_subscriber *subscriber = container_of(call, struct load_subscriber, call);
    const struct load_scan_handler handler = {
        .on_event = on_event,
        .context = subscriber,
        .payload = subscriber->session->worker->crew->options->payload,
    };

    if (call->status == 200)
        load_scan(&subscriber->scanner, &handler, data, length);
}

static void on_answer(struct load_call *call)
{
    struct load_subscriber *subscriber = container_of(call, struct load_subscriber, call);

    if (subscriber->settled)
        return;
    subscriber->settled = true;
    if (call->status != 200)
        complain(subscriber->session, "an event stream was refused", call->status);
    settle(subscriber->session, call->status == 200);
}

static void on_stream_close(struct load_call *call)
{
    struct load_subscriber *subscriber = container_of(call, struct load_subscriber, call);
    struct load_session *session = subscriber->session;

    if (!subscriber->settled) {
        subscriber->settled = true;
        settle(session, false);
        return;
    }
    if (call->status == 200)
        count(session->slow ? &session->worker->slow_closed : &session->worker->closed);
}

static void on_session_open(struct load_connection *connection)
{
    struct load_session *session = container_of(connection, struct load_session, connection);
    const struct load_options *options = session->worker->crew->options;

    for (uint32_t i = 0; i < options->streams; i++) {
        struct load_subscriber *subscriber = &session->subscribers[i];
        struct load_values values = {
            .connection = session->index, .stream = i, .number = subscriber->number};

        subscriber->call.on_answer = on_answer;
        subscriber->call.on_data = on_data;
        subscriber->call.on_close = on_stream_close;
        if (load_exchange_submit(&options->connect, &values, connection, &subscriber->call) < 0)
            on_stream_close(&subscriber->call);
        buf_release(&subscriber->call.path);
    }
}

static void on_session_close(struct load_connection *connection)
{
    struct load_session *session = container_of(connection, struct load_session, connection);

    if (!session->slow)
        complain(session, connection->fault, 0);
    while (session->pending > 0)
        settle(session, false);
}

void load_session_open(struct load_session *session)
{
    struct load_worker *worker = session->worker;

    session->connection.poller = &worker->poller;
    session->connection.endpoint = worker->crew->endpoint;
    session->connection.is_http1 = worker->crew->options->http1;
    session->connection.on_open = on_session_open;
    session->connection.on_close = on_session_close;
    worker->opening++;
    if (load_connection_open(&session->connection, session->slow ? SLOW_RECEIVE_SIZE : 0) == 0)
        return;
    session->connection.fault = "cannot connect";
    on_session_close(&session->connection);
}
