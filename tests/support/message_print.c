/* SPDX-License-Identifier: Apache-2.0 */
#include "support/message_print.h"

#include <inttypes.h>

#include "base/buf.h"
#include "broker/batch.h"
#include "broker/message.h"
#include "sse/message.h"
#include "sse/target.h"
#include "sse/user.h"

static const char *const kind_names[BROKER_KINDS] = {
    [BROKER_ATTACH] = "attach",
    [BROKER_ATTACHED] = "attached",
    [BROKER_OPENED] = "opened",
    [BROKER_CHANGE] = "change",
    [BROKER_DETACH] = "detach",
    [BROKER_EVICT] = "evict",
    [BROKER_CLAIM] = "claim",
    [BROKER_CLAIMED] = "claimed",
    [BROKER_SETTLE] = "settle",
    [BROKER_CALL] = "call",
    [BROKER_CALLED] = "called",
    [BROKER_END_CALL] = "end-call",
    [BROKER_PASS_CALL] = "pass-call",
    [BROKER_JOIN_QUEUES] = "join-queues",
    [BROKER_LEAVE_QUEUES] = "leave-queues",
    [BROKER_LIFT_BARRIER] = "lift-barrier",
    [BROKER_COUNT] = "count",
    [BROKER_COUNTED] = "counted",
    [BROKER_REDELIVER] = "redeliver",
    [BROKER_TAKEN] = "taken",
    [BROKER_NOTE_POSITIONS] = "note-positions",
    [BROKER_RESTORE] = "restore",
    [BROKER_ACKNOWLEDGE] = "acknowledge",
    [BROKER_ACKNOWLEDGED] = "acknowledged",
    [BROKER_END_MESSAGES] = "end-messages",
    [BROKER_MESSAGES_ENDED] = "messages-ended",
    [BROKER_KEEP] = "keep",
    [BROKER_KEPT] = "kept",
    [BROKER_FIND_MESSAGE] = "find-message",
    [BROKER_MESSAGE_FOUND] = "message-found",
    [BROKER_LIST_MESSAGES] = "list-messages",
    [BROKER_MESSAGES_LISTED] = "messages-listed",
    [BROKER_PUBLISH] = "publish",
    [BROKER_PUBLISHED] = "published",
    [BROKER_ADVANCE] = "advance",
    [BROKER_DELIVERED] = "delivered",
    [BROKER_CAUGHT_UP] = "caught-up",
    [BROKER_FIND_CREDENTIALS] = "find-credentials",
    [BROKER_CREDENTIALS] = "credentials",
    [BROKER_PRESENCE] = "presence",
    [BROKER_SHARD_CLOSED] = "shard-closed",
    [BROKER_WATCH] = "watch",
    [BROKER_WATCHED] = "watched",
    [BROKER_READ] = "read",
    [BROKER_EVENTS] = "events",
    [BROKER_UNWATCH] = "unwatch",
    [BROKER_WAKE_WATCHERS] = "wake-watchers",
    [BROKER_RECORD] = "record",
    [BROKER_RECORDED] = "recorded",
    [BROKER_QUERY] = "query",
    [BROKER_ROWS] = "rows",
    [BROKER_SHOW] = "show",
    [BROKER_SHOWN] = "shown",
    [BROKER_IS_ONLINE] = "is-online",
    [BROKER_ONLINE] = "online",
    [BROKER_WHY] = "why",
    [BROKER_EVIDENCE] = "evidence",
    [BROKER_SNAPSHOT] = "snapshot",
    [BROKER_PIECE] = "piece",
    [BROKER_INSPECT] = "inspect",
    [BROKER_INSPECTED] = "inspected",
    [BROKER_SAMPLE] = "sample",
    [BROKER_SAMPLED] = "sampled",
    [BROKER_MAKE_ROOM] = "make-room",
    [BROKER_ROOM_MADE] = "room-made",
    [BROKER_STOP] = "stop",
    [BROKER_STOPPING] = "stopping",
    [BROKER_STOPPED] = "stopped",
};

static void print_text(struct buf *to, const char *name, const char *text)
{
    if (text)
        buf_printf(to, " %s=%s", name, text);
}

/* ---- streams and uploads, idempotency keys, calls ---- */

static void print_keys(struct buf *to, enum broker_what what, const char *const *keys,
                       const char *client)
{
    buf_append_str(to, what == BROKER_STREAM ? " stream" : " upload");
    print_text(to, "user", keys[BROKER_SLOT_OF_USER]);
    print_text(to, "address", keys[BROKER_SLOT_OF_ADDRESS]);
    print_text(to, "client", client);
}

