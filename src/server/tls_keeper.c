/* SPDX-License-Identifier: Apache-2.0 */
#include "server/tls_keeper.h"

#include <errno.h>
#include <ev.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/test_clock.h"
#include "server/file_watch.h"
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

#define FAULT_SIZE 500u

struct tls_keeper {
    struct worker *const *workers;
    size_t worker_count;
    pthread_mutex_t lock; /* guards contexts, and their order on the way to the workers */
    struct tls_contexts *contexts;
    struct api_reloads *reloads;
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
    bool is_blind;          /* nobody tells us of changes */
    char fault[FAULT_SIZE]; /* the latest that was said; "": none */
};

static struct tls_contexts *current(struct tls_keeper *keeper)
{
    pthread_mutex_lock(&keeper->lock);
    struct tls_contexts *contexts = tls_contexts_ref(keeper->contexts);
    pthread_mutex_unlock(&keeper->lock);
    return contexts;
}

/* With the lock. */
static void publish(struct tls_keeper *keeper, struct tls_contexts *contexts)
{
    for (size_t i = 0; i < keeper->worker_count; i++)
        worker_set_tls(keeper->workers[i], tls_contexts_ref(contexts));
    tls_contexts_unref(keeper->contexts);
    keeper->contexts = contexts;
}

static void start_timer(struct tls_keeper *keeper, struct ev_timer *timer, double seconds)
{
    ev_timer_stop(keeper->ev, timer);
    ev_timer_set(timer, seconds, 0.);
    ev_timer_start(keeper->ev, timer);
}

static void plan_renewal(struct tls_keeper *keeper, const struct tls_contexts *contexts)
{
    const time_t at = tls_contexts_renew_at(contexts);
    double wait = LONGEST_WAIT;

    ev_timer_stop(keeper->ev, &keeper->renewal);
    if (at == 0)
        return;
    if (at - clock_wall_seconds() < (time_t)LONGEST_WAIT)
        wait = at > clock_wall_seconds() ? (double)(at - clock_wall_seconds()) : FIRST_RETRY;
    start_timer(keeper, &keeper->renewal, wait);
}

static void watch_files(struct tls_keeper *keeper, const struct tls_contexts *contexts)
{
    size_t count = 0;
    const char **paths = tls_contexts_paths(contexts, &count);
    const bool was_blind = keeper->is_blind;

    keeper->is_blind = !file_watch_set(keeper->watch, paths, count);
    if (keeper->is_blind && !was_blind)
        log_warn("certificates are looked at every ten seconds: the kernel tells of no changes",
                 LOG_STR("reason", strerror(errno)));
    free(paths);
    if (keeper->is_blind)
        start_timer(keeper, &keeper->change, POLL);
}

static void on_failure(struct tls_keeper *keeper, const char *fault)
{
    if (strcmp(keeper->fault, fault) != 0) {
        log_error("certificates that changed cannot be used; those before stay in use",
                  LOG_STR("reason", fault));
        atomic_fetch_add(&keeper->reloads->failed, 1);
    }
    snprintf(keeper->fault, sizeof(keeper->fault), "%s", fault);
    start_timer(keeper, &keeper->retry, keeper->retry_seconds);
    if (keeper->retry_seconds < LONGEST_RETRY)
        keeper->retry_seconds *= 2;
}

/* Unless others came in between, which are newer. */
static void take(struct tls_keeper *keeper, const struct tls_contexts *before,
                 struct tls_contexts *contexts)
{
    pthread_mutex_lock(&keeper->lock);
    const bool is_newest = keeper->contexts == before;
    if (is_newest)
        publish(keeper, tls_contexts_ref(contexts));
    pthread_mutex_unlock(&keeper->lock);
    if (is_newest) {
        log_info("certificates loaded");
        atomic_fetch_add(&keeper->reloads->done, 1);
        tls_contexts_log_doubts(contexts);
    }
    keeper->fault[0] = '\0';
}

static void load(struct tls_keeper *keeper)
{
    struct tls_contexts *before = current(keeper);
    struct tls_contexts *contexts;
    char fault[FAULT_SIZE];

    ev_timer_stop(keeper->ev, &keeper->retry);
    watch_files(keeper,
                before); /* first, so that nothing is missed; the links may lead elsewhere */
    contexts = tls_contexts_ref(before);
    if (!tls_contexts_is_stale(before)) {
        keeper->fault[0] = '\0';
    } else {
        tls_contexts_unref(contexts);
        contexts = tls_contexts_load_again(before, fault, sizeof(fault));
        if (contexts)
            take(keeper, before, contexts);
        else
            on_failure(keeper, fault);
    }
    plan_renewal(keeper, contexts ? contexts : before);
    tls_contexts_unref(contexts);
    tls_contexts_unref(before);
}

