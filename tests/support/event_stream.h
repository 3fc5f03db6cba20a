/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_EVENT_STREAM_H
#define SUPPORT_EVENT_STREAM_H
/* Reads an event stream as a browser does (WHATWG HTML 9.2.6), apart from the encoder under test.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define EVENT_STREAM_MAX 256u

struct stream_event {
    char *name; /* "message" when the stream said none */
    char *data;
    char *id; /* the last one said, by any event so far */
};

struct event_stream {
    struct stream_event events[EVENT_STREAM_MAX];
    size_t count;
    size_t comments;
    long retry_ms; /* -1: none was said */
    bool is_whole; /* the text ended behind an empty line */
    /* the event that is being read */
    struct buf name, data, id;
};

static inline void event_stream_dispatch(struct event_stream *stream)
{
    if (stream->data.length > 0 && stream->count < EVENT_STREAM_MAX) {
        struct stream_event *event = &stream->events[stream->count++];

        stream->data.data[--stream->data.length] = '\0'; /* the last line's LF */
        event->name = strdup(stream->name.length > 0 ? stream->name.data : "message");
        event->data = strdup(buf_str(&stream->data));
        event->id = strdup(buf_str(&stream->id));
    }
    buf_clear(&stream->name);
    buf_clear(&stream->data);
}

static inline void event_stream_field(struct event_stream *stream, const char *field,
                                      const char *value)
{
    if (strcmp(field, "event") == 0) {
        buf_clear(&stream->name);
        buf_append_str(&stream->name, value);
    } else if (strcmp(field, "data") == 0) {
        buf_append_str(&stream->data, value);
        buf_append_char(&stream->data, '\n');
    } else if (strcmp(field, "id") == 0) {
        buf_clear(&stream->id);
        buf_append_str(&stream->id, value);
    } else if (strcmp(field, "retry") == 0 && strspn(value, "0123456789") == strlen(value)) {
        stream->retry_ms = strtol(value, NULL, 10);
    }
}

static inline void event_stream_line(struct event_stream *stream, char *line)
{
    char *colon = strchr(line, ':');
    char *value = line + strlen(line);

    if (line[0] == '\0') {
        event_stream_dispatch(stream);
        return;
    }
    if (colon == line) {
        stream->comments++;
        return;
    }
    if (colon) {
        *colon = '\0';
        value = colon[1] == ' ' ? colon + 2 : colon + 1;
    }
    event_stream_field(stream, line, value);
}

static inline void event_stream_parse(struct event_stream *stream, const char *text, size_t length)
{
    char *line = malloc(length + 1);
    size_t used = 0;

    *stream = (struct event_stream){.retry_ms = -1, .is_whole = true};
    for (size_t i = 0; i < length; i++) {
        if (text[i] != '\r' && text[i] != '\n') {
            line[used++] = text[i];
            stream->is_whole = false;
            continue;
        }
        if (text[i] == '\r' && i + 1 < length && text[i + 1] == '\n')
            i++;
        line[used] = '\0';
        stream->is_whole = used == 0;
        event_stream_line(stream, line);
        used = 0;
    }
    free(line);
}

static inline void event_stream_release(struct event_stream *stream)
{
    for (size_t i = 0; i < stream->count; i++) {
        free(stream->events[i].name);
        free(stream->events[i].data);
        free(stream->events[i].id);
    }
    buf_release(&stream->name);
    buf_release(&stream->data);
    buf_release(&stream->id);
    stream->count = 0;
}

#endif
