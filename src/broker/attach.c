/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/attach.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/networks.h"
#include "broker/directory.h"
#include "broker/service.h"
#include "sse/clients.h"
#include "sse/connection.h"
#include "sse/target.h"
#include "sse/user.h"

/* ---- keys ---- */

void broker_keys_release(struct broker_keys *keys)
{
    for (size_t slot = 0; slot < BROKER_SLOTS; slot++)
        free(keys->slots[slot]);
    free(keys->client);
    *keys = (struct broker_keys){.client = NULL};
}

static bool is_limited(const struct broker_service *service, enum broker_what what,
                       enum broker_slot slot)
{
    return service->settings.limits.slots[what][slot] > 0;
}

/* The text that stands for who opened a stream; NULL: its connections are not limited, for it named
 * no clientId. */
static char *client_key(const struct broker_service *service, const struct broker_slot_user *by)
{
    const struct sse_user user = {.id = by->user_id, .tenant_id = by->tenant_id};
    const bool is_named = by->client_id && by->client_id[0] != '\0';

    if (service->settings.client_connections == 0 ||
        (!is_named && !service->core->settings->counts_clientless))
        return NULL;
    return sse_clients_key(is_named ? by->client_id : "", &user, by->domain);
}

struct broker_keys slot_keys(const struct broker_service *service, enum broker_what what,
                             const struct broker_slot_user *by)
{
    char customer[NETWORKS_TEXT_SIZE];
    struct broker_keys keys = {.client = NULL};

    if (what == BROKER_STREAM)
        keys.client = client_key(service, by);
    if (is_limited(service, what, BROKER_SLOT_OF_USER))
        keys.slots[BROKER_SLOT_OF_USER] = sse_user_key_counted(by->tenant_id, by->user_id);
    if (is_limited(service, what, BROKER_SLOT_OF_ADDRESS)) {
        networks_customer(by->address, customer);
        keys.slots[BROKER_SLOT_OF_ADDRESS] = mem_strdup(customer);
    }
    return keys;
}

/* The origin in a client's key is the one that the request was sent to: EventSource names no
 * other. */
struct broker_keys slot_keys_of(const struct broker_service *service,
                                const struct sse_connection *connection)
{
    const struct sse_client_info info = sse_connection_info(connection);

    return slot_keys(service, BROKER_STREAM,
                     &(struct broker_slot_user){.tenant_id = connection->user->tenant_id,
                                                .user_id = connection->user->id,
                                                .address = info.request_ip,
                                                .client_id = info.client_id,
                                                .domain = info.request_domain});
}

struct broker_keys slot_keys_held(const struct broker_service *service,
                                  const struct sse_connection *connection)
{
    struct broker_keys keys = slot_keys_of(service, connection);

    for (size_t slot = 0; slot < BROKER_SLOTS; slot++) {
        if (connection->create_time >= service->limits.since[slot])
            continue;
        free(keys.slots[slot]);
        keys.slots[slot] = NULL;
    }
    return keys;
}

static bool have_slots(const struct broker_keys *keys)
{
    for (size_t slot = 0; slot < BROKER_SLOTS; slot++) {
        if (keys->slots[slot])
            return true;
    }
    return false;
}

static size_t keys_size(const struct broker_keys *keys)
{
    size_t size = broker_text_size(keys->client);

    for (size_t slot = 0; slot < BROKER_SLOTS; slot++)
        size += broker_text_size(keys->slots[slot]);
    return size;
}

static void write_keys(struct broker_message *message, const char **slots, const char **client,
                       const struct broker_keys *keys)
{
    for (size_t slot = 0; slot < BROKER_SLOTS; slot++)
        slots[slot] = broker_message_text(message, keys->slots[slot]);
    *client = broker_message_text(message, keys->client);
}

/* ---- asking ---- */

static void finish(struct broker_attaching *attaching, bool is_granted)
{
    attaching->is_held = is_granted;
    attaching->done(attaching, is_granted);
}

/* What the owner has it in are the groups of the connection that is opened meanwhile, or nobody's
 * any more. */
static void finish_granted(struct broker_attaching *attaching)
{
    struct broker_service *service = attaching->service;
    struct broker_opening opening = {attaching->groups, attaching->group_count};

    attaching->groups = NULL;
    service->opening = &opening;
    finish(attaching, true);
    service->opening = NULL;
    if (opening.count > 0)
        group_teller_tell(&service->groups, NULL, 0, opening.groups, opening.count);
    free(opening.groups);
}

static void on_answer(struct broker_request *request, const struct broker_message *answer)
{
    struct broker_attaching *attaching = container_of(request, struct broker_attaching, request);
    const struct broker_attached *attached = &answer->attached;
    struct sse_service *core = attaching->service->core;

    if (attached->position > core->position)
        core->position = attached->position;
    attaching->status = attached->status;
    attaching->refused = attached->refused;
    attaching->resume = attached->resume;
    attaching->after = attached->after;
    if (!attached->is_refused) {
        finish_granted(attaching);
        return;
    }
    free(attaching->groups);
    attaching->groups = NULL;
    finish(attaching, false);
}

