/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_DATA_LINES_H
#define SSE_DATA_LINES_H
/*
 * How long the lines of an event's data are. Some clients read no line of 64 KiB (Go's
 * bufio.Scanner). JSON may be broken between its tokens; a text only where it has lines. What the
 * server itself tells is cut rather than too long.
 */
#include <stddef.h>

struct buf;

/* JSON is broken into lines of at most so many bytes, where its tokens allow. */
#define SSE_DATA_LINE_BYTES ((size_t)60 * 1024)

/* How long the first line of a text is, without its CR or LF. */
size_t sse_data_line_length(const char *text, size_t length);
/* The longest line of a text, by CR, LF and CRLF; the longest token of JSON (base/json_raw.h). */
size_t sse_data_longest_line(const char *text, size_t length);
size_t sse_data_longest_token(const char *raw, size_t length);

/* Appends JSON with line breaks between tokens, so that no line is longer than most but one that
 * is a token. */
void sse_data_break(struct buf *to, const char *raw, size_t length, size_t most);

/* Appends JSON, as jansson writes it, in which strings that are longer than most (16 at least) are
 * cut to that, and end in "…". */
void sse_data_shorten(struct buf *to, const char *raw, size_t length, size_t most);

#endif
