/* SPDX-License-Identifier: Apache-2.0 */
/* What is the whole process's, as the worker that answers sees it. */
#include <inttypes.h>

#include "base/audit_log.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/log_file.h"
#include "h2/tls.h"
#include "server/metrics.h"
#include "server/process.h"
#include "server/settings.h"
#include "server/tls_contexts.h"
#include "server/version.h"

static void append_number(struct buf *text, const char *name, bool counts, const char *help,
                          uint64_t value)
{
    metrics_append_head(text, name, counts, help);
    buf_printf(text, "%s %" PRIu64 "\n", name, value);
}

/* By the names that Prometheus has for all programs. */
static void append_resources(struct buf *text, const struct settings *settings,
                             const struct h2_endpoint *endpoint)
{
    static const char cpu[] = "process_cpu_seconds_total";
    size_t resident = 0, shared = 0;

    (void)process_memory(&resident, &shared);
    metrics_append_head(text, cpu, true, "Processor time of the process.");
    buf_printf(text, "%s %.3f\n", cpu, (double)clock_kernel_ns(CLOCK_PROCESS_CPUTIME_ID) / 1e9);
    append_number(text, "process_resident_memory_bytes", false, "Memory that the process takes.",
                  resident);
    append_number(text, "process_start_time_seconds", false,
                  "When it was started: seconds since 1970.",
                  (uint64_t)settings->shared->started_at / 1000);
    append_number(text, "sse_server_memory_limit_bytes", false,
                  "What it may take: by its control groups, or all that the machine has.",
                  process_memory_limit("/proc/self/cgroup", "/sys/fs/cgroup"));
    append_number(text, "sse_server_sessions_limit", false,
                  "How many sessions there may be: what open files allow.",
                  h2_endpoint_most_sessions(endpoint));
    append_number(text, "sse_server_inbound_limit_bytes", false,
                  "What inbound_bytes may be, in all (limits.inboundBytes).",
                  settings->config.limits.inbound_bytes);
}

static void append_process(struct buf *text, const struct settings *settings)
{
    metrics_append_head(text, "sse_server_info", false, "What runs here.");
    buf_printf(text, "sse_server_info{version=\"%s\",server_id=\"%s\"} 1\n", server_version,
               settings->shared->server_id);
    append_number(
        text, "sse_server_audit_lines_lost_total", true,
        "Lines of the audit log that could not be written, or that a rate limit left out.",
        audit_log_lost(settings->shared->audit));
    append_number(
        text, "sse_server_access_lines_lost_total", true,
        "Lines of the access log that could not be written, or did not fit into its buffer.",
        log_file_lost(settings->shared->access));
    append_number(text, "sse_server_log_lines_dropped_total", true,
                  "Log lines that could not be written, or that a rate limit left out.",
                  log_dropped());
}

/* A label's value: backslash, quote and line feed are escaped. */
static void append_label(struct buf *text, const char *name, const char *value)
{
    buf_printf(text, "%s=\"", name);
    for (; *value; value++) {
        if (*value == '\\' || *value == '"')
            buf_append_char(text, '\\');
        if (*value == '\n')
            buf_append_str(text, "\\n");
        else
            buf_append_char(text, *value);
    }
    buf_append_char(text, '"');
}

static const char certificate_end[] = "sse_server_certificate_not_after_seconds";

static void append_certificate(void *to, const struct tls_shown *shown)
{
    struct buf *text = to;

    buf_printf(text, "%s{", certificate_end);
    append_label(text, "listener", shown->listener);
    buf_append_char(text, ',');
    append_label(text, "certificate", shown->file);
    buf_printf(text, "} %lld\n", (long long)h2_tls_context_end(shown->context, shown->index));
}

static void append_reloads(struct buf *text, const char *name, const char *help,
                           const struct reloads *reloads)
{
    metrics_append_head(text, name, true, help);
    buf_printf(text, "%s{result=\"ok\"} %" PRIuFAST64 "\n", name, atomic_load(&reloads->done));
    buf_printf(text, "%s{result=\"failed\"} %" PRIuFAST64 "\n", name,
               atomic_load(&reloads->failed));
}

static void append_certificates(struct buf *text, const struct settings *settings,
                                const struct tls_contexts *tls)
{
    metrics_append_head(text, certificate_end, false,
                        "When the certificate in that file ends, as the worker that answers shows "
                        "it: seconds since 1970.");
    tls_contexts_show(tls, append_certificate, text);
    append_reloads(text, "sse_server_certificate_reloads_total",
                   "Certificates loaded because files had changed, by result.",
                   &settings->shared->certificate_reloads);
}

static void append_settings(struct buf *text, const struct settings *settings)
{
    static const char loaded[] = "sse_server_settings_loaded_timestamp_seconds";

    append_reloads(text, "sse_server_reloads_total", "Reloads of the settings, by result.",
                   &settings->shared->reloads);
    append_number(text, "sse_server_settings_version", false,
                  "The settings in use: 1 at the start, one more with each reload.",
                  settings->number);
    append_number(text, "sse_server_settings_sets", false,
                  "Sets of settings in memory: one, and others while workers change over.",
                  atomic_load(&settings->shared->reloads.sets));
    metrics_append_head(text, loaded, false, "When they were loaded.");
    buf_printf(text, "%s %.3f\n", loaded, (double)settings->loaded_at / 1000);
}

void metrics_process_text(struct buf *text, const struct metrics_parts *parts)
{
    const struct settings *settings = *parts->settings;

    append_process(text, settings);
    append_resources(text, settings, parts->endpoint);
    append_certificates(text, settings, *parts->tls);
    append_settings(text, settings);
}
