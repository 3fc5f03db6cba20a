/* SPDX-License-Identifier: Apache-2.0 */
#include "load_crew.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "load_clock.h"
#include "load_options.h"
#include "load_subscriber.h"

#define LONGEST_WAIT (10 * LOAD_MILLISECOND)

static void assign(struct load_crew *crew)
{
    const struct load_options *options = crew->options;
    uint32_t next = 0;

    for (uint32_t i = 0; i < options->threads; i++) {
        struct load_worker *worker = &crew->workers[i];
        uint32_t end = (uint32_t)((uint64_t)options->sessions * (i + 1) / options->threads);

        worker->crew = crew;
        worker->sessions = &crew->sessions[next];
        worker->count = end - next;
        for (; next < end; next++) {
            struct load_session *session = &crew->sessions[next];

            session->worker = worker;
            session->index = next;
            session->pending = options->streams;
            session->subscribers = &crew->subscribers[(size_t)next * options->streams];
        }
    }
    for (uint32_t i = 0; i < crew->stream_count; i++) {
        crew->subscribers[i].number = i;
        crew->subscribers[i].session = &crew->sessions[i / options->streams];
        crew->subscribers[i].sequences = &crew->sequences[(size_t)i * options->publishers];
    }
}

int load_crew_init(struct load_crew *crew, const struct load_options *options,
                   const struct load_endpoint *endpoint)
{
    int rc = 0;

    memset(crew, 0, sizeof(*crew));
    crew->options = options;
    crew->endpoint = endpoint;
    crew->stream_count = options->sessions * options->streams;
    crew->workers = mem_zalloc(options->threads * sizeof(*crew->workers));
    crew->sessions = mem_zalloc(options->sessions * sizeof(*crew->sessions));
    crew->subscribers = mem_zalloc(crew->stream_count * sizeof(*crew->subscribers));
    crew->sequences =
        mem_zalloc((size_t)crew->stream_count * options->publishers * sizeof(*crew->sequences));
    assign(crew);
    for (uint32_t i = 0; i < options->threads; i++) {
        int init = load_poller_init(&crew->workers[i].poller);

        rc = init < 0 ? init : rc;
    }
    return rc;
}

void load_crew_release(struct load_crew *crew)
{
    for (uint32_t i = 0; i < crew->options->sessions; i++)
        load_connection_release(&crew->sessions[i].connection);
    for (uint32_t i = 0; i < crew->options->threads; i++)
        load_poller_release(&crew->workers[i].poller);
    free(crew->sequences);
    free(crew->subscribers);
    free(crew->sessions);
    free(crew->workers);
}

static void worker_turn(struct load_worker *worker, uint64_t wait)
{
    while (worker->next < worker->count && worker->opening < worker->crew->options->ramp)
        load_session_open(&worker->sessions[worker->next++]);
    load_poller_turn(&worker->poller, wait);
}

static void *worker_main(void *context)
{
    struct load_worker *worker = context;

    while (!atomic_load(&worker->crew->stop))
        worker_turn(worker, LONGEST_WAIT);
    return NULL;
}

static int lead(struct load_worker *worker, struct load_phase *phase, uint64_t deadline)
{
    for (;;) {
        uint64_t now = load_now();
        uint64_t wake = now + LONGEST_WAIT;

        if (phase->turn(phase, now, &wake))
            return 0;
        if (now >= deadline)
            return -ETIMEDOUT;
        load_poller_flush(&worker->poller);
        worker_turn(worker, wake > now ? wake - now : 0);
    }
}

int load_crew_run(struct load_crew *crew, struct load_phase *phase, uint64_t deadline)
{
    uint32_t running = 1;
    int rc = 0;

    atomic_store(&crew->stop, false);
    while (running < crew->options->threads && rc == 0) {
        struct load_worker *worker = &crew->workers[running];

        rc = -pthread_create(&worker->thread, NULL, worker_main, worker);
        if (rc == 0)
            running++;
    }
    if (rc == 0)
        rc = lead(&crew->workers[0], phase, deadline);
    atomic_store(&crew->stop, true);
    while (running > 1)
        (void)pthread_join(crew->workers[--running].thread, NULL);
    return rc;
}

void load_crew_reset(struct load_crew *crew)
{
    crew->phase++;
    memset(crew->sequences, 0,
           (size_t)crew->stream_count * crew->options->publishers * sizeof(*crew->sequences));
    for (uint32_t i = 0; i < crew->options->threads; i++) {
        memset(&crew->workers[i].statistics, 0, sizeof(crew->workers[i].statistics));
        atomic_store(&crew->workers[i].delivered, 0);
    }
    for (uint32_t i = 0; i < crew->options->sessions; i++) {
        crew->sessions[i].connection.socket.reads = 0;
        crew->sessions[i].connection.socket.bytes = 0;
    }
}

void load_crew_collect(const struct load_crew *crew, struct load_statistics *statistics)
{
    memset(statistics, 0, sizeof(*statistics));
    for (uint32_t i = 0; i < crew->options->threads; i++)
        load_statistics_merge(statistics, &crew->workers[i].statistics);
    for (uint32_t i = 0; i < crew->options->sessions; i++) {
        statistics->reads += crew->sessions[i].connection.socket.reads;
        statistics->bytes += crew->sessions[i].connection.socket.bytes;
    }
}

#define SUM(name, member)                                                                          \
    uint64_t load_crew_##name(struct load_crew *crew)                                              \
    {                                                                                              \
        uint64_t sum = 0;                                                                          \
                                                                                                   \
        for (uint32_t i = 0; i < crew->options->threads; i++)                                      \
            sum += atomic_load_explicit(&crew->workers[i].member, memory_order_relaxed);           \
        return sum;                                                                                \
    }

SUM(delivered, delivered)
SUM(opened, opened)
SUM(failed, failed)
SUM(closed, closed)
SUM(slow_closed, slow_closed)
