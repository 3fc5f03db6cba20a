/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OUTBOUND_ANSWER_H
#define OUTBOUND_ANSWER_H
/* What the answers of back ends mean: to the log, in one way for all purposes, and to a page. */
#include "base/buf.h"
#include "outbound/http.h"

/* What is wrong with an answer that is no error and should have been one of the statuses that its
 * asker knows, with JSON: of its status, where that is not 2xx; else of its body. Static. */
const char *outbound_answer_fault(const struct outbound_answer *answer);

/* For whom a back end was asked. */
struct outbound_asker {
    enum outbound_purpose purpose;
    const char *service; /* its name; NULL: none */
    const char *request; /* the id of a single request; NULL: it is not for one */
};

/* One line of the log, so many of each purpose as base/log.h allows: of the URL only the host.
 * reason: NULL for the error's, or for what the above finds. */
void outbound_complain(const struct outbound_asker *asker, const char *url,
                       const struct outbound_answer *answer, const char *reason);

/*
 * What a back end that handles a page's request has said, as its page is told it: 2xx and 4xx with
 * their JSON, of which text/plain becomes a string. Its 500 is the page's, without what it says.
 * When it fails otherwise that is 502 (no answer, no JSON, 3xx, 401, other 5xx), 503 (it says so
 * itself, or too many are being asked) or 504 (too slow).
 */
enum handler_outcome {
    HANDLER_ACCEPTED, /* 2xx */
    HANDLER_REFUSED,  /* 4xx */
    HANDLER_FAILED,   /* it has not run */
    HANDLER_UNCLEAR,  /* it may have run */
};

struct handler_answer {
    enum handler_outcome outcome;
    int status;         /* for the page */
    struct buf data;    /* JSON, of what was accepted or refused; the reader's to release */
    const char *reason; /* of the others; static */
};

struct handler_answer handler_answer_read(const struct outbound_answer *answer);

#endif
