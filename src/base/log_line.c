/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log_line.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/utf8.h"

/* What a line needs in the end, whatever did not fit before: ,"cut":true} and the newline. */
#define END_ROOM 16u

static const char *const level_names[] = {"debug", "info", "warn", "error"};

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

static const char *short_escape(unsigned char c)
{
    switch (c) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        return NULL;
    }
}

/* U+0080 to U+009F: terminals take some of them for the start of a command, as they do ESC. */
static bool is_c1_control(const char *text, size_t length)
{
    return length == 2 && (unsigned char)text[0] == 0xC2 && (unsigned char)text[1] < 0xA0;
}

static bool put_escaped_byte(struct writer *to, unsigned char byte, bool well_formed)
{
    char escape[8];
    int length;

    if (to->format == LOG_FORMAT_TEXT)
        length = snprintf(escape, sizeof(escape), "\\x%02x", byte);
    else
        length = snprintf(escape, sizeof(escape), "\\u%04x", well_formed ? byte : 0xFFFDu);
    return put(to, escape, (size_t)length);
}

/* Writes the character at text and returns its length in bytes, or 0 when it does not fit. */
static size_t put_char(struct writer *to, const char *text, size_t left)
{
    unsigned char c = (unsigned char)text[0];
    size_t length = utf8_char_length(text, left);

    if (length == 0)
        return put_escaped_byte(to, c, false) ? 1 : 0;
    if (is_c1_control(text, length) && to->format == LOG_FORMAT_JSON)
        return put_escaped_byte(to, (unsigned char)text[1], true) ? 2 : 0;
    if (is_c1_control(text, length))
        return put_escaped_byte(to, c, true) ? 1 : 0; /* its second byte follows as a bad one */
    if (short_escape(c) != NULL)
        return put_str(to, short_escape(c)) ? 1 : 0;
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

static bool put_field_value(struct writer *to, const struct log_field *field)
{
    char number[24];

    if (field->text == NULL) {
        (void)snprintf(number, sizeof(number), "%" PRId64, field->number);
        return put_str(to, number);
    }
    if (to->format == LOG_FORMAT_JSON || needs_quotes(field->text))
        return put_quoted(to, field->text);
    put_value(to, field->text);
    return true;
}

/* The whole field, or nothing and false. Keys are ours and need no escapes. */
static bool put_field(struct writer *to, const struct log_field *field)
{
    bool json = to->format == LOG_FORMAT_JSON;
    struct writer attempt = *to;

    if (!put_str(&attempt, json ? ",\"" : " ") || !put_str(&attempt, field->key) ||
        !put_str(&attempt, json ? "\":" : "=") || !put_field_value(&attempt, field))
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

static void put_head(struct writer *to, const struct log_event *event)
{
    const char *level = level_names[event->level];

    if (to->format == LOG_FORMAT_TEXT) {
        put_time(to, event->wall_ms);
        put_str(to, " ");
        put_str(to, level);
        put_str(to, " ");
        put_value(to, event->message);
        return;
    }
    put_str(to, "{\"time\":\"");
    put_time(to, event->wall_ms);
    put_str(to, "\",\"level\":\"");
    put_str(to, level);
    put_str(to, "\",\"message\":");
    put_quoted(to, event->message);
}

void log_line_format(struct log_line *line, enum log_format format, const struct log_event *event)
{
    struct writer to = {line->text, line->text + sizeof(line->text) - END_ROOM, format};
    bool whole = true;

    put_head(&to, event);
    for (size_t i = 0; i < event->count; i++)
        whole &= put_field(&to, &event->fields[i]);
    to.end = line->text + sizeof(line->text);
    if (!whole)
        put_str(&to, format == LOG_FORMAT_JSON ? ",\"cut\":true" : " cut=true");
    put_str(&to, format == LOG_FORMAT_JSON ? "}\n" : "\n");
    line->length = (size_t)(to.at - line->text);
}
