/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_PAGE_HANDLER_H
#define API_PAGE_HANDLER_H
/*
 * Asks the back end that handles a page's request, tells it whose that is, and makes the page's
 * answer of what it says (outbound/answer.h). Within the time limit, always.
 *
 * Runs a request once that its client sends again, because the network failed it and it cannot know
 * how far the first came. Such requests bear the header idempotency-key. Within a service, a user's
 * key of one path claims the right to run; the owner of the service knows who has claimed what
 * (broker/idempotency.h), since a retry may come by another connection to another worker.
 */
#include <jansson.h>
#include <stdbool.h>

#include "api/reply.h"
#include "base/buf.h"
#include "broker/broker.h"
#include "broker/message.h"
#include "outbound/answer.h"
#include "outbound/webhook.h"

struct api_exchange;
struct api_service;
struct sse_user;

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

/* The same for a request whose body the caller will feed (outbound/webhook.h): of streaming what it
 * is about, its length and on_taken are the caller's. */
void handler_call_stream(struct handler_call *call, struct api_exchange *exchange, const char *url,
                         struct outbound_streaming *streaming);

/* The page has left before its request was complete: done does not run. */
void handler_call_cancel(struct handler_call *call);

/* Answers the page with what went wrong. */
void handler_call_refuse(struct handler_call *call);

struct handler_subject {
    struct broker_telling telling; /* what its handler may know, to ask the connection for */
    struct broker_message *told;   /* what was told; NULL: no connection was named, */
    char *user;                    /* then this, JSON; NULL until noted */
};

/* What was told before is forgotten, unless nothing was asked for now. */
void handler_subject_note(struct handler_subject *subject, const struct broker_message *answer);
/* For a request that names no connection. */
void handler_subject_note_user(struct handler_subject *subject, const struct sse_user *user);
void handler_subject_release(struct handler_subject *subject);

/* {"type","service","path","time","user","connection": the caller appends what is particular to the
 * type, as further members, and the closing brace. */
void handler_subject_open(struct buf *text, const struct api_exchange *exchange, const char *type,
                          const struct handler_subject *subject);

/* The request's query as an object: without connectionId, and without what the service's
 * configuration calls a secret. A new reference. */
json_t *handler_subject_query(const struct api_exchange *exchange);

#define IDEMPOTENCY_KEY_MOST 64u

/* Embed it in the state of a request. */
struct key_claim {
    struct broker_request request;
    struct api_exchange *exchange; /* a reference until done has returned */
    /* In the thread of the request, perhaps before _claim returns; owns the claim. */
    void (*done)(struct key_claim *claim);
    char *key; /* with its user; from _claim until _settle or _release */
    struct api_answer
        answer;      /* of the first; without a body: this is the first, and must settle, */
    bool is_refused; /* unless it is not known: the request has been answered */
};

/* The request's key, or NULL. When it is none that is taken here, *refused is set, and the request
 * has been answered. */
const char *idempotency_key_of(struct api_exchange *exchange, bool *refused);

/* done is the caller's to fill in. */
void idempotency_key_claim(struct key_claim *claim, struct api_exchange *exchange,
                           const char *tenant_id, const char *user_id);

/* How the request went that claimed first: its answer (a reference is taken), or NULL: it did not
 * run, so that the next may. Releases the claim; nothing where none was claimed. */
void idempotency_key_settle(struct key_claim *claim, struct api_service *service,
                            const struct api_answer *answer);

/* Of one that has got its answer, or never claimed. */
void key_claim_release(struct key_claim *claim);

#endif
