/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_REPLY_H
#define API_REPLY_H
/*
 * Answers, mostly in JSON, which is wrapped: not at all, in the usual envelope
 * {"success":…,"code":…, "data":…,"message":…,"errorMessage":…}, or, for pages, in what the service
 * has instead (base/envelope.h). A request with the field "x-sse-envelope: plain" gets the usual
 * one. An answer to a client that has left goes nowhere. Whoever is refused is told of to the
 * log and to the trace (api/refusal.h).
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct api_exchange;
struct api_service;
struct bytes;
struct envelope;
struct h2_body_source;
struct h2_field;
struct h2_request;
struct h2_stream;

struct wrapping {
    bool is_bare;
    const struct envelope *ok, *error; /* NULL: the usual one. Until the settings change. */
};

/* service: NULL outside of every service; request: NULL when it is not known (any more). */
struct wrapping wrapping_of(const struct api_service *service, const struct h2_request *request,
                            bool is_for_pages);

/* 200 with a tree as data; takes over the reference. */
void api_reply_json(struct api_exchange *exchange, json_t *data);
/* The same with one more field. */
void api_reply_json_with(struct api_exchange *exchange, const struct h2_field *field, json_t *data);

/* 200 with data written by hand, one JSON value; releases the buffer. */
void api_reply_data(struct api_exchange *exchange, struct buf *data);

/* An answer that may be needed more than once. */
struct api_answer {
    int status;
    struct bytes *body; /* one reference; NULL: there is no answer */
};

/* Such an answer with one JSON value as data, or a refusal with data beside its detail. Each
 * releases the buffer. */
struct api_answer api_reply_make_data(const struct api_exchange *exchange, int status,
                                      struct buf *data);
struct api_answer api_reply_make_refusal(const struct api_exchange *exchange, int status,
                                         struct buf *data, const char *detail);
/* Answers with it, and takes over its reference. */
void api_reply_answer(struct api_exchange *exchange, const struct api_answer *answer);

/* 200 with any text; releases the buffer. */
void api_reply_text(struct api_exchange *exchange, const char *content_type, struct buf *text);

/* Says what was wrong and what would be right. Statuses that ask to come back later (429, 503)
 * carry a retry-after. */
void api_reply_error(struct api_exchange *exchange, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same, with a retry-after of so many seconds; 0: of any. */
void api_reply_error_later(struct api_exchange *exchange, int status, unsigned seconds,
                           const char *detail);
/* The same with one more field (allow, www-authenticate). */
void api_reply_error_with(struct api_exchange *exchange, int status, const struct h2_field *field,
                          const char *detail);
/* The same where there is no exchange; the caller tells of it (api/refusal.h). */
void api_reply_stream_error(struct h2_stream *stream, const struct wrapping *wrapping, int status,
                            const char *detail);

/* 200 with events as they come from the source; NULL: the head alone (HEAD). Ends with the stream,
 * which may close in here. */
void api_reply_events(struct api_exchange *exchange, const struct h2_body_source *source,
                      void *context);

/* 204 with these fields. */
void api_reply_nothing(struct api_exchange *exchange, const struct h2_field *fields, size_t count);

#endif
