/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_METRICS_TEXT_H
#define API_METRICS_TEXT_H
/* The names, the help and the text of all metrics. */
#include <stddef.h>
#include <stdint.h>

#include "api/guard.h"
#include "api/limit/limits.h"
#include "api/presence/notification_queue.h"
#include "api/qos/qos_hub.h"
#include "api/qos/qos_posts.h"
#include "auth/auth.h"
#include "base/loop.h"
#include "base/turn_meter.h"
#include "h2/session.h"
#include "outbound/http.h"
#include "sse/service.h"

struct api_settings;
struct buf;

struct metrics_worker {
    struct h2_counters h2;
    struct loop_lag lag;
    struct turn_figures turns;
    struct guard_counters guard;
    struct outbound_http_counters outbound;
    uint64_t sessions, streams, inbound_bytes, output_bytes, socket_bytes, shares_frames;
};

/* One worker's part of a service. */
struct metrics_service {
    struct sse_counters counters;
    struct auth_counters auth;
    uint64_t connections, users, clients, queued_bytes;
    uint64_t ended, ended_displaced;     /* connections */
    uint64_t upload_bytes, upload_files; /* of all workers, said by the first */
    uint64_t channels, channels_refused;
    uint64_t keys_kept, keys_replayed, keys_displaced; /* of the idempotency keys that it owns */
    uint64_t calls_waiting, calls_refused, call_gaps;  /* of the connections that it has */
    uint64_t presence_watchers;
    /* Of the services whose presence events the worker keeps: */
    struct notification_counters notifications;
    uint64_t notifications_waiting, notification_bytes;
    double notification_age; /* seconds */
    uint64_t presence_events, presence_history_bytes, presence_gaps, presence_refused;
    /* Of the services whose stored messages the worker keeps: */
    struct qos_counters qos;
    struct qos_posts_counters receipts;
    uint64_t receipts_waiting;
    size_t qos_waiting_bytes, qos_visitors;
    struct qos_store_report store;
    struct qos_desk_report desk;
    uint64_t store_open;
    double commit_seconds, commit_seconds_max;
    double signature_seconds;
    uint64_t history_events, history_bytes; /* of the worker's own history */
    uint64_t limited[LIMITS];
    uint64_t rates_kept, rates_displaced;             /* of users and addresses */
    uint64_t users_online, came_online, went_offline; /* of the users that the worker keeps */
};

/* shown: the services that are, a mask as of API keys; what is the whole process's is for keys of
 * all services only. service_samples holds those of worker 0, then those of worker 1, and so on. */
void metrics_text(struct buf *text, const struct api_settings *settings, uint64_t shown,
                  size_t workers, const struct metrics_worker *worker_samples,
                  const struct metrics_service *service_samples);

#endif
