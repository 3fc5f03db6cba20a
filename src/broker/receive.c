/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/receive.h"

#include <stdlib.h>

#include "base/loop.h"
#include "base/mem.h"
#include "broker/broker.h"
#include "broker/call.h"
#include "broker/engine.h"
#include "broker/presence_reader.h"
#include "broker/publishing.h"
#include "broker/query.h"
#include "broker/redeliver.h"
#include "broker/revoking.h"
#include "broker/service.h"
#include "broker/stored/stored.h"
#include "broker/trace_query.h"
#include "broker/why/evidence.h"
#include "sse/connection.h"
#include "sse/log.h"
#include "sse/registry.h"
#include "sse/service.h"
#include "sse/target.h"
#include "sse/user.h"

/* ---- the owner: streams and uploads ---- */

/* The owner has seen every event that any worker has written, while the shard may still have some
 * of them to come: its answer comes behind those. */
static void find_resume(const struct broker_service *service, const struct broker_attach *attach,
                        struct broker_attached *attached)
{
    const struct sse_subject subject = {
        .user = attach->user,
        .channels = attach->channels,
        .channel_count = attach->channel_count,
    };

    attached->resume = SSE_RESUME_NONE;
    if (attach->last_id)
        attached->resume = sse_history_find(service->core->history, attach->last_id, &subject,
                                            loop_now_ms(service->core->loop), &attached->after);
}

/* Its place in the directory, where it goes on, and the answer are of one moment: whatever is
 * written later comes to the shard behind the answer. */
static void answer_attach(struct broker_service *service, const struct broker_message *message,
                          const struct engine_attach *attach)
{
    struct broker_message *answer = broker_message_new(BROKER_ATTACHED, service->index, 0);
    const struct broker_asker asker = broker_asker(message);

    answer->attached.status = attach->job.status;
    answer->attached.is_refused = attach->is_refused || attach->job.status < 0;
    answer->attached.refused = attach->refused;
    answer->attached.position = sse_log_last(service->core->log);
    if (!answer->attached.is_refused) {
        directory_join(&service->directory, &message->attach.groups, message->from,
                       answer->attached.position);
        find_resume(service, &message->attach, &answer->attached);
    }
    broker_answer(service->broker, &asker, answer);
}

/* A question of the engine, and who is answered then. */
struct asking {
    union {
        struct qos_job job; /* the others begin with it */
        struct engine_attach attach;
        struct engine_claim claim;
    };
    struct broker_service *service;
    struct broker_message *message; /* a reference: its texts are lent to the question */
};

static struct asking *asking_new(struct broker_service *service,
                                 const struct broker_message *message,
                                 void (*done)(struct qos_job *job))
{
    struct asking *asking = mem_zalloc(sizeof(*asking));

    asking->service = service;
    asking->message = broker_message_keep(message);
    asking->job.is_asked = true;
    asking->job.done = done;
    return asking;
}

static void asking_free(struct asking *asking)
{
    broker_message_free(asking->message);
    free(asking);
}

static void on_attached(struct qos_job *job)
{
    struct asking *asking = container_of(job, struct asking, job);

    answer_attach(asking->service, asking->message, &asking->attach);
    asking_free(asking);
}

static bool has_keys(const char *const *keys)
{
    for (size_t slot = 0; slot < BROKER_SLOTS; slot++) {
        if (keys[slot])
            return true;
    }
    return false;
}

static void on_attach(struct broker_service *service, const struct broker_message *message)
{
    const struct engine_attach nothing = {.is_refused = false};
    struct asking *asking;

    if (!has_keys(message->attach.keys)) {
        answer_attach(service, message, &nothing);
        return;
    }
    asking = asking_new(service, message, on_attached);
    asking->attach.wanted = &asking->message->attach;
    service->engine->ops->attach(service->engine, &asking->attach);
}

static void on_change(struct broker_service *service, const struct broker_change *change,
                      size_t shard)
{
    directory_join(&service->directory, &change->joined, shard, sse_log_last(service->core->log));
    directory_leave(&service->directory, &change->left, shard);
}

static void on_opened(struct broker_service *service, const struct broker_message *message)
{
    const struct broker_opened *opened = &message->opened;

    on_change(service, &opened->change, message->from);
    if (opened->client)
        service->engine->ops->open(service->engine, opened);
    online_users_receive(&service->online, &opened->presence);
}

static void on_detach(struct broker_service *service, const struct broker_message *message)
{
    const struct broker_detach *detach = &message->detach;

    directory_leave(&service->directory, &detach->groups, message->from);
    if (detach->client || has_keys(detach->keys))
        service->engine->ops->detach(service->engine, detach);
    if (detach->handle[0] != '\0')
        online_users_receive(&service->online, &detach->presence);
}

/* ---- the owner: idempotency keys ---- */

static void on_claimed(struct qos_job *job)
{
    struct asking *asking = container_of(job, struct asking, job);
    const struct broker_asker asker = broker_asker(asking->message);
    struct broker_message *answer = broker_message_new(BROKER_CLAIMED, asking->message->service, 0);

    answer->outcome.status = job->status < 0 ? job->status : asking->claim.outcome;
    answer->outcome.body = asking->claim.body;
    broker_answer(asking->service->broker, &asker, answer);
    asking_free(asking);
}

