/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/rewrite.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/fault.h"
#include "base/mem.h"
#include "broker/service.h"
#include "sse/connection.h"
#include "sse/dispatch.h"
#include "sse/event.h"
#include "sse/offer.h"
#include "sse/registry.h"
#include "sse/service.h"
#include "sse/user.h"

/* Until the connection has room for more. */
struct writing {
    struct sse_offer offer;
    struct broker_service *service;
    struct broker_asker asker;
};

static void answer(const struct broker_service *service, const struct broker_asker *asker,
                   size_t count, bool is_gone)
{
    struct broker_message *taken = broker_message_new(BROKER_TAKEN, service->index, 0);

    taken->taken.count = count;
    taken->taken.is_gone = is_gone;
    broker_answer_later(service, asker, taken);
}

static void on_room(struct sse_offer *offer, bool is_gone)
{
    struct writing *writing = container_of(offer, struct writing, offer);

    answer(writing->service, &writing->asker, offer->taken, is_gone);
    free(writing);
}

static size_t ids_size(const struct broker_rewrite *rewrite)
{
    size_t size = 0;

    for (size_t i = 0; i < rewrite->count; i++)
        size += broker_text_size(rewrite->lines[i].id);
    return size;
}

/* A page that comes back with the id of such a message comes back to where the order was when it
 * was written. The owner knows it before the page can have it. */
static void tell_positions(const struct broker_service *service,
                           const struct broker_rewrite *rewrite,
                           const struct sse_connection *connection)
{
    const char *user_key = connection->user->key;
    const size_t block = rewrite->count * sizeof(struct broker_written);
    struct broker_message *message = broker_message_new(
        BROKER_NOTE_POSITIONS, service->index,
        broker_block_size(block) + broker_text_size(user_key) + ids_size(rewrite));
    struct broker_positions *positions = &message->positions;

    positions->messages = broker_message_block(message, block);
    positions->user_key = broker_message_text(message, user_key);
    positions->position = sse_dispatch_position(service->core->dispatch);
    positions->count = rewrite->count;
    for (size_t i = 0; i < rewrite->count; i++)
        positions->messages[i] = (struct broker_written){
            .id = broker_message_text(message, rewrite->lines[i].id),
            .is_new = rewrite->lines[i].is_new,
        };
    broker_tell_owner(service, message);
}

static void write_lines(struct broker_service *service, const struct broker_message *question,
                        struct sse_connection *connection)
{
    const struct broker_rewrite *rewrite = &question->rewrite;
    const size_t count = rewrite->count;
    struct sse_event **events = mem_alloc((count + 1) * sizeof(struct sse_event *));
    struct writing *writing = mem_zalloc(sizeof(*writing));

    for (size_t i = 0; i < count; i++) {
        events[i] = sse_event_new(rewrite->lines[i].event, bytes_ref(rewrite->lines[i].wire));
        events[i]->is_kept = true;
    }
    writing->offer.on_room = on_room;
    writing->service = service;
    writing->asker = broker_asker(question);
    sse_connection_offer(connection, &writing->offer, events, count);
    for (size_t i = 0; i < count; i++)
        sse_event_unref(events[i]);
    free(events);
    fault_point("desk.written");
}

void rewrite_begin(struct broker_service *service, const struct broker_message *question)
{
    const struct broker_asker asker = broker_asker(question);
    struct sse_connection *connection =
        sse_registry_find(service->core->registry, question->rewrite.handle);

    if (!connection) {
        answer(service, &asker, 0, true);
        return;
    }
    tell_positions(service, &question->rewrite, connection);
    write_lines(service, question, connection);
}
