/* SPDX-License-Identifier: Apache-2.0 */
#include "api/qos/qos_revocations.h"

#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/qos/qos_hub.h"
#include "api/worker.h"
#include "auth/auth.h"
#include "auth/denied.h"
#include "base/log.h"
#include "base/mem.h"
#include "sse/service.h"

#define RETRY_MS 1000u

/* From the store to the hub, and from there to all workers. */
struct restoring {
    struct qos_read_revocations read;
    struct peers_call call;
    struct qos_restorer *restorer; /* the hub's thread only */
    size_t service;
    struct auth_denial *denials;
};

static void restore(struct peers_call *call, size_t worker, void *context)
{
    const struct restoring *restoring = container_of(call, struct restoring, call);
    const struct api *api = context;

    (void)worker;
    auth_restore(api->services[restoring->service].auth, restoring->read.job.status,
                 restoring->denials, restoring->read.list.count);
    peers_call_done(call);
}

static void restoring_free(struct restoring *restoring)
{
    qos_revocations_release(&restoring->read.list);
    free(restoring->denials);
    free(restoring);
}

static void finish(struct peers_call *call, void *context)
{
    (void)context;
    restoring_free(container_of(call, struct restoring, call));
}

/* A store that fails for hours is one line in the log. */
static void tell_log(struct qos_restorer *restorer, const struct restoring *restoring)
{
    const char *service = restorer->hub->service->settings->core->name;
    const int status = restoring->read.job.status;

    if (status != 0 && !restorer->has_failed)
        log_error("the revocations cannot be read: no access token is let in until they can",
                  LOG_STR("service", service), LOG_STR("reason", strerrordesc_np(-status)));
    else if (status == 0 && (restorer->has_failed || restoring->read.list.count > 0))
        log_info("restored revocations", LOG_STR("service", service),
                 LOG_INT("count", restoring->read.list.count));
    restorer->has_failed = status != 0;
}

static void on_read(struct qos_job *job)
{
    struct restoring *restoring = container_of(job, struct restoring, read.job);
    struct qos_restorer *restorer = restoring->restorer;
    const struct qos_revocations *list = &restoring->read.list;
    struct api *api = restorer->hub->service->api;

    if (restorer->hub->is_stopped) {
        restoring_free(restoring);
        return;
    }
    tell_log(restorer, restoring);
    restoring->denials = mem_alloc(list->count * sizeof(restoring->denials[0]) + 1);
    for (size_t i = 0; i < list->count; i++)
        restoring->denials[i] = (struct auth_denial){
            list->items[i].name, list->items[i].issued_until, list->items[i].until};
    if (job->status != 0)
        loop_timer_start(api->loop, &restorer->timer, RETRY_MS);
    peers_call_start(api->peers, api->worker, &restoring->call);
}

static void begin_to_read(struct qos_restorer *restorer)
{
    const struct api_service *service = restorer->hub->service;
    struct restoring *restoring = mem_zalloc(sizeof(*restoring));

    restoring->restorer = restorer;
    restoring->service = service->index;
    restoring->call.run = restore;
    restoring->call.finish = finish;
    restoring->read.now = loop_wall_ms(service->api->loop);
    restoring->read.job.done = on_read;
    qos_read_revocations_init(&restoring->read);
    qos_store_submit(restorer->hub->store, &restoring->read.job);
}

static void on_timer(struct loop_timer *timer)
{
    begin_to_read(container_of(timer, struct qos_restorer, timer));
}

void qos_restorer_init(struct qos_restorer *restorer, struct qos_hub *hub)
{
    *restorer = (struct qos_restorer){.hub = hub};
    restorer->timer.on_fire = on_timer;
    if (hub->service->auth->ops->restore)
        begin_to_read(restorer);
}

void qos_restorer_release(struct qos_restorer *restorer)
{
    loop_timer_stop(&restorer->timer);
}

void qos_keeping_note(void *context, const struct auth_denial *denial)
{
    struct qos_keeping *keeping = context;
    const struct qos_revocation revocation = {denial->name, denial->issued_until, denial->until_ms};

    qos_revocations_add(&keeping->keep.list, &revocation);
}

static void on_kept(struct qos_job *job)
{
    qos_errand_end(&container_of(job, struct qos_keeping, keep.job)->errand);
}

/* At the hub. */
static void begin(struct qos_errand *errand)
{
    struct qos_keeping *keeping = container_of(errand, struct qos_keeping, errand);
    const struct api_service *service = errand->hub->service;

    keeping->keep.now = loop_wall_ms(service->api->loop);
    keeping->keep.most = service->settings->qos.revocations;
    keeping->keep.job.done = on_kept;
    keeping->keep.job.is_asked = true;
    qos_keep_revocations_init(&keeping->keep);
    qos_store_submit(errand->hub->store, &keeping->keep.job);
}

static void answer(struct qos_errand *errand)
{
    struct qos_keeping *keeping = container_of(errand, struct qos_keeping, errand);

    keeping->done(keeping, keeping->keep.job.status);
}

void qos_keeping_start(struct qos_keeping *keeping, struct api_exchange *exchange)
{
    keeping->errand.begin = begin;
    keeping->errand.answer = answer;
    if (keeping->keep.list.count > 0) {
        qos_errand_start(&keeping->errand, exchange);
        return;
    }
    keeping->errand.exchange = api_exchange_ref(exchange);
    keeping->done(keeping, 0);
}

void qos_keeping_release(struct qos_keeping *keeping)
{
    qos_revocations_release(&keeping->keep.list);
    if (keeping->errand.exchange)
        api_exchange_unref(keeping->errand.exchange);
}
