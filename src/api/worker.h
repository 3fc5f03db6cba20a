/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_WORKER_H
#define API_WORKER_H
/*
 * What this room keeps per worker and per service; private to it. A service has the same index in
 * all workers.
 */
#include <stdbool.h>
#include <stddef.h>

#include "api/api_settings.h"
#include "api/body_lines.h"
#include "api/guard.h"
#include "api/limit/limits.h"
#include "api/page/upload_writer.h"
#include "api/presence/presence_reporter.h"
#include "api/presence/presence_watch.h"
#include "api/qos/queue_teller.h"
#include "broker/service.h"
#include "h2/session.h"

struct notifications;
struct sse_service;

struct api_service {
    struct api *api;
    const struct api_service_settings *settings;
    struct sse_service *core;
    struct broker_service broker;
    struct limits limits;
    struct presence_reporter online;
    struct presence_watches watches;
    struct notifications *notifications; /* NULL: none are configured, or another worker has them */
    struct qos_hub *qos;                 /* NULL: another worker has it */
    struct queue_teller queue_teller;
    struct auth *auth; /* borrowed */
    size_t index;
    size_t base_length;
    uint64_t channels_refused; /* requests for them */
    int upload_directory;      /* -1: it could not be opened */
};

struct api {
    const struct api_settings *settings;
    const char *server_id; /* the same in all settings */
    struct loop *loop;
    struct broker *broker;
    struct outbound_http *outbound, *outbound_streams;
    size_t worker;
    struct h2_endpoint *endpoint; /* NULL until it is told */
    struct h2_handler handler;
    struct api_service *services;
    struct guard_counters guard;
    struct broker_request room; /* that the other workers are asked to make */
    bool is_drained;            /* no event stream opens any more: the server stops */
    size_t exchange_count;      /* requests on their way */
    struct upload_writers uploads;
    struct body_lines bodies;
};

/* The service that path belongs to, or NULL; *relative is then the path below its base path. */
struct api_service *api_service_of(struct api *api, const char *path, const char **relative);

/* False while the server stops; it serves as before until it drains. */
bool api_is_ready(const struct api *api);

/* Event streams are ended by the stop, in some worker: their users are not leaving. */
bool api_is_draining(const struct api *api);

#endif
