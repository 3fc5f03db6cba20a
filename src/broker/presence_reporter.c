/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/presence_reporter.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/loop.h"
#include "base/mem.h"
#include "broker/attach.h"
#include "broker/notifications.h"
#include "broker/presence_event.h"
#include "broker/service.h"
#include "sse/connection.h"
#include "sse/names.h"
#include "sse/service.h"
#include "sse/user.h"

/* ---- the events ---- */

static void begin_at(struct buf *text, const struct broker_service *service,
                     enum presence_kind kind, int64_t time_ms)
{
    buf_printf(text, "{\"type\":\"%s\",\"service\":\"%s\",\"time\":%" PRId64,
               presence_kind_words[kind], service->core->settings->name, time_ms);
}

static void begin(struct buf *text, const struct broker_service *service, enum presence_kind kind)
{
    begin_at(text, service, kind, loop_wall_ms(service->core->loop));
}

static void append_connection(struct buf *text, json_t *connection)
{
    buf_append_str(text, ",\"connection\":");
    presence_text_append_json(text, connection);
    buf_append_char(text, '}');
}

/* Whether one of the patterns matches one of the names. */
static bool match_one(const char *patterns, const json_t *names)
{
    struct word pattern;
    const json_t *name;
    size_t i;

    while (words_next(&patterns, &pattern)) {
        json_array_foreach(names, i, name) {
            if (sse_channel_pattern_matches(pattern.text, pattern.length, json_string_value(name),
                                            NULL))
                return true;
        }
    }
    return false;
}

/* Takes over the reference. */
static bool has_wanted(const char *patterns, json_t *names)
{
    const bool is_wanted = *patterns == '\0' || match_one(patterns, names);

    json_decref(names);
    return is_wanted;
}

/* As far as it is known here: the worker that notifies looks at the kind and the address again. */
static bool is_notified(const struct broker_service *service, enum presence_kind kind)
{
    const struct notification_settings *settings = &service->settings.notifications;

    return notifications_are_wanted(settings) && (settings->kinds & PRESENCE_BIT(kind)) != 0;
}

/* "": nobody is notified, or it comes of no request that has one. */
static const char *traceparent_of(const struct broker_service *service)
{
    const char *traceparent = service->core->traceparent;

    return traceparent && notifications_are_wanted(&service->settings.notifications) ? traceparent
                                                                                     : "";
}

/* How the service's own back end is told of the connection's user; PRESENCE_TOLD: as it is shown.
 */
static enum presence_telling telling_of(const struct broker_service *service,
                                        const struct sse_connection *connection)
{
    const struct sse_user *user = connection->user;

    if (service->settings.notifications.has_token && *user->access_token != '\0')
        return PRESENCE_TOLD_TOKEN;
    return PRESENCE_TOLD;
}

static bool is_told_apart(const struct sse_user *user, enum presence_telling telling)
{
    return telling == PRESENCE_TOLD_TOKEN || user->has_number_id || user->has_number_tenant;
}

static struct bytes *end_with(struct buf *text, const struct broker_service *service,
                              enum presence_kind kind, const struct sse_connection *connection)
{
    const struct notification_settings *settings = &service->settings.notifications;
    const char *server_id = service->settings.server_id;
    enum presence_telling telling = telling_of(service, connection);
    struct buf told = BUF_INIT;

    if (!is_notified(service, kind) ||
        !has_wanted(settings->channels, sse_connection_names(connection, SSE_GROUP_CHANNEL)) ||
        !has_wanted(settings->access_tokens, json_pack("[s]", connection->user->access_token))) {
        telling = PRESENCE_NOT_TOLD;
    } else if (is_told_apart(connection->user, telling)) {
        buf_append(&told, text->data, text->length);
        append_connection(
            &told, sse_connection_as_told(connection, server_id, telling == PRESENCE_TOLD_TOKEN));
    }
    append_connection(text, sse_connection_to_json(connection, server_id));
    return presence_text_new(text, &told, telling,
                             telling == PRESENCE_NOT_TOLD ? "" : traceparent_of(service));
}

static struct bytes *connect_event(const struct broker_service *service,
                                   const struct sse_connection *connection)
{
    struct buf text = BUF_INIT;

    begin(&text, service, PRESENCE_CONNECT);
    return end_with(&text, service, PRESENCE_CONNECT, connection);
}

/* text: what was said instead of the reason's word; NULL: nothing. */
static struct bytes *disconnect_event(const struct broker_service *service,
                                      const struct sse_connection *connection,
                                      enum sse_close_reason reason, const char *text)
{
    const struct loop *loop = service->core->loop;
    const uint64_t ago = loop_now_ms(loop) - connection->ended_at;
    struct buf json = BUF_INIT;

    begin_at(&json, service, PRESENCE_DISCONNECT, loop_wall_ms(loop) - (int64_t)ago);
    buf_append_str(&json, ",\"reason\":");
    json_text_string(&json, text ? text : sse_close_reason_words[reason]);
    buf_printf(&json, ",\"duration\":%" PRIu64, connection->ended_at - connection->created_at);
    return end_with(&json, service, PRESENCE_DISCONNECT, connection);
}

static struct bytes *listening_event(const struct broker_service *service,
                                     const struct sse_connection *connection, const char *event,
                                     bool after)
{
    struct buf text = BUF_INIT;

    begin(&text, service, PRESENCE_LISTENING);
    buf_append_str(&text, ",\"event\":");
    json_text_string(&text, event);
    buf_printf(&text, ",\"before\":%s,\"after\":%s", after ? "false" : "true",
               after ? "true" : "false");
    return end_with(&text, service, PRESENCE_LISTENING, connection);
}

