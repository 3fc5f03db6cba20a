/* SPDX-License-Identifier: Apache-2.0 */
#include "api/presence/presence_reporter.h"

#include <string.h>

#include "api/limit/attach.h"
#include "api/presence/presence_event.h"
#include "api/worker.h"
#include "base/bytes.h"
#include "broker/attach.h"
#include "broker/broker.h"
#include "sse/connection.h"
#include "sse/presence.h"
#include "sse/user.h"

static struct broker_message *report_new(const struct api_service *service, enum presence_kind kind,
                                         const struct sse_connection *connection)
{
    struct broker_message *message =
        broker_message_new(BROKER_PRESENCE, service->index, broker_presence_size(connection));

    broker_presence_write(message, &message->presence, kind, connection);
    return message;
}

static void report_connect(const struct api_service *service,
                           const struct sse_connection *connection, struct broker_presence *report)
{
    if (!service->broker.is_recording)
        return;
    report->about = presence_event_about(service, connection);
    report->event = presence_event_connect(service, connection);
}

/* Without a grace time nobody waits. */
static bool may_say_more(const struct api_service *service, const struct sse_connection *connection,
                         enum sse_close_reason reason)
{
    return reason == SSE_CLOSE_GONE && connection->is_remembered &&
           connection->home->settings->offline_grace_ms > 0 && !api_is_draining(service->api);
}

static void report_disconnect(const struct api_service *service,
                              const struct sse_connection *connection,
                              struct broker_presence *report, enum sse_close_reason reason,
                              const char *text)
{
    if (service->broker.is_recording) {
        report->about = presence_event_about(service, connection);
        report->event = presence_event_disconnect(service, connection, reason, text);
    }
    if (connection->home->settings->offline_grace_ms > 0)
        report->left = sse_user_copy(connection->user);
    if (may_say_more(service, connection, reason))
        memcpy(report->handle, connection->handle, sizeof(report->handle));
}

static void on_connect(struct sse_observer *observer, struct sse_connection *connection)
{
    const struct presence_reporter *reporter =
        container_of(observer, struct presence_reporter, observer);
    struct broker_message *message = attach_opened_new(reporter->service, connection);

    report_connect(reporter->service, connection, &message->opened.presence);
    broker_tell_owner(&reporter->service->broker, message);
}

static void on_disconnect(struct sse_observer *observer, struct sse_connection *connection,
                          enum sse_close_reason reason, const char *text)
{
    const struct presence_reporter *reporter =
        container_of(observer, struct presence_reporter, observer);
    struct broker_message *message = attach_ended_new(reporter->service, connection);

    report_disconnect(reporter->service, connection, &message->detach.presence, reason, text);
    broker_tell_owner(&reporter->service->broker, message);
}

static void on_last_words(struct sse_observer *observer, struct sse_connection *connection,
                          const char *text)
{
    const struct presence_reporter *reporter =
        container_of(observer, struct presence_reporter, observer);
    struct broker_message *report;

    if (!reporter->service->broker.is_recording)
        return;
    report = report_new(reporter->service, PRESENCE_DISCONNECT, connection);
    report->presence.about = presence_event_about(reporter->service, connection);
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
    report = report_new(reporter->service, PRESENCE_LISTENING, connection);
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
