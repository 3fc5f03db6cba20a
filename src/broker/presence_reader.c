/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/presence_reader.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "broker/presence_event.h"
#include "broker/service.h"
#include "sse/connection.h"
#include "sse/event.h"
#include "sse/presence.h"
#include "sse/registry.h"
#include "sse/service.h"
#include "sse/user.h"

/* ---- a shard's part of a snapshot ---- */

/* About a millisecond of work, as much as a slice may take. */
#define MOST_CONNECTIONS 50u
#define MOST_USERS       1000u
#define MOST_LOOKED_AT   5000u
#define ENOUGH_BYTES     ((size_t)64 * 1024) /* also of events that are asked for at once */

/*
 * Who is there, piece by piece: first the connections of every worker, then the users that each
 * keeps. The next piece is made only when the one who asks has room for it, so that a snapshot
 * takes as much memory as a piece, however many are connected. Who leaves meanwhile may make
 * another one appear twice; none that stays is left out.
 */
struct piece {
    struct buf text;
    size_t count;
    size_t looked_at;
    const char *tenants; /* NULL: all */
};

/* "{"connections":[" or "," before the next one. */
static void open_element(struct piece *piece, const char *list)
{
    if (piece->count == 0)
        buf_printf(&piece->text, "{\"%s\":[", list);
    else
        buf_append_char(&piece->text, ',');
    piece->count++;
}

static bool has_room(const struct piece *piece, size_t most)
{
    return piece->count < most && piece->text.length < ENOUGH_BYTES &&
           piece->looked_at < MOST_LOOKED_AT;
}

/* From the end to the start, as sse/registry.h and sse/presence.h ask. */
static size_t start_at(size_t position, size_t count)
{
    return position < count ? position : count;
}

static bool is_user_of(const char *tenants, const char *user_key)
{
    char *tenant = sse_user_key_tenant(user_key);
    const bool is_so = tenant && words_have(tenants, tenant);

    free(tenant);
    return is_so;
}

static size_t show_connections(struct piece *piece, const struct broker_service *service,
                               size_t position)
{
    const struct sse_group *all = sse_registry_all(service->core->registry);
    size_t at = start_at(position, all->count);

    while (at > 0 && has_room(piece, MOST_CONNECTIONS)) {
        const struct sse_connection *connection = all->members[--at];

        piece->looked_at++;
        if (piece->tenants && !words_have(piece->tenants, connection->user->tenant_id))
            continue;
        open_element(piece, "connections");
        presence_text_append_json(&piece->text,
                                  sse_connection_to_json(connection, service->settings.server_id));
    }
    return at;
}

static size_t show_users(struct piece *piece, const struct broker_service *service, size_t position)
{
    const struct sse_presence *presence = service->online.presence;
    size_t at = start_at(position, sse_presence_online(presence));

    while (at > 0 && has_room(piece, MOST_USERS)) {
        const char *user_key = sse_presence_user(presence, --at);

        piece->looked_at++;
        if (piece->tenants && !is_user_of(piece->tenants, user_key))
            continue;
        open_element(piece, "userIds");
        json_text_user(&piece->text, user_key);
    }
    return at;
}

static struct bytes *encode(struct piece *piece)
{
    struct sse_event_fields fields = {.name = "snapshot", .retry_ms = -1};
    struct bytes *wire;

    if (piece->count == 0)
        return NULL;
    buf_append_str(&piece->text, "]}");
    fields.data = piece->text.data;
    fields.data_length = piece->text.length;
    wire = sse_event_encode_told(&fields);
    buf_release(&piece->text);
    return wire;
}

void presence_snapshot_receive(const struct broker_service *service,
                               const struct broker_message *question)
{
    const struct broker_snapshot *wanted = &question->snapshot;
    struct piece piece = {.text = BUF_INIT, .tenants = wanted->tenants};
    struct broker_message *answer = broker_message_new(BROKER_PIECE, service->index, 0);
    const struct broker_asker asker = broker_asker(question);

    if (wanted->is_of_users)
        answer->piece.position = show_users(&piece, service, wanted->position);
    else
        answer->piece.position = show_connections(&piece, service, wanted->position);
    answer->piece.shown = piece.count;
    answer->piece.wire = encode(&piece);
    broker_answer(service->broker, &asker, answer);
}

/* ---- the reader ---- */

static void ask(struct presence_reader *reader);

/* A question has come back. False when nothing is taken any more; the reader may be gone then. */
static bool is_wanted(struct presence_reader *reader)
{
    reader->is_asking = false;
    if (reader->is_closed)
        reader->taker->closed(reader);
    else if (!reader->is_stopped)
        return true;
    return false;
}

/* To the next worker, from the last one's connections to the first one's users. False when nothing
 * follows. */
static bool move_on(struct presence_reader *reader)
{
    struct presence_snapshot *snapshot = &reader->snapshot;
    const bool had_users = snapshot->is_in_users;

    if (snapshot->position > 0)
        return true;
    snapshot->position = SIZE_MAX;
    if (++snapshot->worker < broker_workers(reader->service->broker))
        return true;
    snapshot->worker = 0;
    snapshot->is_in_users = true;
    return !had_users && reader->kinds & PRESENCE_OF_USERS;
}

