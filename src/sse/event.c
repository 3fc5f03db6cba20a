/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/event.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"

/* ---- names ---- */

int sse_event_check_field(const char *text, size_t length, size_t limit)
{
    if (length > limit)
        return -EMSGSIZE;
    if (memchr(text, '\r', length) || memchr(text, '\n', length) || memchr(text, '\0', length) ||
        !utf8_is_valid(text, length))
        return -EINVAL;
    return 0;
}

bool sse_event_is_name(const char *name)
{
    return name[0] != '\0' && sse_event_check_field(name, strlen(name), SSE_EVENT_MAX_NAME) == 0;
}

/* THE list. docs/sending.md shows it, and js/sse.d.ts has those that pages listen to: a test
 * compares them (tests/integration/event-names.test.mjs). */
static const struct {
    const char *name;
    const char *fault;
} taken[] = {
#define SERVERS "is the server's own; choose another name"
    {"connect-finish", SERVERS},
    {"connect-close", SERVERS},
    {"sse-gap", SERVERS},
    {"sse-heartbeat", SERVERS},
    {"sse-left-out", SERVERS},
    {"sse-set-duration", SERVERS},
    {"sse-token-expiring", SERVERS},
#undef SERVERS
#define CLIENTS "is what the client tells its page by itself; choose another name"
    {"connect-timeout", CLIENTS},
    {"sse-change-active", CLIENTS},
#undef CLIENTS
#define BROWSERS                                                                                   \
    "is what a browser tells of the stream itself, and no page could tell them apart; choose "     \
    "another name"
    {"error", BROWSERS},
    {"open", BROWSERS},
#undef BROWSERS
#define OBJECTS                                                                                    \
    "is what every JavaScript object inherits, so that a page that keeps listeners by name has "   \
    "one already; choose another name"
    {"__defineGetter__", OBJECTS},
    {"__defineSetter__", OBJECTS},
    {"__lookupGetter__", OBJECTS},
    {"__lookupSetter__", OBJECTS},
    {"__proto__", OBJECTS},
    {"constructor", OBJECTS},
    {"hasOwnProperty", OBJECTS},
    {"isPrototypeOf", OBJECTS},
    {"propertyIsEnumerable", OBJECTS},
    {"toLocaleString", OBJECTS},
    {"toString", OBJECTS},
    {"valueOf", OBJECTS},
#undef OBJECTS
};

const char *sse_event_name_fault(const char *name)
{
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        if (name[0] == taken[i].name[0] && strcmp(name, taken[i].name) == 0)
            return taken[i].fault;
    }
    if (strchr(name, ',') || name[0] == ' ' || name[strlen(name) - 1] == ' ')
        return "has a comma, or a blank at an end: pages name what they listen to in a list with "
               "commas; leave them out";
    return NULL;
}

/* ---- lines of data ---- */

/* How long the first line of a text is, without its CR or LF. */
static size_t line_length(const char *text, size_t length)
{
    size_t at = 0;

    while (length - at >= SWAR_SIZE && !swar_has(swar_load(text + at), '\n') &&
           !swar_has(swar_load(text + at), '\r'))
        at += SWAR_SIZE;
    while (at < length && text[at] != '\r' && text[at] != '\n')
        at++;
    return at;
}

size_t sse_data_longest_line(const char *text, size_t length)
{
    size_t longest = 0, line;

    for (size_t at = 0; at < length; at += line + 1) {
        line = line_length(text + at, length - at);
        longest = line > longest ? line : longest;
    }
    return longest;
}

static size_t string_length(const char *raw, size_t length)
{
    size_t at = 1;

    while (at < length && raw[at] != '"')
        at += raw[at] == '\\' ? 2 : 1;
    return at + 1;
}

static size_t word_length(const char *raw, size_t length)
{
    size_t at = 1;

    while (at < length && !strchr("[]{},:\"", raw[at]))
        at++;
    return at;
}

/* Of what begins here, which is not empty. */
static size_t token_length(const char *raw, size_t length)
{
    if (raw[0] == '"')
        return string_length(raw, length);
    return strchr("[]{},:", raw[0]) ? 1 : word_length(raw, length);
}

size_t sse_data_longest_token(const char *raw, size_t length)
{
    size_t longest = 0, token;

    for (size_t at = 0; at < length; at += token) {
        token = token_length(raw + at, length - at);
        longest = token > longest ? token : longest;
    }
    return longest;
}

void sse_data_break(struct buf *to, const char *raw, size_t length, size_t most)
{
    size_t begin = 0, token;

    for (size_t at = 0; at < length; at += token) {
        token = token_length(raw + at, length - at);
        if (at > begin && at + token - begin > most) {
            buf_append(to, raw + begin, at - begin);
            buf_append_char(to, '\n');
            begin = at;
        }
    }
    buf_append(to, raw + begin, length - begin);
}

