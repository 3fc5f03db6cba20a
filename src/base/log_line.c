/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/text.h"

/* What a line needs in the end, whatever did not fit before. */
#define END_ROOM 64u

/* Of the Elastic Common Schema. */
#define ECS_VERSION "8.11.0"
/* Before the names that it does not have. */
#define ECS_OWN "sse_server."

static const char *const level_names[] = {"debug", "info", "warn", "error"};

/* What our keys are called there. */
static const struct {
    const char *key, *name;
    int64_t factor; /* of a number */
} ecs_names[] = {
    {"address", "client.address", 1},
    {"authority", "url.domain", 1},
    {"bytes", "http.response.body.bytes", 1},
    {"duration_us", "event.duration", 1000},
    {"errno", "error.code", 1},
    {"file", "file.path", 1},
    {"host", "destination.domain", 1},
    {"method", "http.request.method", 1},
    {"path", "url.path", 1},
    {"pid", "process.pid", 1},
    {"query", "url.query", 1},
    {"reason", "event.reason", 1},
    {"referer", "http.request.referrer", 1},
    {"request", "http.request.id", 1},
    {"service", "service.name", 1},
    {"status", "http.response.status_code", 1},
    {"trace", "trace.id", 1},
    {"user", "user.id", 1},
    {"user_agent", "user_agent.original", 1},
};

/* Where the text of one value goes, and how far it may. */
struct writer {
    char *at;
    const char *end;
    enum log_format format;
};

static bool put(struct writer *to, const char *text, size_t length)
{
    if ((size_t)(to->end - to->at) < length)
        return false;
    memcpy(to->at, text, length);
    to->at += length;
    return true;
}

static bool put_str(struct writer *to, const char *text)
{
    return put(to, text, strlen(text));
}

/* '\0' when there is none. */
static char short_escape(char c)
{
    static const char named[] = "\"\"\\\\\nn\rr\tt";

    for (const char *pair = named; *pair != '\0'; pair += 2) {
        if (pair[0] == c)
            return pair[1];
    }
    return '\0';
}

/* U+0080 to U+009F: terminals take some of them for the start of a command, as they do ESC. */
static bool is_c1_control(const char *text, size_t length)
{
    return length == 2 && (unsigned char)text[0] == 0xC2 && (unsigned char)text[1] < 0xA0;
}

static bool is_json(const struct writer *to)
{
    return to->format == LOG_FORMAT_JSON || to->format == LOG_FORMAT_PLAIN_JSON;
}

static bool put_escaped_byte(struct writer *to, unsigned char byte, bool well_formed)
{
    char escape[8];
    int length;

    if (is_json(to))
        length = snprintf(escape, sizeof(escape), "\\u%04x", well_formed ? byte : 0xFFFDu);
    else
        length = snprintf(escape, sizeof(escape), "\\x%02x", byte);
    return put(to, escape, (size_t)length);
}

/* Writes the character at text and returns its length in bytes, or 0 when it does not fit. */
static size_t put_char(struct writer *to, const char *text, size_t left)
{
    unsigned char c = (unsigned char)text[0];
    size_t length = utf8_char_length(text, left);
    char escape[] = {'\\', '\0'};

    if (length == 0)
        return put_escaped_byte(to, c, false) ? 1 : 0;
    if (is_c1_control(text, length) && is_json(to))
        return put_escaped_byte(to, (unsigned char)text[1], true) ? 2 : 0;
    if (is_c1_control(text, length))
        return put_escaped_byte(to, c, true) ? 1 : 0; /* its second byte follows as a bad one */
    escape[1] = short_escape(text[0]);
    if (escape[1] != '\0')
        return put(to, escape, sizeof(escape)) ? 1 : 0;
    if (c < 0x20 || c == 0x7F)
        return put_escaped_byte(to, c, true) ? 1 : 0;
    return put(to, text, length) ? length : 0;
}

