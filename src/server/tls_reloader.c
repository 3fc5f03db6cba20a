/* SPDX-License-Identifier: Apache-2.0 */
#include "server/tls_reloader.h"

#include <errno.h>
#include <ev.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/test_clock.h"
#include "server/config_value.h"
#include "server/file_watch.h"
#include "server/settings.h"
#include "server/tls_contexts.h"
#include "server/worker.h"

/* Seconds: after the first sign of a change, until what else is written has come as well; between
 * two tries of what does not belong together; between two looks where nobody tells us. */
#define SETTLE        0.25
#define FIRST_RETRY   1.0
#define LONGEST_RETRY 64.0
#define POLL          10.0
/* Until the next look at the wall clock, which others may set. */
#define LONGEST_WAIT (6 * 3600.0)

struct tls_reloader {
    struct worker *const *workers;
    size_t worker_count;
    pthread_mutex_t lock; /* guards contexts, and their order on the way to the workers */
    struct tls_contexts *contexts;
    struct reloads *reloads;
    /* What follows is the thread's. */
    bool has_thread;
    pthread_t thread;
    struct ev_loop *ev;
    struct ev_async adopted, stopped;
    struct ev_timer change, retry, renewal;
    struct ev_periodic never;
    struct ev_prepare turn_end;
    struct file_watch *watch;
    struct test_clock_watch clock;
    double retry_seconds;
    bool is_blind;             /* nobody tells us of changes */
    struct config_fault fault; /* the latest that was said; "": none */
};

static struct tls_contexts *current(struct tls_reloader *reloader)
{
    pthread_mutex_lock(&reloader->lock);
    struct tls_contexts *contexts = tls_contexts_ref(reloader->contexts);
    pthread_mutex_unlock(&reloader->lock);
    return contexts;
}

/* With the lock. */
static void publish(struct tls_reloader *reloader, struct tls_contexts *contexts)
{
    for (size_t i = 0; i < reloader->worker_count; i++)
        worker_set_tls(reloader->workers[i], tls_contexts_ref(contexts));
    tls_contexts_unref(reloader->contexts);
    reloader->contexts = contexts;
}

static void start_timer(struct tls_reloader *reloader, struct ev_timer *timer, double seconds)
{
    ev_timer_stop(reloader->ev, timer);
    ev_timer_set(timer, seconds, 0.);
    ev_timer_start(reloader->ev, timer);
}

static void plan_renewal(struct tls_reloader *reloader, const struct tls_contexts *contexts)
{
    const time_t at = tls_contexts_renew_at(contexts);
    double wait = LONGEST_WAIT;

    ev_timer_stop(reloader->ev, &reloader->renewal);
    if (at == 0)
        return;
    if (at - clock_wall_seconds() < (time_t)LONGEST_WAIT)
        wait = at > clock_wall_seconds() ? (double)(at - clock_wall_seconds()) : FIRST_RETRY;
    start_timer(reloader, &reloader->renewal, wait);
}

static void watch_files(struct tls_reloader *reloader, const struct tls_contexts *contexts)
{
    size_t count = 0;
    const char **paths = tls_contexts_paths(contexts, &count);
    const bool was_blind = reloader->is_blind;

    reloader->is_blind = !file_watch_set(reloader->watch, paths, count);
    if (reloader->is_blind && !was_blind)
        log_warn("certificates are looked at every ten seconds: the kernel tells of no changes",
                 LOG_STR("reason", strerror(errno)));
    free(paths);
    if (reloader->is_blind)
        start_timer(reloader, &reloader->change, POLL);
}

static void on_failure(struct tls_reloader *reloader, const struct config_fault *fault)
{
    if (strcmp(reloader->fault.message, fault->message) != 0) {
        log_error("certificates that changed cannot be used; those before stay in use",
                  LOG_STR("reason", fault->message));
        atomic_fetch_add(&reloader->reloads->failed, 1);
    }
    reloader->fault = *fault;
    start_timer(reloader, &reloader->retry, reloader->retry_seconds);
    if (reloader->retry_seconds < LONGEST_RETRY)
        reloader->retry_seconds *= 2;
}

/* Unless others came in between, which are newer. */
static void take(struct tls_reloader *reloader, const struct tls_contexts *before,
                 struct tls_contexts *contexts)
{
    pthread_mutex_lock(&reloader->lock);
    const bool is_newest = reloader->contexts == before;
    if (is_newest)
        publish(reloader, tls_contexts_ref(contexts));
    pthread_mutex_unlock(&reloader->lock);
    if (is_newest) {
        log_info("certificates loaded");
        atomic_fetch_add(&reloader->reloads->done, 1);
        tls_contexts_log_warnings(contexts);
    }
    reloader->fault.message[0] = '\0';
}

static void load(struct tls_reloader *reloader)
{
    struct tls_contexts *before = current(reloader);
    struct tls_contexts *contexts = NULL;
    struct config_fault fault;

    ev_timer_stop(reloader->ev, &reloader->retry);
    /* First, so that nothing is missed; the links may lead elsewhere. */
    watch_files(reloader, before);
    if (!tls_contexts_is_stale(before))
        reloader->fault.message[0] = '\0';
    else if ((contexts = tls_contexts_load_again(before, &fault)))
        take(reloader, before, contexts);
    else
        on_failure(reloader, &fault);
    plan_renewal(reloader, contexts ? contexts : before);
    tls_contexts_unref(contexts);
    tls_contexts_unref(before);
}