/* user_key: shown as json_text_user_members() does. about: of about_user(); NULL: not known. */
static struct bytes *user_event(const struct broker_service *service, enum presence_kind kind,
                                const char *user_key, const struct bytes *about)
{
    const enum presence_telling telling = about ? presence_text_telling(about) : PRESENCE_TOLD;
    struct buf text = BUF_INIT;
    struct buf told = BUF_INIT;

    begin(&text, service, kind);
    buf_append_char(&text, ',');
    json_text_user_members(&text, user_key);
    buf_append_str(&text, ",\"user\":");
    if (about && presence_text_is_told_apart(about)) {
        buf_append(&told, text.data, text.length);
        presence_text_append_told(&told, about, true);
        buf_append_char(&told, '}');
    }
    if (about)
        presence_text_append_shown(&text, about);
    else
        buf_append_str(&text, "null");
    buf_append_char(&text, '}');
    return presence_text_new(&text, &told, telling, about ? presence_text_traceparent(about) : "");
}

/* The connection's user. */
static struct bytes *about_user(const struct broker_service *service,
                                const struct sse_connection *connection)
{
    const struct sse_user *user = connection->user;
    const enum presence_telling telling = telling_of(service, connection);
    struct buf text = BUF_INIT;
    struct buf told = BUF_INIT;

    presence_text_append_json(&text, sse_user_to_json(user));
    if (is_told_apart(user, telling))
        presence_text_append_json(&told, sse_user_as_told(user, telling == PRESENCE_TOLD_TOKEN));
    return presence_text_new(&text, &told, telling, traceparent_of(service));
}

/* ---- reporting ---- */

static struct broker_message *report_new(const struct broker_service *service,
                                         enum presence_kind kind,
                                         const struct sse_connection *connection)
{
    struct broker_message *message =
        broker_message_new(BROKER_PRESENCE, service->index, broker_presence_size(connection));

    broker_presence_write(message, &message->presence, kind, connection);
    return message;
}

/* Without a grace time nobody waits. */
static bool may_say_more(const struct broker_service *service,
                         const struct sse_connection *connection, enum sse_close_reason reason)
{
    return reason == SSE_CLOSE_GONE && connection->is_remembered &&
           connection->home->settings->offline_grace_ms > 0 && !broker_service_is_draining(service);
}

static void report_disconnect(const struct broker_service *service,
                              const struct sse_connection *connection,
                              struct broker_presence *report, enum sse_close_reason reason,
                              const char *text)
{
    if (service->is_recording) {
        report->about = about_user(service, connection);
        report->event = disconnect_event(service, connection, reason, text);
    }
    if (connection->home->settings->offline_grace_ms > 0)
        report->left = sse_user_copy(connection->user);
    if (may_say_more(service, connection, reason))
        memcpy(report->handle, connection->handle, sizeof(report->handle));
}

static struct broker_service *service_of(struct sse_observer *observer)
{
    return container_of(observer, struct broker_service, reporter);
}

static void on_connect(struct sse_observer *observer, struct sse_connection *connection)
{
    struct broker_service *service = service_of(observer);
    struct broker_keys keys = slot_keys_of(service, connection);
    struct broker_message *message = broker_opened_new(service, &keys, connection);

    broker_keys_release(&keys);
    if (service->is_recording) {
        message->opened.presence.about = about_user(service, connection);
        message->opened.presence.event = connect_event(service, connection);
    }
    broker_tell_owner(service, message);
}

static void on_disconnect(struct sse_observer *observer, struct sse_connection *connection,
                          enum sse_close_reason reason, const char *text)
{
    struct broker_service *service = service_of(observer);
    struct broker_keys keys = slot_keys_held(service, connection);
    struct broker_message *message = broker_ended_new(service, &keys, connection);

    broker_keys_release(&keys);
    limits_leave(&service->limits);
    report_disconnect(service, connection, &message->detach.presence, reason, text);
    broker_tell_owner(service, message);
}

static void on_last_words(struct sse_observer *observer, struct sse_connection *connection,
                          const char *text)
{
    struct broker_service *service = service_of(observer);
    struct broker_message *report;

    if (!service->is_recording)
        return;
    report = report_new(service, PRESENCE_DISCONNECT, connection);
    report->presence.about = about_user(service, connection);
    report->presence.event = disconnect_event(service, connection, SSE_CLOSE_CLIENT, text);
    report->presence.is_last_words = true;
    memcpy(report->presence.handle, connection->handle, sizeof(report->presence.handle));
    broker_tell_owner(service, report);
}

static void on_listening(struct sse_observer *observer, struct sse_connection *connection,
                         const char *event, bool after)
{
    struct broker_service *service = service_of(observer);
    struct broker_message *report;

    if (!service->is_recording)
        return;
    report = report_new(service, PRESENCE_LISTENING, connection);
    report->presence.event = listening_event(service, connection, event, after);
    broker_tell_owner(service, report);
}

/* A server that stops closes all its connections; that is not their users leaving. */
static struct bytes *on_user(void *context, bool is_online, const char *user_key,
                             struct bytes *about)
{
    const struct broker_service *service = context;

    if (!service->presence_log.is_recording || (!is_online && broker_service_is_draining(service)))
        return NULL;
    return user_event(service, is_online ? PRESENCE_USER_ONLINE : PRESENCE_USER_OFFLINE, user_key,
                      about);
}

void presence_reporter_open(struct broker_service *service)
{
    service->reporter = (struct sse_observer){.on_connect = on_connect,
                                              .on_disconnect = on_disconnect,
                                              .on_listening = on_listening,
                                              .on_last_words = on_last_words};
    service->online.handler = (struct online_handler){on_user, service};
    list_append(&service->core->observers, &service->reporter.node);
}

void presence_reporter_close(struct broker_service *service)
{
    list_remove(&service->reporter.node);
}