/* Of the character, or its escape, that begins here. */
static size_t character_length(const char *raw)
{
    const unsigned char first = (unsigned char)raw[0];

    if (first == '\\')
        return raw[1] == 'u' ? 6 : 2;
    return first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

static void append_cut(struct buf *to, const char *string, size_t most)
{
    static const char end[] = "\u2026\"";
    size_t at = 1, step;

    while (step = character_length(string + at), at + step + sizeof(end) - 1 <= most)
        at += step;
    buf_append(to, string, at);
    buf_append_str(to, end);
}

void sse_data_shorten(struct buf *to, const char *raw, size_t length, size_t most)
{
    size_t begin = 0, token;

    for (size_t at = 0; at < length; at += token) {
        token = token_length(raw + at, length - at);
        if (raw[at] != '"' || token <= most)
            continue;
        buf_append(to, raw + begin, at - begin);
        append_cut(to, raw + at, most);
        begin = at + token;
    }
    buf_append(to, raw + begin, length - begin);
}

/* ---- encoding ---- */

/* A reader takes one space after the colon away: a value that begins with one needs another. */
static void append_line(struct buf *buf, const char *field, const char *value, size_t length)
{
    buf_append_str(buf, field);
    buf_append_char(buf, ':');
    if (length > 0 && value[0] == ' ')
        buf_append_char(buf, ' ');
    buf_append(buf, value, length);
    buf_append_char(buf, '\n');
}

/* One data line per line of the text; CR, LF and CRLF each end one. */
static void append_data(struct buf *buf, const char *data, size_t length)
{
    for (;;) {
        const size_t line = line_length(data, length);

        append_line(buf, "data", data, line);
        if (line == length)
            return;

        const size_t end =
            line + 1 < length && data[line] == '\r' && data[line + 1] == '\n' ? 2 : 1;

        data += line + end;
        length -= line + end;
    }
}

static int check_line(const char *text, size_t limit)
{
    return text ? sse_event_check_field(text, strlen(text), limit) : 0;
}

static int check_fields(const struct sse_event_fields *fields)
{
    int status = check_line(fields->id, SSE_EVENT_MAX_ID);

    if (status == 0)
        status = check_line(fields->name, SSE_EVENT_MAX_NAME);
    if (status == 0)
        status = check_line(fields->comment, SIZE_MAX);
    if (status == 0 && fields->data && !utf8_is_valid(fields->data, fields->data_length))
        status = -EINVAL;
    return status;
}

/* Without any there is no event to end: some clients take the blank line behind a mere comment for
 * an empty message. */
static bool has_fields(const struct sse_event_fields *fields)
{
    return fields->id || fields->name || fields->data || fields->retry_ms >= 0;
}

struct bytes *sse_event_encode(const struct sse_event_fields *fields)
{
    struct buf buf = BUF_INIT;
    const int status = check_fields(fields);

    if (status < 0) {
        errno = -status;
        return NULL;
    }
    buf_reserve(&buf, fields->data_length + 64);
    if (fields->comment) {
        buf_append_char(&buf, ':');
        buf_append_str(&buf, fields->comment);
        buf_append_char(&buf, '\n');
    }
    if (fields->id)
        append_line(&buf, "id", fields->id, strlen(fields->id));
    if (fields->name)
        append_line(&buf, "event", fields->name, strlen(fields->name));
    if (fields->retry_ms >= 0)
        buf_printf(&buf, "retry:%lld\n", (long long)fields->retry_ms);
    if (fields->data)
        append_data(&buf, fields->data, fields->data_length);
    if (has_fields(fields))
        buf_append_char(&buf, '\n');
    return buf_freeze(&buf);
}

/* With the data as one of these writes it; lines so short that no client minds them stay. */
static struct bytes *encode_as(const struct sse_event_fields *fields,
                               void (*write)(struct buf *to, const char *raw, size_t length,
                                             size_t most),
                               struct bytes *(*encode)(const struct sse_event_fields *fields))
{
    struct sse_event_fields written = *fields;
    struct buf data = BUF_INIT;
    struct bytes *wire;

    if (fields->data_length <= SSE_DATA_LINE_BYTES)
        return sse_event_encode(fields);
    write(&data, fields->data, fields->data_length, SSE_DATA_LINE_BYTES);
    written.data = data.data;
    written.data_length = data.length;
    wire = encode(&written);
    buf_release(&data);
    return wire;
}

struct bytes *sse_event_encode_json(const struct sse_event_fields *fields)
{
    return encode_as(fields, sse_data_break, sse_event_encode);
}

struct bytes *sse_event_encode_told(const struct sse_event_fields *fields)
{
    return encode_as(fields, sse_data_shorten, sse_event_encode_json);
}

struct sse_event *sse_event_new(const char *name, struct bytes *wire)
{
    const size_t length = name ? strlen(name) : 0;
    struct sse_event *event = mem_alloc(sizeof(*event) + length + 1);

    event->refs = 1;
    memcpy(event->name, name ? name : "", length + 1);
    event->name_hash = (uint32_t)hash_text(&HASH_KEY_NONE, event->name);
    event->is_kept = false;
    event->delays = NULL;
    event->handed_over = 0;
    event->wire = wire;
    return event;
}

struct sse_event *sse_event_ref(struct sse_event *event)
{
    event->refs++;
    return event;
}

struct sse_event *sse_event_unref(struct sse_event *event)
{
    if (!event || --event->refs > 0)
        return NULL;
    bytes_unref(event->wire);
    free(event);
    return NULL;
}
