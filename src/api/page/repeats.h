/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_REPEATS_H
#define API_REPEATS_H
/*
 * Runs a request once that its client sends again, because the network failed it and it cannot know
 * how far the first came. Such requests bear the header idempotency-key. Within a service, a user's
 * key of one path claims the right to run: whoever claims it first runs and settles with the
 * answer; who claims it again gets that answer, waiting for it if need be. An answer is kept for
 * five minutes, and while there are not too many: of its user, and of all. Whoever brings one too
 * many loses its own oldest, so that nobody's keys displace another user's, beyond one each.
 *
 * A retry may come by another connection to another worker, so each user has an owner among the
 * workers (cluster/peers.h), whose table knows the user's keys. One struct repeats per worker and
 * service.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/reply.h"
#include "base/age_timer.h"
#include "base/list.h"
#include "cluster/peers.h"
#include "sse/table.h"

struct api_exchange;
struct api_service;

#define REPEATS_MAX_KEY 64u

struct repeats {
    struct api_service *service;
    struct sse_table entries, holders; /* by key; by user */
    struct list answered;              /* entries, the oldest answer first */
    uint64_t count;                    /* of these, */
    size_t bytes;                      /* and their size */
    uint64_t replayed, displaced;      /* since start: answered again; forgotten for want of room */
    struct age_timer age;
};

/* Embed it in the state of a request. */
struct repeat_claim {
    struct peers_call call;
    struct list node;              /* the owner's: among those who wait for the first */
    struct api_exchange *exchange; /* a reference until done has returned */
    /* In the thread of the request, later; owns the claim. */
    void (*done)(struct repeat_claim *claim);
    char *user, *key;         /* the key with its user; from _claim until _settle or _release */
    struct api_answer answer; /* of the first; without a body: this is the first, and must settle */
};

void repeats_init(struct repeats *repeats, struct api_service *service);
void repeats_release(struct repeats *repeats);

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