static void on_piece(struct broker_request *request, const struct broker_message *answer)
{
    struct presence_reader *reader = container_of(request, struct presence_reader, request);
    struct presence_snapshot *snapshot = &reader->snapshot;

    if (!is_wanted(reader))
        return;
    snapshot->position = answer->piece.position;
    *(snapshot->is_in_users ? &snapshot->users : &snapshot->connections) += answer->piece.shown;
    reader->is_in_snapshot = move_on(reader);
    if (answer->piece.wire)
        reader->taker->take(reader, answer->piece.wire);
    if (!reader->is_in_snapshot)
        reader->taker->snapshot_over(reader);
    presence_reader_go_on(reader); /* a turn has time for so many */
}

static void read_snapshot(struct presence_reader *reader)
{
    const struct broker_service *service = reader->service;
    struct broker_message *question =
        broker_message_new(BROKER_SNAPSHOT, service->index, broker_text_size(reader->tenants));

    question->snapshot.is_of_users = reader->snapshot.is_in_users;
    question->snapshot.position = reader->snapshot.position;
    question->snapshot.tenants = broker_message_text(question, reader->tenants);
    reader->request.on_answer = on_piece;
    broker_ask(service->broker, reader->snapshot.worker, question, &reader->request);
}

static void on_events(struct broker_request *request, const struct broker_message *answer)
{
    struct presence_reader *reader = container_of(request, struct presence_reader, request);
    const struct broker_events *events = &answer->events;

    if (!is_wanted(reader))
        return;
    reader->after = events->after;
    for (size_t i = 0; i < events->count; i++)
        reader->taker->take(reader, events->wires[i]);
    reader->has_events |= !events->is_all;
    if (events->is_lost)
        reader->taker->lost(reader);
    ask(reader);
}

static void read_on(struct presence_reader *reader)
{
    const struct broker_service *service = reader->service;
    struct broker_message *question =
        broker_message_new(BROKER_READ, service->index, broker_text_size(reader->tenants));

    question->read.after = reader->after;
    question->read.kinds = reader->kinds;
    question->read.tenants = broker_message_text(question, reader->tenants);
    question->read.most_bytes = ENOUGH_BYTES;
    reader->request.on_answer = on_events;
    broker_ask_owner(service, question, &reader->request);
}

/* Asks for what follows, if there is something, and room for it. */
static void ask(struct presence_reader *reader)
{
    if (reader->is_asking || reader->is_stopped || !reader->taker->has_room(reader))
        return;
    if (reader->is_in_snapshot) {
        reader->is_asking = true;
        read_snapshot(reader);
    } else if (reader->has_events) {
        reader->is_asking = true;
        reader->has_events = false;
        read_on(reader);
    }
}

static void on_more(struct loop_task *task)
{
    ask(container_of(task, struct presence_reader, more));
}

void presence_reader_go_on(struct presence_reader *reader)
{
    loop_defer(reader->service->core->loop, &reader->more);
}

static void on_watched(struct broker_request *request, const struct broker_message *answer)
{
    struct presence_reader *reader = container_of(request, struct presence_reader, request);

    reader->is_asking = false;
    reader->taker->opened(reader, &answer->watched);
}

void presence_reader_open(struct presence_reader *reader, const char *last_id)
{
    struct broker_message *question = broker_message_new(BROKER_WATCH, reader->service->index, 0);

    snprintf(question->last_id, sizeof(question->last_id), "%s", last_id);
    reader->is_asking = true;
    reader->request.on_answer = on_watched;
    broker_ask_owner(reader->service, question, &reader->request);
}

void presence_reader_begin(struct presence_reader *reader, uint64_t after, bool is_in_snapshot)
{
    reader->snapshot.is_in_users = !(reader->kinds & PRESENCE_OF_CONNECTIONS);
    reader->snapshot.position = SIZE_MAX;
    reader->is_in_snapshot = is_in_snapshot;
    reader->after = after;
    reader->has_events = true;
    reader->more.run = on_more;
    list_append(&reader->service->readers, &reader->node);
    reader->service->reader_count++;
    ask(reader);
}

void presence_reader_close(struct presence_reader *reader)
{
    if (list_is_linked(&reader->node)) {
        list_remove(&reader->node);
        reader->service->reader_count--;
    }
    loop_cancel(&reader->more);
    reader->is_closed = true;
    broker_tell_owner(reader->service,
                      broker_message_new(BROKER_UNWATCH, reader->service->index, 0));
    if (!reader->is_asking)
        reader->taker->closed(reader);
}

void presence_readers_wake(struct broker_service *service)
{
    list_for_each_safe(node, after, &service->readers) {
        struct presence_reader *reader = container_of(node, struct presence_reader, node);

        reader->has_events = true;
        ask(reader);
    }
}
