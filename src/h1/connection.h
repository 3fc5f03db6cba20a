/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H1_CONNECTION_H
#define H1_CONNECTION_H
/*
 * HTTP/1.1 and 1.0 on the sessions of src/h2 (h2_protocol in h2/state.h): whoever handles requests
 * sees the same streams as over HTTP/2, one after the other. What comes before the answer to the
 * request before it waits unread, but for what was received with that.
 */
#include <stdbool.h>
#include <stddef.h>

struct buf;
struct h2_field;
struct h2_protocol;

extern const struct h2_protocol h1_protocol;

/* Answers as HTTP/1.1 writes them (RFC 9112 4 to 7). */

/* How the client finds the end of the answer's body. */
enum h1_framing {
    H1_NO_BODY, /* the status has none (RFC 9110 6.4.1) */
    H1_LENGTH,  /* content-length is among the fields, or is 0 */
    H1_CHUNKED,
    H1_UNTIL_CLOSE /* streamed to a client of HTTP/1.0 */
};

struct h1_answer {
    int status;
    const struct h2_field *fields;
    size_t count;
    enum h1_framing framing;
    bool is_empty; /* H1_LENGTH, and no field says it: content-length: 0 */
};

/* Whether a body may follow it. */
bool h1_status_has_body(int status);

/* The head of an answer but for its end. */
void h1_answer_begin(struct buf *to, const struct h1_answer *answer);
/* The end of the head: whether the connection ends with this answer; a client of HTTP/1.0 has to be
 * told when it does not. */
void h1_answer_end(struct buf *to, bool is_last, bool is_1_0);

/* The line before a chunk of so many octets; the longest takes H1_CHUNK_LINE_MOST. */
#define H1_CHUNK_LINE_MOST 20u
size_t h1_chunk_line(char *to, size_t length);

#endif
