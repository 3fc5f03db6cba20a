/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_REPLY_H
#define API_REPLY_H
/*
 * Answers in JSON: wrapped in the envelope, or bare where a service says so. An answer to a client
 * that has left goes nowhere.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct api_exchange;
struct bytes;
struct h2_field;
struct h2_stream;

/* 200 with a tree as data; takes over the reference. */
void api_reply_json(struct api_exchange *exchange, json_t *data);

/* 200 with data written by hand: _begin starts the text, the caller appends one JSON value, _end
 * answers and releases the buffer. */
void api_reply_begin(const struct api_exchange *exchange, struct buf *text);
void api_reply_end(struct api_exchange *exchange, struct buf *text);

/* The same in two steps, for an answer that is needed more than once: _finish gives the whole text,
 * one reference; _bytes answers with it and takes over a reference. */
struct bytes *api_reply_finish(const struct api_exchange *exchange, struct buf *text);
void api_reply_bytes(struct api_exchange *exchange, struct bytes *body);

/* 200 with any text; releases the buffer. */
void api_reply_text(struct api_exchange *exchange, const char *content_type, struct buf *text);

/* Says what was wrong and what would be right. Statuses that ask to come back later (429, 503)
 * carry a retry-after. */
void api_reply_error(struct api_exchange *exchange, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with one more field (allow, www-authenticate). */
void api_reply_error_with(struct api_exchange *exchange, int status, const struct h2_field *field,
                          const char *detail);
/* The same where there is no exchange. */
void api_reply_stream_error(struct h2_stream *stream, bool envelope, int status,
                            const struct h2_field *field, const char *detail);

/* 204 with these fields. */
void api_reply_nothing(struct api_exchange *exchange, const struct h2_field *fields, size_t count);

#endif
