/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "server/metrics.h"
#include "server/settings.h"
#include "sse/connection.h"

enum kind {
    COUNTER,
    GAUGE,
    FLAG,                 /* a bool, */
    SECONDS,              /* a double, */
    MILLISECONDS,         /* or whole ones: gauges */
    MICROSECONDS,         /* the same, */
    COUNTED_MICROSECONDS, /* and a counter */
    HISTOGRAM
};

struct metric {
    const char *name;
    enum kind kind;
    size_t offset; /* in the sample */
    const char *help;
};

/* clang-format off */
#define H2(name, member, help) {"sse_server_" name "_total", COUNTER, offsetof(struct metrics_worker, h2.member), help}
#define WORKER(name, kind, member, help) {"sse_server_" name, kind, offsetof(struct metrics_worker, member), help}
#define OUT(name, member, help) {"sse_server_outbound_" name "_total", COUNTER, offsetof(struct metrics_worker, outbound.member), help}
#define SSE(name, member, help) {"sse_server_" name "_total", COUNTER, offsetof(struct metrics_service, counters.member), help}
#define TOTAL(name, member, help) {"sse_server_" name "_total", COUNTER, offsetof(struct metrics_service, member), help}
#define SERVICE(name, member, help) {"sse_server_" name, GAUGE, offsetof(struct metrics_service, member), help}

