/* SPDX-License-Identifier: Apache-2.0 */
#include "load_report.h"

#include <inttypes.h>

#include "load_options.h"
#include "load_run.h"

#define BUSY_SHARE 0.9 /* of a core: above it the load program may be what limits */

static void print_latency(const char *name, const struct load_histogram *histogram, FILE *to)
{
    if (histogram->total == 0)
        return;
    (void)fprintf(to, "  %-22s p50 %.3f  p90 %.3f  p99 %.3f  p99.9 %.3f  max %.3f ms\n", name,
                  load_histogram_milliseconds(histogram, 0.5),
                  load_histogram_milliseconds(histogram, 0.9),
                  load_histogram_milliseconds(histogram, 0.99),
                  load_histogram_milliseconds(histogram, 0.999), (double)histogram->max / 1e6);
}

static void print_deliveries(const struct load_result *result, FILE *to)
{
    const struct load_statistics *statistics = &result->statistics;

    (void)fprintf(to, "  %-22s %" PRIu64 " of %" PRIu64 " in %.3f s = %.0f/s\n", "events",
                  result->delivered, result->flow.expected, result->seconds,
                  load_result_rate(result));
    (void)fprintf(to,
                  "  %-22s lost %" PRIu64 "  duplicated %" PRIu64 "  disordered %" PRIu64
                  "  damaged %" PRIu64 "  stray %" PRIu64 "\n",
                  "faults", result->lost, statistics->duplicated, statistics->disordered,
                  statistics->damaged, statistics->stray);
    (void)fprintf(to, "  %-22s %.2f events, %.0f bytes an event\n", "per receive call",
                  load_result_per_read(result),
                  result->delivered > 0 ? (double)statistics->bytes / (double)result->delivered
                                        : 0);
    print_latency("latency", &statistics->latency, to);
}

static void print_refusals(const struct load_flow_report *flow, FILE *to)
{
    if (flow->refused == 0)
        return;
    (void)fprintf(to, "  %-22s", "POSTs by status");
    for (unsigned status = 0; status < LOAD_STATUSES; status++) {
        if (flow->statuses[status] > 0)
            (void)fprintf(to, " %u: %" PRIu64, status, flow->statuses[status]);
    }
    (void)fputc('\n', to);
}

static void print_flow(const struct load_result *result, uint32_t threads, FILE *to)
{
    (void)fprintf(to, "  %-22s %" PRIu64 " in %" PRIu64 " POSTs, %" PRIu64 " refused\n", "messages",
                  result->flow.messages, result->flow.posts, result->flow.refused);
    print_refusals(&result->flow, to);
    if (result->flow.expected > 0)
        print_deliveries(result, to);
    else
        (void)fprintf(to, "  %-22s %" PRIu64 " in %.3f s = %.0f/s\n", "accepted", result->counted,
                      result->seconds, load_result_rate(result));
    (void)fprintf(to, "  %-22s server %.2f us, load program %.2f us (%.0f %% of a core)%s\n",
                  "CPU for each", load_result_server_cpu(result), load_result_own_cpu(result),
                  result->own_share * 100 / threads,
                  result->own_share / threads > BUSY_SHARE ? "  <- it may be the limit" : "");
    print_latency("answer to the POST", &result->flow.answers, to);
}

static void print_result(const struct load_result *result, uint32_t threads, FILE *to)
{
    (void)fprintf(to, "%s%s\n", result->name, result->rc < 0 ? ": TIMED OUT" : "");
    if (result->flow.posts > 0)
        print_flow(result, threads, to);
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

    (void)fprintf(to, "%s %s: %u sessions of %u streams\n", options->target,
                  load_scenario_name(options->scenario), options->sessions, options->streams);
    (void)fprintf(to, "connect%s\n", report->timed_out ? ": TIMED OUT" : "");
    (void)fprintf(to, "  %-22s %" PRIu64 " opened, %" PRIu64 " failed, %" PRIu64 " closed later\n",
                  "streams", report->opened, report->failed, report->closed);
    (void)fprintf(to, "  %-22s %.3f s = %.0f sessions/s\n", "time", report->connect_seconds,
                  options->sessions / report->connect_seconds);
    if (options->resume)
        (void)fprintf(to, "  %-22s %" PRIu64 "\n", "resumed", report->resumed);
    if (options->pid_count > 0) {
        (void)fprintf(to, "  %-22s %.0f us a session, its streams included\n", "server's CPU",
                      load_report_connect_cpu(report));
        (void)fprintf(to, "  %-22s %.1f MiB empty, %.1f MiB idle, %.2f KiB a session\n",
                      "server's memory", (double)report->memory_empty / 1024,
                      (double)report->memory_idle / 1024, load_report_memory(report));
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
