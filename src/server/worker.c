/* SPDX-License-Identifier: Apache-2.0 */
#include "server/worker.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/api.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include "base/thread_pool.h"
#include "broker/mailboxes.h"
#include "h1/connection.h"
#include "h2/session.h"
#include "outbound/http.h"
#include "server/drain.h"
#include "server/settings.h"
#include "server/tls_contexts.h"
#include "server/worker_auths.h"

#define DRAIN_CHECK_MS 100u

/* At the end, for what nobody waits for any more. */
#define DISKS_MS 2000u

struct worker {
    struct worker_options options;
    struct settings *settings; /* a reference */
    pthread_t thread;
    sem_t ready;
    struct loop *loop;
    struct mailbox *mailbox; /* from the main thread */
    struct h2_endpoint *endpoint;
    struct broker *broker;
    struct api *api;
    struct worker_auths *auths;
    struct pool_client *files;
    struct outbound_http *outbound, *outbound_streams;
    struct h2_listener_options *listener_options; /* its own: their TLS changes */
    struct h2_listener **listeners;
    struct loop_timer drain_timer;
    struct drain_plan plan;
    uint64_t drain_began; /* loop ms, by the plan */
    size_t drain_steps;   /* taken, of the plan */
    bool is_listening;
    bool is_busy; /* counted in options.busy */
    bool is_hung; /* a disk is, and the worker is not torn down */
};

struct drain_letter {
    struct letter letter;
    struct drain_plan plan;
    uint64_t since_ms;
};

struct tls_letter {
    struct letter letter;
    struct tls_contexts *tls;
};

static void show_tls(struct worker *worker)
{
    for (size_t i = 0; i < worker->options.listener_count; i++)
        worker->listener_options[i].tls = tls_contexts_at(worker->options.tls, i);
}

struct change_letter {
    struct letter letter;
    struct settings *settings; /* a reference */
    sem_t *done;
};

static void open_listeners(struct worker *worker)
{
    const struct worker_options *options = &worker->options;
    const size_t size = options->listener_count * sizeof(struct h2_listener_options);

    worker->listener_options = mem_alloc(size);
    memcpy(worker->listener_options, worker->settings->listeners, size);
    show_tls(worker);
    worker->listeners = mem_zalloc(options->listener_count * sizeof(struct h2_listener *));
    for (size_t i = 0; i < options->listener_count; i++)
        worker->listeners[i] =
            h2_listener_new(worker->endpoint, &options->bound[i], &worker->listener_options[i]);
    worker->is_listening = true;
}

/* The workers share a unix socket: one removes its path, and nobody comes by it any more. */
static void stop_listeners(struct worker *worker)
{
    const struct worker_options *options = &worker->options;

    for (size_t i = 0; i < options->listener_count; i++) {
        const char *path = h2_address_unix_path(worker->settings->config.listeners[i].address);

        if (path && options->index == 0)
            (void)unlink(path);
        h2_listener_stop(worker->listeners[i]);
    }
}

static bool are_listeners_served(struct worker *worker)
{
    bool is_served = true;

    for (size_t i = 0; i < worker->options.listener_count; i++)
        is_served = h2_listener_is_served(worker->listeners[i]) && is_served;
    return is_served;
}

static void close_listeners(struct worker *worker)
{
    for (size_t i = 0; i < worker->options.listener_count; i++) {
        h2_listener_free(worker->listeners[i]);
        worker->listeners[i] = NULL;
    }
    worker->is_listening = false;
}

static struct outbound_http_settings outbound_settings(const struct worker *worker)
{
    struct outbound_http_settings outbound = worker->settings->outbound;

    outbound.files = (struct file_readers){worker->options.files, worker->files};
    return outbound;
}

/* Each streamed body has a connection of its own for as long as it takes: a limit for one host
 * would let a few slow clients stop the uploads of all. */
static struct outbound_http_settings streams_settings(const struct worker *worker)
{
    struct outbound_http_settings streams = outbound_settings(worker);

    streams.host_connections = 0;
    return streams;
}

static struct outbound_http *open_outbound_streams(const struct worker *worker)
{
    const struct outbound_http_settings settings = streams_settings(worker);

    return outbound_http_new(worker->loop, &settings);
}

static struct worker_auths_parts auths_parts(const struct worker *worker)
{
    return (struct worker_auths_parts){.config = &worker->settings->config,
                                       .token_keys = worker->settings->token_keys,
                                       .loop = worker->loop,
                                       .http = worker->outbound,
                                       .outbound = &worker->settings->outbound,
                                       .files = {worker->options.files, worker->files}};
}

