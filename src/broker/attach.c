/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/attach.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "broker/service.h"
#include "sse/connection.h"
#include "sse/subject.h"
#include "sse/user.h"

void broker_keys_release(struct broker_keys *keys)
{
    for (size_t slot = 0; slot < BROKER_SLOTS; slot++)
        free(keys->slots[slot]);
    free(keys->client);
    *keys = (struct broker_keys){.client = NULL};
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

static void on_answer(struct broker_request *request, const struct broker_message *answer)
{
    struct broker_attaching *attaching = container_of(request, struct broker_attaching, request);
    const struct broker_attached *attached = &answer->attached;

    attaching->refused = attached->refused;
    attaching->resume = attached->resume;
    attaching->after = attached->after;
    finish(attaching, !attached->is_refused);
}

static size_t subject_size(const struct sse_subject *subject)
{
    size_t size = 0;

    for (size_t i = 0; i < subject->channel_count; i++)
        size += broker_text_size(subject->channels[i]);
    return size;
}

static void write_subject(struct broker_message *message, const struct sse_subject *subject)
{
    struct broker_attach *attach = &message->attach;

    attach->user = sse_user_copy(subject->user);
    attach->channels = mem_alloc((subject->channel_count + 1) * sizeof(*attach->channels));
    for (size_t i = 0; i < subject->channel_count; i++)
        attach->channels[i] = broker_message_text(message, subject->channels[i]);
    attach->channel_count = subject->channel_count;
}

void broker_attach_ask(struct broker_attaching *attaching, struct broker_service *service,
                       const char *last_id, const struct sse_subject *subject)
{
    struct broker_message *question;
    size_t room = keys_size(&attaching->keys);

    attaching->service = service;
    attaching->resume = SSE_RESUME_NONE;
    if (!last_id && !have_slots(&attaching->keys)) {
        finish(attaching, true);
        return;
    }
    if (last_id)
        room += broker_text_size(last_id) + subject_size(subject);
    question = broker_message_new(BROKER_ATTACH, service->index, room);
    question->attach.what = attaching->what;
    write_keys(question, question->attach.keys, &question->attach.client, &attaching->keys);
    question->attach.last_id = broker_message_text(question, last_id);
    if (last_id)
        write_subject(question, subject);
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

struct broker_message *broker_opened_new(const struct broker_service *service,
                                         const struct broker_keys *keys,
                                         const struct sse_connection *connection)
{
    struct broker_message *message =
        broker_message_new(BROKER_OPENED, service->index,
                           broker_text_size(keys->client) + broker_presence_size(connection));

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
    struct broker_message *message = detach_new(service, BROKER_STREAM, keys, connection->handle,
                                                broker_presence_size(connection));

    broker_presence_write(message, &message->detach.presence, PRESENCE_DISCONNECT, connection);
    return message;
}