static void print_attach(struct buf *to, const struct broker_message *message)
{
    print_keys(to, message->attach.what, message->attach.keys, message->attach.client);
    print_text(to, "last-id", message->attach.last_id);
}

static void print_attached(struct buf *to, const struct broker_message *message)
{
    const struct broker_attached *attached = &message->attached;

    if (attached->is_refused)
        buf_printf(to, " refused=%s",
                   attached->refused == BROKER_SLOT_OF_USER ? "user" : "address");
    else
        buf_printf(to, " resume=%d after=%" PRIu64, (int)attached->resume, attached->after);
}

static void print_opened(struct buf *to, const struct broker_message *message)
{
    print_text(to, "client", message->opened.client);
    print_text(to, "handle", message->opened.handle);
}

static void print_change(struct buf *to, const struct broker_message *message)
{
    buf_printf(to, " joined=%zu left=%zu", message->change.joined.count,
               message->change.left.count);
}

static void print_detach(struct buf *to, const struct broker_message *message)
{
    print_keys(to, message->detach.what, message->detach.keys, message->detach.client);
    print_text(to, "handle", message->detach.handle);
}

static void print_evict(struct buf *to, const struct broker_message *message)
{
    print_text(to, "handle", message->handle);
}

static void print_claim(struct buf *to, const struct broker_message *message)
{
    print_text(to, "user", message->claim.user);
}

static void print_outcome(struct buf *to, const struct broker_message *message)
{
    buf_printf(to, " status=%d", message->outcome.status);
}

/* Of the id all but its secret. */
static void print_call(struct buf *to, const struct broker_message *message)
{
    static const char *const operations[BROKER_OPERATIONS] = {
        [BROKER_FIND] = "find",
        [BROKER_ENTER] = "enter",
        [BROKER_COUNT_MESSAGE] = "count-message",
        [BROKER_COUNT_UPLOAD] = "count-upload",
        [BROKER_LISTEN] = "listen",
        [BROKER_UNLISTEN] = "unlisten",
        [BROKER_SUBSCRIBE] = "subscribe",
        [BROKER_UNSUBSCRIBE] = "unsubscribe",
        [BROKER_REFRESH] = "refresh",
        [BROKER_IDENTIFY] = "identify",
        [BROKER_DISCONNECT] = "disconnect",
    };
    const struct broker_call *call = &message->call;

    buf_printf(to, " %s handle=%.*s", operations[call->operation], (int)SSE_HANDLE_SIZE - 1,
               call->id ? call->id : "");
    print_text(to, "user", call->user ? call->user->key : NULL);
    if (call->number.number > 0)
        buf_printf(to, " number=%" PRIu64 " queue=%u", call->number.number, (unsigned)call->queue);
}

static void print_called(struct buf *to, const struct broker_message *message)
{
    static const char *const outcomes[] = {
        [BROKER_CALL_UNKNOWN] = "unknown",     [BROKER_CALL_DONE] = "done",
        [BROKER_CALL_TOO_OFTEN] = "too-often", [BROKER_CALL_TOO_MANY] = "too-many",
        [BROKER_CALL_REPLACED] = "replaced",
    };
    const struct broker_called *called = &message->called;

    buf_printf(to, " %s", outcomes[called->outcome]);
    if (called->turn[0] != '\0')
        print_text(to, "turn", called->turn);
}

static void print_call_end(struct buf *to, const struct broker_message *message)
{
    print_text(to, "handle", message->call_end.handle);
    buf_printf(to, " queue=%u", (unsigned)message->call_end.queue);
}

/* ---- publishing ---- */

/* Which messages. */
static void print_batch(struct buf *to, const struct broker_batch *batch)
{
    for (size_t i = 0; batch && i < batch->count; i++) {
        if (batch->items[i].message)
            print_text(to, "message", batch->items[i].message->id);
        else
            buf_printf(to, " command=%d", (int)batch->items[i].command->kind);
    }
}

static void print_publish(struct buf *to, const struct broker_message *message)
{
    print_batch(to, message->publish.batch);
}

static void print_advance(struct buf *to, const struct broker_message *message)
{
    buf_printf(to, " after=%" PRIu64 " count=%zu", message->advance.after, message->advance.count);
}