static bool build(struct worker *worker)
{
    const struct worker_options *options = &worker->options;

    worker->loop = loop_new();
    if (!worker->loop)
        return false;
    worker->mailbox = mailbox_new(worker->loop, worker);
    worker->files = pool_client_new(worker->loop);
    const struct outbound_http_settings outbound = outbound_settings(worker);
    worker->outbound = outbound_http_new(worker->loop, &outbound);
    worker->outbound_streams = open_outbound_streams(worker);
    if (!worker->mailbox || !worker->outbound || !worker->outbound_streams)
        return false;
    const struct worker_auths_parts parts = auths_parts(worker);
    worker->auths = worker_auths_new(&parts);
    if (!worker->auths)
        return false;
    worker->broker = mailboxes_broker_new(options->mailboxes, options->index);
    worker->api = api_new(&worker->settings->api,
                          &(struct api_place){.loop = worker->loop,
                                              .broker = worker->broker,
                                              .auths = worker_auths_list(worker->auths),
                                              .outbound = worker->outbound,
                                              .outbound_streams = worker->outbound_streams});
    worker->endpoint =
        h2_endpoint_new(worker->loop, &worker->settings->config.limits, api_handler(worker->api));
    if (!worker->endpoint)
        return false;
    h2_endpoint_set_http1(worker->endpoint, &h1_protocol);
    h2_endpoint_set_slots(worker->endpoint, options->slots);
    if (options->shares_frames)
        h2_endpoint_share_frames(worker->endpoint);
    h2_endpoint_share_budget(worker->endpoint, options->inbound);
    api_set_endpoint(worker->api, worker->endpoint);
    return true;
}

static void tear_down(struct worker *worker)
{
    h2_endpoint_free(worker->endpoint);
    worker->is_hung = !api_free(worker->api, DISKS_MS);
    if (worker->is_hung)
        return;
    broker_free(worker->broker);
    worker_auths_free(worker->auths);
    worker->is_hung = !pool_client_free(worker->files, DISKS_MS);
    if (worker->is_hung)
        return;
    free(worker->listeners);
    free(worker->listener_options);
    worker->listener_options = NULL; /* letters may still be opened */
    /* When all who ask through them have canceled. */
    outbound_http_free(worker->outbound);
    outbound_http_free(worker->outbound_streams);
    settings_unref(worker->settings);
}

static void *run(void *argument)
{
    struct worker *worker = argument;
    char name[16];

    snprintf(name, sizeof(name), "worker-%zu", worker->options.index);
    (void)pthread_setname_np(pthread_self(), name);
    if (!build(worker)) {
        /* The others wait in mailboxes_join for all: there is no serving without one of them. */
        log_error("a worker could not start", LOG_INT("worker", worker->options.index));
        log_stop(LAST_WORDS_MS);
        abort();
    }
    mailboxes_join(worker->options.mailboxes, worker->options.index, worker->loop, worker->broker);
    open_listeners(worker);
    worker->is_busy = true;
    sem_post(&worker->ready);
    loop_run(worker->loop);
    loop_timer_stop(&worker->drain_timer);
    mailboxes_leave(worker->options.mailboxes, worker->options.index);
    tear_down(worker);
    return NULL;
}

struct worker *worker_start(const struct worker_options *options)
{
    struct worker *worker = mem_zalloc(sizeof(*worker));

