/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/doctor.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "cli/print.h"
#include "cli/table.h"
#include "server/preflight.h"

static const char *const levels[] = {"ok", "warning", "error"};

void doctor_find(const struct doctor_subject *subject, enum doctor_level level, const char *advice,
                 const char *format, ...)
{
    struct doctor *doctor = subject->doctor;
    char message[700];
    json_t *finding;
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    finding =
        json_pack("{s:s, s:s, s:s?, s:s, s:s?}", "level", levels[level], "check", subject->check,
                  "subject", subject->name, "message", message, "advice", advice);
    if (!finding) /* a text that is no UTF-8 */
        finding =
            json_pack("{s:s, s:s, s:s, s:s?}", "level", levels[level], "check", subject->check,
                      "message", "its name or message is no UTF-8", "advice", advice);
    json_array_append_new(doctor->findings, finding);
    doctor->counts[level]++;
}

/* ---- the settings, and what a start would say ---- */

/* Which kind a line of the preflight is about, by the key that it begins with. */
static const char *check_of(const char *line)
{
    if (strncmp(line, "listeners[", 10) == 0)
        return strstr(line, ".address: ") ? "address" : "certificate";
    if (strncmp(line, "services[", 9) == 0)
        return strstr(line, ".qos.file: ") ? "store" : "uploads";
    return "state";
}

/* KEY: "SUBJECT": REASON; ADVICE */
static void find_line(struct doctor *doctor, char *line)
{
    char *name_end = strstr(line, ": ");
    char *reason = name_end ? name_end + 2 : line;
    char *advice = strstr(reason, "; ");
    const struct doctor_subject subject = {doctor, check_of(line), line};

    if (advice)
        *advice = '\0';
    if (name_end)
        *name_end = '\0';
    doctor_find(&subject, DOCTOR_ERROR,
                advice ? advice + 2 : "correct it; until then a start would fail, or clients would",
                "%s", reason);
}

static void find_preflight(struct doctor *doctor)
{
    static const char prefix[] = "sse-server: ";
    struct buf faults = BUF_INIT;
    char *rest = NULL;

    preflight(doctor->config, NULL, &faults, &faults);
    for (char *line = faults.data ? strtok_r(faults.data, "\n", &rest) : NULL; line;
         line = strtok_r(NULL, "\n", &rest)) {
        const size_t skipped = strncmp(line, prefix, strlen(prefix)) == 0 ? strlen(prefix) : 0;

        find_line(doctor, line + skipped);
    }
    buf_release(&faults);
}

static void find_hint(struct doctor *doctor, char *line)
{
    const struct doctor_subject subject = {doctor, "settings", doctor->config->file};
    char *text = strchr(line, ' ') + 1;
    char *advice = strstr(text, "; ");

    if (advice)
        *advice = '\0';
    doctor_find(&subject, DOCTOR_WARNING,
                advice ? advice + 2 : "see sse-server default-config for what that setting does",
                "%s", text);
}

/* What check-config warns of. Hints are no findings. */
static void find_warnings(struct doctor *doctor)
{
    char *text = NULL, *rest = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);

    if (!to)
        return;
    preflight_explain(doctor->config, to);
    if (fclose(to) == 0) {
        for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
            if (strncmp(line, "warning: ", 9) == 0)
                find_hint(doctor, line);
        }
    }
    free(text);
}

/* Whose pages may come. A page elsewhere hears of its browser alone that it may not. */
static void tell_origins(struct doctor *doctor)
{
    for (size_t i = 0; i < doctor->config->service_count; i++) {
        const struct config_service *service = &doctor->config->services[i];
        const struct doctor_subject subject = {doctor, "origins", service->settings.name};
        const char *origins = service->origins;

        doctor_find(&subject, DOCTOR_OK, NULL, "pages of the server's own origin%s%.300s",
                    *origins != '\0' ? ", and of " : " alone (services[].origins)", origins);
    }
}

static void examine(struct doctor *doctor)
{
    const struct doctor_subject settings = {doctor, "settings", doctor->config->file};

    doctor_find(&settings, DOCTOR_OK, NULL, "a start takes them%s",
                settings.name ? "" : " (the demo's: there is no --config)");
    find_warnings(doctor);
    tell_origins(doctor);
    find_preflight(doctor);
    doctor_check_certificates(doctor);
    doctor_check_addresses(doctor);
    doctor_check_state(doctor);
    doctor_check_stores(doctor);
    doctor_check_logs(doctor);
    doctor_check_secrets(doctor);
    doctor_check_peers(doctor);
    doctor_check_clock(doctor);
    doctor_check_descriptors(doctor);
}

/* ---- what is told ---- */

#define TEXT_COLUMN 23

static void print_visible(const char *text)
{
    struct buf shown = BUF_INIT;

    cli_append_visible(&shown, text);
    fputs(buf_str(&shown), stdout);
    buf_release(&shown);
}

static void print_finding(const json_t *finding)
{
    const char *subject = cli_text_of(finding, "subject");
    const char *advice = cli_text_of(finding, "advice");

    printf("%-8s %-13s ", cli_text_of(finding, "level"), cli_text_of(finding, "check"));
    if (subject) {
        print_visible(subject);
        fputs(": ", stdout);
    }
    print_visible(cli_text_of(finding, "message"));
    putchar('\n');
    if (!advice)
        return;
    printf("%*s", TEXT_COLUMN, "");
    print_visible(advice);
    putchar('\n');
}

static enum command_exit report(const struct doctor *doctor, const struct cli_line *line)
{
    const size_t errors = doctor->counts[DOCTOR_ERROR], warnings = doctor->counts[DOCTOR_WARNING];
    const json_t *finding;
    size_t i;

    if (line->json) {
        json_t *all = json_pack("{s:I, s:I, s:O}", "errors", (json_int_t)errors, "warnings",
                                (json_int_t)warnings, "findings", doctor->findings);

        cli_print_json(all, JSON_INDENT(2), stdout);
        json_decref(all);
    } else {
        json_array_foreach(doctor->findings, i, finding) {
            print_finding(finding);
        }
        printf("%zu error%s, %zu warning%s\n", errors, errors == 1 ? "" : "s", warnings,
               warnings == 1 ? "" : "s");
    }
    return errors > 0 ? COMMAND_FAILED : COMMAND_DONE;
}

enum command_exit cli_doctor(const struct cli_line *line)
{
    struct doctor doctor = {.findings = json_array()};
    struct config_fault fault = {""};
    struct config config;
    enum command_exit status;

    (void)signal(SIGPIPE, SIG_IGN); /* of peers that go */
    log_open(LOG_ERROR_LEVEL, LOG_FORMAT_TEXT, STDERR_FILENO);
    if (config_load_from(&config, &line->sources, &fault) == 0) {
        doctor.config = &config;
        examine(&doctor);
    } else {
        const struct doctor_subject subject = {&doctor, "settings", line->sources.file};

        doctor_find(&subject, DOCTOR_ERROR,
                    "correct it: nothing else can be looked at before the settings can be read",
                    "%s", fault.message);
    }
    status = report(&doctor, line);
    if (doctor.config)
        config_release(&config);
    json_decref(doctor.findings);
    return status;
}
