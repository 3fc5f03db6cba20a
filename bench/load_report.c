/* SPDX-License-Identifier: Apache-2.0 */
#include "load_report.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>

#include "load_options.h"
#include "load_run.h"

#define BUSY_SHARE 0.9 /* of a core: above it the load program may be what limits */

static double per(double amount, uint64_t count)
{
    return count > 0 ? amount / (double)count : 0;
}

static double milliseconds(const struct load_histogram *histogram, double share)
{
    return (double)load_histogram_quantile(histogram, share) / 1e6;
}

static void print_latency(const char *name, const struct load_histogram *histogram, FILE *to)
{
    if (histogram->total == 0)
        return;
    (void)fprintf(to, "  %-22s p50 %.3f  p90 %.3f  p99 %.3f  max %.3f ms\n", name,
                  milliseconds(histogram, 0.5), milliseconds(histogram, 0.9),
                  milliseconds(histogram, 0.99), (double)histogram->max / 1e6);
}

static void print_events(const struct load_result *result, uint32_t threads, FILE *to)
{
    const struct load_statistics *statistics = &result->statistics;

    (void)fprintf(to, "  %-22s %" PRIu64 " in %" PRIu64 " POSTs, %" PRIu64 " refused\n", "messages",
                  result->flow.messages, result->flow.posts, result->flow.refused);
    (void)fprintf(to, "  %-22s %" PRIu64 " of %" PRIu64 " in %.3f s = %.0f/s\n", "events",
                  result->delivered, result->flow.expected, result->seconds,
                  result->seconds > 0 ? (double)result->delivered / result->seconds : 0);
    (void)fprintf(to,
                  "  %-22s lost %" PRIu64 "  duplicated %" PRIu64 "  disordered %" PRIu64
                  "  damaged %" PRIu64 "  stray %" PRIu64 "\n",
                  "faults", result->lost, statistics->duplicated, statistics->disordered,
                  statistics->damaged, statistics->stray);
    (void)fprintf(to, "  %-22s server %.2f us, load program %.2f us (%.0f %% of a core)%s\n",
                  "CPU per event", per((double)result->server_cpu, result->delivered),
                  per((double)result->own_cpu, result->delivered),
                  result->own_share * 100 / threads,
                  result->own_share / threads > BUSY_SHARE ? "  <- it may be the limit" : "");
    (void)fprintf(to, "  %-22s %.2f events, %.0f bytes an event\n", "per receive call",
                  per((double)result->delivered, statistics->reads),
                  per((double)statistics->bytes, result->delivered));
    print_latency("latency", &statistics->latency, to);
    print_latency("answer to the POST", &result->flow.answers, to);
}

static void print_result(const struct load_result *result, uint32_t threads, FILE *to)
{
    (void)fprintf(to, "%s%s\n", result->name, result->rc < 0 ? ": TIMED OUT" : "");
    if (result->flow.posts > 0)
        print_events(result, threads, to);
    if (result->requests.sent > 0) {
        (void)fprintf(to, "  %-22s %" PRIu64 ", %" PRIu64 " failed\n", "requests",
                      result->requests.sent, result->requests.failed);
        print_latency("request", &result->requests.latency, to);
    }
    if (result->memory_peak > 0)
        (void)fprintf(to, "  %-22s %.1f MiB before, %.1f MiB at most\n", "server's memory",
                      (double)result->memory_before / 1024, (double)result->memory_peak / 1024);
}

void load_report_print(const struct load_report *report, FILE *to)
{
    const struct load_options *options = report->options;
    double grown = (double)report->memory_idle - (double)report->memory_empty;

    (void)fprintf(to, "%s %s: %u sessions of %u streams\n", options->target,
                  load_scenario_name(options->scenario), options->sessions, options->streams);
    (void)fprintf(to, "connect%s\n", report->timed_out ? ": TIMED OUT" : "");
    (void)fprintf(to, "  %-22s %" PRIu64 " opened, %" PRIu64 " failed, %" PRIu64 " closed later\n",
                  "streams", report->opened, report->failed, report->closed);
    (void)fprintf(to, "  %-22s %.3f s = %.0f sessions/s\n", "time", report->connect_seconds,
                  options->sessions / report->connect_seconds);
    if (options->pid_count > 0) {
        (void)fprintf(to, "  %-22s %.0f us a session, its streams included\n", "server's CPU",
                      per((double)report->connect_cpu, options->sessions));
        (void)fprintf(to, "  %-22s %.1f MiB empty, %.1f MiB idle, %.2f KiB a session\n",
                      "server's memory", (double)report->memory_empty / 1024,
                      (double)report->memory_idle / 1024, per(grown, options->sessions));
    }
    for (uint32_t i = 0; i < report->result_count; i++)
        print_result(&report->results[i], options->threads, to);
    if (report->slow_sessions > 0)
        (void)fprintf(to,
                      "slow: %" PRIu64 " sessions; %" PRIu64 " streams closed by the server, "
                      "%" PRIu64 " events found when reading again\n",
                      report->slow_sessions, report->slow_closed, report->slow_events);
    (void)fprintf(to, "%s\n", load_report_is_good(report) ? "good" : "NOT GOOD");
}