static void print_results(struct buf *to, const struct broker_message *message)
{
    const struct broker_results *results = &message->results;

    for (size_t i = 0; i < results->count; i++)
        buf_printf(to, " count=%zu", results->items[i].count);
    if (results->status < 0)
        buf_printf(to, " status=%d at=%zu", results->status, results->at);
}

static void print_handles(struct buf *to, const struct broker_message *message)
{
    for (size_t i = 0; i < message->handles.count; i++)
        print_text(to, "handle", message->handles.texts[i]);
}

/* What they are is a secret. */
static void print_credentials(struct buf *to, const struct broker_message *message)
{
    buf_printf(to, " count=%zu", message->credentials.count);
}

/* ---- redelivery ---- */

static void print_queues(struct buf *to, const struct broker_message *message)
{
    const struct broker_queues *queues = &message->queues;

    print_text(to, "handle", queues->subscriber.client.id);
    print_text(to, "user", queues->subscriber.identity.user_key);
    if (queues->scope.dimension != SSE_DIMENSIONS)
        print_text(to, "of", sse_dimension_keys[queues->scope.dimension]);
    print_text(to, "event", queues->scope.event);
    print_text(to, "last-id", queues->last_id);
    if (queues->is_paused)
        buf_append_str(to, " paused");
}

static void print_barrier(struct buf *to, const struct broker_message *message)
{
    print_text(to, "handle", message->barrier.handle);
    buf_printf(to, " joined=%" PRIu64, message->barrier.joined);
}

/* A token is a secret. */
static void print_count(struct buf *to, const struct broker_message *message)
{
    const struct qos_recipient *recipient = &message->count.recipient;

    print_text(to, "of", sse_dimension_keys[recipient->dimension]);
    if (recipient->dimension != SSE_BY_TOKEN)
        print_text(to, "value", recipient->value);
    print_text(to, "event", recipient->listening);
}

static void print_counted(struct buf *to, const struct broker_message *message)
{
    buf_printf(to, " having=%zu", message->counted.living.having);
}

static void print_redeliver(struct buf *to, const struct broker_message *message)
{
    const struct broker_redeliver *redeliver = &message->redeliver;

    print_text(to, "handle", redeliver->handle);
    for (size_t i = 0; i < redeliver->count; i++)
        print_text(to, "id", redeliver->lines[i].id);
}

static void print_taken(struct buf *to, const struct broker_message *message)
{
    buf_printf(to, " count=%zu%s", message->taken.count, message->taken.is_gone ? " gone" : "");
}

static void print_positions(struct buf *to, const struct broker_message *message)
{
    const struct broker_positions *positions = &message->positions;

    print_text(to, "user", positions->user_key);
    buf_printf(to, " position=%" PRIu64, positions->position);
    for (size_t i = 0; i < positions->count; i++)
        print_text(to, "id", positions->messages[i].id);
}

/* What was revoked is a secret. */
static void print_revocations(struct buf *to, const struct broker_message *message)
{
    buf_printf(to, " status=%d", message->revocations.status);
}

static void print_acknowledge(struct buf *to, const struct broker_message *message)
{
    const struct broker_acknowledge *acknowledge = &message->acknowledge;

    print_text(to, "handle", acknowledge->identity.connection_id);
    for (size_t i = 0; i < acknowledge->count; i++)
        print_text(to, "id", acknowledge->ids[i]);
}

static void print_choice(struct buf *to, const struct broker_message *message)
{
    print_text(to, "id", message->choice.id);
    print_text(to, "user", message->choice.filter.user_id);
}

static void print_done(struct buf *to, const struct broker_message *message)
{
    buf_printf(to, " status=%d count=%zu", message->done.status, message->done.count);
}

static void print_found(struct buf *to, const struct broker_message *message)
{
    const struct broker_found *found = &message->found;

    buf_printf(to, " status=%d passed=%" PRIu64 " copies=%zu", found->status, found->passed,
               found->copies.count);
}

/* ---- queries ---- */

/* Not the token; nor the id, which may be one that only a page knows. */
static void print_query(struct buf *to, const struct broker_message *message)
{
    const char *const *by = message->query.filter.by;

    buf_printf(to, " lists=%#x", message->query.lists);
    print_text(to, "user", by[BROKER_BY_USER]);
    print_text(to, "tenant", by[BROKER_BY_TENANT]);
    print_text(to, "channel", by[BROKER_BY_CHANNEL]);
    print_text(to, "listener", by[BROKER_BY_LISTENER]);
    print_text(to, "client", by[BROKER_BY_CLIENT]);
}