static const struct metric worker_metrics[] = {
    WORKER("sessions", GAUGE, h2.sessions, "Open HTTP/2 sessions."),
    WORKER("streams", GAUGE, h2.streams, "Open HTTP/2 streams."),
    WORKER("inbound_bytes", GAUGE, inbound_bytes, "Bytes that clients have sent and nobody has taken."),
    WORKER("output_bytes", GAUGE, h2.output_bytes, "Bytes that wait for sockets."),
    WORKER("socket_bytes", GAUGE, h2.socket_bytes, "Kernel memory of sockets that take no more, for their output."),
    WORKER("shared_frame_buffer", GAUGE, shares_frames, "1: HTTP/2 sessions share one frame buffer of nghttp2. 0: each has its own."),
    WORKER("loop_lag_seconds", SECONDS, lag.last_seconds, "How late the loop was for its latest timer, or by a turn beyond 100 ms."),
    WORKER("loop_lag_max_seconds", SECONDS, lag.max_seconds, "The most of that, since start."),
    WORKER("loop_longest_turn_seconds", SECONDS, lag.longest_turn, "The longest turn of the loop, since start."),
    WORKER("loop_longest_turn_cpu_seconds", SECONDS, turns.longest_cpu, "The most processor time that a turn of the loop took, since start."),
    WORKER("loop_turns_total", COUNTER, lag.turns, "Turns of the loop."),
    WORKER("loop_messages_total", COUNTER, lag.messages, "Messages of this worker's and other threads that the loop has taken."),
    WORKER("back_end_token_requests_total", COUNTER, guard.by_token, "Requests of back ends that were let in by a token, not by an API key."),
    H2("sessions_opened", sessions_opened, "Connections of clients opened, of any version of HTTP."),
    H2("http1_sessions", http1_sessions, "Of these, such that speak HTTP/1.1 or 1.0."),
    H2("sessions_closed", sessions_closed, "HTTP/2 sessions closed."),
    H2("sessions_refused", sessions_refused, "Sessions refused: there were too many in all."),
    H2("address_sessions_refused", address_sessions_refused, "Sessions refused: their address had too many."),
    H2("sessions_evicted", sessions_evicted, "Sessions without streams, closed to let others in."),
    H2("accept_errors", accept_errors, "Connections that the kernel did not hand over."),
    H2("handshake_failures", handshake_failures, "TLS handshakes that failed."),
    H2("handshake_timeouts", handshake_timeouts, "TLS handshakes that took too long."),
    H2("handshake_waits", handshake_waits, "TLS handshakes that waited: there were too many."),
    H2("handshakes_displaced", handshakes_displaced, "Stalled clients of a crowded address, closed to let others in."),
    H2("proxy_refusals", proxy_refusals, "Connections from elsewhere than the proxies of a listener."),
    H2("proxy_failures", proxy_failures, "Connections closed for want of a PROXY header."),
    H2("proxy_timeouts", proxy_timeouts, "PROXY headers that took too long."),
    H2("preface_timeouts", preface_timeouts, "Sessions closed for want of a preface."),
    H2("settings_ack_timeouts", settings_ack_timeouts, "Sessions closed for want of a SETTINGS ACK."),
    H2("header_timeouts", header_timeouts, "Sessions closed for header blocks that took too long."),
    H2("idle_timeouts", idle_timeouts, "Sessions closed because nothing was asked."),
    H2("body_timeouts", body_timeouts, "Request bodies that came too slowly."),
    H2("write_stalls", write_stalls, "Sessions and streams closed because nothing could be written."),
    H2("ping_timeouts", ping_timeouts, "Sessions closed because a PING was not answered."),
    H2("client_reset_floods", client_reset_floods, "Sessions closed for too many resets by the client."),
    H2("server_reset_floods", server_reset_floods, "Sessions closed for making the server reset too often."),
    H2("glitch_floods", glitch_floods, "Sessions closed for too many useless frames."),
    H2("ping_floods", ping_floods, "Sessions closed for too many PINGs."),
    H2("settings_floods", settings_floods, "Sessions closed for too many SETTINGS."),
    H2("outbound_floods", outbound_floods, "Sessions closed for too many frames waiting."),
    H2("header_floods", header_floods, "Sessions closed for header blocks far beyond the limits."),
    H2("late_floods", late_floods, "Sessions cut because they went on sending after our GOAWAY."),
    H2("read_pauses", read_pauses, "Times that reading stopped because output waited."),
    H2("tiny_window_waits", tiny_window_waits, "Times that output waited above limits.tinyWindows."),
    H2("header_rejects", header_rejects, "Requests refused for their header fields."),
    H2("body_rejects", body_rejects, "Requests refused for the size of their body."),
    H2("body_floods", body_floods, "Requests refused for the bodies beside them."),
    H2("inbound_refused", inbound_refused, "Requests refused because what nobody has taken fills limits.inboundBytes."),
    H2("inbound_displaced", inbound_displaced, "Slow bodies, and answers that nobody read, given up for others for the same reason."),
    H2("protocol_errors", protocol_errors, "Sessions closed for errors of protocol."),
    H2("streams_opened", streams_opened, "Requests begun, of any version of HTTP."),
    H2("http1_streams", http1_streams, "Of these, such by HTTP/1.1 or 1.0."),
    H2("streams_closed", streams_closed, "HTTP/2 streams closed."),
    H2("streams_reset_by_client", streams_reset_by_client, "Streams that the client broke off."),
    H2("streams_reset_by_server", streams_reset_by_server, "Streams that the server broke off."),
    H2("received_bytes", bytes_in, "Bytes of HTTP/2 frames received."),
    H2("sent_bytes", bytes_out, "Bytes of HTTP/2 frames sent."),
    WORKER("handshake_seconds", HISTOGRAM, h2.handshakes, "TLS handshakes that were completed, from the client's first octet: with its round trip, and its wait for a place."),
    H2("writes", writes, "Calls that handed bytes to TLS or to the socket."),
    WORKER("outbound_in_flight", GAUGE, outbound.in_flight, "Requests to back ends under way."),
    WORKER("outbound_waiting", GAUGE, outbound.waiting, "Requests to back ends that wait for their turn."),
    OUT("requests", requests, "Requests to back ends."),
    OUT("answers", answered, "Requests to back ends that were answered, with whatever status."),
    OUT("timeouts", timeouts, "Requests to back ends that were not answered in time."),
    OUT("unreachable", unreachable, "Requests to back ends that could not be reached."),
    OUT("broken", broken, "Requests to back ends whose connection or answer broke."),
    OUT("too_large", too_large, "Requests to back ends whose answer was too large."),
    OUT("refused", refused, "Requests to back ends that found no place to wait."),
    OUT("invalid", invalid, "Requests to back ends that could not be sent as they are."),
    OUT("canceled", canceled, "Requests to back ends whose page had gone, or the server stopped."),
    OUT("connections", connections, "Connections opened to back ends."),
};