/* As much of the text as fits into the line and into LOG_VALUE_MAX. */
static void put_value(struct writer *to, const char *text)
{
    struct writer value = *to;
    size_t left = strlen(text);

    if ((size_t)(value.end - value.at) > LOG_VALUE_MAX)
        value.end = value.at + LOG_VALUE_MAX;
    while (left > 0) {
        size_t step = put_char(&value, text, left);

        if (step == 0)
            break;
        text += step;
        left -= step;
    }
    to->at = value.at;
}

/* logfmt readers split at spaces and at the first '='. */
static bool needs_quotes(const char *text)
{
    if (*text == '\0')
        return true;
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c >= 0x7F)
            return true;
    }
    return false;
}

static bool put_quoted(struct writer *to, const char *text)
{
    struct writer inside = *to;

    if (!put(&inside, "\"", 1) || inside.at == inside.end)
        return false;
    inside.end--; /* for the closing quote */
    put_value(&inside, text);
    *inside.at++ = '"';
    to->at = inside.at;
    return true;
}

/* A text as a value: in quotes where its format wants some. */
static bool put_text(struct writer *to, const char *text)
{
    if (is_json(to) || needs_quotes(text))
        return put_quoted(to, text);
    put_value(to, text);
    return true;
}

static bool put_number(struct writer *to, int64_t value)
{
    char number[24];

    (void)snprintf(number, sizeof(number), "%" PRId64, value);
    return put_str(to, number);
}

/* Keys are ours and need no escapes. */
static bool put_key(struct writer *to, const char *prefix, const char *key)
{
    const bool json = is_json(to);

    return put_str(to, json ? ",\"" : " ") && put_str(to, prefix) && put_str(to, key) &&
           put_str(to, json ? "\":" : "=");
}

static bool put_scaled(struct writer *to, const struct log_field *field, int64_t factor)
{
    return field->text ? put_text(to, field->text) : put_number(to, field->number * factor);
}

static bool put_ecs_pair(struct writer *to, const struct log_field *field)
{
    if (field->ecs)
        return put_key(to, "", field->ecs) && put_scaled(to, field, 1);
    for (size_t i = 0; i < COUNT(ecs_names); i++) {
        if (strcmp(ecs_names[i].key, field->key) == 0)
            return put_key(to, "", ecs_names[i].name) && put_scaled(to, field, ecs_names[i].factor);
    }
    return put_key(to, ECS_OWN, field->key) && put_scaled(to, field, 1);
}

static bool put_pair(struct writer *to, const struct log_field *field)
{
    if (to->format == LOG_FORMAT_JSON)
        return put_ecs_pair(to, field);
    return put_key(to, "", field->key) && put_scaled(to, field, 1);
}

/* The whole field, or nothing and false. */
static bool put_field(struct writer *to, const struct log_field *field)
{
    struct writer attempt = *to;

    if (!put_pair(&attempt, field))
        return false;
    to->at = attempt.at;
    return true;
}

static void put_time(struct writer *to, int64_t wall_ms)
{
    time_t second = (time_t)(wall_ms / 1000);
    struct tm utc = {0};
    char text[64];
    size_t length;

    (void)gmtime_r(&second, &utc);
    length = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(text + length, sizeof(text) - length, ".%03uZ", (unsigned)(wall_ms % 1000));
    put_str(to, text);
}

/* What stands before the time, before and behind the level, and behind all. */
static const struct {
    const char *time, *level, *message, *cut, *end;
} frames[] = {
    [LOG_FORMAT_TEXT] = {"", " ", " ", " cut=true", "\n"},
    [LOG_FORMAT_LOGFMT] = {"time=", " level=", " msg=", " cut=true", "\n"},
    [LOG_FORMAT_JSON] = {"{\"@timestamp\":\"", "\",\"log.level\":\"", "\",\"message\":",
                         ",\"" ECS_OWN "cut\":true", ",\"ecs.version\":\"" ECS_VERSION "\"}\n"},
    [LOG_FORMAT_PLAIN_JSON] = {"{\"time\":\"", "\",\"level\":\"",
                               "\",\"message\":", ",\"cut\":true", "}\n"},
    [LOG_FORMAT_COMBINED] = {"", "", "", "", "\"\n"},
};

