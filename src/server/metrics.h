/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_METRICS_H
#define SERVER_METRICS_H
/* /metrics: what every worker counts, of the services that the API key is for, as Prometheus text
 * (exposition format 0.0.4). */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/guard.h"
#include "api/limit.h"
#include "api/request_class.h"
#include "auth/auth.h"
#include "base/histogram.h"
#include "base/loop.h"
#include "base/turn_meter.h"
#include "broker/stored/settings.h"
#include "h2/session.h"
#include "outbound/http.h"
#include "outbound/posts.h"
#include "sse/service.h"

struct api;
struct broker_message;
struct buf;
struct settings;
struct tls_contexts;

/* Of a worker; borrowed. */
struct metrics_parts {
    struct settings *const *settings; /* those in use */
    struct tls_contexts *const *tls;  /* the same */
    const struct api *api;
    struct h2_endpoint *endpoint;
    const struct worker_auths *auths;
};

/* services: a mask as of API keys. done gets the text when all workers have answered. */
void metrics_gather(const struct metrics_parts *parts, uint64_t services,
                    void (*done)(void *context, struct buf *text), void *context);

/* BROKER_SAMPLE */
void metrics_receive(const struct metrics_parts *parts, const struct broker_message *question);

/* ---- metrics_text.c: the names, the help and the text of all metrics ---- */

struct metrics_worker {
    struct h2_counters h2;
    struct loop_lag lag;
    struct turn_figures turns;
    struct guard_counters guard;
    struct histogram requests[REQUEST_CLASSES];
    uint64_t answers[REQUEST_CLASSES][REQUEST_RESULTS];
    struct outbound_http_counters outbound;
    uint64_t inbound_bytes, shares_frames;
};

/* One worker's part of a service. */
struct metrics_service {
    struct sse_counters counters;
    struct auth_counters auth;
    uint64_t connections, users, clients, queued_bytes;
    uint64_t ended, ended_displaced;     /* connections */
    uint64_t upload_bytes, upload_files; /* of all workers, said by the first */
    uint64_t channels, channels_refused;
    uint64_t trace_records, trace_overwritten, trace_suppressed, trace_bytes;
    uint64_t trace_watchers, trace_lost;
    uint64_t keys_kept, keys_replayed, keys_displaced; /* of the idempotency keys that it owns */
    uint64_t log_refused;
    size_t log_waiting_bytes; /* of what is published, behind a worker that is too slow */
    uint64_t calls_waiting, calls_refused, call_gaps; /* of the connections that it has */
    uint64_t presence_watchers;
    /* Of the services whose presence events the worker keeps: */
    struct post_counters notifications;
    uint64_t notifications_waiting, notification_bytes;
    uint64_t notification_age_ms;
    uint64_t presence_events, presence_history_bytes, presence_gaps, presence_refused;
    /* Of the services whose stored messages the worker keeps: */
    struct stored_report stored;
    uint64_t receipts_given_up;
    uint64_t history_events, history_bytes; /* of the services that it owns */
    uint64_t limited[LIMITS];
    uint64_t rates_kept, rates_displaced;             /* of users and addresses */
    uint64_t users_online, came_online, went_offline; /* of the users that the worker keeps */
};

/* shown: the services that are, a mask as of API keys; what is the whole process's is for keys of
 * all services only. service_samples holds those of worker 0, then those of worker 1, and so on. */
void metrics_text(struct buf *text, const struct metrics_parts *parts, uint64_t shown,
                  size_t workers, const struct metrics_worker *worker_samples,
                  const struct metrics_service *service_samples);

/* The lines before the samples. counts: it is a counter, else a gauge. */
void metrics_append_head(struct buf *text, const char *name, bool counts, const char *help);

/* metrics_process.c: what there is once for the process. */
void metrics_process_text(struct buf *text, const struct metrics_parts *parts);

#endif
