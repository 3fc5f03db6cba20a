/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OUTBOUND_SIGNATURE_H
#define OUTBOUND_SIGNATURE_H
/*
 * How a back end knows that a request is ours and is not an old one: the field
 *
 *     sse-signature: t=1700000000,v1=<64 hex digits>
 *
 * with HMAC-SHA256, keyed by the shared secret, of "1700000000.<body>". The time is in seconds
 * since 1970; a back end refuses what is some minutes old.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OUTBOUND_SIGNATURE_FIELD "sse-signature"
#define OUTBOUND_SIGNATURE_SIZE  96u

/* 0, or -EIO when OpenSSL refuses. */
int outbound_signature_write(char to[OUTBOUND_SIGNATURE_SIZE], const char *secret, int64_t time_s,
                             const void *body, size_t length);

struct outbound_signed {
    const void *body;
    size_t length;
    int64_t now_s;
    int64_t tolerance_s; /* how far from now its time may be */
};

/* As a back end checks it. */
bool outbound_signature_is_valid(const char *value, const char *secret,
                                 const struct outbound_signed *what);

#endif
