/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OUTBOUND_WEBHOOK_H
#define OUTBOUND_WEBHOOK_H
/* A JSON text, POSTed to a back end and signed. */
#include "outbound/http.h"

/* Where to, as it is configured. */
struct outbound_webhook {
    const char *url;
    const char *secret; /* NULL or "": not signed */
    unsigned time_limit_ms;
    size_t answer_bytes;
    bool only_public; /* it is an outsider who names the URL (outbound/http.h) */
};

/* The signature is of the moment of this call: a retry is a call of its own. */
struct outbound_delivery {
    struct bytes *json; /* gets a reference */
    const char *id;     /* sent as idempotency-key, the same for every retry; NULL: none */
    const struct outbound_field *fields; /* further ones */
    size_t field_count;
    void (*done)(void *context, const struct outbound_answer *answer);
    void *context;
};

/* As outbound_http_start(). */
struct outbound_call *outbound_webhook_post(struct outbound_http *http,
                                            const struct outbound_webhook *webhook,
                                            const struct outbound_delivery *delivery);

#endif
