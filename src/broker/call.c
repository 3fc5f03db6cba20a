/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/call.h"

#include <stdlib.h>
#include <string.h>

#include "base/loop.h"
#include "base/mem.h"
#include "broker/service.h"
#include "broker/subscriber.h"
#include "sse/connection.h"
#include "sse/ended.h"
#include "sse/registry.h"
#include "sse/service.h"
#include "sse/user.h"

struct broker_message *broker_call_new(enum broker_kind kind, size_t service,
                                       const struct broker_call *call)
{
    const size_t room = broker_text_size(call->id) + broker_text_size(call->reason) +
                        broker_text_size(call->traceparent) +
                        broker_list_size(call->names.texts, call->names.count);
    struct broker_message *message = broker_message_new(kind, service, room);

    message->call = *call;
    message->call.id = broker_message_text(message, call->id);
    message->call.reason = broker_message_text(message, call->reason);
    message->call.traceparent = broker_message_text(message, call->traceparent);
    message->call.names.texts = broker_message_list(message, call->names.texts, call->names.count);
    return message;
}

/* ---- answers ---- */

static struct broker_message *answer_new(const struct broker_service *service, size_t room)
{
    struct broker_message *answer = broker_message_new(BROKER_CALLED, service->index, room);

    answer->called.outcome = BROKER_CALL_DONE;
    return answer;
}

static struct broker_message *answer_names(const struct broker_service *service,
                                           const struct sse_connection *connection,
                                           enum sse_group_kind kind, const char *refused)
{
    struct broker_message *answer =
        answer_new(service, broker_names_size(connection, kind) + broker_text_size(refused));

    answer->called.names.texts =
        broker_names_write(answer, connection, kind, &answer->called.names.count);
    answer->called.refused = broker_message_text(answer, refused);
    return answer;
}

static struct broker_message *answer_whose(const struct broker_service *service,
                                           const struct sse_connection *connection)
{
    const struct sse_user *user = connection->user;
    struct broker_message *answer =
        answer_new(service, broker_text_size(user->tenant_id) + broker_text_size(user->id));

    answer->called.tenant_id = broker_message_text(answer, user->tenant_id);
    answer->called.user_id = broker_message_text(answer, user->id);
    return answer;
}

/* ---- operations ---- */

static bool would_be_full(const struct sse_connection *connection, enum sse_group_kind kind,
                          const struct broker_names *names, uint32_t most)
{
    size_t count = sse_registry_name_count(connection, kind);

    for (size_t i = 0; i < names->count; i++)
        count += !sse_connection_has_name(connection, kind, names->texts[i]);
    return count > most;
}

static struct broker_message *listen(struct broker_service *service,
                                     const struct broker_names *names,
                                     struct sse_connection *connection)
{
    const bool is_full =
        would_be_full(connection, SSE_GROUP_LISTENER, names, service->core->settings->listeners);
    struct broker_message *answer;

    if (is_full)
        tracing_names_refused(&service->tracing, connection, SSE_GROUP_LISTENER, names, "limit");
    else
        sse_connection_add_names(connection, SSE_GROUP_LISTENER, names->texts, names->count);
    answer = answer_names(service, connection, SSE_GROUP_LISTENER, NULL);
    answer->called.is_full = is_full;
    return answer;
}

static struct broker_message *subscribe(struct broker_service *service,
                                        const struct broker_call *call,
                                        struct sse_connection *connection)
{
    const struct broker_names *names = &call->names;
    /* Who asks without a credential asks as the connection's user. */
    const struct sse_user *user = call->user ? call->user : connection->user;
    const char *refused =
        channel_rights_refused(&service->settings.channels, user, names->texts, names->count);
    const bool is_full =
        !refused && would_be_full(connection, SSE_GROUP_CHANNEL, names,
                                  service->core->settings->channels_per_connection);
    struct broker_message *answer;

    if (refused)
        tracing_names_refused(&service->tracing, connection, SSE_GROUP_CHANNEL,
                              &(struct broker_names){&refused, 1}, "forbidden");
    if (is_full)
        tracing_names_refused(&service->tracing, connection, SSE_GROUP_CHANNEL, names, "limit");
    if (!refused && !is_full)
        sse_connection_add_names(connection, SSE_GROUP_CHANNEL, names->texts, names->count);
    answer = answer_names(service, connection, SSE_GROUP_CHANNEL, refused);
    answer->called.is_full = is_full;
    return answer;
}

/* What the new credential does not allow is left. */
static struct broker_message *refresh(struct broker_service *service,
                                      const struct broker_call *call,
                                      struct sse_connection *connection)
{
    const size_t count = sse_registry_name_count(connection, SSE_GROUP_CHANNEL);
    const size_t size = count * sizeof(const char *);
    /* Each channel stays, or is left. */
    struct broker_message *answer = answer_new(
        service, broker_block_size(size) + broker_names_size(connection, SSE_GROUP_CHANNEL));
    const char **removed = broker_message_block(answer, size);
    struct broker_called *called = &answer->called;

