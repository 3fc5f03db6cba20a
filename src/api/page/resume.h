/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_RESUME_H
#define API_RESUME_H
/*
 * Where a page goes on that was here before. The hub says it: it has seen every event that any
 * worker has written, while this one may still have some of them to come. Its answer comes behind
 * those.
 */
#include <stdint.h>

#include "api/page/name_list.h"
#include "cluster/peers.h"
#include "sse/history.h"

struct api_exchange;

/* Embed it in what asks. */
struct resume {
    struct peers_call call;
    struct api_exchange *exchange; /* the caller's reference */
    const char *last_id;           /* that the page has shown; NULL: none; the exchange's */
    struct name_list channels;     /* what it may hear, as far as is known yet */
    /* The answer: */
    enum sse_resume kind;
    uint64_t after;
    void (*done)(struct resume *resume);
};

/* Calls done, perhaps at once. */
void resume_ask(struct resume *resume, struct api_exchange *exchange);
void resume_release(struct resume *resume);

#endif
