/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_WORKER_H
#define API_WORKER_H
/*
 * What this module keeps per worker and per service; private to it, and to the metrics. A service
 * has the same index in all workers.
 */
#include <stdbool.h>
#include <stddef.h>

#include "api/api_settings.h"
#include "api/guard.h"
#include "api/limit.h"
#include "api/request_class.h"
#include "base/histogram.h"
#include "base/thread_pool.h"
#include "broker/service.h"
#include "h2/request_id.h"
#include "h2/session.h"
#include "upload/writer.h"

/* An event stream that lasts until the server stops, or its credential does not count any more. */
struct api_watcher {
    struct list node; /* of those of its service */
    /* API keys, or the keys of tokens, have changed. */
    void (*changed)(struct api_watcher *watcher);
    /* The server stops. */
    void (*drained)(struct api_watcher *watcher);
};

struct api_service {
    struct api *api;
    const struct api_service_settings *settings;
    struct broker_service broker;
    struct auth *auth; /* borrowed */
    size_t index;
    size_t base_length;
    uint64_t limited[LIMITS];  /* requests that were above one */
    uint64_t channels_refused; /* requests for them */
    struct list watchers;
    size_t trace_watches; /* so many are of the trace, */
    uint64_t trace_lost;  /* and records that they could not take */
    int upload_directory; /* -1: it could not be opened */
};

struct api {
    const struct api_settings *settings;
    struct loop *loop;
    struct broker *broker;
    struct outbound_http *outbound, *outbound_streams;
    size_t worker;
    struct api_host host;
    struct h2_handler handler;
    const struct api_routes *more_routes; /* NULL: none */
    struct api_service *services;
    struct guard_counters guard;
    struct histogram request_times[REQUEST_CLASSES];
    uint64_t answers[REQUEST_CLASSES][REQUEST_RESULTS];
    bool is_drained;       /* no event stream opens any more: the server stops */
    size_t exchange_count; /* requests on their way */
    struct upload_writers uploads;
    struct ordered_jobs bodies;
    char request_id[REQUEST_ID_SIZE]; /* of what is being answered, where there is no exchange */
};

/* The service that path belongs to, or NULL; *relative is then the path below its base path. */
struct api_service *api_service_of(struct api *api, const char *path, const char **relative);

#endif
