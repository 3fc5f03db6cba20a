/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/owner.h"

#include <string.h>

#include "base/loop.h"
#include "broker/broker.h"
#include "broker/service.h"
#include "sse/clients.h"
#include "sse/service.h"
#include "sse/subject.h"

/* ---- slots ---- */

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

/* ---- streams and uploads ---- */

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
    if (!answer->attached.is_refused)
        find_resume(service, &message->attach, &answer->attached);
    broker_answer(service->broker, &asker, answer);
}

static void evict(const struct broker_service *service, const char *handle)
{
    struct broker_message *message = broker_message_new(BROKER_EVICT, service->index, 0);

    memcpy(message->handle, handle, sizeof(message->handle));
    broker_send(service->broker, broker_shard_of(service->broker, handle), message);
}

static void on_opened(struct broker_service *service, const struct broker_opened *opened)
{
    char evicted[SSE_HANDLE_SIZE];

    if (opened->client &&
        sse_clients_join(service->clients, opened->client, opened->handle, opened->order, evicted))
        evict(service, evicted);
    online_users_receive(&service->online, &opened->presence);
}

static void on_detach(struct broker_service *service, const struct broker_detach *detach)
{
    give_slots(service, detach->what, detach->keys, BROKER_SLOTS, detach->client);
    if (detach->client && detach->handle[0] != '\0')
        sse_clients_leave(service->clients, detach->client, detach->handle);
    if (detach->handle[0] != '\0')
        online_users_receive(&service->online, &detach->presence);
}

/* ---- redelivery ---- */

static void on_note_positions(const struct broker_service *service,
                              const struct broker_positions *positions)
{
    for (size_t i = 0; i < positions->count; i++) {
        const struct broker_written *written = &positions->messages[i];

        sse_history_note(service->core->history, written->id, positions->user_key,
                         written->is_new ? positions->position : SSE_POSITION_UNKNOWN);
    }
}

void broker_owner_receive(struct broker_service *service, const struct broker_message *message)
{
    switch (message->kind) {
    case BROKER_ATTACH:
        on_attach(service, message);
        break;
    case BROKER_OPENED:
        on_opened(service, &message->opened);
        break;
    case BROKER_DETACH:
        on_detach(service, &message->detach);
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
    case BROKER_FAREWELL:
        held_events_tell_all(&service->online.held);
        service->farewells++;
        break;
    case BROKER_WATCH:
    case BROKER_READ:
    case BROKER_UNWATCH:
        presence_log_receive(&service->presence_log, message);
        break;
    case BROKER_NOTE_POSITIONS:
        on_note_positions(service, &message->positions);
        break;
    default:
        service->guest.receive(service->guest.context, message);
    }
}