static json_t *latency_json(const struct load_histogram *histogram)
{
    return json_pack("{s:f, s:f, s:f, s:f}", "p50", milliseconds(histogram, 0.5), "p90",
                     milliseconds(histogram, 0.9), "p99", milliseconds(histogram, 0.99), "max",
                     (double)histogram->max / 1e6);
}

static json_t *result_json(const struct load_result *result)
{
    const struct load_statistics *statistics = &result->statistics;

    return json_pack(
        "{s:s, s:b, s:f, s:I, s:I, s:I, s:I, s:I, s:f, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:f, "
        "s:o, s:o, s:I, s:I, s:o, s:I, s:I}",
        "name", result->name, "timedOut",
        result->rc<0, "seconds", result->seconds, "posts", (json_int_t)result->flow.posts,
                   "messages", (json_int_t)result->flow.messages, "refused",
                   (json_int_t)result->flow.refused, "expected", (json_int_t)result->flow.expected,
                   "delivered", (json_int_t)result->delivered, "eventsPerSecond", result->seconds> 0
            ? (double)result->delivered / result->seconds
            : 0.0,
        "lost", (json_int_t)result->lost, "duplicated", (json_int_t)statistics->duplicated,
        "disordered", (json_int_t)statistics->disordered, "damagedOrStray",
        (json_int_t)(statistics->damaged + statistics->stray), "serverCpuPerEvent",
        per((double)result->server_cpu, result->delivered), "ownCpuPerEvent",
        per((double)result->own_cpu, result->delivered), "ownShareOfCore", result->own_share,
        "eventsPerRead", per((double)result->delivered, statistics->reads), "latency",
        latency_json(&statistics->latency), "postLatency", latency_json(&result->flow.answers),
        "requests", (json_int_t)result->requests.sent, "requestsFailed",
        (json_int_t)result->requests.failed, "requestLatency",
        latency_json(&result->requests.latency), "memoryBefore", (json_int_t)result->memory_before,
        "memoryPeak", (json_int_t)result->memory_peak);
}

int load_report_print_json(const struct load_report *report, FILE *to)
{
    const struct load_options *options = report->options;
    double grown = (double)report->memory_idle - (double)report->memory_empty;
    json_t *results = json_array();
    json_t *root;
    int rc;

    for (uint32_t i = 0; i < report->result_count; i++)
        (void)json_array_append_new(results, result_json(&report->results[i]));
    root = json_pack(
        "{s:s, s:s, s:b, s:b, s:i, s:i, s:I, s:I, s:I, s:f, s:f, s:I, s:I, s:f, s:I, s:I, s:I, "
        "s:o}",
        "target", options->target, "scenario", load_scenario_name(options->scenario), "good",
        load_report_is_good(report), "timedOut", report->timed_out, "sessions",
        (int)options->sessions, "streams", (int)options->streams, "opened",
        (json_int_t)report->opened, "failed", (json_int_t)report->failed, "closed",
        (json_int_t)report->closed, "connectSeconds", report->connect_seconds, "connectCpu",
        per((double)report->connect_cpu, options->sessions), "memoryEmpty",
        (json_int_t)report->memory_empty, "memoryIdle", (json_int_t)report->memory_idle,
        "memoryPerSession", per(grown, options->sessions), "slowSessions",
        (json_int_t)report->slow_sessions, "slowClosed", (json_int_t)report->slow_closed,
        "slowEvents", (json_int_t)report->slow_events, "results", results);
    if (root == NULL)
        return -EIO;
    rc = json_dumpf(root, to, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(root);
    return rc < 0 || fputc('\n', to) == EOF ? -EIO : 0;
}
