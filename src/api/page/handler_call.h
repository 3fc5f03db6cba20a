/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_HANDLER_CALL_H
#define API_HANDLER_CALL_H
/*
 * Asks the back end that handles a page's request, and makes the page's answer of what it says.
 *
 * The back end's status and JSON are the page's: 2xx in the envelope's data, 4xx as an error whose
 * data it is; text/plain becomes a JSON string. Its 500 is the page's, without what it says. When
 * it fails otherwise, the page hears 502 (no answer, no JSON, 3xx, 401, other 5xx), 503 (it says so
 * itself, or too many are being asked) or 504 (too slow): within the time limit, always.
 */
#include <stdbool.h>

#include "api/reply.h"
#include "outbound/http.h"

struct api_exchange;

enum handler_outcome {
    HANDLER_ACCEPTED, /* 2xx */
    HANDLER_REFUSED,  /* 4xx */
    HANDLER_FAILED,   /* it has not run */
    HANDLER_UNCLEAR,  /* it may have run */
};

/* Embed it in the state of a request. */
struct handler_call {
    struct api_exchange *exchange; /* a reference until done has returned */
    struct outbound_call *call;    /* NULL when it is over */
    /* Owns the call's struct. Accepted or refused: answer is what the page gets, and its reference
     * the receiver's. Else: handler_call_refuse() answers the page. */
    void (*done)(struct handler_call *call, enum handler_outcome outcome,
                 const struct api_answer *answer);
    const char *url;    /* whom it asks; the caller's, until done */
    int failure;        /* the status of what went wrong, */
    const char *reason; /* static */
};

/* POSTs the text, which it releases, to the URL. done is the caller's to fill in. */
void handler_call_post(struct handler_call *call, struct api_exchange *exchange, const char *url,
                       struct buf *text);

/* The same for a request whose body the caller will feed (outbound/http.h): context is the JSON
 * text, which goes as a field. on_taken and its context are the caller's. */
struct handler_stream {
    const char *url;
    struct buf *context; /* released */
    int64_t length;      /* -1: unknown */
    void (*on_taken)(void *context, size_t length);
};
void handler_call_stream(struct handler_call *call, struct api_exchange *exchange,
                         const struct handler_stream *stream);

/* The page has left before its request was complete: done does not run. */
void handler_call_cancel(struct handler_call *call);

/* Answers the page with what went wrong. */
void handler_call_refuse(struct handler_call *call);

#endif