void broker_attach_ask(struct broker_attaching *attaching, struct broker_service *service,
                       const char *last_id, const struct sse_subject *subject)
{
    struct broker_message *question;
    size_t room = keys_size(&attaching->keys);

    attaching->service = service;
    attaching->resume = SSE_RESUME_NONE;
    if (attaching->what != BROKER_STREAM && !have_slots(&attaching->keys)) {
        finish(attaching, true);
        return;
    }
    if (attaching->what == BROKER_STREAM)
        attaching->groups =
            directory_groups_of(broker_key(service->broker), subject, &attaching->group_count);
    room += broker_groups_size(attaching->group_count);
    if (last_id)
        room +=
            broker_text_size(last_id) + broker_list_size(subject->channels, subject->channel_count);
    question = broker_message_new(BROKER_ATTACH, service->index, room);
    question->attach.what = attaching->what;
    write_keys(question, question->attach.keys, &question->attach.client, &attaching->keys);
    question->attach.groups =
        broker_message_groups(question, attaching->groups, attaching->group_count);
    question->attach.last_id = broker_message_text(question, last_id);
    if (last_id) {
        question->attach.user = sse_user_copy(subject->user);
        question->attach.channels =
            broker_message_list(question, subject->channels, subject->channel_count);
        question->attach.channel_count = subject->channel_count;
    }
    attaching->request.on_answer = on_answer;
    broker_ask_owner(service, question, &attaching->request);
}

/* ---- telling ---- */

/* handle: of the connection that has ended; "": none was opened. */
static struct broker_message *detach_new(const struct broker_service *service,
                                         enum broker_what what, const struct broker_keys *keys,
                                         const char *handle, size_t room)
{
    struct broker_message *message =
        broker_message_new(BROKER_DETACH, service->index, keys_size(keys) + room);

    message->detach.what = what;
    write_keys(message, message->detach.keys, &message->detach.client, keys);
    memcpy(message->detach.handle, handle, strlen(handle) + 1);
    return message;
}

void broker_attach_give(struct broker_attaching *attaching)
{
    if (!attaching->is_held)
        return;
    attaching->is_held = false;
    if (have_slots(&attaching->keys))
        broker_tell_owner(attaching->service,
                          detach_new(attaching->service, attaching->what, &attaching->keys, "", 0));
}

void broker_attaching_release(struct broker_attaching *attaching)
{
    free(attaching->groups);
    attaching->groups = NULL;
    broker_keys_release(&attaching->keys);
}

size_t broker_presence_size(const struct sse_connection *connection)
{
    return broker_text_size(connection->user->key) + broker_text_size(connection->user->tenant_id);
}

void broker_presence_write(struct broker_message *message, struct broker_presence *presence,
                           enum presence_kind kind, const struct sse_connection *connection)
{
    presence->kind = kind;
    presence->user_key = broker_message_text(message, connection->user->key);
    presence->tenant_id = broker_message_text(message, connection->user->tenant_id);
}

/* What it is in, instead of what it attached with, where that differs: names are left out. */
static void write_change(struct broker_message *message, struct broker_opening *opening,
                         const uint64_t *groups, size_t count)
{
    const bool is_same = opening->groups && opening->count == count &&
                         memcmp(opening->groups, groups, count * sizeof(groups[0])) == 0;

    if (!is_same) {
        message->opened.change.joined = broker_message_groups(message, groups, count);
        message->opened.change.left =
            broker_message_groups(message, opening->groups, opening->count);
    }
    opening->count = 0;
}

struct broker_message *broker_opened_new(const struct broker_service *service,
                                         const struct broker_keys *keys,
                                         const struct sse_connection *connection)
{
    struct broker_opening none = {NULL, 0};
    struct broker_opening *opening = service->opening ? service->opening : &none;
    size_t count;
    uint64_t *groups =
        directory_groups_of_connection(broker_key(service->broker), connection, &count);
    struct broker_message *message =
        broker_message_new(BROKER_OPENED, service->index,
                           broker_text_size(keys->client) + broker_presence_size(connection) +
                               broker_groups_size(count) + broker_groups_size(opening->count));

    write_change(message, opening, groups, count);
    free(groups);
    message->opened.client = broker_message_text(message, keys->client);
    message->opened.order = connection->create_time;
    memcpy(message->opened.handle, connection->handle, sizeof(message->opened.handle));
    broker_presence_write(message, &message->opened.presence, PRESENCE_CONNECT, connection);
    return message;
}

struct broker_message *broker_ended_new(const struct broker_service *service,
                                        const struct broker_keys *keys,
                                        const struct sse_connection *connection)
{
    size_t count;
    uint64_t *groups =
        directory_groups_of_connection(broker_key(service->broker), connection, &count);
    struct broker_message *message =
        detach_new(service, BROKER_STREAM, keys, connection->handle,
                   broker_presence_size(connection) + broker_groups_size(count));

    message->detach.groups = broker_message_groups(message, groups, count);
    free(groups);
    broker_presence_write(message, &message->detach.presence, PRESENCE_DISCONNECT, connection);
    return message;
}
