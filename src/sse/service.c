/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/service.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "sse/backlog.h"
#include "sse/dispatch.h"
#include "sse/ended.h"
#include "sse/event.h"
#include "sse/log.h"
#include "sse/registry.h"

const struct sse_service_settings sse_service_settings_default = {
    .name = "sse",
    .base_path = "/sse",
    .version = "",
    .reconnect_ms = 5000,
    .comment_ms = 25000,
    .lifetime_ms = 3600000,
    .queue_bytes = (size_t)1024 * 1024,
    .queue_events = 1000,
    .slow_policy = SSE_SLOW_DISCONNECT,
    .client_connections = 3,
    .listeners = 100,
    .channels_per_connection = 100,
    .event_data_bytes = SSE_EVENT_MAX_DATA,
    .line_bytes = SSE_DATA_LINE_BYTES,
    .offline_grace_ms = 5000,
    .last_words_ms = 5000,
    .last_words_connections = 10000,
    .token_expiry_notice_ms = 60000,
    .ordered_calls = 64,
    .ordered_wait_ms = 5000,
    .log_lag = (size_t)64 * 1024 * 1024,
    .history = {.events = 10000, .bytes = (size_t)16 * 1024 * 1024, .keep_ms = 600000},
};

/* name: that of no other event, where it has none. */
static struct sse_event *event_new(const char *name, const struct sse_event_fields *fields)
{
    return sse_event_new(name, sse_event_encode(fields));
}

struct sse_service *sse_service_new(struct loop *loop, const struct sse_service_settings *settings,
                                    struct sse_log *log)
{
    struct sse_service *service = mem_zalloc(sizeof(*service));

    service->settings = settings;
    service->loop = loop;
    service->registry = sse_registry_new();
    service->ended = sse_ended_new(service);
    service->intern = sse_intern_new();
    list_init(&service->observers);
    service->comment = event_new(":\n", &(struct sse_event_fields){.retry_ms = -1, .comment = ""});
    service->heartbeat =
        event_new("sse-heartbeat",
                  &(struct sse_event_fields){.retry_ms = -1, .name = "sse-heartbeat", .data = ""});
    service->log = sse_log_ref(log);
    service->backlogs = sse_backlogs_new(loop);
    service->dispatch = sse_dispatch_new(service);
    return service;
}

void sse_service_own(struct sse_service *service)
{
    service->history = sse_history_new(service->loop, &service->settings->history, service->log);
}

void sse_service_change(struct sse_service *service, const struct sse_service_settings *settings)
{
    service->settings = settings;
    if (service->history)
        sse_history_change(service->history, &settings->history);
}

void sse_service_free(struct sse_service *service)
{
    if (!service)
        return;
    sse_dispatch_free(service->dispatch);
    assert(sse_registry_all(service->registry)->count == 0);
    sse_ended_free(service->ended);
    sse_backlogs_free(service->backlogs);
    sse_history_free(service->history);
    sse_log_unref(service->log);
    sse_registry_free(service->registry);
    sse_intern_free(service->intern);
    sse_event_unref(service->comment);
    sse_event_unref(service->heartbeat);
    free(service);
}