static void print_rows(struct buf *to, const struct broker_message *message)
{
    buf_printf(to, " passed=%zu", message->rows.passed);
}

static void print_show(struct buf *to, const struct broker_message *message)
{
    buf_printf(to, " %s=%zu", message->show.is_of_users ? "users" : "connections",
               message->show.count);
}

static void print_is_online(struct buf *to, const struct broker_message *message)
{
    print_text(to, "user", message->user_key);
}

static void print_why(struct buf *to, const struct broker_message *message)
{
    print_text(to, "user", message->why.user_key);
    print_text(to, "event", message->why.event);
    print_text(to, "id", message->why.id);
    print_text(to, "channel", message->why.channel);
}

static void print_online(struct buf *to, const struct broker_message *message)
{
    buf_printf(to, " online=%d", (int)message->online);
}

static void print_piece(struct buf *to, const struct broker_message *message)
{
    buf_printf(to, " shown=%zu", message->piece.shown);
}

/* ---- presence, the stop ---- */

static void print_presence(struct buf *to, const struct broker_message *message)
{
    buf_printf(to, " kind=%u", (unsigned)message->presence.kind);
    print_text(to, "user", message->presence.user_key);
    print_text(to, "handle", message->presence.handle);
}

static void print_traffic(struct buf *to, const struct broker_message *message)
{
    buf_printf(to, " sent=%" PRIu64 " received=%" PRIu64 " open=%zu", message->traffic.sent,
               message->traffic.received, message->traffic.open);
}

/* NULL: its name says it all. */
static void (*const printers[BROKER_KINDS])(struct buf *to,
                                            const struct broker_message *message) = {
    [BROKER_ATTACH] = print_attach,
    [BROKER_ATTACHED] = print_attached,
    [BROKER_OPENED] = print_opened,
    [BROKER_CHANGE] = print_change,
    [BROKER_DETACH] = print_detach,
    [BROKER_EVICT] = print_evict,
    [BROKER_CLAIM] = print_claim,
    [BROKER_CLAIMED] = print_outcome,
    [BROKER_SETTLE] = print_outcome,
    [BROKER_CALL] = print_call,
    [BROKER_CALLED] = print_called,
    [BROKER_END_CALL] = print_call_end,
    [BROKER_PASS_CALL] = print_call,

    [BROKER_PUBLISH] = print_publish,
    [BROKER_PUBLISHED] = print_results,
    [BROKER_ADVANCE] = print_advance,
    [BROKER_DELIVERED] = print_results,
    [BROKER_FIND_CREDENTIALS] = print_handles,
    [BROKER_CREDENTIALS] = print_credentials,

    [BROKER_JOIN_QUEUES] = print_queues,
    [BROKER_LEAVE_QUEUES] = print_queues,
    [BROKER_LIFT_BARRIER] = print_barrier,
    [BROKER_COUNT] = print_count,
    [BROKER_COUNTED] = print_counted,
    [BROKER_REDELIVER] = print_redeliver,
    [BROKER_TAKEN] = print_taken,
    [BROKER_NOTE_POSITIONS] = print_positions,
    [BROKER_RESTORE] = print_revocations,
    [BROKER_ACKNOWLEDGE] = print_acknowledge,
    [BROKER_ACKNOWLEDGED] = print_done,
    [BROKER_END_MESSAGES] = print_choice,
    [BROKER_MESSAGES_ENDED] = print_done,
    [BROKER_KEPT] = print_done,
    [BROKER_FIND_MESSAGE] = print_choice,
    [BROKER_MESSAGE_FOUND] = print_found,
    [BROKER_LIST_MESSAGES] = print_choice,
    [BROKER_MESSAGES_LISTED] = print_found,

    [BROKER_QUERY] = print_query,
    [BROKER_ROWS] = print_rows,
    [BROKER_SHOW] = print_show,
    [BROKER_IS_ONLINE] = print_is_online,
    [BROKER_ONLINE] = print_online,
    [BROKER_WHY] = print_why,
    [BROKER_PIECE] = print_piece,

    [BROKER_PRESENCE] = print_presence,
    [BROKER_STOPPING] = print_traffic,
};

void broker_message_print(const struct broker_message *message, struct buf *to)
{
    buf_printf(to, "%s service=%u from=%u", kind_names[message->kind], message->service,
               message->from);
    if (printers[message->kind])
        printers[message->kind](to, message);
}
