/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/event.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "sse/data_lines.h"

static bool has_line_break_or_nul(const char *text, size_t length)
{
    return memchr(text, '\r', length) || memchr(text, '\n', length) || memchr(text, '\0', length);
}

int sse_event_check_field(const char *text, size_t length, size_t limit)
{
    if (length > limit)
        return -EMSGSIZE;
    if (has_line_break_or_nul(text, length) || !utf8_is_valid(text, length))
        return -EINVAL;
    return 0;
}

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
        const size_t line = sse_data_line_length(data, length);

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

struct bytes *sse_event_encode_json(const struct sse_event_fields *fields)
{
    struct sse_event_fields broken = *fields;
    struct buf lines = BUF_INIT;
    struct bytes *wire;

    if (fields->data_length <= SSE_DATA_LINE_BYTES)
        return sse_event_encode(fields);
    sse_data_break(&lines, fields->data, fields->data_length, SSE_DATA_LINE_BYTES);
    broken.data = lines.data;
    broken.data_length = lines.length;
    wire = sse_event_encode(&broken);
    buf_release(&lines);
    return wire;
}

struct bytes *sse_event_encode_told(const struct sse_event_fields *fields)
{
    struct sse_event_fields cut = *fields;
    struct buf data = BUF_INIT;
    struct bytes *wire;

    if (fields->data_length <= SSE_DATA_LINE_BYTES)
        return sse_event_encode(fields);
    sse_data_shorten(&data, fields->data, fields->data_length, SSE_DATA_LINE_BYTES);
    cut.data = data.data;
    cut.data_length = data.length;
    wire = sse_event_encode_json(&cut);
    buf_release(&data);
    return wire;
}

struct sse_event *sse_event_new(const char *name, struct bytes *wire)
{
    struct sse_event *event = mem_alloc(sizeof(*event));

    event->refs = 1;
    event->name = mem_strdup(name ? name : "");
    event->name_hash = (uint32_t)hash_text(&HASH_KEY_NONE, event->name);
    event->is_kept = false;
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
    free(event->name);
    free(event);
    return NULL;
}