static void put_head(struct writer *to, const struct log_event *event)
{
    put_str(to, frames[to->format].time);
    put_time(to, event->wall_ms);
    put_str(to, frames[to->format].level);
    put_str(to, level_names[event->level]);
    put_str(to, frames[to->format].message);
    if (to->format == LOG_FORMAT_TEXT)
        put_value(to, event->message);
    else
        put_text(to, event->message);
}

/* ---- the combined format ---- */

/* Of each text, so that all of them fit into a line. */
#define COMBINED_MOST 640u

static const struct log_field *find_field(const struct log_event *event, const char *key)
{
    for (size_t i = 0; i < event->count; i++) {
        if (strcmp(event->fields[i].key, key) == 0)
            return &event->fields[i];
    }
    return NULL;
}

/* Printable ASCII, for readers that know no other escapes; "-" when there is none. */
static void put_plain(struct writer *to, const char *text, bool has_blanks)
{
    const char *end = to->at + COMBINED_MOST;
    bool fits = true;

    if (*text == '\0')
        text = "-";
    for (; fits && *text != '\0' && to->at < end; text++) {
        const unsigned char c = (unsigned char)*text;

        if (c < ' ' || c >= 0x7F || c == '"' || c == '\\' || (c == ' ' && !has_blanks))
            fits = put_escaped_byte(to, c, true);
        else
            fits = put(to, text, 1);
    }
}

static void put_plain_field(struct writer *to, const struct log_event *event, const char *key,
                            bool has_blanks)
{
    const struct log_field *field = find_field(event, key);

    if (field && !field->text)
        put_number(to, field->number);
    else
        put_plain(to, field ? field->text : "", has_blanks);
}

static void put_day_and_time(struct writer *to, int64_t wall_ms)
{
    const time_t second = (time_t)(wall_ms / 1000);
    struct tm utc = {0};
    char text[64];

    (void)gmtime_r(&second, &utc);
    if (strftime(text, sizeof(text), "%d/%b/%Y:%H:%M:%S +0000", &utc) > 0)
        put_str(to, text);
}

static void put_combined(struct writer *to, const struct log_event *event)
{
    static const struct {
        const char *before, *key;
        bool has_blanks, is_optional;
    } parts[] = {
        {"] \"", "method", false, false}, {" ", "path", false, false},
        {"?", "query", false, true},      {" ", "protocol", false, false},
        {"\" ", "status", false, false},  {" ", "bytes", false, false},
        {" \"", "referer", true, false},  {"\" \"", "user_agent", true, false},
    };

    put_plain_field(to, event, "address", false);
    put_str(to, " - ");
    put_plain_field(to, event, "user", false);
    put_str(to, " [");
    put_day_and_time(to, event->wall_ms);
    for (size_t i = 0; i < COUNT(parts); i++) {
        if (parts[i].is_optional && !find_field(event, parts[i].key))
            continue;
        put_str(to, parts[i].before);
        put_plain_field(to, event, parts[i].key, parts[i].has_blanks);
    }
}

static bool put_fields(struct writer *to, const struct log_event *event)
{
    bool whole = true;

    for (size_t i = 0; i < event->count; i++)
        whole &= put_field(to, &event->fields[i]);
    if (event->left_out > 0)
        whole &= put_field(to, &LOG_INT("left_out", event->left_out));
    return whole;
}

void log_line_format(struct log_line *line, enum log_format format, const struct log_event *event)
{
    struct writer to = {line->text, line->text + sizeof(line->text) - END_ROOM, format};
    bool whole = true;

    if (format == LOG_FORMAT_COMBINED) {
        put_combined(&to, event);
    } else {
        put_head(&to, event);
        whole = put_fields(&to, event);
    }
    to.end = line->text + sizeof(line->text);
    if (!whole)
        put_str(&to, frames[format].cut);
    put_str(&to, frames[format].end);
    line->length = (size_t)(to.at - line->text);
}
