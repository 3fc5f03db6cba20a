/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/receive.h"

#include <string.h>

#include "base/loop.h"
#include "broker/broker.h"
#include "broker/call.h"
#include "broker/presence_reader.h"
#include "broker/publishing.h"
#include "broker/query.h"
#include "broker/redeliver.h"
#include "broker/revoking.h"
#include "broker/service.h"
#include "broker/stored/stored.h"
#include "sse/clients.h"
#include "sse/connection.h"
#include "sse/log.h"
#include "sse/registry.h"
#include "sse/service.h"
#include "sse/target.h"
#include "sse/user.h"

/* ---- the owner: slots ---- */

static void give_slots(struct broker_service *service, enum broker_what what,
                       const char *const *keys, size_t count, const char *client)
{
    for (size_t slot = 0; slot < count; slot++) {
        if (keys[slot])
            slots_give(&service->slots[what][slot], keys[slot], client);
    }
}

/* One of each kind, or none at all. */
static bool take_slots(struct broker_service *service, const struct broker_attach *attach,
                       enum broker_slot *refused)
{
    for (size_t slot = 0; slot < BROKER_SLOTS; slot++) {
        struct slots *slots = &service->slots[attach->what][slot];

        if (!attach->keys[slot] || slots_take(slots, attach->keys[slot], attach->client))
            continue;
        give_slots(service, attach->what, attach->keys, slot, attach->client);
        *refused = (enum broker_slot)slot;
        return false;
    }
    return true;
}

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

static void on_attach(struct broker_service *service, const struct broker_message *message)
{
    struct broker_message *answer = broker_message_new(BROKER_ATTACHED, service->index, 0);
    const struct broker_asker asker = broker_asker(message);

    answer->attached.is_refused = !take_slots(service, &message->attach, &answer->attached.refused);
    answer->attached.position = sse_log_last(service->core->log);
    if (!answer->attached.is_refused) {
        directory_join(&service->directory, &message->attach.groups, message->from,
                       answer->attached.position);
        find_resume(service, &message->attach, &answer->attached);
    }
    broker_answer(service->broker, &asker, answer);
}

static void evict(const struct broker_service *service, const char *handle)
{
    struct broker_message *message = broker_message_new(BROKER_EVICT, service->index, 0);

    memcpy(message->handle, handle, sizeof(message->handle));
    broker_send(service->broker, broker_shard_of(service->broker, handle), message);
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
    char evicted[SSE_HANDLE_SIZE];

    on_change(service, &opened->change, message->from);
    if (opened->client &&
        sse_clients_join(service->clients, opened->client, opened->handle, opened->order, evicted))
        evict(service, evicted);
    online_users_receive(&service->online, &opened->presence);
}

static void on_detach(struct broker_service *service, const struct broker_message *message)
{
    const struct broker_detach *detach = &message->detach;

    directory_leave(&service->directory, &detach->groups, message->from);
    give_slots(service, detach->what, detach->keys, BROKER_SLOTS, detach->client);
    if (detach->client && detach->handle[0] != '\0')
        sse_clients_leave(service->clients, detach->client, detach->handle);
    if (detach->handle[0] != '\0')
        online_users_receive(&service->online, &detach->presence);
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
        idempotency_claim(&service->idempotency, message);
        break;
    case BROKER_SETTLE:
        idempotency_settle(&service->idempotency, message);
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