    worker->options = *options;
    worker->settings = settings_ref(options->settings);
    if (sem_init(&worker->ready, 0, 0) != 0) {
        settings_unref(worker->settings);
        free(worker);
        return NULL;
    }
    int result = pthread_create(&worker->thread, NULL, run, worker);
    if (result != 0) {
        log_error("cannot start a thread", LOG_STR("reason", strerror(result)));
        sem_destroy(&worker->ready);
        settings_unref(worker->settings);
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

static void change_listeners(struct worker *worker)
{
    memcpy(worker->listener_options, worker->settings->listeners,
           worker->options.listener_count * sizeof(struct h2_listener_options));
    show_tls(worker);
}

/* Who is asked about users first: what the others look at again is judged by that. */
static void change(struct worker *worker)
{
    const struct settings *settings = worker->settings;
    const struct outbound_http_settings outbound = outbound_settings(worker);
    const struct outbound_http_settings streams = streams_settings(worker);
    const struct worker_auths_parts parts = auths_parts(worker);

    outbound_http_change(worker->outbound, &outbound);
    outbound_http_change(worker->outbound_streams, &streams);
    worker_auths_change(worker->auths, &parts);
    api_change(worker->api, &settings->api);
    if (!h2_endpoint_change_limits(worker->endpoint, &settings->config.limits))
        log_error("no memory for other limits of connections: the old ones stay");
    change_listeners(worker);
}

static void open_change(struct letter *letter, void *context)
{
    struct change_letter *news = container_of(letter, struct change_letter, letter);
    struct worker *worker = context;
    struct settings *before = worker->settings;

    worker->settings = news->settings;
    change(worker);
    settings_unref(before);
    sem_post(news->done);
    free(news);
}

void worker_change(struct worker *worker, struct settings *settings, sem_t *done)
{
    struct change_letter *news = mem_zalloc(sizeof(*news));

    news->letter.open = open_change;
    news->settings = settings_ref(settings);
    news->done = done;
    mailbox_post(worker->mailbox, &news->letter);
}

static void begin_streams(struct worker *worker)
{
    const uint32_t *at_ms = worker->plan.at_ms;

    stop_listeners(worker);
    api_drain(worker->api, at_ms[DRAIN_REST] - at_ms[DRAIN_STREAMS]);
}

static void begin_leave(struct worker *worker)
{
    h2_endpoint_drain(worker->endpoint);
}

static void begin_rest(struct worker *worker)
{
    api_drain_rest(worker->api);
}

static void cut_off(struct worker *worker)
{
    const size_t sessions = h2_endpoint_sessions(worker->endpoint);
    const size_t requests = api_requests(worker->api);

    if (worker->plan.at_ms[DRAIN_CUT] > 0 && sessions + requests > 0)
        log_warn("drainTime is over: what is left is cut off",
                 LOG_INT("worker", worker->options.index), LOG_INT("sessions", sessions),
                 LOG_INT("streams", h2_endpoint_streams(worker->endpoint)),
                 LOG_INT("requests", requests));
    api_abandon(worker->api);
    outbound_http_abandon(worker->outbound);
    outbound_http_abandon(worker->outbound_streams);
    worker_auths_abandon(worker->auths);
}

static void take_due_steps(struct worker *worker)
{
    static void (*const begin[DRAIN_STEPS])(struct worker * worker) = {
        [DRAIN_STREAMS] = begin_streams,
        [DRAIN_LEAVE] = begin_leave,
        [DRAIN_REST] = begin_rest,
        [DRAIN_CUT] = cut_off,
    };
    const uint64_t since = loop_now_ms(worker->loop) - worker->drain_began;
    const size_t due = drain_plan_due(&worker->plan, since);
    const size_t before = worker->drain_steps;

    while (worker->drain_steps < due && worker->drain_steps < DRAIN_STEPS) {
        if (worker->drain_steps == DRAIN_CUT && worker->drain_steps > before)
            return; /* what has been said in this turn is to leave */
        begin[worker->drain_steps++](worker);
    }
}

/* No client, and no request of one that is still at work. */
static bool is_finished(struct worker *worker)
{
    const bool is_cut = worker->drain_steps > DRAIN_CUT;

    if (worker->drain_steps <= DRAIN_LEAVE)
        return false;
    if (worker->is_listening && (are_listeners_served(worker) || is_cut))
        close_listeners(worker);
    if (is_cut) { /* what came meanwhile, too */
        h2_endpoint_close(worker->endpoint);
        api_abandon_disks(worker->api);
    }
    if (worker->is_listening || h2_endpoint_sessions(worker->endpoint) > 0)
        return false;
    api_drain_rest(worker->api); /* nobody is left to wait for */
    return api_is_idle(worker->api);
}

static void on_drain_check(struct loop_timer *timer)
{
    struct worker *worker = container_of(timer, struct worker, drain_timer);
    atomic_size_t *busy = worker->options.busy;

    take_due_steps(worker);
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
    const struct drain_letter *drain = container_of(letter, struct drain_letter, letter);
    struct worker *worker = context;

    h2_endpoint_announce(worker->endpoint);
    worker->plan = drain->plan;
    worker->drain_began = loop_now_ms(worker->loop) - drain->since_ms;
    worker->drain_timer.on_fire = on_drain_check;
    loop_timer_start(worker->loop, &worker->drain_timer, 0);
    free(container_of(letter, struct drain_letter, letter));
}

void worker_drain(struct worker *worker, const struct drain_plan *plan, uint64_t since_ms)
{
    struct drain_letter *drain = mem_zalloc(sizeof(*drain));

    drain->letter.open = open_drain;
    drain->plan = *plan;
    drain->since_ms = since_ms;
    mailbox_post(worker->mailbox, &drain->letter);
}

static void open_tls(struct letter *letter, void *context)
{
    struct tls_letter *news = container_of(letter, struct tls_letter, letter);
    struct worker *worker = context;

    /* What has begun with the old ones holds them itself. */
    tls_contexts_unref(worker->options.tls);
    worker->options.tls = news->tls;
    if (worker->listener_options)
        show_tls(worker);
    free(news);
}

void worker_set_tls(struct worker *worker, struct tls_contexts *tls)
{
    struct tls_letter *news = mem_zalloc(sizeof(*news));

    news->letter.open = open_tls;
    news->tls = tls;
    mailbox_post(worker->mailbox, &news->letter);
}

void worker_post(struct worker *worker, struct letter *letter)
{
    mailbox_post(worker->mailbox, letter);
}

bool worker_join(struct worker *worker)
{
    (void)pthread_join(worker->thread, NULL);
    if (worker->is_hung)
        return false;
    /* Not before: this thread may have been ringing the bell when the worker had read the letter
     * and come to its end. */
    mailbox_free(worker->mailbox);
    loop_free(worker->loop);
    tls_contexts_unref(worker->options.tls);
    sem_destroy(&worker->ready);
    free(worker);
    return true;
}
