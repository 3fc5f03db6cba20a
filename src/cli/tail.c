/* SPDX-License-Identifier: Apache-2.0 */
/* tail: what a service decides, as it does, or lately: the trace, a line for each record. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "cli/ask.h"
#include "cli/print.h"
#include "cli/table.h"

#define REFUSALS   "refused,send-refused,channels-refused"
#define LINE_BYTES ((size_t)1 << 20) /* the most that one of the stream may have */

struct tail {
    const struct cli_line *line;
    struct buf event; /* its lines, until the empty one */
    struct buf rest;  /* of a line that is not whole */
    char reason[200]; /* why the server has ended the stream */
};

/* ---- a record ---- */

static void append_text(struct buf *to, const char *text)
{
    const char *quote = *text == '\0' || strpbrk(text, " ,\"=") ? "\"" : "";

    buf_append_str(to, quote);
    cli_append_visible(to, text);
    buf_append_str(to, quote);
}

static void append_scalar(struct buf *to, const json_t *value)
{
    char *text;

    if (json_is_string(value)) {
        append_text(to, json_string_value(value));
        return;
    }
    text = json_write(value, JSON_COMPACT | JSON_ENCODE_ANY);
    cli_append_visible(to, text ? text : "?");
    free(text);
}

static void append_value(struct buf *to, const json_t *value)
{
    const json_t *item;
    size_t i;

    if (!json_is_array(value)) {
        append_scalar(to, value);
        return;
    }
    json_array_foreach(value, i, item) {
        if (i > 0)
            buf_append_char(to, ',');
        append_scalar(to, item);
    }
}

/* "2026-12-01 03:12:05.123", in UTC as the log has it. */
static void append_time(struct buf *to, json_int_t ms)
{
    const time_t seconds = (time_t)(ms / 1000);
    struct tm date;
    char text[40];

    if (gmtime_r(&seconds, &date) && strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &date) > 0)
        buf_printf(to, "%s.%03dZ", text, (int)(ms % 1000));
}

static void print_people(const char *kind, json_t *record)
{
    struct buf shown = BUF_INIT;
    const char *name;
    json_t *value;

    if (json_object_get(record, "time"))
        append_time(&shown, json_integer_value(json_object_get(record, "time")));
    buf_printf(&shown, "%s%-16s", shown.length > 0 ? " " : "", kind);
    json_object_foreach(record, name, value) {
        if (strcmp(name, "time") == 0 || strcmp(name, "kind") == 0)
            continue;
        buf_printf(&shown, " %s=", name);
        append_value(&shown, value);
    }
    puts(buf_str(&shown));
    buf_release(&shown);
}

static void print_record(const struct cli_line *line, const char *kind, json_t *record)
{
    if (!line->json) {
        print_people(kind, record);
        return;
    }
    if (!json_object_get(record, "kind"))
        json_object_set_new(record, "kind", json_string(kind));
    cli_print_json(record, JSON_COMPACT, stdout);
}

/* ---- as it happens ---- */

static void take_event(struct tail *tail, const char *kind, const struct buf *data)
{
    struct json_fault fault;
    json_t *record = json_parse(buf_str(data), data->length, &fault);

    if (strcmp(kind, "trace-close") == 0) {
        const char *reason = cli_text_of(record, "reason");

        snprintf(tail->reason, sizeof(tail->reason), "%s", reason ? reason : "for no reason given");
    } else if (record && strcmp(kind, "trace-start") != 0) {
        print_record(tail->line, kind, record);
    }
    json_decref(record);
}

static const char *field_value(const char *line, const char *name)
{
    const size_t length = strlen(name);

    if (strncmp(line, name, length) != 0 || line[length] != ':')
        return NULL;
    return line + length + 1 + (line[length + 1] == ' ');
}

/* All lines of an event, each with a NUL at its end. */
static void dispatch(struct tail *tail)
{
    const char *kind = "message";
    struct buf data = BUF_INIT;

    for (size_t at = 0; at < tail->event.length;) {
        const char *line = tail->event.data + at, *value = field_value(line, "event");

        if (value)
            kind = value;
        value = field_value(line, "data");
        if (value)
            buf_printf(&data, "%s%s", data.length > 0 ? "\n" : "", value);
        at += strlen(line) + 1;
    }
    if (data.length > 0)
        take_event(tail, kind, &data);
    buf_release(&data);
    buf_clear(&tail->event);
}

static bool on_data(void *context, const char *data, size_t length)
{
    struct tail *tail = context;

    buf_append(&tail->rest, data, length);
    for (;;) {
        const char *end = memchr(buf_str(&tail->rest), '\n', tail->rest.length);
        const size_t size = end ? (size_t)(end - tail->rest.data) : 0;

        if (!end)
            break;
        if (size == 0) {
            dispatch(tail);
        } else {
            buf_append(&tail->event, tail->rest.data, size);
            buf_append_char(&tail->event, '\0');
        }
        buf_consume(&tail->rest, size + 1);
    }
    return fflush(stdout) == 0 && tail->rest.length + tail->event.length < LINE_BYTES;
}

static int follow(const struct cli_line *line, struct cli_http *http, const char *path,
                  struct config_fault *fault)
{
    struct tail tail = {.line = line};
    const struct cli_request request = {.method = "GET",
                                        .path = path,
                                        .accept = "text/event-stream",
                                        .on_data = on_data,
                                        .context = &tail};
    struct buf refusal = BUF_INIT;
    int rc = cli_http_ask(http, &request, &refusal, fault);

    if (*tail.reason != '\0')
        rc = config_fail(fault, -EPIPE, "the server has ended the stream: %s", tail.reason);
    else if (rc == 0 && !ferror(stdout)) /* its reader has not gone */
        rc = config_fail(fault, -EPIPE, "the server has ended the stream");
    buf_release(&refusal);
    buf_release(&tail.event);
    buf_release(&tail.rest);
    return rc;
}

/* ---- lately ---- */

static int show_past(const struct cli_line *line, struct cli_http *http, const char *path,
                     struct config_fault *fault)
{
    const struct cli_request request = {.method = "GET", .path = path};
    int rc;
    json_t *data = cli_http_ask_json(http, &request, &rc, fault);
    const json_t *list = json_object_get(data, "list");
    json_t *record;
    size_t i;

    json_array_foreach(list, i, record) {
        const char *kind = cli_text_of(record, "kind");

        print_record(line, kind ? kind : "?", record);
    }
    json_decref(data);
    return rc;
}

static int tail_with(const struct cli_line *line, struct cli_http *http, struct config_fault *fault)
{
    struct buf path = BUF_INIT;
    int rc;

    buf_append_str(&path, "/trace");
    cli_append_filter(&path, line);
    cli_append_parameter(&path, "event", line->event);
    cli_append_parameter(&path, "address", line->address);
    cli_append_parameter(&path, "connection", line->connection);
    cli_append_parameter(&path, "kind", line->refusals ? REFUSALS : NULL);
    cli_append_parameter(&path, "pageSize", line->past ? "1000" : NULL);
    rc = line->past ? show_past(line, http, buf_str(&path), fault)
                    : follow(line, http, buf_str(&path), fault);
    buf_release(&path);
    return rc;
}

enum command_exit cli_tail(const struct cli_line *line)
{
    return cli_ask_with(line, "inspect", tail_with);
}
