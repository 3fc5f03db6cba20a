/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OUTBOUND_WEBHOOK_H
#define OUTBOUND_WEBHOOK_H
/* A JSON text, POSTed to a back end and signed. */
#include "outbound/http.h"

/*
 * How a back end knows that a request is ours and is not an old one: the field
 *
 *     sse-signature: t=1700000000,v1=<64 hex digits>
 *
 * with HMAC-SHA256, keyed by the shared secret, of "1700000000.<body>". The time is in seconds
 * since 1970; a back end refuses what is some minutes old.
 */
#define OUTBOUND_SIGNATURE_SIZE 96u

/* 0, or -EIO when OpenSSL refuses. */
int outbound_signature_write(char to[OUTBOUND_SIGNATURE_SIZE], const char *secret, int64_t time_s,
                             const void *body, size_t length);

/* Where to, as it is configured. */
struct outbound_webhook {
    enum outbound_purpose purpose;
    const char *url;
    const char *secret; /* NULL or "": not signed */
    unsigned time_limit_ms;
    size_t answer_bytes;
    bool only_public; /* it is an outsider who names the URL (outbound/http.h) */
};

/* The signature is of the moment of this call: a retry is a call of its own. */
struct outbound_delivery {
    struct bytes *json;      /* gets a reference */
    const char *id;          /* sent as idempotency-key, the same for every retry; NULL: none */
    const char *traceparent; /* of the request because of which it is; NULL: none */
    const struct outbound_field *fields; /* further ones */
    size_t field_count;
    void (*done)(void *context, const struct outbound_answer *answer);
    void *context;
};

/* As outbound_http_start(). */
struct outbound_call *outbound_webhook_post(struct outbound_http *http,
                                            const struct outbound_webhook *webhook,
                                            const struct outbound_delivery *delivery);

/* A request whose body its caller will feed (outbound/http.h). */
struct outbound_streaming {
    const char *content_type;
    const struct buf *about;      /* JSON, which goes as a field, signed; lent */
    const char *id, *traceparent; /* as above */
    int64_t length;               /* of the body; -1: unknown */
    void (*on_taken)(void *context, size_t length);
    void (*done)(void *context, const struct outbound_answer *answer);
    void *context;
};

struct outbound_call *outbound_webhook_stream(struct outbound_http *http,
                                              const struct outbound_webhook *webhook,
                                              const struct outbound_streaming *streaming);

/* Whether a service's own back end may be told the access tokens of its users as a whole there:
 * where secret signs that ("": nothing does), and nobody in between can read it: it is https, or
 * leads to this machine. has_proxy: requests go by another one. */
bool told_may_have_token(const char *url, const char *secret, bool has_proxy);

#endif