static const struct metric service_metrics[] = {
    SERVICE("connections", connections, "Open event streams."),
    SERVICE("connections_remembered", ended, "Connections that have ended, and whose pages may still say last words."),
    TOTAL("connections_forgotten", ended_displaced, "Of these, those forgotten early: there were too many."),
    SERVICE("users", users, "Users with a connection on this worker; one may be counted on several."),
    SERVICE("channels", channels, "Channels of connections on this worker; one may be counted on several."),
    SERVICE("auth_waiting", auth.waiting, "Requests that wait until it is known who asks."),
    TOTAL("auth_busy", auth.busy, "Requests refused because too many waited until it was known who asks."),
    TOTAL("auth_questions", auth.questions, "Questions to the service that knows the users."),
    TOTAL("auth_question_failures", auth.question_failures, "Such questions that got no answer of use."),
    TOTAL("auth_question_connections", auth.question_connections, "Connections opened for such questions."),
    TOTAL("auth_shared_answers", auth.shared_answers, "Requests that waited for the answer to the question of another."),
    TOTAL("auth_cache_hits", auth.cache_hits, "Requests whose answer was remembered."),
    SERVICE("auth_cached", auth.cached, "Answers that are remembered."),
    TOTAL("auth_cache_displaced", auth.cache_displaced, "Answers forgotten early: there were too many."),
    TOTAL("auth_signatures_recalled", auth.signatures_recalled, "Tokens whose signature was known, right or wrong."),
    TOTAL("auth_signatures_computed", auth.signatures_computed, "Tokens whose signature had to be computed."),
    TOTAL("auth_signatures_wrong", auth.signatures_wrong, "Of these, those whose signature was wrong."),
    TOTAL("auth_signatures_refused", auth.signatures_refused, "Tokens refused unseen: too many had wrong signatures."),
    {"sse_server_auth_signature_seconds_total", COUNTED_MICROSECONDS, offsetof(struct metrics_service, auth.signatures_us), "CPU time that computing signatures took."},
    SERVICE("auth_addresses_kept", auth.addresses_kept, "Addresses that showed a good token, or only wrong ones."),
    TOTAL("auth_addresses_displaced", auth.addresses_displaced, "Of these, those forgotten early: there were too many."),
    SERVICE("auth_signatures_kept", auth.signatures_kept, "Tokens whose signature is known, and addresses that wrong ones came from."),
    TOTAL("auth_signatures_displaced", auth.signatures_displaced, "Of these, those forgotten early: there were too many."),
    TOTAL("auth_key_reads", auth.key_reads, "Reads of JWK sets."),
    TOTAL("auth_key_read_failures", auth.key_read_failures, "Reads of JWK sets that failed."),
    SERVICE("auth_revocations_kept", auth.revocations_kept, "Revocations that credentials are looked up in."),
    TOTAL("auth_revocations", auth.revocations, "Users and tokens that were revoked, counted by each worker."),
    TOTAL("auth_revocations_displaced", auth.revocations_displaced, "Revocations forgotten early: there were too many."),
    TOTAL("channels_refused", channels_refused, "Requests for channels that the user may not have."),
    SERVICE("clients", clients, "Clients whose connections this worker counts."),
    SERVICE("users_online", users_online, "Users online, the grace time included; each is counted by one worker."),
    TOTAL("user_online", came_online, "Users who came online."),
    TOTAL("user_offline", went_offline, "Users who went offline and did not come back within the grace time."),
    SERVICE("presence_watchers", presence_watchers, "Back ends that watch who comes and goes."),
    TOTAL("presence_events", presence_events, "Presence events for watchers and notifications."),
    SERVICE("presence_history_bytes", presence_history_bytes, "Presence events kept for watchers."),
    SERVICE("notifications_waiting", notifications_waiting, "Notifications that wait for their back end."),
    SERVICE("notifications_waiting_bytes", notification_bytes, "The size of these."),
    {"sse_server_notifications_oldest_seconds", MILLISECONDS, offsetof(struct metrics_service, notification_age_ms), "How long the oldest of them has waited."},
    TOTAL("notifications_sent", notifications.sent, "Notifications that their back end has accepted."),
    TOTAL("notifications_failed", notifications.failed, "Attempts to send a notification that failed."),
    TOTAL("notifications_retried", notifications.retried, "Attempts after the first."),
    TOTAL("notifications_dropped", notifications.lost[POST_DROPPED], "Notifications lost because too many waited."),
    TOTAL("notifications_refused", notifications.lost[POST_REFUSED], "Notifications lost because their back end refused them."),
    TOTAL("notifications_given_up", notifications.lost[POST_GIVEN_UP], "Notifications lost because they had failed for too long."),
    TOTAL("notifications_lost_at_stop", notifications.lost[POST_LAST], "Notifications lost because the server stops."),
    TOTAL("presence_gaps", presence_gaps, "Watchers that could not be given all that they had missed."),
    TOTAL("presence_refused", presence_refused, "Watchers refused: there were too many."),
    SERVICE("idempotency_keys", keys_kept, "Answers kept for requests that are sent again."),
    TOTAL("requests_replayed", keys_replayed, "Requests that were sent again and got the first answer."),
    TOTAL("idempotency_keys_displaced", keys_displaced, "Answers forgotten early: there were too many."),
    SERVICE("ordered_calls_waiting", calls_waiting, "Calls of pages that wait for those before them."),
    TOTAL("log_refused", log_refused, "Requests of back ends refused because a worker was too far behind (log.lag)."),
    SERVICE("log_waiting_bytes", log_waiting_bytes, "The size of what waits for such a worker."),
    TOTAL("ordered_calls_refused", calls_refused, "Calls of pages refused because too many of them waited."),
    TOTAL("ordered_calls_gaps", call_gaps, "Times that missing calls of a page were not waited for any longer."),
    TOTAL("trace_records", trace_records, "Decisions that were recorded in the trace."),
    TOTAL("trace_overwritten", trace_overwritten, "Of these, those that have given way to later ones (trace.bytes)."),
    TOTAL("trace_suppressed", trace_suppressed, "Refusals of one address, and drops of one stream, that were too many to be recorded."),
    SERVICE("trace_bytes", trace_bytes, "Memory that the trace has taken."),
    SERVICE("trace_watchers", trace_watchers, "Those who read the trace live."),
    TOTAL("trace_lost", trace_lost, "Records that they could not take."),
    SERVICE("rates", rates_kept, "Users and addresses whose request rate is remembered."),
    TOTAL("rates_displaced", rates_displaced, "Request rates forgotten early: there were too many."),
    SERVICE("upload_bytes", upload_bytes, "Bytes of uploads, under way and kept, that count for limits.uploadBytes."),
    SERVICE("upload_files", upload_files, "Files of these."),
    SERVICE("queued_bytes", queued_bytes, "Bytes that wait in the queues of connections."),
    SERVICE("qos_copies", stored.store.totals.copies, "Stored copies of messages: one for each user, token, channel, … that has not acknowledged it."),
    SERVICE("qos_messages", stored.store.totals.messages, "Messages that have a stored copy, or one set aside."),
    SERVICE("qos_bytes", stored.store.totals.bytes, "The size of these."),
    SERVICE("qos_messages_limit", stored.messages_most, "What they may be, by the settings (qos.messages)."),
    SERVICE("qos_bytes_limit", stored.bytes_most, "The same of their size (qos.bytes)."),
    SERVICE("qos_remembered", stored.store.totals.ended, "Messages that have ended and are still known."),
    TOTAL("qos_stored", stored.counters.stored, "Copies stored since start."),
    TOTAL("qos_repeats", stored.counters.repeats, "Messages sent again under the same id."),
    TOTAL("qos_refused", stored.counters.refused, "Requests refused because the store was full or did not work."),
    TOTAL("qos_busy", stored.counters.busy, "Requests refused because too much waited to be stored."),
    SERVICE("qos_waiting_bytes", stored.waiting_bytes, "The size of messages that wait to be stored."),
    TOTAL("qos_acknowledged", stored.counters.ended[QOS_ACKNOWLEDGED], "Copies that a page has acknowledged."),
    TOTAL("qos_expired", stored.counters.ended[QOS_EXPIRED], "Copies ended by their ttl."),
    TOTAL("qos_displaced", stored.counters.ended[QOS_DISPLACED], "Copies ended because too many waited."),
    TOTAL("qos_deleted", stored.counters.ended[QOS_DELETED], "Copies deleted by back ends."),
    TOTAL("qos_unreadable", stored.counters.ended[QOS_UNREADABLE], "Copies set aside because they could not be read."),
    SERVICE("qos_aside", stored.store.totals.aside, "Copies that are set aside: kept, and in no queue."),
    SERVICE("receipts_waiting", stored.receipts_waiting, "Receipts that wait to be posted to their senders."),
    TOTAL("receipts_sent", stored.receipts.sent, "Receipts that were accepted."),
    TOTAL("receipts_failed", receipts_given_up, "Receipts given up: nobody accepted them."),
    TOTAL("receipts_refused", stored.receipts.lost[POST_REFUSED], "Receipts not posted: to where their senders may not have them."),
    TOTAL("receipts_dropped", stored.receipts.lost[POST_DROPPED], "Receipts dropped because too many waited."),
    SERVICE("qos_queues_active", stored.redelivery.queues, "Queues with copies on their way to pages."),
    SERVICE("qos_visitors", stored.joining, "Connections whose queues are being looked for, or will be when the store works."),
    SERVICE("qos_in_flight", stored.redelivery.in_flight, "Copies written to pages and not acknowledged."),
    SERVICE("qos_waiting_connections", stored.redelivery.standbys, "Connections that wait until another has acknowledged what it has."),
    TOTAL("qos_resends", stored.redelivery.resends, "Copies written again, or late."),
    TOTAL("qos_takeovers", stored.redelivery.takeovers, "Connections that took over from one that did not acknowledge."),
    TOTAL("qos_ack_timeouts", stored.redelivery.timeouts, "Times that copies were not acknowledged in time."),
    {"sse_server_store_open", FLAG, offsetof(struct metrics_service, stored.store.is_open), "1: the store of messages works."},
    SERVICE("store_jobs_waiting", stored.store.waiting, "Jobs that wait for the store."),
    TOTAL("store_jobs", stored.store.jobs, "Jobs that the store has done."),
    TOTAL("store_transactions", stored.store.transactions, "Transactions that these were done in."),
    TOTAL("store_faults", stored.store.faults, "Transactions and openings of the store that failed."),
    {"sse_server_store_commit_seconds_max", MICROSECONDS, offsetof(struct metrics_service, stored.store.commit_us_max), "The longest commit since start."},
    SERVICE("history_events", history_events, "Events kept for pages that come back."),
    SERVICE("history_bytes", history_bytes, "The size of these."),
    SSE("gaps", gaps, "Pages told that they miss something (sse-gap)."),
    SSE("resumes", resumed, "Connections that went on where their page was before."),
    SSE("events_replayed", replayed, "Events that these had missed."),
    SSE("connections_opened", connections_opened, "Event streams opened."),
    SSE("messages", messages, "Messages dispatched."),
    SSE("events_queued", events_queued, "Events queued, once per connection."),
    SSE("events_dropped_oldest", events_dropped_oldest, "Events dropped from full queues, the oldest first."),
    SSE("events_dropped_latest", events_dropped_latest, "Events replaced in full queues by a newer one of their name."),
    SSE("events_dropped_slow", events_dropped_slow, "Events dropped with slow connections."),
    SSE("events_refused", events_refused, "Events larger than a whole queue may be."),
    SSE("slow_disconnects", slow_disconnects, "Connections closed because they were slow."),
    SSE("comments", comments, "Keep-alive comments sent."),
    SSE("token_expiry_notices", expiry_notices, "Connections that were told of their credential's end."),
    SSE("token_refreshes", users_refreshed, "Connections that got another credential."),
    SSE("event_bytes", bytes_sent, "Bytes of events handed to HTTP/2."),
    {"sse_server_send_written_seconds", HISTOGRAM, offsetof(struct metrics_service, counters.send_delays), "From the arrival of a send until its event was handed to the transport of a connection: of each worker the first that had it, and every 64th after that. Not of what was written later from the store or the history."},
    {"sse_server_written_acknowledged_seconds", HISTOGRAM, offsetof(struct metrics_service, stored.redelivery.acknowledged), "From the time that a stored copy was written (qos 1) until its acknowledgement was stored."},
    {"sse_server_store_commit_seconds", HISTOGRAM, offsetof(struct metrics_service, stored.store.commits), "Commits of the store of messages."},
};
/* clang-format on */