static void on_change(void *context)
{
    struct tls_reloader *reloader = context;

    reloader->retry_seconds = FIRST_RETRY;
    if (reloader->is_blind || !ev_is_active(&reloader->change))
        start_timer(reloader, &reloader->change, SETTLE);
}

static void on_timer(struct ev_loop *ev, struct ev_timer *timer, int events)
{
    (void)ev;
    (void)events;
    load(timer->data);
}

/* By a test: what is due by the wall clock. */
static void on_clock_move(struct test_clock_watch *clock)
{
    struct tls_reloader *reloader = container_of(clock, struct tls_reloader, clock);
    struct tls_contexts *contexts = current(reloader);
    const time_t renew_at = tls_contexts_renew_at(contexts);

    tls_contexts_unref(contexts);
    if (renew_at != 0 && renew_at <= clock_wall_seconds())
        load(reloader);
}

static void on_adopted(struct ev_loop *ev, struct ev_async *adopted, int events)
{
    struct tls_reloader *reloader = adopted->data;

    (void)events;
    (void)ev;
    load(reloader);
}

static void on_stopped(struct ev_loop *ev, struct ev_async *stopped, int events)
{
    (void)stopped;
    (void)events;
    ev_break(ev, EVBREAK_ALL);
}

static void on_turn_end(struct ev_loop *ev, struct ev_prepare *turn_end, int events)
{
    struct tls_reloader *reloader = turn_end->data;

    (void)ev;
    (void)events;
    test_clock_rest(&reloader->clock);
}

static void *run(void *context)
{
    struct tls_reloader *reloader = context;

    test_clock_watch(&reloader->clock, reloader->ev);
    load(reloader); /* what has changed since the start */
    ev_run(reloader->ev, 0);
    test_clock_unwatch(&reloader->clock);
    return NULL;
}

static void prepare_watchers(struct tls_reloader *reloader)
{
    ev_async_init(&reloader->adopted, on_adopted);
    ev_async_init(&reloader->stopped, on_stopped);
    ev_init(&reloader->change, on_timer);
    ev_init(&reloader->retry, on_timer);
    ev_init(&reloader->renewal, on_timer);
    ev_prepare_init(&reloader->turn_end, on_turn_end);
    reloader->adopted.data = reloader->change.data = reloader->retry.data = reloader->renewal.data =
        reloader->turn_end.data = reloader;
    ev_set_priority(&reloader->turn_end, EV_MINPRI);
    ev_async_start(reloader->ev, &reloader->adopted);
    ev_async_start(reloader->ev, &reloader->stopped);
    ev_prepare_start(reloader->ev, &reloader->turn_end);
    loop_let_sleep(reloader->ev, &reloader->never);
    reloader->clock.on_move = on_clock_move;
}

struct tls_reloader *tls_reloader_new(struct tls_contexts *contexts, struct reloads *reloads)
{
    struct tls_reloader *reloader = mem_zalloc(sizeof(*reloader));

    reloader->contexts = contexts;
    reloader->reloads = reloads;
    reloader->retry_seconds = FIRST_RETRY;
    (void)pthread_mutex_init(&reloader->lock, NULL);
    return reloader;
}

void tls_reloader_start(struct tls_reloader *reloader, struct worker *const *workers, size_t count)
{
    int rc = ENOMEM;

    reloader->workers = workers;
    reloader->worker_count = count;
    reloader->ev = ev_loop_new(EVFLAG_AUTO);
    if (reloader->ev) {
        prepare_watchers(reloader);
        reloader->watch = file_watch_new(reloader->ev, on_change, reloader);
        rc = pthread_create(&reloader->thread, NULL, run, reloader);
        reloader->has_thread = rc == 0;
    }
    if (rc != 0)
        log_error("certificates are not watched", LOG_STR("reason", strerror(rc)));
}

void tls_reloader_adopt(struct tls_reloader *reloader, struct tls_contexts *contexts)
{
    pthread_mutex_lock(&reloader->lock);
    publish(reloader, contexts);
    pthread_mutex_unlock(&reloader->lock);
    if (reloader->has_thread)
        ev_async_send(reloader->ev, &reloader->adopted);
}

bool tls_reloader_has(struct tls_reloader *reloader, const struct h2_tls_context *context,
                      size_t index)
{
    struct tls_contexts *contexts = current(reloader);
    const bool has_it = tls_contexts_have(contexts, context, index);

    tls_contexts_unref(contexts);
    return has_it;
}

void tls_reloader_stop(struct tls_reloader *reloader)
{
    if (reloader->has_thread) {
        ev_async_send(reloader->ev, &reloader->stopped);
        (void)pthread_join(reloader->thread, NULL);
        reloader->has_thread = false;
    }
}

void tls_reloader_free(struct tls_reloader *reloader)
{
    if (!reloader)
        return;
    file_watch_free(reloader->watch);
    if (reloader->ev)
        ev_loop_destroy(reloader->ev);
    tls_contexts_unref(reloader->contexts);
    (void)pthread_mutex_destroy(&reloader->lock);
    free(reloader);
}
