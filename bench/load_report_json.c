/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <jansson.h>

#include "load_options.h"
#include "load_report.h"
#include "load_run.h"

static void set_count(json_t *object, const char *name, uint64_t value)
{
    (void)json_object_set_new(object, name, json_integer((json_int_t)value));
}

static void set_real(json_t *object, const char *name, double value)
{
    (void)json_object_set_new(object, name, json_real(value));
}

static void set_flag(json_t *object, const char *name, bool value)
{
    (void)json_object_set_new(object, name, json_boolean(value));
}

static void set_text(json_t *object, const char *name, const char *value)
{
    (void)json_object_set_new(object, name, json_string(value));
}

static void set_latency(json_t *object, const char *name, const struct load_histogram *histogram)
{
    json_t *latency = json_object();

    set_real(latency, "p50", load_histogram_milliseconds(histogram, 0.5));
    set_real(latency, "p90", load_histogram_milliseconds(histogram, 0.9));
    set_real(latency, "p99", load_histogram_milliseconds(histogram, 0.99));
    set_real(latency, "p999", load_histogram_milliseconds(histogram, 0.999));
    set_real(latency, "max", (double)histogram->max / 1e6);
    (void)json_object_set_new(object, name, latency);
}

static void set_statuses(json_t *object, const struct load_flow_report *flow)
{
    json_t *statuses = json_object();
    char name[12];

    for (unsigned status = 0; status < LOAD_STATUSES; status++) {
        if (flow->statuses[status] == 0)
            continue;
        (void)snprintf(name, sizeof(name), "%u", status);
        set_count(statuses, name, flow->statuses[status]);
    }
    (void)json_object_set_new(object, "statuses", statuses);
}

static json_t *result_json(const struct load_result *result)
{
    const struct load_statistics *statistics = &result->statistics;
    json_t *object = json_object();

    set_text(object, "name", result->name);
    set_flag(object, "timedOut", result->rc < 0);
    set_real(object, "seconds", result->seconds);
    set_count(object, "posts", result->flow.posts);
    set_count(object, "messages", result->flow.messages);
    set_count(object, "accepted", result->flow.accepted);
    set_count(object, "refused", result->flow.refused);
    set_statuses(object, &result->flow);
    set_count(object, "expected", result->flow.expected);
    set_count(object, "delivered", result->delivered);
    set_count(object, "lost", result->lost);
    set_count(object, "duplicated", statistics->duplicated);
    set_count(object, "disordered", statistics->disordered);
    set_count(object, "damaged", statistics->damaged);
    set_count(object, "stray", statistics->stray);
    set_real(object, "eventsPerSecond", load_result_rate(result));
    set_real(object, "eventsPerRead", load_result_per_read(result));
    set_real(object, "serverCpuPerEvent", load_result_server_cpu(result));
    set_real(object, "ownCpuPerEvent", load_result_own_cpu(result));
    set_real(object, "ownShareOfCore", result->own_share);
    set_latency(object, "latency", &statistics->latency);
    set_latency(object, "postLatency", &result->flow.answers);
    set_count(object, "requests", result->requests.sent);
    set_count(object, "requestsFailed", result->requests.failed);
    set_latency(object, "requestLatency", &result->requests.latency);
    set_count(object, "memoryBefore", result->memory_before);
    set_count(object, "memoryPeak", result->memory_peak);
    return object;
}

static json_t *report_json(const struct load_report *report)
{
    const struct load_options *options = report->options;
    json_t *results = json_array();
    json_t *object = json_object();

    set_text(object, "target", options->target);
    set_text(object, "scenario", load_scenario_name(options->scenario));
    set_flag(object, "good", load_report_is_good(report));
    set_flag(object, "timedOut", report->timed_out);
    set_count(object, "sessions", options->sessions);
    set_count(object, "streams", options->streams);
    set_count(object, "payload", options->payload);
    set_count(object, "opened", report->opened);
    set_count(object, "failed", report->failed);
    set_count(object, "resumed", report->resumed);
    set_count(object, "closed", report->closed);
    set_real(object, "connectSeconds", report->connect_seconds);
    set_real(object, "connectCpu", load_report_connect_cpu(report));
    set_count(object, "memoryEmpty", report->memory_empty);
    set_count(object, "memoryIdle", report->memory_idle);
    set_real(object, "memoryPerSession", load_report_memory(report));
    set_count(object, "slowSessions", report->slow_sessions);
    set_count(object, "slowClosed", report->slow_closed);
    set_count(object, "slowEvents", report->slow_events);
    for (uint32_t i = 0; i < report->result_count; i++)
        (void)json_array_append_new(results, result_json(&report->results[i]));
    (void)json_object_set_new(object, "results", results);
    return object;
}

int load_report_print_json(const struct load_report *report, FILE *to)
{
    json_t *object = report_json(report);
    int rc = json_dumpf(object, to, JSON_INDENT(2) | JSON_REAL_PRECISION(9));

    json_decref(object);
    return rc < 0 || fputc('\n', to) == EOF ? -EIO : 0;
}
