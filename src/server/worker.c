/* SPDX-License-Identifier: Apache-2.0 */
#include "server/worker.h"

#include <pthread.h>
#include <semaphore.h>
#include <string.h>

#include "api/api.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include "cluster/peers.h"
#include "h2/session.h"
#include "outbound/http.h"
#include "server/config.h"
#include "server/worker_auths.h"

#define DRAIN_CHECK_MS 100u

struct worker {
    struct worker_options options;
    pthread_t thread;
    sem_t ready;
    struct loop *loop;
    struct mailbox *mailbox; /* from the main thread */
    struct h2_endpoint *endpoint;
    struct api *api;
    struct worker_auths *auths;
    struct outbound_http *outbound, *outbound_streams;
    struct h2_listener **listeners;
    struct loop_timer drain_timer;
    uint64_t drain_until; /* loop ms; 0: not draining */
    bool is_busy;         /* counted in options.busy */
};

struct drain_letter {
    struct letter letter;
    unsigned drain_ms;
};

static void open_listeners(struct worker *worker)
{
    const struct worker_options *options = &worker->options;

    worker->listeners = mem_zalloc(options->listener_count * sizeof(struct h2_listener *));
    for (size_t i = 0; i < options->listener_count; i++)
        worker->listeners[i] =
            h2_listener_new(worker->endpoint, &options->bound[i], &options->listeners[i]);
}

static void close_listeners(struct worker *worker)
{
    for (size_t i = 0; i < worker->options.listener_count; i++) {
        h2_listener_free(worker->listeners[i]);
        worker->listeners[i] = NULL;
    }
}

/* Each streamed body has a connection of its own for as long as it takes: a limit for one host
 * would let a few slow clients stop the uploads of all. */
static struct outbound_http *open_outbound_streams(const struct worker *worker)
{
    struct outbound_http_settings settings = *worker->options.outbound;

    settings.host_connections = 0;
    return outbound_http_new(worker->loop, &settings);
}

static bool build(struct worker *worker)
{
    const struct worker_options *options = &worker->options;

    worker->loop = loop_new();
    if (!worker->loop)
        return false;
    worker->mailbox = mailbox_new(worker->loop, worker);
    worker->outbound = outbound_http_new(worker->loop, options->outbound);
    worker->outbound_streams = open_outbound_streams(worker);
    if (!worker->mailbox || !worker->outbound || !worker->outbound_streams)
        return false;
    worker->auths = worker_auths_new(&(struct worker_auths_parts){.config = options->config,
                                                                  .token_keys = options->token_keys,
                                                                  .loop = worker->loop,
                                                                  .http = worker->outbound,
                                                                  .outbound = options->outbound});
    if (!worker->auths)
        return false;
    worker->api =
        api_new(options->api, &(struct api_place){.worker = options->index,
                                                  .loop = worker->loop,
                                                  .peers = options->peers,
                                                  .auths = worker_auths_list(worker->auths),
                                                  .outbound = worker->outbound,
                                                  .outbound_streams = worker->outbound_streams});
    worker->endpoint =
        h2_endpoint_new(worker->loop, &options->config->limits, api_handler(worker->api));
    if (!worker->endpoint)
        return false;
    h2_endpoint_set_slots(worker->endpoint, options->slots);
    h2_endpoint_share_budget(worker->endpoint, options->inbound);
    api_set_endpoint(worker->api, worker->endpoint);
    return true;
}

static void tear_down(struct worker *worker)
{
    h2_endpoint_free(worker->endpoint);
    api_free(worker->api);
    worker_auths_free(worker->auths);
    free(worker->listeners);
    /* When all who ask through them have canceled. */
    outbound_http_free(worker->outbound);
    outbound_http_free(worker->outbound_streams);
}

static void *run(void *argument)
{
    struct worker *worker = argument;

    if (!build(worker)) {
        /* The others wait in peers_join for all: there is no serving without one of them. */
        log_error("a worker could not start", LOG_INT("worker", worker->options.index));
        abort();
    }
    peers_join(worker->options.peers, worker->options.index, worker->loop, worker->api);
    open_listeners(worker);
    worker->is_busy = true;
    sem_post(&worker->ready);
    loop_run(worker->loop);
    loop_timer_stop(&worker->drain_timer);
    peers_leave(worker->options.peers, worker->options.index);
    tear_down(worker);
    return NULL;
}

struct worker *worker_start(const struct worker_options *options)
{
    struct worker *worker = mem_zalloc(sizeof(*worker));

    worker->options = *options;
    if (sem_init(&worker->ready, 0, 0) != 0) {
        free(worker);
        return NULL;
    }
    int result = pthread_create(&worker->thread, NULL, run, worker);
    if (result != 0) {
        log_error("cannot start a thread", LOG_STR("reason", strerror(result)));
        sem_destroy(&worker->ready);
        free(worker);
        return NULL;
    }
    return worker;
}

void worker_wait_ready(struct worker *worker)
{
    while (sem_wait(&worker->ready) != 0) {
    } /* EINTR */
}

static void abandon_back_ends(struct worker *worker)
{
    outbound_http_abandon(worker->outbound);
    outbound_http_abandon(worker->outbound_streams);
    worker_auths_abandon(worker->auths);
}

/* No client, and no request of one that is still at work. */
static bool is_finished(struct worker *worker)
{
    const bool is_over = loop_now_ms(worker->loop) >= worker->drain_until;

    if (h2_endpoint_sessions(worker->endpoint) > 0 && !is_over)
        return false;
    h2_endpoint_close(worker->endpoint);
    if (is_over)
        abandon_back_ends(worker);
    return api_is_idle(worker->api);
}

static void on_drain_check(struct loop_timer *timer)
{
    struct worker *worker = container_of(timer, struct worker, drain_timer);
    atomic_size_t *busy = worker->options.busy;

    if (worker->is_busy && is_finished(worker)) {
        worker->is_busy = false;
        atomic_fetch_sub(busy, 1);
    }
    if (atomic_load(busy) == 0)
        loop_stop(worker->loop);
    else
        loop_timer_start(worker->loop, timer, DRAIN_CHECK_MS);
}

static void open_drain(struct letter *letter, void *context)
{
    struct drain_letter *drain = container_of(letter, struct drain_letter, letter);
    struct worker *worker = context;

    if (worker->drain_until) {
        worker->drain_until = loop_now_ms(worker->loop);
    } else {
        worker->drain_until = loop_now_ms(worker->loop) + drain->drain_ms;
        close_listeners(worker);
        api_drain(worker->api, drain->drain_ms);
        h2_endpoint_drain(worker->endpoint);
        worker->drain_timer.on_fire = on_drain_check;
        loop_timer_start(worker->loop, &worker->drain_timer, 0);
    }
    free(drain);
}

void worker_drain(struct worker *worker, unsigned drain_ms)
{
    struct drain_letter *drain = mem_zalloc(sizeof(*drain));

    drain->letter.open = open_drain;
    drain->drain_ms = drain_ms;
    mailbox_post(worker->mailbox, &drain->letter);
}

void worker_join(struct worker *worker)
{
    (void)pthread_join(worker->thread, NULL);
    /* Not before: this thread may have been ringing the bell when the worker had read the letter
     * and come to its end. */
    mailbox_free(worker->mailbox);
    loop_free(worker->loop);
    sem_destroy(&worker->ready);
    free(worker);
}
