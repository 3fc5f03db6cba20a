/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_SIGNATURE_H
#define TEST_SIGNATURE_H
/* Signed requests as a back end checks them (outbound/webhook.h). */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "outbound/webhook.h"

struct signed_body {
    const void *body;
    size_t length;
    int64_t now_s;
    int64_t tolerance_s; /* how far from now its time may be */
};

static inline bool signature_is_valid(const char *value, const char *secret,
                                      const struct signed_body *what)
{
    char expected[OUTBOUND_SIGNATURE_SIZE];
    char *end;
    int64_t time_s;

    if (strncmp(value, "t=", 2) != 0)
        return false;
    time_s = strtoll(value + 2, &end, 10);
    if (time_s < what->now_s - what->tolerance_s || time_s > what->now_s + what->tolerance_s)
        return false;
    /* The whole field is compared: so the time is written the one way that we write it. */
    return outbound_signature_write(expected, secret, time_s, what->body, what->length) == 0 &&
           strlen(value) == strlen(expected) &&
           CRYPTO_memcmp(value, expected, strlen(expected)) == 0;
}

#endif
