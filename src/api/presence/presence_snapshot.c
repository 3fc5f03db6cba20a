/* SPDX-License-Identifier: Apache-2.0 */
#include "api/presence/presence_snapshot.h"

#include <stdint.h>
#include <stdlib.h>

#include "api/json_text.h"
#include "api/presence/presence_event.h"
#include "api/worker.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "sse/connection.h"
#include "sse/event.h"
#include "sse/presence.h"
#include "sse/registry.h"
#include "sse/service.h"
#include "sse/user.h"
#include "sse/user_key.h"

/* About a millisecond of work, as much as a slice may take. */
#define MOST_CONNECTIONS 50u
#define MOST_USERS       1000u
#define MOST_LOOKED_AT   5000u
#define ENOUGH_BYTES     ((size_t)64 * 1024)

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

static void show_connection(struct piece *piece, const struct api_service *service,
                            const struct sse_connection *connection)
{
    json_t *shown = sse_connection_to_json(connection, service->api->server_id);
    char *dumped = json_dumps(shown, JSON_COMPACT);

    json_decref(shown);
    if (!dumped)
        return;
    open_element(piece, "connections");
    buf_append_str(&piece->text, dumped);
    free(dumped);
}

static bool is_user_of(const char *tenants, const char *user_key)
{
    char *tenant = sse_user_key_tenant(user_key);
    const bool is_so = tenant && words_have(tenants, tenant);

    free(tenant);
    return is_so;
}

static size_t show_connections(struct piece *piece, const struct api_service *service,
                               size_t position)
{
    const struct sse_group *all = sse_registry_all(service->core->registry);
    size_t at = start_at(position, all->count);

    while (at > 0 && has_room(piece, MOST_CONNECTIONS)) {
        const struct sse_connection *connection = all->members[--at];

        piece->looked_at++;
        if (!piece->tenants || words_have(piece->tenants, connection->user->tenant_id))
            show_connection(piece, service, connection);
    }
    return at;
}

static size_t show_users(struct piece *piece, const struct api_service *service, size_t position)
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

void presence_snapshot_receive(const struct api_service *service,
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
    broker_answer(service->broker.broker, &asker, answer);
}

/* To the next worker, from the last one's connections to the first one's users. */
static void move_on(struct presence_snapshot *snapshot)
{
    if (snapshot->position > 0)
        return;
    snapshot->position = SIZE_MAX;
    if (++snapshot->worker < broker_workers(snapshot->service->broker))
        return;
    snapshot->worker = 0;
    snapshot->is_whole = snapshot->is_in_users || !snapshot->has_users;
    snapshot->is_in_users = true;
}

static void on_piece(struct broker_request *request, const struct broker_message *answer)
{
    struct presence_snapshot *snapshot = container_of(request, struct presence_snapshot, request);

    snapshot->position = answer->piece.position;
    if (snapshot->is_in_users)
        snapshot->users += answer->piece.shown;
    else
        snapshot->connections += answer->piece.shown;
    move_on(snapshot);
    snapshot->done(snapshot, answer->piece.wire);
}

void presence_snapshot_init(struct presence_snapshot *snapshot, const struct api_service *service,
                            unsigned kinds, const char *tenants)
{
    snapshot->service = &service->broker;
    snapshot->tenants = tenants;
    snapshot->has_users = kinds & PRESENCE_OF_USERS;
    snapshot->is_in_users = !(kinds & PRESENCE_OF_CONNECTIONS);
    snapshot->position = SIZE_MAX;
    snapshot->request.on_answer = on_piece;
}

void presence_snapshot_next(struct presence_snapshot *snapshot)
{
    const struct broker_service *service = snapshot->service;
    struct broker_message *question =
        broker_message_new(BROKER_SNAPSHOT, service->index, broker_text_size(snapshot->tenants));

    question->snapshot.is_of_users = snapshot->is_in_users;
    question->snapshot.position = snapshot->position;
    question->snapshot.tenants = broker_message_text(question, snapshot->tenants);
    broker_ask(service->broker, snapshot->worker, question, &snapshot->request);
}
