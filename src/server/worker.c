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
#include "inspect/routes.h"
#include "outbound/http.h"
#include "server/certificate_list.h"
#include "server/metrics.h"
#include "server/settings.h"
#include "server/stop.h"
#include "server/tls_contexts.h"
#include "server/worker_auths.h"

#define DRAIN_CHECK_MS 100u

/* That each other worker makes free when one has no room: what one body may need. */
#define ROOM_BYTES ((size_t)2 * 1024 * 1024)

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
    struct broker_request room; /* that the other workers are asked to make */
    struct loop_timer drain_timer;
    struct drain_plan plan;
    uint64_t drain_began; /* loop ms, by the plan */
    size_t drain_steps;   /* taken, of the plan */
    bool is_listening;
    bool is_busy; /* counted in options.busy */
    bool is_hung; /* a disk is, and the worker is not torn down */
};

/* What other threads have for the worker: each kind of it has members of its own. */
struct message {
    struct mailbox_item item;
    struct settings *settings; /* a reference */
    sem_t *done;
    struct tls_contexts *tls; /* a reference */
    struct drain_plan plan;
    uint64_t since_ms;
};

static void post(struct worker *worker, const struct message *content)
{
    struct message *message = mem_alloc(sizeof(*message));

    *message = *content;
    mailbox_post(worker->mailbox, &message->item);
}

static void show_tls(struct worker *worker)
{
    for (size_t i = 0; i < worker->options.listener_count; i++)
        worker->listener_options[i].tls = tls_contexts_at(worker->options.tls, i);
}

static void change_listeners(struct worker *worker)
{
    memcpy(worker->listener_options, worker->settings->listeners,
           worker->options.listener_count * sizeof(struct h2_listener_options));
    show_tls(worker);
}

