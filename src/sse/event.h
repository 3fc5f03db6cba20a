/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_EVENT_H
#define SSE_EVENT_H
/*
 * One server-sent event, encoded once to the bytes that go over the wire (WHATWG HTML 9.2.6) and
 * shared by every connection it goes to. Immutable. The bytes may be shared by all threads; this
 * struct, whose count is a plain number, belongs to one.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/histogram.h"

struct buf;
struct bytes;

#define SSE_EVENT_MAX_NAME 128u
#define SSE_EVENT_MAX_ID   128u
#define SSE_EVENT_MAX_DATA ((size_t)64 * 1024) /* the default of the configurable limit */
/* JSON is broken into lines of at most so many bytes, where its tokens allow: some clients read no
 * line of 64 KiB (Go's bufio.Scanner). A text is broken only where it has lines. */
#define SSE_DATA_LINE_BYTES ((size_t)60 * 1024)

struct sse_event {
    unsigned refs;
    uint32_t name_hash; /* of the event name: what policy "latest" compares before the name */
    bool is_kept;       /* no policy drops it; set by whoever made it, before it is shared, */
    uint64_t position;  /* as is this: where it is in the log; 0: it is not there */
    struct bytes *wire;
    /* Of one that a request has sent: when that came, and where it is counted how long it took
     * until connections had the event (NULL: nowhere): the first to have it, and every 64th after
     * it. */
    struct histogram *delays;
    uint64_t began_ns; /* clock_real_ns() */
    uint32_t handed_over;
    char name[];
};

#define SSE_EVENT_SAMPLED 64u

/* A connection has handed all of it to the transport. */
static inline void sse_event_note_handed_over(struct sse_event *event)
{
    if (event->delays && event->handed_over++ % SSE_EVENT_SAMPLED == 0)
        histogram_add_since(event->delays, event->began_ns);
}

struct sse_event_fields {
    const char *id;   /* NULL: no id line */
    const char *name; /* NULL: no event line (the page sees "message") */
    const char *data; /* NULL: no data line; may hold CR, LF, CRLF: one data line each */
    size_t data_length;
    int64_t retry_ms;    /* negative: no retry line */
    const char *comment; /* NULL: none; one line, written first */
};

/* Whether a text may stand in an id or event field: no CR, LF or NUL, valid UTF-8, within limit. */
int sse_event_check_field(const char *text, size_t length, size_t limit); /* 0 -EINVAL -EMSGSIZE */
/* Whether it can be an event's name: such a text, which is not empty. */
bool sse_event_is_name(const char *name);
/* What is wrong with the name of a sender's event, which no page could tell from another event, or
 * could not listen to: a sentence to follow the name. NULL: nothing. */
const char *sse_event_name_fault(const char *name);

/* The bytes of one event, one reference; NULL when a field may not stand as it is (-errno above).
 */
struct bytes *sse_event_encode(const struct sse_event_fields *fields);

/* The same of one whose data is JSON: it is broken between its tokens, so that no line is longer
 * than SSE_DATA_LINE_BYTES but one that is a token. */
struct bytes *sse_event_encode_json(const struct sse_event_fields *fields);
/* The same of what the server itself tells: a string that would be longer is cut. */
struct bytes *sse_event_encode_told(const struct sse_event_fields *fields);

/* The longest line of a text, by CR, LF and CRLF; the longest token of JSON (base/json_raw.h). */
size_t sse_data_longest_line(const char *text, size_t length);
size_t sse_data_longest_token(const char *raw, size_t length);
/* Appends JSON with line breaks between tokens, so that no line is longer than most but one that
 * is a token. */
void sse_data_break(struct buf *to, const char *raw, size_t length, size_t most);
/* Appends JSON, as jansson writes it, in which strings that are longer than most (16 at least) are
 * cut to that, and end in "…". */
void sse_data_shorten(struct buf *to, const char *raw, size_t length, size_t most);

/* Takes over the reference to wire; name is copied (NULL: ""). One reference. */
struct sse_event *sse_event_new(const char *name, struct bytes *wire);
struct sse_event *sse_event_ref(struct sse_event *event);
struct sse_event *sse_event_unref(struct sse_event *event); /* accepts NULL, always NULL */

#endif
