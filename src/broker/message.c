/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/message.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/mem.h"
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

void broker_message_free(struct broker_message *message)
{
    switch (message->kind) {
    case BROKER_ATTACH:
        sse_user_unref(message->attach.user);
        free(message->attach.channels);
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
    case BROKER_PRESENCE:
        bytes_unref(message->presence.event);
        bytes_unref(message->presence.about);
        sse_user_unref(message->presence.left);
        break;
    default:
        break;
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
    [BROKER_DETACH] = {"detach", BROKER_TO_OWNER},
    [BROKER_EVICT] = {"evict", BROKER_TO_SHARD},

    [BROKER_CLAIM] = {"claim", BROKER_TO_OWNER},
    [BROKER_CLAIMED] = {"claimed", BROKER_ANSWER},
    [BROKER_SETTLE] = {"settle", BROKER_TO_OWNER},

    [BROKER_END_CALL] = {"end-call", BROKER_TO_SHARD},

    [BROKER_PRESENCE] = {"presence", BROKER_TO_OWNER},
    [BROKER_FAREWELL] = {"farewell", BROKER_TO_OWNER},
    [BROKER_WATCH] = {"watch", BROKER_TO_OWNER},
    [BROKER_WATCHED] = {"watched", BROKER_ANSWER},
    [BROKER_READ] = {"read", BROKER_TO_OWNER},
    [BROKER_EVENTS] = {"events", BROKER_ANSWER},
    [BROKER_UNWATCH] = {"unwatch", BROKER_TO_OWNER},
    [BROKER_WAKE_WATCHERS] = {"wake-watchers", BROKER_TO_SHARD},
    [BROKER_RECORD] = {"record", BROKER_TO_SHARD},
    [BROKER_RECORDED] = {"recorded", BROKER_ANSWER},

    [BROKER_STOP] = {"stop", BROKER_TO_BROKER},
    [BROKER_STOPPING] = {"stopping", BROKER_TO_BROKER},
    [BROKER_STOPPED] = {"stopped", BROKER_TO_BROKER},
};

enum broker_role broker_role(enum broker_kind kind)
{
    return kinds[kind].role;
}

static void print_text(struct buf *to, const char *name, const char *text)
{
    if (text)
        buf_printf(to, " %s=%s", name, text);
}

static void print_keys(struct buf *to, enum broker_what what, const char *const *keys,
                       const char *client)
{
    buf_append_str(to, what == BROKER_STREAM ? " stream" : " upload");
    print_text(to, "user", keys[BROKER_SLOT_OF_USER]);
    print_text(to, "address", keys[BROKER_SLOT_OF_ADDRESS]);
    print_text(to, "client", client);
}

static void print_attached(struct buf *to, const struct broker_attached *attached)
{
    if (attached->is_refused)
        buf_printf(to, " refused=%s",
                   attached->refused == BROKER_SLOT_OF_USER ? "user" : "address");
    else
        buf_printf(to, " resume=%d after=%" PRIu64, (int)attached->resume, attached->after);
}

static void print_payload(const struct broker_message *message, struct buf *to)
{
    switch (message->kind) {
    case BROKER_ATTACH:
        print_keys(to, message->attach.what, message->attach.keys, message->attach.client);
        print_text(to, "last-id", message->attach.last_id);
        break;
    case BROKER_ATTACHED:
        print_attached(to, &message->attached);
        break;
    case BROKER_OPENED:
        print_text(to, "client", message->opened.client);
        print_text(to, "handle", message->opened.handle);
        break;
    case BROKER_DETACH:
        print_keys(to, message->detach.what, message->detach.keys, message->detach.client);
        print_text(to, "handle", message->detach.handle);
        break;
    case BROKER_CLAIM:
        print_text(to, "user", message->claim.user);
        break;
    case BROKER_CLAIMED:
    case BROKER_SETTLE:
        buf_printf(to, " status=%d", message->outcome.status);
        break;
    case BROKER_PRESENCE:
        buf_printf(to, " kind=%u", (unsigned)message->presence.kind);
        print_text(to, "user", message->presence.user_key);
        print_text(to, "handle", message->presence.handle);
        break;
    case BROKER_STOPPING:
        buf_printf(to, " sent=%" PRIu64 " received=%" PRIu64 " open=%zu", message->traffic.sent,
                   message->traffic.received, message->traffic.open);
        break;
    case BROKER_EVICT:
        print_text(to, "handle", message->handle);
        break;
    case BROKER_END_CALL:
        print_text(to, "handle", message->call_end.handle);
        buf_printf(to, " lane=%u", message->call_end.lane);
        break;
    default:
        break;
    }
}

void broker_message_print(const struct broker_message *message, struct buf *to)
{
    buf_printf(to, "%s service=%u from=%u", kinds[message->kind].name, message->service,
               message->from);
    print_payload(message, to);
}