static void open_listeners(struct worker *worker)
{
    const struct worker_options *options = &worker->options;

    worker->listener_options =
        mem_alloc(options->listener_count * sizeof(struct h2_listener_options));
    change_listeners(worker);
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

static struct worker_auths_parts auths_parts(const struct worker *worker)
{
    return (struct worker_auths_parts){.config = &worker->settings->config,
                                       .token_keys = worker->settings->token_keys,
                                       .loop = worker->loop,
                                       .http = worker->outbound,
                                       .outbound = &worker->settings->outbound,
                                       .files = {worker->options.files, worker->files}};
}

/* ---- what workers ask each other ---- */

static struct metrics_parts metrics_parts(const struct worker *worker)
{
    return (struct metrics_parts){&worker->settings, &worker->options.tls, worker->api,
                                  worker->endpoint, worker->auths};
}

static void gather_metrics(void *context, uint64_t services,
                           void (*done)(void *to, struct buf *text), void *to)
{
    const struct metrics_parts parts = metrics_parts(context);

    metrics_gather(&parts, services, done, to);
}

struct others {
    size_t worker; /* who asks them */
    bool for_stranger;
};

static struct broker_message *ask_for_room(void *context, size_t worker)
{
    const struct others *others = context;
    struct broker_message *message;

    if (worker == others->worker)
        return NULL;
    message = broker_message_new(BROKER_MAKE_ROOM, BROKER_NO_SERVICE, 0);
    message->is_for_stranger = others->for_stranger;
    return message;
}

/* What is held for slow clients of other workers gives way as well; those who come next profit. */
static void make_room(void *context, bool for_stranger)
{
    struct worker *worker = context;
    struct others others = {worker->options.index, for_stranger};

    if (worker->room.open == 0 && broker_workers(worker->broker) > 1)
        broker_ask_all(worker->broker, ask_for_room, &others, &worker->room);
}

static void show_certificates(void *context, struct buf *json)
{
    const struct worker *worker = context;

    certificate_list_append(json, worker->options.tls);
}

static void receive(void *context, const struct broker_message *message)
{
    const struct worker *worker = context;
    const struct broker_asker asker = broker_asker(message);
    const struct metrics_parts parts = metrics_parts(worker);

    if (message->kind == BROKER_SAMPLE) {
        metrics_receive(&parts, message);
    } else if (message->kind == BROKER_MAKE_ROOM) {
        h2_endpoint_make_room(worker->endpoint, ROOM_BYTES, message->is_for_stranger);
        broker_answer(worker->broker, &asker,
                      broker_message_new(BROKER_ROOM_MADE, BROKER_NO_SERVICE, 0));
    }
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
    const struct outbound_http_settings streams = streams_settings(worker);
    worker->outbound = outbound_http_new(worker->loop, &outbound);
    worker->outbound_streams = outbound_http_new(worker->loop, &streams);
    if (!worker->mailbox)
        return false;
    const struct worker_auths_parts parts = auths_parts(worker);
    worker->auths = worker_auths_new(&parts);
    if (!worker->auths)
        return false;
    worker->broker = mailboxes_broker_new(options->mailboxes, options->index);
    broker_set_receiver(worker->broker, BROKER_NO_SERVICE,
                        &(struct broker_receiver){receive, worker});
    worker->api =
        api_new(&worker->settings->api,
                &(struct api_place){.loop = worker->loop,
                                    .broker = worker->broker,
                                    .auths = worker_auths_list(worker->auths),
                                    .outbound = worker->outbound,
                                    .outbound_streams = worker->outbound_streams,
                                    .host = {make_room, gather_metrics, show_certificates, worker},
                                    .more_routes = &inspect_routes});
    worker->endpoint = h2_endpoint_new(
        worker->loop, &(struct h2_endpoint_options){.limits = &worker->settings->config.limits,
                                                    .handler = api_handler(worker->api),
                                                    .http1 = &h1_protocol,
                                                    .slots = options->slots,
                                                    .budget = options->inbound,
                                                    .shares_frames = options->shares_frames});
    return worker->endpoint != NULL;
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
    worker->listener_options = NULL; /* messages may still come */
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
    (void)sem_init(&worker->ready, 0, 0);
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

static void on_change(struct mailbox_item *item, void *context)
{
    struct message *message = container_of(item, struct message, item);
    struct worker *worker = context;
    struct settings *before = worker->settings;

    worker->settings = message->settings;
    change(worker);
    settings_unref(before);
    sem_post(message->done);
    free(message);
}

void worker_change(struct worker *worker, struct settings *settings, sem_t *done)
{
    post(worker, &(struct message){
                     .item.receive = on_change, .settings = settings_ref(settings), .done = done});
}

static void cut_off(struct worker *worker)
{
    const size_t sessions = h2_endpoint_counters(worker->endpoint)->sessions;
    const size_t requests = api_requests(worker->api);

    if (worker->plan.at_ms[DRAIN_CUT] > 0 && sessions + requests > 0)
        log_warn("drainTime is over: what is left is cut off",
                 LOG_INT("worker", worker->options.index), LOG_INT("sessions", sessions),
                 LOG_INT("streams", h2_endpoint_counters(worker->endpoint)->streams),
                 LOG_INT("requests", requests));
    api_abandon(worker->api);
    outbound_http_abandon(worker->outbound);
    outbound_http_abandon(worker->outbound_streams);
    worker_auths_abandon(worker->auths);
}

static void begin(struct worker *worker, enum drain_step step)
{
    const uint32_t *at_ms = worker->plan.at_ms;

    switch (step) {
    case DRAIN_STREAMS:
        stop_listeners(worker);
        api_drain(worker->api, at_ms[DRAIN_REST] - at_ms[DRAIN_STREAMS]);
        break;
    case DRAIN_LEAVE:
        h2_endpoint_drain(worker->endpoint);
        break;
    case DRAIN_REST:
        api_drain_rest(worker->api);
        break;
    default:
        cut_off(worker);
    }
}

static void take_due_steps(struct worker *worker)
{
    const uint64_t since = loop_now_ms(worker->loop) - worker->drain_began;
    const size_t due = drain_plan_due(&worker->plan, since);
    const size_t before = worker->drain_steps;

    while (worker->drain_steps < due) {
        if (worker->drain_steps == DRAIN_CUT && worker->drain_steps > before)
            return; /* what has been said in this turn is to leave */
        begin(worker, (enum drain_step)worker->drain_steps++);
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
    if (worker->is_listening || h2_endpoint_counters(worker->endpoint)->sessions > 0)
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

static void on_drain(struct mailbox_item *item, void *context)
{
    struct message *drain = container_of(item, struct message, item);
    struct worker *worker = context;

    h2_endpoint_announce(worker->endpoint);
    worker->plan = drain->plan;
    worker->drain_began = loop_now_ms(worker->loop) - drain->since_ms;
    worker->drain_timer.on_fire = on_drain_check;
    loop_timer_start(worker->loop, &worker->drain_timer, 0);
    free(drain);
}

void worker_drain(struct worker *worker, const struct drain_plan *plan, uint64_t since_ms)
{
    post(worker, &(struct message){.item.receive = on_drain, .plan = *plan, .since_ms = since_ms});
}

static void on_tls(struct mailbox_item *item, void *context)
{
    struct message *message = container_of(item, struct message, item);
    struct worker *worker = context;

    /* What has begun with the old ones holds them itself. */
    tls_contexts_unref(worker->options.tls);
    worker->options.tls = message->tls;
    if (worker->listener_options)
        show_tls(worker);
    free(message);
}

void worker_set_tls(struct worker *worker, struct tls_contexts *tls)
{
    post(worker, &(struct message){.item.receive = on_tls, .tls = tls});
}

void worker_post(struct worker *worker, struct mailbox_item *item)
{
    mailbox_post(worker->mailbox, item);
}

bool worker_join(struct worker *worker)
{
    (void)pthread_join(worker->thread, NULL);
    if (worker->is_hung)
        return false;
    /* Not before: this thread may still have been waking its loop when the worker had received
     * the message and come to its end. */
    mailbox_free(worker->mailbox);
    loop_free(worker->loop);
    tls_contexts_unref(worker->options.tls);
    sem_destroy(&worker->ready);
    free(worker);
    return true;
}