struct reading {
    struct buf *text;
    const struct metrics_parts *parts;
    const struct settings *settings;
    uint64_t shown; /* services */
    size_t workers;
    const struct metrics_worker *worker_samples;
    const struct metrics_service *service_samples;
};

static void append_typed_head(struct buf *text, const char *name, const char *type,
                              const char *help)
{
    buf_printf(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metrics_append_head(struct buf *text, const char *name, bool counts, const char *help)
{
    append_typed_head(text, name, counts ? "counter" : "gauge", help);
}

static void append_metric_head(struct buf *text, const struct metric *metric)
{
    if (metric->kind == HISTOGRAM)
        append_typed_head(text, metric->name, "histogram", metric->help);
    else
        metrics_append_head(text, metric->name,
                            metric->kind == COUNTER || metric->kind == COUNTED_MICROSECONDS,
                            metric->help);
}

/* labels: without braces. */
static void append_value(struct buf *text, const struct metric *metric, const char *labels,
                         const void *sample)
{
    const void *value = (const char *)sample + metric->offset;

    if (metric->kind == HISTOGRAM) {
        histogram_append(value, text, metric->name, labels);
        return;
    }
    buf_printf(text, "%s{%s}", metric->name, labels);
    if (metric->kind == FLAG)
        buf_printf(text, " %d\n", *(const bool *)value);
    else if (metric->kind == SECONDS)
        buf_printf(text, " %.6f\n", *(const double *)value);
    else if (metric->kind == MILLISECONDS)
        buf_printf(text, " %.6f\n", (double)*(const uint64_t *)value / 1e3);
    else if (metric->kind == MICROSECONDS || metric->kind == COUNTED_MICROSECONDS)
        buf_printf(text, " %.6f\n", (double)*(const uint64_t *)value / 1e6);
    else
        buf_printf(text, " %" PRIu64 "\n", *(const uint64_t *)value);
}

static void append_worker_metric(const struct reading *reading, const struct metric *metric)
{
    char labels[32];

    append_metric_head(reading->text, metric);
    for (size_t worker = 0; worker < reading->workers; worker++) {
        snprintf(labels, sizeof(labels), "worker=\"%zu\"", worker);
        append_value(reading->text, metric, labels, &reading->worker_samples[worker]);
    }
}

/* Each worker's part of each service. more: a further label with a comma before it, or "". */
static void append_services(const struct reading *reading, const struct metric *metric,
                            const char *more)
{
    size_t count = reading->settings->config.service_count;
    struct buf labels = BUF_INIT;

    for (size_t worker = 0; worker < reading->workers; worker++) {
        for (size_t i = 0; i < count; i++) {
            if ((reading->shown & UINT64_C(1) << i) == 0)
                continue;
            buf_clear(&labels);
            buf_printf(&labels, "service=\"%s\",worker=\"%zu\"%s",
                       reading->settings->services[i].core->name, worker, more);
            append_value(reading->text, metric, buf_str(&labels),
                         &reading->service_samples[worker * count + i]);
        }
    }
    buf_release(&labels);
}

/* Of each service one of all its workers: else there would be thousands of lines. */
static void append_service_histograms(const struct reading *reading, const struct metric *metric)
{
    const size_t count = reading->settings->config.service_count;
    struct buf labels = BUF_INIT;

    for (size_t i = 0; i < count; i++) {
        struct histogram sum = {.sum_us = 0};

        if ((reading->shown & UINT64_C(1) << i) == 0)
            continue;
        for (size_t worker = 0; worker < reading->workers; worker++) {
            const char *sample = (const char *)&reading->service_samples[worker * count + i];

            histogram_merge(&sum, (const void *)(sample + metric->offset));
        }
        buf_clear(&labels);
        buf_printf(&labels, "service=\"%s\"", reading->settings->services[i].core->name);
        histogram_append(&sum, reading->text, metric->name, buf_str(&labels));
    }
    buf_release(&labels);
}

/* One of several counters that lie behind each other. */
static void append_labeled(const struct reading *reading, struct metric metric, const char *label,
                           size_t index, const char *value)
{
    char more[80];

    snprintf(more, sizeof(more), ",%s=\"%s\"", label, value);
    metric.offset += index * sizeof(uint64_t);
    append_services(reading, &metric, more);
}

static void append_closed_and_limited(const struct reading *reading)
{
    static const struct metric closed =
        SSE("connections_closed", connections_closed, "Event streams closed, by reason.");
    static const struct metric refused =
        TOTAL("limited", limited, "Requests refused by services[].limits, by limit.");

    append_metric_head(reading->text, &closed);
    for (size_t reason = 0; reason < SSE_CLOSE_REASONS; reason++)
        append_labeled(reading, closed, "reason", reason, sse_close_reason_words[reason]);
    append_metric_head(reading->text, &refused);
    for (size_t limit = 0; limit < LIMITS; limit++)
        append_labeled(reading, refused, "limit", limit, limit_word((enum limit)limit));
}

static void append_turns_of(struct buf *text, const char *name, const struct turn_figures *figures,
                            size_t worker)
{
    uint64_t count = 0;

    for (size_t bound = 0; bound < TURN_BOUNDS; bound++) {
        count += figures->turns[bound];
        buf_printf(text, "%s_bucket{le=\"%g\",worker=\"%zu\"} %" PRIu64 "\n", name,
                   turn_bounds[bound], worker, count);
    }
    count += figures->turns[TURN_BOUNDS];
    buf_printf(text, "%s_bucket{le=\"+Inf\",worker=\"%zu\"} %" PRIu64 "\n", name, worker, count);
    buf_printf(text, "%s_sum{worker=\"%zu\"} %.6f\n", name, worker, figures->cpu_seconds);
    buf_printf(text, "%s_count{worker=\"%zu\"} %" PRIu64 "\n", name, worker, count);
}

static void append_turns(const struct reading *reading)
{
    static const char name[] = "sse_server_loop_turn_cpu_seconds";

    buf_printf(reading->text,
               "# HELP %s Processor time of the loop's turns, to a millisecond.\n"
               "# TYPE %s histogram\n",
               name, name);
    for (size_t worker = 0; worker < reading->workers; worker++)
        append_turns_of(reading->text, name, &reading->worker_samples[worker].turns, worker);
}

/* Several of each worker, which lie behind each other. label: what tells them apart. */
static void append_worker_histograms(const struct reading *reading, const struct metric *metric,
                                     const char *label, const char *const *values, size_t count)
{
    char labels[80];

    append_metric_head(reading->text, metric);
    for (size_t worker = 0; worker < reading->workers; worker++) {
        const char *sample = (const char *)&reading->worker_samples[worker];

        for (size_t i = 0; i < count; i++) {
            snprintf(labels, sizeof(labels), "%s=\"%s\",worker=\"%zu\"", label, values[i], worker);
            append_value(reading->text, metric, labels, sample + i * sizeof(struct histogram));
        }
    }
}

static void append_durations(const struct reading *reading)
{
    static const struct metric requests =
        WORKER("request_seconds", HISTOGRAM, requests,
               "From the header fields of a request until its answer, by class of route: of a "
               "connect until its stream began, of an upload with the time that the body took.");
    static const struct metric webhooks =
        WORKER("webhook_seconds", HISTOGRAM, outbound.durations,
               "Requests to back ends that were answered, or not in time, by what they are for.");

    append_worker_histograms(reading, &requests, "route", request_class_words, REQUEST_CLASSES);
    append_worker_histograms(reading, &webhooks, "purpose", outbound_purpose_words,
                             OUTBOUND_PURPOSES);
}

static void append_answers(const struct reading *reading)
{
    static const char name[] = "sse_server_requests_total";

    metrics_append_head(
        reading->text, name, true,
        "Requests that were answered, by class of route and status: 4xx and 5xx without "
        "those of a label of their own.");
    for (size_t worker = 0; worker < reading->workers; worker++) {
        for (size_t i = 0; i < REQUEST_CLASSES; i++) {
            for (size_t result = 0; result < REQUEST_RESULTS; result++)
                buf_printf(reading->text,
                           "%s{route=\"%s\",status=\"%s\",worker=\"%zu\"} %" PRIu64 "\n", name,
                           request_class_words[i], request_result_words[result], worker,
                           reading->worker_samples[worker].answers[i][result]);
        }
    }
}

static void append_key_requests(const struct reading *reading)
{
    static const char name[] = "sse_server_api_key_requests_total";
    const struct auth_api_keys *keys = reading->settings->keys;

    metrics_append_head(reading->text, name, true,
                        "Requests of back ends that were let in, by API key.");
    for (size_t worker = 0; worker < reading->workers; worker++) {
        for (size_t key = 0; key < keys->count; key++)
            buf_printf(reading->text, "%s{key=\"%s\",worker=\"%zu\"} %" PRIu64 "\n", name,
                       keys->keys[key].name, worker,
                       reading->worker_samples[worker].guard.by_key[key]);
    }
}

static void append_refusals(const struct reading *reading)
{
    static const char name[] = "sse_server_back_end_refusals_total";

    metrics_append_head(reading->text, name, true,
                        "Requests of back ends that were refused, by reason.");
    for (size_t worker = 0; worker < reading->workers; worker++) {
        for (size_t reason = 0; reason < GUARD_REFUSALS; reason++)
            buf_printf(reading->text, "%s{reason=\"%s\",worker=\"%zu\"} %" PRIu64 "\n", name,
                       guard_refusal_words[reason], worker,
                       reading->worker_samples[worker].guard.refused[reason]);
    }
}

static void append_whole_process(const struct reading *reading)
{
    metrics_process_text(reading->text, reading->parts);
    for (size_t i = 0; i < COUNT(worker_metrics); i++)
        append_worker_metric(reading, &worker_metrics[i]);
    append_turns(reading);
    append_answers(reading);
    append_durations(reading);
    append_key_requests(reading);
    append_refusals(reading);
}

void metrics_text(struct buf *text, const struct metrics_parts *parts, uint64_t shown,
                  size_t workers, const struct metrics_worker *worker_samples,
                  const struct metrics_service *service_samples)
{
    const struct reading reading = {text,    parts,          *parts->settings, shown,
                                    workers, worker_samples, service_samples};

    if (shown == AUTH_ALL_SERVICES)
        append_whole_process(&reading);
    for (size_t i = 0; i < COUNT(service_metrics); i++) {
        append_metric_head(text, &service_metrics[i]);
        if (service_metrics[i].kind == HISTOGRAM)
            append_service_histograms(&reading, &service_metrics[i]);
        else
            append_services(&reading, &service_metrics[i], "");
    }
    append_closed_and_limited(&reading);
}
