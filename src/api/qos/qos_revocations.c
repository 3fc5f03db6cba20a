/* SPDX-License-Identifier: Apache-2.0 */
#include "api/qos/qos_revocations.h"

#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/qos/qos_hub.h"
#include "api/worker.h"
#include "auth/auth.h"
#include "auth/denied.h"
#include "base/bytes.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/revocations.h"
#include "sse/service.h"

#define RETRY_MS 1000u

struct restoring {
    struct qos_read_revocations read;
    struct qos_restorer *restorer;
};

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

/* ---- from the store to all workers ---- */

struct restored {
    const struct qos_hub *hub;
    int status;
    struct bytes *list;
};

static struct broker_message *make_restore(void *context, size_t worker)
{
    const struct restored *restored = context;
    struct broker_message *message =
        broker_message_new(BROKER_RESTORE, restored->hub->service->index, 0);

    (void)worker;
    message->revocations.status = restored->status;
    message->revocations.list = bytes_ref(restored->list);
    return message;
}

static void tell_all(const struct restoring *restoring)
{
    const struct qos_hub *hub = restoring->restorer->hub;
    struct restored restored = {
        .hub = hub,
        .status = restoring->read.job.status,
        .list = broker_revocations_pack(&restoring->read.list),
    };

    broker_send_all(hub->service->api->broker, make_restore, &restored);
    bytes_unref(restored.list);
}

static void on_read(struct qos_job *job)
{
    struct restoring *restoring = container_of(job, struct restoring, read.job);
    struct qos_restorer *restorer = restoring->restorer;

    if (!restorer->hub->is_stopped) {
        tell_log(restorer, restoring);
        if (job->status != 0)
            loop_timer_start(restorer->hub->service->api->loop, &restorer->timer, RETRY_MS);
        tell_all(restoring);
    }
    qos_revocations_release(&restoring->read.list);
    free(restoring);
}

static size_t unpack(const struct bytes *list, struct auth_denial *denials)
{
    struct qos_revocation revocation;
    size_t count = 0;
    size_t at = 0;

    for (; broker_revocations_next(list, &at, &revocation); count++)
        if (denials)
            denials[count] =
                (struct auth_denial){revocation.name, revocation.issued_until, revocation.until};
    return count;
}

void qos_restore(struct auth *auth, const struct broker_revocations *revocations)
{
    struct auth_denial *denials =
        mem_alloc((unpack(revocations->list, NULL) + 1) * sizeof(denials[0]));
    const size_t count = unpack(revocations->list, denials);

    auth_restore(auth, revocations->status, denials, count);
    free(denials);
}

static void begin_to_read(struct qos_restorer *restorer)
{
    struct restoring *restoring = mem_zalloc(sizeof(*restoring));

    restoring->restorer = restorer;
    restoring->read.now = loop_wall_ms(restorer->hub->service->api->loop);
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

/* ---- from any worker to the store ---- */

void qos_keeping_note(void *context, const struct auth_denial *denial)
{
    struct qos_keeping *keeping = context;
    const struct qos_revocation revocation = {denial->name, denial->issued_until, denial->until_ms};

    qos_revocations_add(&keeping->list, &revocation);
}

static void on_answer(struct broker_request *request, const struct broker_message *answer)
{
    struct qos_keeping *keeping = container_of(request, struct qos_keeping, request);

    keeping->done(keeping, answer->done.status);
}

void qos_keeping_start(struct qos_keeping *keeping, struct api_exchange *exchange)
{
    const struct broker_service *service = &exchange->service->broker;
    struct broker_message *message;

    keeping->exchange = api_exchange_ref(exchange);
    if (keeping->list.count == 0) {
        keeping->done(keeping, 0);
        return;
    }
    message = broker_message_new(BROKER_KEEP, service->index, 0);
    message->revocations.list = broker_revocations_pack(&keeping->list);
    keeping->request.on_answer = on_answer;
    broker_ask_owner(service, message, &keeping->request);
}

void qos_keeping_release(struct qos_keeping *keeping)
{
    qos_revocations_release(&keeping->list);
    if (keeping->exchange)
        api_exchange_unref(keeping->exchange);
}
