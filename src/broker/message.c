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

static const enum broker_role roles[BROKER_KINDS] = {
    [BROKER_ATTACH] = BROKER_TO_OWNER,
    [BROKER_ATTACHED] = BROKER_ANSWER,
    [BROKER_OPENED] = BROKER_TO_OWNER,
    [BROKER_CHANGE] = BROKER_TO_OWNER,
    [BROKER_DETACH] = BROKER_TO_OWNER,
    [BROKER_EVICT] = BROKER_TO_SHARD,

    [BROKER_CLAIM] = BROKER_TO_OWNER,
    [BROKER_CLAIMED] = BROKER_ANSWER,
    [BROKER_SETTLE] = BROKER_TO_OWNER,

    [BROKER_CALL] = BROKER_TO_SHARD,
    [BROKER_CALLED] = BROKER_ANSWER,
    [BROKER_END_CALL] = BROKER_TO_SHARD,
    [BROKER_PASS_CALL] = BROKER_TO_SHARD,

    [BROKER_JOIN_QUEUES] = BROKER_TO_OWNER,
    [BROKER_LEAVE_QUEUES] = BROKER_TO_OWNER,
    [BROKER_LIFT_BARRIER] = BROKER_TO_SHARD,
    [BROKER_COUNT] = BROKER_TO_SHARD,
    [BROKER_COUNTED] = BROKER_ANSWER,
    [BROKER_REDELIVER] = BROKER_TO_SHARD,
    [BROKER_TAKEN] = BROKER_ANSWER,
    [BROKER_NOTE_POSITIONS] = BROKER_TO_OWNER,
    [BROKER_RESTORE] = BROKER_TO_SHARD,
    [BROKER_ACKNOWLEDGE] = BROKER_TO_OWNER,
    [BROKER_ACKNOWLEDGED] = BROKER_ANSWER,
    [BROKER_END_MESSAGES] = BROKER_TO_OWNER,
    [BROKER_MESSAGES_ENDED] = BROKER_ANSWER,
    [BROKER_KEEP] = BROKER_TO_OWNER,
    [BROKER_KEPT] = BROKER_ANSWER,

    [BROKER_FIND_MESSAGE] = BROKER_TO_OWNER,
    [BROKER_MESSAGE_FOUND] = BROKER_ANSWER,
    [BROKER_LIST_MESSAGES] = BROKER_TO_OWNER,
    [BROKER_MESSAGES_LISTED] = BROKER_ANSWER,

    [BROKER_PUBLISH] = BROKER_TO_OWNER,
    [BROKER_PUBLISHED] = BROKER_ANSWER,
    [BROKER_ADVANCE] = BROKER_TO_SHARD,
    [BROKER_DELIVERED] = BROKER_ANSWER,
    [BROKER_CAUGHT_UP] = BROKER_TO_OWNER,
    [BROKER_FIND_CREDENTIALS] = BROKER_TO_SHARD,
    [BROKER_CREDENTIALS] = BROKER_ANSWER,

    [BROKER_PRESENCE] = BROKER_TO_OWNER,
    [BROKER_SHARD_CLOSED] = BROKER_TO_OWNER,
    [BROKER_WATCH] = BROKER_TO_OWNER,
    [BROKER_WATCHED] = BROKER_ANSWER,
    [BROKER_READ] = BROKER_TO_OWNER,
    [BROKER_EVENTS] = BROKER_ANSWER,
    [BROKER_UNWATCH] = BROKER_TO_OWNER,
    [BROKER_WAKE_WATCHERS] = BROKER_TO_SHARD,
    [BROKER_RECORD] = BROKER_TO_SHARD,
    [BROKER_RECORDED] = BROKER_ANSWER,

    [BROKER_QUERY] = BROKER_TO_SHARD,
    [BROKER_ROWS] = BROKER_ANSWER,
    [BROKER_SHOW] = BROKER_TO_SHARD,
    [BROKER_SHOWN] = BROKER_ANSWER,
    [BROKER_IS_ONLINE] = BROKER_TO_SHARD,
    [BROKER_ONLINE] = BROKER_ANSWER,
    [BROKER_WHY] = BROKER_TO_SHARD,
    [BROKER_EVIDENCE] = BROKER_ANSWER,
    [BROKER_SNAPSHOT] = BROKER_TO_SHARD,
    [BROKER_PIECE] = BROKER_ANSWER,
    [BROKER_INSPECT] = BROKER_TO_SHARD,
    [BROKER_INSPECTED] = BROKER_ANSWER,
    [BROKER_SAMPLE] = BROKER_TO_SHARD,
    [BROKER_SAMPLED] = BROKER_ANSWER,
    [BROKER_MAKE_ROOM] = BROKER_TO_SHARD,
    [BROKER_ROOM_MADE] = BROKER_ANSWER,

    [BROKER_STOP] = BROKER_TO_BROKER,
    [BROKER_STOPPING] = BROKER_TO_BROKER,
    [BROKER_STOPPED] = BROKER_TO_BROKER,
};

enum broker_role broker_role(enum broker_kind kind)
{
    return roles[kind];
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
