/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/message.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "broker/texts.h"
#include "sse/user.h"

struct broker_message *broker_message_new(enum broker_kind kind, size_t service, size_t room)
{
    struct broker_message *message = mem_zalloc(sizeof(*message) + room);

    message->kind = kind;
    message->service = (uint16_t)service;
    return message;
}

const char *broker_message_text(struct broker_message *message, const char *text)
{
    char *copy = message->texts + message->used;

    if (!text)
        return NULL;
    message->used += strlen(text) + 1;
    return memcpy(copy, text, strlen(text) + 1);
}

size_t broker_text_size(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

size_t broker_block_size(size_t size)
{
    return size + alignof(max_align_t) - 1;
}

void *broker_message_block(struct broker_message *message, size_t size)
{
    const size_t past = (uintptr_t)(message->texts + message->used) % alignof(max_align_t);
    char *block;

    if (past > 0)
        message->used += alignof(max_align_t) - past;
    block = message->texts + message->used;
    message->used += size;
    return block;
}

size_t broker_list_size(const char *const *texts, size_t count)
{
    size_t size = broker_block_size(count * sizeof(texts[0]));

    for (size_t i = 0; i < count; i++)
        size += broker_text_size(texts[i]);
    return size;
}

const char *const *broker_message_list(struct broker_message *message, const char *const *texts,
                                       size_t count)
{
    const char **list = broker_message_block(message, count * sizeof(texts[0]));

    for (size_t i = 0; i < count; i++)
        list[i] = broker_message_text(message, texts[i]);
    return list;
}

struct broker_groups broker_message_groups(struct broker_message *message, const uint64_t *keys,
                                           size_t count)
{
    uint64_t *copy = count > 0 ? broker_message_block(message, count * sizeof(*copy)) : NULL;

    if (copy)
        memcpy(copy, keys, count * sizeof(*copy));
    return (struct broker_groups){count, copy};
}

struct broker_message *broker_message_of_results(enum broker_kind kind, size_t service,
                                                 size_t count)
{
    const size_t size = count == 1 ? 0 : count * sizeof(struct broker_result);
    struct broker_message *message =
        broker_message_new(kind, service, size > 0 ? broker_block_size(size) : 0);

    message->results.count = count;
    message->results.items =
        count == 1 ? &message->results.only : broker_message_block(message, size);
    return message;
}

struct broker_message *broker_message_keep(const struct broker_message *message)
{
    struct broker_message *kept = (struct broker_message *)(uintptr_t)message;

    kept->kept++;
    return kept;
}

static void release_answer_to_query(struct broker_message *message)
{
    switch (message->kind) {
    case BROKER_ROWS:
        for (size_t list = 0; message->rows.lists && list < BROKER_LISTS; list++)
            texts_release(&message->rows.lists[list]);
        free(message->rows.lists);
        if (message->rows.first)
            ranking_release(message->rows.first);
        free(message->rows.first);
        break;
    case BROKER_SHOWN:
        for (size_t i = 0; i < message->shown.count; i++)
            free(message->shown.texts[i]);
        free(message->shown.texts);
        break;
    case BROKER_PIECE:
        bytes_unref(message->piece.wire);
        break;
    case BROKER_EVIDENCE:
        why_evidence_free(message->evidence);
        break;
    case BROKER_INSPECTED:
        bytes_unref(message->inspected.records);
        break;
    case BROKER_SAMPLED:
        free(message->sample);
        break;
    default:
        break;
    }
}

static void release_presence(const struct broker_message *message)
{
    const struct broker_presence *presence =
        message->kind == BROKER_OPENED   ? &message->opened.presence
        : message->kind == BROKER_DETACH ? &message->detach.presence
                                         : &message->presence;

    bytes_unref(presence->event);
    bytes_unref(presence->about);
    sse_user_unref(presence->left);
}

void broker_message_free(struct broker_message *message)
{
    if (message->kept > 0) {
        message->kept--;
        return;
    }
    switch (message->kind) {
    case BROKER_ATTACH:
        sse_user_unref(message->attach.user);
        break;
    case BROKER_CALL:
    case BROKER_PASS_CALL:
        sse_user_unref(message->call.user);
        break;
    case BROKER_CALLED:
        free(message->called.connection);
        free(message->called.user);
        break;
    case BROKER_CLAIMED:
    case BROKER_SETTLE:
        bytes_unref(message->outcome.body);
        break;
    case BROKER_EVENTS:
        for (size_t i = 0; i < message->events.count; i++)
            bytes_unref(message->events.wires[i]);
        free(message->events.wires);
        break;
    case BROKER_REDELIVER:
        for (size_t i = 0; i < message->redeliver.count; i++)
            bytes_unref(message->redeliver.lines[i].wire);
        break;
    case BROKER_RESTORE:
    case BROKER_KEEP:
        bytes_unref(message->revocations.list);
        break;
    case BROKER_MESSAGE_FOUND:
    case BROKER_MESSAGES_LISTED:
        qos_copies_release(&message->found.copies);
        break;
    case BROKER_PUBLISH:
        broker_batch_unref(message->publish.batch);
        break;
    case BROKER_PUBLISHED:
    case BROKER_DELIVERED:
        broker_results_release(message->results.items, message->results.count);
        break;
    case BROKER_OPENED:
    case BROKER_DETACH:
    case BROKER_PRESENCE:
        release_presence(message);
        break;
    default:
        release_answer_to_query(message);
    }
    free(message);
}

static const struct kind {
    const char *name;
    enum broker_role role;
} kinds[BROKER_KINDS] = {
    [BROKER_ATTACH] = {"attach", BROKER_TO_OWNER},
    [BROKER_ATTACHED] = {"attached", BROKER_ANSWER},
    [BROKER_OPENED] = {"opened", BROKER_TO_OWNER},
    [BROKER_CHANGE] = {"change", BROKER_TO_OWNER},
    [BROKER_DETACH] = {"detach", BROKER_TO_OWNER},
    [BROKER_EVICT] = {"evict", BROKER_TO_SHARD},

    [BROKER_CLAIM] = {"claim", BROKER_TO_OWNER},
    [BROKER_CLAIMED] = {"claimed", BROKER_ANSWER},
    [BROKER_SETTLE] = {"settle", BROKER_TO_OWNER},

    [BROKER_CALL] = {"call", BROKER_TO_SHARD},
    [BROKER_CALLED] = {"called", BROKER_ANSWER},
    [BROKER_END_CALL] = {"end-call", BROKER_TO_SHARD},
    [BROKER_PASS_CALL] = {"pass-call", BROKER_TO_SHARD},

    [BROKER_JOIN_QUEUES] = {"join-queues", BROKER_TO_OWNER},
    [BROKER_LEAVE_QUEUES] = {"leave-queues", BROKER_TO_OWNER},
    [BROKER_LIFT_BARRIER] = {"lift-barrier", BROKER_TO_SHARD},
    [BROKER_COUNT] = {"count", BROKER_TO_SHARD},
    [BROKER_COUNTED] = {"counted", BROKER_ANSWER},
    [BROKER_REDELIVER] = {"redeliver", BROKER_TO_SHARD},
    [BROKER_TAKEN] = {"taken", BROKER_ANSWER},
    [BROKER_NOTE_POSITIONS] = {"note-positions", BROKER_TO_OWNER},
    [BROKER_RESTORE] = {"restore", BROKER_TO_SHARD},
    [BROKER_ACKNOWLEDGE] = {"acknowledge", BROKER_TO_OWNER},
    [BROKER_ACKNOWLEDGED] = {"acknowledged", BROKER_ANSWER},
    [BROKER_END_MESSAGES] = {"end-messages", BROKER_TO_OWNER},
    [BROKER_MESSAGES_ENDED] = {"messages-ended", BROKER_ANSWER},
    [BROKER_KEEP] = {"keep", BROKER_TO_OWNER},
    [BROKER_KEPT] = {"kept", BROKER_ANSWER},

    [BROKER_FIND_MESSAGE] = {"find-message", BROKER_TO_OWNER},
    [BROKER_MESSAGE_FOUND] = {"message-found", BROKER_ANSWER},
    [BROKER_LIST_MESSAGES] = {"list-messages", BROKER_TO_OWNER},
    [BROKER_MESSAGES_LISTED] = {"messages-listed", BROKER_ANSWER},

    [BROKER_PUBLISH] = {"publish", BROKER_TO_OWNER},
    [BROKER_PUBLISHED] = {"published", BROKER_ANSWER},
    [BROKER_ADVANCE] = {"advance", BROKER_TO_SHARD},
    [BROKER_DELIVERED] = {"delivered", BROKER_ANSWER},
    [BROKER_CAUGHT_UP] = {"caught-up", BROKER_TO_OWNER},
    [BROKER_FIND_CREDENTIALS] = {"find-credentials", BROKER_TO_SHARD},
    [BROKER_CREDENTIALS] = {"credentials", BROKER_ANSWER},

    [BROKER_PRESENCE] = {"presence", BROKER_TO_OWNER},
    [BROKER_SHARD_CLOSED] = {"shard-closed", BROKER_TO_OWNER},
    [BROKER_WATCH] = {"watch", BROKER_TO_OWNER},
    [BROKER_WATCHED] = {"watched", BROKER_ANSWER},
    [BROKER_READ] = {"read", BROKER_TO_OWNER},
    [BROKER_EVENTS] = {"events", BROKER_ANSWER},
    [BROKER_UNWATCH] = {"unwatch", BROKER_TO_OWNER},
    [BROKER_WAKE_WATCHERS] = {"wake-watchers", BROKER_TO_SHARD},
    [BROKER_RECORD] = {"record", BROKER_TO_SHARD},
    [BROKER_RECORDED] = {"recorded", BROKER_ANSWER},

    [BROKER_QUERY] = {"query", BROKER_TO_SHARD},
    [BROKER_ROWS] = {"rows", BROKER_ANSWER},
    [BROKER_SHOW] = {"show", BROKER_TO_SHARD},
    [BROKER_SHOWN] = {"shown", BROKER_ANSWER},
    [BROKER_IS_ONLINE] = {"is-online", BROKER_TO_SHARD},
    [BROKER_ONLINE] = {"online", BROKER_ANSWER},
    [BROKER_WHY] = {"why", BROKER_TO_SHARD},
    [BROKER_EVIDENCE] = {"evidence", BROKER_ANSWER},
    [BROKER_SNAPSHOT] = {"snapshot", BROKER_TO_SHARD},
    [BROKER_PIECE] = {"piece", BROKER_ANSWER},
    [BROKER_INSPECT] = {"inspect", BROKER_TO_SHARD},
    [BROKER_INSPECTED] = {"inspected", BROKER_ANSWER},
    [BROKER_SAMPLE] = {"sample", BROKER_TO_SHARD},
    [BROKER_SAMPLED] = {"sampled", BROKER_ANSWER},
    [BROKER_MAKE_ROOM] = {"make-room", BROKER_TO_SHARD},
    [BROKER_ROOM_MADE] = {"room-made", BROKER_ANSWER},

    [BROKER_STOP] = {"stop", BROKER_TO_BROKER},
    [BROKER_STOPPING] = {"stopping", BROKER_TO_BROKER},
    [BROKER_STOPPED] = {"stopped", BROKER_TO_BROKER},
};

enum broker_role broker_role(enum broker_kind kind)
{
    return kinds[kind].role;
}

const char *broker_kind_name(enum broker_kind kind)
{
    return kinds[kind].name;
}

static size_t filter_size(const struct qos_filter *filter)
{
    return broker_text_size(filter->user_id) + broker_text_size(filter->token) +
           broker_text_size(filter->tenant_id) + broker_text_size(filter->tenants) +
           broker_list_size(filter->channels, filter->channel_count) +
           broker_list_size(filter->listeners, filter->listener_count);
}

static void write_filter(struct broker_message *message, const struct qos_filter *from)
{
    struct qos_filter *filter = &message->choice.filter;

    *filter = *from;
    filter->user_id = broker_message_text(message, from->user_id);
    filter->token = broker_message_text(message, from->token);
    filter->tenant_id = broker_message_text(message, from->tenant_id);
    filter->tenants = broker_message_text(message, from->tenants);
    if (from->channels)
        filter->channels = broker_message_list(message, from->channels, from->channel_count);
    if (from->listeners)
        filter->listeners = broker_message_list(message, from->listeners, from->listener_count);
}

struct broker_message *broker_choice_new(enum broker_kind kind, size_t service, const char *id,
                                         const struct qos_filter *filter)
{
    struct broker_message *message =
        broker_message_new(kind, service, broker_text_size(id) + filter_size(filter));

    message->choice.id = broker_message_text(message, id);
    write_filter(message, filter);
    return message;
}