    group_teller_tell_user(&service->groups, connection, call->user);
    sse_connection_set_user(connection, call->user);
    called->removed.texts = removed;
    for (size_t i = 0; i < count; i++) {
        const char *channel = sse_registry_name(connection, SSE_GROUP_CHANNEL, i);

        if (!channel_rights_allow(&service->settings.channels, connection->user, channel))
            removed[called->removed.count++] = broker_message_text(answer, channel);
    }
    sse_connection_remove_names(connection, SSE_GROUP_CHANNEL, removed, called->removed.count);
    tracing_names_refused(&service->tracing, connection, SSE_GROUP_CHANNEL, &called->removed,
                          "forbidden");
    called->names.texts =
        broker_names_write(answer, connection, SSE_GROUP_CHANNEL, &called->names.count);
    called->expires_at = connection->expiry.at;
    return answer;
}

static struct broker_message *identify(const struct broker_service *service,
                                       const struct sse_connection *connection)
{
    struct broker_message *answer = answer_new(service, broker_identity_size(connection));

    broker_identity_write(answer, &answer->called.identity, connection);
    return answer;
}

/* Negative: the page has said neither. */
static int64_t counted(const struct broker_call *call, const struct sse_connection *connection)
{
    if (call->duration < 0)
        return call->session_duration;
    return call->duration +
           (call->session_duration < 0 ? connection->session_duration : call->session_duration);
}

static struct broker_message *disconnect(const struct broker_service *service,
                                         const struct broker_call *call,
                                         struct sse_connection *connection)
{
    const int64_t session_duration = counted(call, connection);
    struct broker_message *answer = answer_new(service, 0);

    answer->called.is_heard = true;
    if (!connection->service) {
        answer->called.is_heard =
            sse_connection_take_last_words(connection, call->reason, session_duration);
        return answer;
    }
    if (session_duration >= 0)
        connection->session_duration = session_duration;
    sse_connection_close(connection, SSE_CLOSE_CLIENT, call->reason, -1);
    return answer;
}

static void count(struct sse_connection *connection, uint32_t *counter)
{
    (*counter)++;
    connection->last_request_time = loop_wall_ms(connection->home->loop);
}

static struct broker_message *operate(struct broker_service *service,
                                      const struct broker_call *call,
                                      struct sse_connection *connection)
{
    const struct broker_names *names = &call->names;

    switch (call->operation) {
    case BROKER_ENTER:
        return answer_whose(service, connection);
    case BROKER_COUNT_MESSAGE:
        count(connection, &connection->request_message_count);
        return answer_new(service, 0);
    case BROKER_COUNT_UPLOAD:
        count(connection, &connection->request_upload_count);
        return answer_whose(service, connection);
    case BROKER_LISTEN:
        return listen(service, names, connection);
    case BROKER_UNLISTEN:
        sse_connection_remove_names(connection, SSE_GROUP_LISTENER, names->texts, names->count);
        return answer_names(service, connection, SSE_GROUP_LISTENER, NULL);
    case BROKER_SUBSCRIBE:
        return subscribe(service, call, connection);
    case BROKER_UNSUBSCRIBE:
        sse_connection_remove_names(connection, SSE_GROUP_CHANNEL, names->texts, names->count);
        return answer_names(service, connection, SSE_GROUP_CHANNEL, NULL);
    case BROKER_REFRESH:
        return refresh(service, call, connection);
    case BROKER_IDENTIFY:
        return identify(service, connection);
    case BROKER_DISCONNECT:
        return disconnect(service, call, connection);
    default:
        return answer_new(service, 0);
    }
}

/* ---- whom it is for, as a back end is told ---- */

/* A field of 8 KiB is the most that many back ends take. */
#define BRIEF_TOKEN 2048u

static char *take_text(json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);

    json_decref(value);
    return text;
}

char *broker_text_of_user(const struct sse_user *user, const struct broker_telling *telling)
{
    const bool has_room = !telling->is_brief || strlen(user->access_token) <= BRIEF_TOKEN;

    return take_text(sse_user_as_told(user, telling->has_token && has_room));
}

/* As `connections` shows it. */
static char *text_of_connection(const struct sse_connection *connection, const char *server_id,
                                const struct broker_telling *telling)
{
    const bool has_token = telling->has_token && !telling->is_brief; /* once will do */
    json_t *shown = sse_connection_as_told(connection, server_id, has_token);

    if (telling->is_brief) {
        json_object_del(shown, "httpHeaders");
        json_object_del(shown, "httpParameters");
    }
    return take_text(shown);
}

static struct broker_message *run(struct broker_service *service, const struct broker_call *call,
                                  struct sse_connection *connection)
{
    const struct broker_telling *telling = &call->telling;
    struct broker_message *answer;

    service->core->traceparent = call->traceparent;
    answer = operate(service, call, connection);
    service->core->traceparent = NULL;
    if (telling->is_wanted) {
        answer->called.connection =
            text_of_connection(connection, service->settings.server_id, telling);
        answer->called.user = broker_text_of_user(connection->user, telling);
    }
    return answer;
}

