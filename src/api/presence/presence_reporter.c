/* SPDX-License-Identifier: Apache-2.0 */
#include "api/presence/presence_reporter.h"

#include <string.h>

#include "api/presence/presence_event.h"
#include "api/worker.h"
#include "base/bytes.h"
#include "broker/broker.h"
#include "sse/connection.h"
#include "sse/presence.h"
#include "sse/user.h"

static struct broker_message *report_new(const struct presence_reporter *reporter,
                                         enum presence_kind kind,
                                         const struct sse_connection *connection)
{
    const struct sse_user *user = connection->user;
    struct broker_message *message =
        broker_message_new(BROKER_PRESENCE, reporter->service->index,
                           broker_text_size(user->key) + broker_text_size(user->tenant_id));
    struct broker_presence *report = &message->presence;

    report->kind = kind;
    report->user_key = broker_message_text(message, user->key);
    report->tenant_id = broker_message_text(message, user->tenant_id);
    if (reporter->service->broker.is_recording && kind != PRESENCE_LISTENING)
        report->about = presence_event_about(reporter->service, connection);
    return message;
}

static void on_connect(struct sse_observer *observer, struct sse_connection *connection)
{
    const struct presence_reporter *reporter =
        container_of(observer, struct presence_reporter, observer);
    struct broker_message *report = report_new(reporter, PRESENCE_CONNECT, connection);

    if (reporter->service->broker.is_recording)
        report->presence.event = presence_event_connect(reporter->service, connection);
    broker_tell_owner(&reporter->service->broker, report);
}

/* Without a grace time nobody waits. */
static bool may_say_more(const struct presence_reporter *reporter,
                         const struct sse_connection *connection, enum sse_close_reason reason)
{
    return reason == SSE_CLOSE_GONE && connection->is_remembered &&
           connection->home->settings->offline_grace_ms > 0 &&
           !api_is_draining(reporter->service->api);
}

static void on_disconnect(struct sse_observer *observer, struct sse_connection *connection,
                          enum sse_close_reason reason, const char *text)
{
    const struct presence_reporter *reporter =
        container_of(observer, struct presence_reporter, observer);
    struct broker_message *report = report_new(reporter, PRESENCE_DISCONNECT, connection);

    if (reporter->service->broker.is_recording)
        report->presence.event =
            presence_event_disconnect(reporter->service, connection, reason, text);
    if (connection->home->settings->offline_grace_ms > 0)
        report->presence.left = sse_user_copy(connection->user);
    if (may_say_more(reporter, connection, reason))
        memcpy(report->presence.handle, connection->handle, sizeof(report->presence.handle));
    broker_tell_owner(&reporter->service->broker, report);
}

static void on_last_words(struct sse_observer *observer, struct sse_connection *connection,
                          const char *text)
{
    const struct presence_reporter *reporter =
        container_of(observer, struct presence_reporter, observer);
    struct broker_message *report;

    if (!reporter->service->broker.is_recording)
        return;
    report = report_new(reporter, PRESENCE_DISCONNECT, connection);
    report->presence.event =
        presence_event_disconnect(reporter->service, connection, SSE_CLOSE_CLIENT, text);
    report->presence.is_last_words = true;
    memcpy(report->presence.handle, connection->handle, sizeof(report->presence.handle));
    broker_tell_owner(&reporter->service->broker, report);
}

static void on_listening(struct sse_observer *observer, struct sse_connection *connection,
                         const char *event, bool before, bool after)
{
    const struct presence_reporter *reporter =
        container_of(observer, struct presence_reporter, observer);
    struct broker_message *report;

    (void)before;
    if (!reporter->service->broker.is_recording)
        return;
    report = report_new(reporter, PRESENCE_LISTENING, connection);
    report->presence.event = presence_event_listening(reporter->service, connection, event, after);
    broker_tell_owner(&reporter->service->broker, report);
}

/* A server that stops closes all its connections; that is not their users leaving. */
static struct bytes *on_user(void *context, bool is_online, const char *user_key,
                             struct bytes *about)
{
    const struct presence_reporter *reporter = context;
    const struct api_service *service = reporter->service;

    if (!service->broker.presence_log.is_recording || (!is_online && api_is_draining(service->api)))
        return NULL;
    return presence_event_user(service, is_online ? PRESENCE_USER_ONLINE : PRESENCE_USER_OFFLINE,
                               user_key, about);
}

void presence_reporter_init(struct presence_reporter *reporter, struct api_service *service)
{
    *reporter = (struct presence_reporter){
        .service = service,
        .presence = service->broker.online.presence,
        .observer = {.on_connect = on_connect,
                     .on_disconnect = on_disconnect,
                     .on_listening = on_listening,
                     .on_last_words = on_last_words},
    };
    service->broker.online.handler = (struct online_handler){on_user, reporter};
    list_append(&service->core->observers, &reporter->observer.node);
}

void presence_reporter_release(struct presence_reporter *reporter)
{
    list_remove(&reporter->observer.node);
}
