/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_REPEATS_H
#define API_REPEATS_H
/*
 * Runs a request once that its client sends again, because the network failed it and it cannot know
 * how far the first came. Such requests bear the header idempotency-key. Within a service, a user's
 * key of one path claims the right to run; the owner of the service knows who has claimed what
 * (broker/idempotency.h), since a retry may come by another connection to another worker.
 */
#include <stdbool.h>

#include "api/reply.h"
#include "broker/broker.h"

struct api_exchange;
struct api_service;

#define REPEATS_MAX_KEY 64u

/* Embed it in the state of a request. */
struct repeat_claim {
    struct broker_request request;
    struct api_exchange *exchange; /* a reference until done has returned */
    /* In the thread of the request, perhaps before _claim returns; owns the claim. */
    void (*done)(struct repeat_claim *claim);
    char *key;                /* with its user; from _claim until _settle or _release */
    struct api_answer answer; /* of the first; without a body: this is the first, and must settle */
};

/* The request's key, or NULL. When it is none that is taken here, *refused is set, and the request
 * has been answered. */
const char *repeats_key(struct api_exchange *exchange, bool *refused);

/* done is the caller's to fill in. */
void repeats_claim(struct repeat_claim *claim, struct api_exchange *exchange, const char *tenant_id,
                   const char *user_id);

/* How the request went that claimed first: its answer (a reference is taken), or NULL: it did not
 * run, so that the next may. Releases the claim. */
void repeats_settle(struct repeat_claim *claim, struct api_service *service,
                    const struct api_answer *answer);

/* Of one that has got its answer, or never claimed. */
void repeat_claim_release(struct repeat_claim *claim);

#endif