static void on_change(void *context)
{
    struct tls_keeper *keeper = context;

    keeper->retry_seconds = FIRST_RETRY;
    if (keeper->is_blind || !ev_is_active(&keeper->change))
        start_timer(keeper, &keeper->change, SETTLE);
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
    struct tls_keeper *keeper = container_of(clock, struct tls_keeper, clock);
    struct tls_contexts *contexts = current(keeper);
    const time_t renew_at = tls_contexts_renew_at(contexts);

    tls_contexts_unref(contexts);
    if (renew_at != 0 && renew_at <= clock_wall_seconds())
        load(keeper);
}

static void on_adopted(struct ev_loop *ev, struct ev_async *adopted, int events)
{
    struct tls_keeper *keeper = adopted->data;

    (void)events;
    (void)ev;
    load(keeper);
}

static void on_stopped(struct ev_loop *ev, struct ev_async *stopped, int events)
{
    (void)stopped;
    (void)events;
    ev_break(ev, EVBREAK_ALL);
}

static void on_turn_end(struct ev_loop *ev, struct ev_prepare *turn_end, int events)
{
    struct tls_keeper *keeper = turn_end->data;

    (void)ev;
    (void)events;
    test_clock_rest(&keeper->clock);
}

static void *run(void *context)
{
    struct tls_keeper *keeper = context;

    test_clock_watch(&keeper->clock, keeper->ev);
    load(keeper); /* what has changed since the start */
    ev_run(keeper->ev, 0);
    test_clock_unwatch(&keeper->clock);
    return NULL;
}

static void prepare_watchers(struct tls_keeper *keeper)
{
    ev_async_init(&keeper->adopted, on_adopted);
    ev_async_init(&keeper->stopped, on_stopped);
    ev_init(&keeper->change, on_timer);
    ev_init(&keeper->retry, on_timer);
    ev_init(&keeper->renewal, on_timer);
    ev_prepare_init(&keeper->turn_end, on_turn_end);
    keeper->adopted.data = keeper->change.data = keeper->retry.data = keeper->renewal.data =
        keeper->turn_end.data = keeper;
    ev_set_priority(&keeper->turn_end, EV_MINPRI);
    ev_async_start(keeper->ev, &keeper->adopted);
    ev_async_start(keeper->ev, &keeper->stopped);
    ev_prepare_start(keeper->ev, &keeper->turn_end);
    loop_let_sleep(keeper->ev, &keeper->never);
    keeper->clock.on_move = on_clock_move;
}

struct tls_keeper *tls_keeper_new(struct tls_contexts *contexts, struct api_reloads *reloads)
{
    struct tls_keeper *keeper = mem_zalloc(sizeof(*keeper));

    keeper->contexts = contexts;
    keeper->reloads = reloads;
    keeper->retry_seconds = FIRST_RETRY;
    (void)pthread_mutex_init(&keeper->lock, NULL);
    return keeper;
}

void tls_keeper_start(struct tls_keeper *keeper, struct worker *const *workers, size_t count)
{
    int rc = ENOMEM;

    keeper->workers = workers;
    keeper->worker_count = count;
    keeper->ev = ev_loop_new(EVFLAG_AUTO);
    if (keeper->ev) {
        prepare_watchers(keeper);
        keeper->watch = file_watch_new(keeper->ev, on_change, keeper);
        rc = pthread_create(&keeper->thread, NULL, run, keeper);
        keeper->has_thread = rc == 0;
    }
    if (rc != 0)
        log_error("certificates are not watched", LOG_STR("reason", strerror(rc)));
}

void tls_keeper_adopt(struct tls_keeper *keeper, struct tls_contexts *contexts)
{
    pthread_mutex_lock(&keeper->lock);
    publish(keeper, contexts);
    pthread_mutex_unlock(&keeper->lock);
    if (keeper->has_thread)
        ev_async_send(keeper->ev, &keeper->adopted);
}

bool tls_keeper_has(struct tls_keeper *keeper, const struct h2_tls_context *context, size_t index)
{
    struct tls_contexts *contexts = current(keeper);
    const bool has_it = tls_contexts_have(contexts, context, index);

    tls_contexts_unref(contexts);
    return has_it;
}

void tls_keeper_show(struct tls_keeper *keeper,
                     void (*show)(void *context, const char *listener, const char *file,
                                  time_t end),
                     void *context)
{
    struct tls_contexts *contexts = current(keeper);

    tls_contexts_show(contexts, show, context);
    tls_contexts_unref(contexts);
}

void tls_keeper_stop(struct tls_keeper *keeper)
{
    if (keeper->has_thread) {
        ev_async_send(keeper->ev, &keeper->stopped);
        (void)pthread_join(keeper->thread, NULL);
        keeper->has_thread = false;
    }
}

void tls_keeper_free(struct tls_keeper *keeper)
{
    if (!keeper)
        return;
    file_watch_free(keeper->watch);
    if (keeper->ev)
        ev_loop_destroy(keeper->ev);
    tls_contexts_unref(keeper->contexts);
    (void)pthread_mutex_destroy(&keeper->lock);
    free(keeper);
}
