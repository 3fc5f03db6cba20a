/* SPDX-License-Identifier: Apache-2.0 */
#include "load_crew.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "load_options.h"

#define LONGEST_WAIT      (10 * CLOCK_NS_PER_MS)
#define MAX_COMPLAINTS    5u
#define SLOW_RECEIVE_SIZE 4096

static void complain(struct load_session *session, const char *what, int status)
{
    struct load_crew *crew = session->crew;

    if (crew->complaints++ < MAX_COMPLAINTS)
        (void)fprintf(stderr, "session %u: %s (status %d)\n", (unsigned)(session - crew->sessions),
                      what, status);
}

static void settle(struct load_session *session, bool success)
{
    struct load_crew *crew = session->crew;

    if (success)
        crew->opened++;
    else
        crew->failed++;
    if (--session->pending == 0)
        crew->opening--;
}

/* False when it has come before. */
static bool take_number(struct load_statistics *statistics, struct load_sequence *sequence,
                        uint32_t number)
{
    uint32_t back;
    uint64_t bit;

    if (number >= sequence->next) {
        uint32_t ahead = number - sequence->next + 1;

        sequence->seen = (ahead < 64 ? sequence->seen << ahead : 0) | 1u;
        sequence->next = number + 1;
        return true;
    }
    back = sequence->next - 1 - number;
    bit = back < 64 ? 1ull << back : 0;
    if (bit == 0 || (sequence->seen & bit) != 0) {
        statistics->duplicated++;
        return false;
    }
    sequence->seen |= bit;
    statistics->disordered++;
    return true;
}

static void take_event(struct load_subscriber *subscriber, const struct load_stamp *stamp)
{
    struct load_session *session = subscriber->session;
    struct load_crew *crew = session->crew;
    struct load_statistics *statistics = &crew->statistics;
    uint64_t arrived = session->connection.socket.arrived;

    if (session->slow)
        return;
    if (stamp->phase != crew->phase || stamp->publisher >= crew->options->publishers ||
        (stamp->target != LOAD_EVERYONE && stamp->target != subscriber->number)) {
        statistics->stray++;
        return;
    }
    if (subscriber->scanner.damaged)
        statistics->damaged++;
    if (!take_number(statistics, &subscriber->sequences[stamp->publisher], stamp->number))
        return;
    load_histogram_add(&statistics->latency, stamp->sent, arrived);
    statistics->last_arrival = arrived;
    statistics->delivered++;
}

static void on_data(struct load_call *call, const char *data, size_t length)
{
    struct load_subscriber *subscriber = container_of(call, struct load_subscriber, call);
    const uint32_t payload = subscriber->session->crew->options->payload;
    const char *const end = data + length;
    struct load_stamp stamp;

    if (call->status != 200)
        return;
    while (load_scan(&subscriber->scanner, payload, &data, end, &stamp))
        take_event(subscriber, &stamp);
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
    } else if (call->status == 200 && !session->slow) {
        session->crew->closed++;
    }
}

static void on_session_open(struct load_connection *connection)
{
    struct load_session *session = container_of(connection, struct load_session, connection);
    const struct load_options *options = session->crew->options;

    for (uint32_t i = 0; i < options->streams; i++) {
        struct load_subscriber *subscriber = &session->subscribers[i];

        subscriber->call.on_answer = on_answer;
        subscriber->call.on_data = on_data;
        subscriber->call.on_close = on_stream_close;
        if (load_connection_submit(connection, &subscriber->call, &options->connect,
                                   subscriber->number) < 0)
            on_stream_close(&subscriber->call);
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

/* Whether it succeeds or not, each stream will be counted as opened or failed. */
static void open_session(struct load_crew *crew, struct load_session *session)
{
    session->connection.poller = &crew->poller;
    session->connection.socket.reads = &crew->statistics.reads;
    session->connection.endpoint = crew->endpoint;
    session->connection.is_http1 = crew->options->http1;
    session->connection.on_open = on_session_open;
    session->connection.on_close = on_session_close;
    crew->opening++;
    if (load_connection_open(&session->connection, session->slow ? SLOW_RECEIVE_SIZE : 0) == 0)
        return;
    session->connection.fault = "cannot connect";
    on_session_close(&session->connection);
}

int load_crew_init(struct load_crew *crew, const struct load_options *options,
                   const struct load_endpoint *endpoint)
{
    const uint32_t streams = options->sessions * options->streams;

    *crew = (struct load_crew){
        .options = options,
        .endpoint = endpoint,
        .stream_count = streams,
        .sessions = mem_zalloc(options->sessions * sizeof(*crew->sessions)),
        .subscribers = mem_zalloc(streams * sizeof(*crew->subscribers)),
        .sequences = mem_zalloc((size_t)streams * options->publishers * sizeof(*crew->sequences)),
    };
    for (uint32_t i = 0; i < options->sessions; i++) {
        crew->sessions[i].crew = crew;
        crew->sessions[i].pending = options->streams;
        crew->sessions[i].subscribers = &crew->subscribers[(size_t)i * options->streams];
    }
    for (uint32_t i = 0; i < streams; i++) {
        crew->subscribers[i].number = i;
        crew->subscribers[i].session = &crew->sessions[i / options->streams];
        crew->subscribers[i].sequences = &crew->sequences[(size_t)i * options->publishers];
    }
    return load_poller_init(&crew->poller);
}

void load_crew_release(struct load_crew *crew)
{
    for (uint32_t i = 0; i < crew->options->sessions; i++)
        load_connection_release(&crew->sessions[i].connection);
    load_poller_release(&crew->poller);
    free(crew->sequences);
    free(crew->subscribers);
    free(crew->sessions);
}

int load_crew_run(struct load_crew *crew, load_turn *turn, void *context, uint64_t deadline)
{
    for (;;) {
        uint64_t now = load_now();
        uint64_t wake = now + LONGEST_WAIT;

        if (turn(context, now, &wake))
            return 0;
        if (now >= deadline)
            return -ETIMEDOUT;
        load_poller_flush(&crew->poller);
        while (crew->next < crew->options->sessions && crew->opening < crew->options->ramp)
            open_session(crew, &crew->sessions[crew->next++]);
        load_poller_turn(&crew->poller, wake > now ? wake - now : 0);
    }
}

void load_crew_reset(struct load_crew *crew)
{
    crew->phase++;
    memset(crew->sequences, 0,
           (size_t)crew->stream_count * crew->options->publishers * sizeof(*crew->sequences));
    memset(&crew->statistics, 0, sizeof(crew->statistics));
}
