/* SPDX-License-Identifier: Apache-2.0 */
#include "load_report.h"

#include "base/mem.h"
#include "load_options.h"

static bool is_result_good(const struct load_result *result, bool may_lose)
{
    const struct load_statistics *statistics = &result->statistics;

    if (result->timed_out || result->flow.refused > 0 || result->requests.failed > 0 ||
        (result->lost > 0 && !may_lose))
        return false;
    return statistics->duplicated == 0 && statistics->disordered == 0 && statistics->damaged == 0 &&
           statistics->stray == 0;
}

bool load_report_is_good(const struct load_report *report)
{
    bool may_lose = report->options->expect_slow;

    if (report->timed_out || report->failed > 0 || (report->closed > 0 && !may_lose))
        return false;
    for (uint32_t i = 0; i < report->result_count; i++) {
        if (!is_result_good(&report->results[i], may_lose))
            return false;
    }
    return true;
}

static void set_count(json_t *json, const char *name, uint64_t value)
{
    (void)json_object_set_new(json, name, json_integer((json_int_t)value));
}

static void set_real(json_t *json, const char *name, double value)
{
    (void)json_object_set_new(json, name, json_real(value));
}

static void set_latency(json_t *json, const char *name, const struct load_histogram *histogram)
{
    json_t *latency = json_object();

    set_real(latency, "p50", load_histogram_ms(histogram, 0.5));
    set_real(latency, "p90", load_histogram_ms(histogram, 0.9));
    set_real(latency, "p99", load_histogram_ms(histogram, 0.99));
    set_real(latency, "p999", load_histogram_ms(histogram, 0.999));
    set_real(latency, "max", load_histogram_ms(histogram, 1));
    (void)json_object_set_new(json, name, latency);
}

static double per(uint64_t amount, uint64_t count)
{
    return count > 0 ? (double)amount / (double)count : 0;
}

static json_t *result_json(const struct load_result *result)
{
    const struct load_statistics *statistics = &result->statistics;
    const double seconds = result->seconds;
    json_t *json = json_pack("{s:s, s:b}", "name", result->name, "timedOut", result->timed_out);

    set_real(json, "seconds", seconds);
    set_count(json, "posts", result->flow.posts);
    set_count(json, "messages", result->flow.messages);
    set_count(json, "accepted", result->flow.accepted);
    set_count(json, "refused", result->flow.refused);
    set_count(json, "expected", result->flow.expected);
    set_count(json, "delivered", statistics->delivered);
    set_count(json, "lost", result->lost);
    set_count(json, "duplicated", statistics->duplicated);
    set_count(json, "disordered", statistics->disordered);
    set_count(json, "damaged", statistics->damaged);
    set_count(json, "stray", statistics->stray);
    set_real(json, "eventsPerSecond", seconds > 0 ? (double)result->counted / seconds : 0);
    set_real(json, "eventsPerRead", per(statistics->delivered, statistics->reads));
    set_real(json, "serverCpuPerEvent", per(result->server_cpu, result->counted));
    set_real(json, "ownCpuPerEvent", per(result->own_cpu, result->counted));
    set_real(json, "ownShareOfCore", result->own_share);
    set_latency(json, "latency", &statistics->latency);
    set_latency(json, "postLatency", &result->flow.answers);
    set_count(json, "requests", result->requests.sent);
    set_count(json, "requestsFailed", result->requests.failed);
    set_latency(json, "requestLatency", &result->requests.latency);
    set_count(json, "memoryBefore", result->memory_before);
    set_count(json, "memoryPeak", result->memory_peak);
    return json;
}

json_t *load_report_json(const struct load_report *report)
{
    const struct load_options *options = report->options;
    const double growth = (double)report->memory_idle - (double)report->memory_empty;
    const char *scenario = load_scenario_names[options->scenario];
    json_t *results = json_array();
    json_t *json = json_pack("{s:s, s:s}", "target", options->target, "scenario", scenario);

    (void)json_object_set_new(json, "good", json_boolean(load_report_is_good(report)));
    (void)json_object_set_new(json, "timedOut", json_boolean(report->timed_out));
    set_count(json, "sessions", options->sessions);
    set_count(json, "streams", options->streams);
    set_count(json, "opened", report->opened);
    set_count(json, "failed", report->failed);
    set_count(json, "resumed", report->resumed);
    set_count(json, "closed", report->closed);
    set_real(json, "connectSeconds", report->connect_seconds);
    set_real(json, "connectCpu", per(report->connect_cpu, options->sessions));
    set_real(json, "memoryPerSession", growth / options->sessions);
    for (uint32_t i = 0; i < report->result_count; i++)
        (void)json_array_append_new(results, result_json(&report->results[i]));
    (void)json_object_set_new(json, "results", results);
    return json;
}

static void print_figure(const char *name, json_t *value, FILE *to)
{
    const char *share;
    json_t *part;

    if (json_is_object(value)) {
        (void)fprintf(to, "  %-18s", name);
        json_object_foreach(value, share, part)
            (void)fprintf(to, " %s %.3f ", share, json_real_value(part));
        (void)fputc('\n', to);
    } else if (json_is_number(value)) {
        (void)fprintf(to, "  %-18s %.*f\n", name, json_is_real(value) ? 3 : 0,
                      json_number_value(value));
    }
}

/* An object without its texts and what is 0. */
static void print_object(const char *title, json_t *json, FILE *to)
{
    const char *name;
    json_t *value;

    (void)fprintf(to, "%s%s\n", title,
                  json_is_true(json_object_get(json, "timedOut")) ? ": TIMED OUT" : "");
    json_object_foreach(json, name, value) {
        const json_t *most = json_is_object(value) ? json_object_get(value, "max") : value;

        if (json_number_value(most) != 0)
            print_figure(name, value, to);
    }
}

void load_report_print(json_t *json, FILE *to)
{
    json_t *result;
    size_t i;

    print_object(json_string_value(json_object_get(json, "scenario")), json, to);
    json_array_foreach(json_object_get(json, "results"), i, result)
        print_object(json_string_value(json_object_get(result, "name")), result, to);
    (void)fprintf(to, "%s\n", json_is_true(json_object_get(json, "good")) ? "good" : "NOT GOOD");
}