/* ---- whose it is ---- */

/* A request with credentials acts for its own user only. One without any acts for the connection's
 * user: the id is known to its page alone. */
static bool may_act(const struct broker_call *call, const struct sse_connection *connection)
{
    const struct sse_user *asking = call->user;
    const struct sse_user *owner = connection->user;

    if (asking)
        return strcmp(asking->id, owner->id) == 0 &&
               strcmp(asking->tenant_id, owner->tenant_id) == 0;
    return !call->is_bound || call->session_number == connection->session_number;
}

static struct sse_connection *find(const struct broker_service *service,
                                   const struct broker_call *call)
{
    struct sse_connection *connection = sse_registry_find_own(service->core->registry, call->id);

    if (!connection && call->operation >= BROKER_IDENTIFY)
        connection = sse_ended_find_own(service->core->ended, call->id);
    return connection && may_act(call, connection) ? connection : NULL;
}

/* Who showed credentials has been counted with them. */
static bool is_too_often(struct broker_service *service, const struct broker_call *call,
                         const struct sse_connection *connection)
{
    return !call->user && !call->is_counted &&
           !limits_take_user_request(&service->limits, connection->user);
}

static struct broker_message *refuse(const struct broker_service *service,
                                     enum broker_call_outcome outcome)
{
    struct broker_message *answer = answer_new(service, 0);

    answer->called.outcome = outcome;
    return answer;
}

/* ---- turns ---- */

/* A numbered call, from its coming to its turn. */
struct turn {
    struct call_turn base;
    struct broker_service *service;
    struct broker_asker asker;
    struct broker_message *question;
    struct broker_message *answer; /* ENTER's: as the connection was when it came */
    char handle[SSE_HANDLE_SIZE];
};

static struct broker_message *run_in_turn(const struct turn *turn, enum broker_call_outcome outcome)
{
    const struct broker_call *call = &turn->question->call;
    struct sse_connection *connection =
        outcome == BROKER_CALL_DONE ? find(turn->service, call) : NULL;

    if (connection)
        return run(turn->service, call, connection);
    return refuse(turn->service, outcome == BROKER_CALL_DONE ? BROKER_CALL_UNKNOWN : outcome);
}

static void on_turn(struct call_turn *base, enum call_verdict verdict)
{
    static const enum broker_call_outcome outcomes[] = {
        [CALL_BEGINS] = BROKER_CALL_DONE,       [CALL_LATE] = BROKER_CALL_DONE,
        [CALL_ENDED] = BROKER_CALL_UNKNOWN,     [CALL_REPLACED] = BROKER_CALL_REPLACED,
        [CALL_TOO_MANY] = BROKER_CALL_TOO_MANY,
    };
    struct turn *turn = container_of(base, struct turn, base);
    struct broker_service *service = turn->service;
    struct broker_message *answer = turn->answer;
    const bool has_turn = verdict == CALL_BEGINS;

    if (answer)
        answer->called.outcome = outcomes[verdict];
    if (answer && has_turn)
        memcpy(answer->called.turn, turn->handle, sizeof(turn->handle));
    if (!answer) {
        answer = run_in_turn(turn, outcomes[verdict]);
        if (has_turn)
            call_order_end(&service->call_orders, turn->handle, base->queue);
    }
    broker_answer(service->broker, &turn->asker, answer);
    broker_message_free(turn->question);
    free(turn);
}

static void await_turn(struct broker_service *service, const struct broker_message *question,
                       struct sse_connection *connection)
{
    const struct broker_call *call = &question->call;
    struct turn *turn = mem_zalloc(sizeof(*turn));
    enum call_verdict verdict;

    turn->base.queue = call->queue;
    turn->base.on_turn = on_turn;
    turn->service = service;
    turn->asker = broker_asker(question);
    turn->question = broker_message_keep(question);
    memcpy(turn->handle, connection->handle, sizeof(turn->handle));
    if (call->operation == BROKER_ENTER)
        turn->answer = run(service, call, connection);
    verdict = call_order_enter(&service->call_orders, connection, &turn->base, call->number);
    if (verdict != CALL_WAITS)
        on_turn(&turn->base, verdict);
}

void broker_call_receive(struct broker_service *service, const struct broker_message *question)
{
    const struct broker_asker asker = broker_asker(question);
    const struct broker_call *call = &question->call;
    struct sse_connection *connection = find(service, call);
    struct broker_message *answer;

    if (!connection) {
        answer = refuse(service, BROKER_CALL_UNKNOWN);
    } else if (is_too_often(service, call, connection)) {
        answer = refuse(service, BROKER_CALL_TOO_OFTEN);
    } else if (call->number.number == 0) {
        answer = run(service, call, connection);
    } else {
        await_turn(service, question, connection);
        return;
    }
    broker_answer(service->broker, &asker, answer);
}

void broker_call_pass(struct broker_service *service, const struct broker_call *call)
{
    const struct sse_connection *connection = find(service, call);

    if (connection)
        call_order_pass(&service->call_orders, connection, call->queue, call->number.number);
}
