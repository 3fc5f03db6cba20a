/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/lifecycle.h"

#include <stdlib.h>

#include "base/mem.h"
#include "broker/broker.h"
#include "broker/notifications.h"
#include "broker/presence_reporter.h"
#include "broker/receive.h"
#include "broker/service.h"
#include "sse/dispatch.h"
#include "sse/service.h"
#include "sse/target.h"

void broker_service_start(struct broker_service *service, const struct stored_settings *stored,
                          const struct stored_place *place)
{
    broker_service_receive(service);
    presence_reporter_open(service);
    notifications_open(service);
    service->stored = stored_new(service, stored, place);
    queue_observer_open(service, place->shared);
}

void broker_service_restart(struct broker_service *service, const struct broker_settings *settings,
                            const struct stored_settings *stored)
{
    broker_service_change(service, settings);
    notifications_change(service);
    stored_change(service->stored, stored);
}

/* One per service; frees itself. */
struct drain_job {
    struct sse_dispatch_job job;
    struct sse_target target;
    struct broker_service *service;
};

static void on_drained(struct sse_dispatch_job *job)
{
    struct drain_job *drain = container_of(job, struct drain_job, job);

    broker_tell_owner(drain->service,
                      broker_message_new(BROKER_SHARD_CLOSED, drain->service->index, 0));
    free(drain);
}

static void end_streams(struct broker_service *service)
{
    struct drain_job *drain = mem_zalloc(sizeof(*drain));

    drain->service = service;
    drain->target.dimension = SSE_ALL;
    drain->job.target = &drain->target;
    drain->job.reason = SSE_CLOSE_DRAIN;
    drain->job.reconnect_ms = -1;
    drain->job.on_done = on_drained;
    sse_dispatch_submit(service->core->dispatch, &drain->job);
}

void broker_service_finish(struct broker_service *service)
{
    notifications_hurry(service);
    stored_hurry(service->stored);
    end_streams(service);
}

void broker_service_abandon(struct broker_service *service)
{
    notifications_abandon(service);
    stored_abandon(service->stored);
}

bool broker_service_is_settled(const struct broker_service *service)
{
    return notifications_are_settled(service) && stored_is_settled(service->stored);
}

void broker_service_stop(struct broker_service *service)
{
    queue_observer_close(service);
    stored_free(service->stored);
    notifications_close(service);
    presence_reporter_close(service);
    broker_service_release(service);
}