static void on_claim(struct broker_service *service, const struct broker_message *message)
{
    struct asking *asking = asking_new(service, message, on_claimed);

    asking->claim.wanted = &asking->message->claim;
    service->engine->ops->claim(service->engine, &asking->claim);
}

/* ---- the owner: what is stored and sent ---- */

static void on_note_positions(const struct broker_service *service,
                              const struct broker_positions *positions)
{
    for (size_t i = 0; i < positions->count; i++) {
        const struct broker_written *written = &positions->messages[i];

        sse_history_add_position(service->core->history, written->id, positions->user_key,
                                 written->is_new ? positions->position : SSE_POSITION_UNKNOWN);
    }
}

static void hand_over(struct broker_service *service, const struct broker_message *message)
{
    if (service->stored)
        stored_receive(service->stored, message);
    else
        service->guest.receive(service->guest.context, message);
}

static void on_caught_up(struct broker_service *service)
{
    struct broker_message *message;

    while ((message = lag_take(&service->lag))) {
        hand_over(service, message);
        broker_message_free(message);
    }
}

static void owner_receive(struct broker_service *service, const struct broker_message *message)
{
    switch (message->kind) {
    case BROKER_ATTACH:
        on_attach(service, message);
        break;
    case BROKER_OPENED:
        on_opened(service, message);
        break;
    case BROKER_DETACH:
        on_detach(service, message);
        break;
    case BROKER_CHANGE:
        on_change(service, &message->change, message->from);
        break;
    case BROKER_CLAIM:
        on_claim(service, message);
        break;
    case BROKER_SETTLE:
        service->engine->ops->settle(service->engine, &message->outcome);
        break;
    case BROKER_PRESENCE:
        online_users_receive(&service->online, &message->presence);
        break;
    case BROKER_SHARD_CLOSED:
        online_users_tell_held(&service->online);
        service->closed_shards++;
        break;
    case BROKER_WATCH:
    case BROKER_READ:
    case BROKER_UNWATCH:
        presence_log_receive(&service->presence_log, message);
        break;
    case BROKER_NOTE_POSITIONS:
        on_note_positions(service, &message->positions);
        break;
    case BROKER_PUBLISH:
        if (lag_admit(&service->lag, message))
            hand_over(service, message);
        break;
    case BROKER_CAUGHT_UP:
        on_caught_up(service);
        break;
    default:
        hand_over(service, message);
    }
}

/* ---- a shard ---- */

static void on_evict(const struct broker_service *service, const char *handle)
{
    struct sse_connection *connection = sse_registry_find(service->core->registry, handle);

    /* reconnect 0: this page has a successor, and is to stay away. */
    if (connection)
        sse_connection_close(connection, SSE_CLOSE_EVICTED, NULL, 0);
}

static void on_record(struct broker_service *service, const struct broker_message *message)
{
    const struct broker_asker asker = broker_asker(message);

    service->is_recording = message->is_recording;
    broker_answer(service->broker, &asker, broker_message_new(BROKER_RECORDED, 0, 0));
}

static void on_lift_barrier(const struct broker_service *service,
                            const struct broker_barrier *barrier)
{
    struct sse_connection *connection = sse_registry_find(service->core->registry, barrier->handle);

    if (barrier->joined > service->core->position)
        service->core->position = barrier->joined;
    if (!connection)
        return;
    connection->joined = barrier->joined;
    sse_connection_lift_barrier(connection);
}

static void shard_receive(struct broker_service *service, const struct broker_message *message)
{
    switch (message->kind) {
    case BROKER_ADVANCE:
        broker_advance(service, message);
        break;
    case BROKER_FIND_CREDENTIALS:
        broker_find_credentials(service, message);
        break;
    case BROKER_EVICT:
        on_evict(service, message->handle);
        break;
    case BROKER_RECORD:
        on_record(service, message);
        break;
    case BROKER_LIFT_BARRIER:
        on_lift_barrier(service, &message->barrier);
        break;
    case BROKER_COUNT:
        liveness_count(service, message);
        break;
    case BROKER_REDELIVER:
        redeliver_begin(service, message);
        break;
    case BROKER_CALL:
        broker_call_receive(service, message);
        break;
    case BROKER_PASS_CALL:
        broker_call_pass(service, &message->call);
        break;
    case BROKER_END_CALL:
        call_order_end(&service->call_orders, message->call_end.handle, message->call_end.queue);
        break;
    case BROKER_QUERY:
        broker_query_gather(service, message);
        break;
    case BROKER_SHOW:
        broker_query_show(service, message);
        break;
    case BROKER_IS_ONLINE:
        broker_query_online(service, message);
        break;
    case BROKER_INSPECT:
        trace_query_receive(service, message);
        break;
    case BROKER_WHY:
        why_gather(service, message);
        break;
    case BROKER_WAKE_WATCHERS:
        presence_readers_wake(service);
        break;
    case BROKER_SNAPSHOT:
        presence_snapshot_receive(service, message);
        break;
    case BROKER_RESTORE:
        service->revoker.restore(service->revoker.context, &message->revocations);
        break;
    default:
        break;
    }
}

static void receive(void *context, const struct broker_message *message)
{
    if (broker_role(message->kind) == BROKER_TO_OWNER)
        owner_receive(context, message);
    else
        shard_receive(context, message);
}

void broker_service_receive(struct broker_service *service)
{
    broker_set_receiver(service->broker, service->index,
                        &(struct broker_receiver){receive, service});
}
