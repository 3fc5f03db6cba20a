/* SPDX-License-Identifier: Apache-2.0 */
#include "outbound/signature.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGEST_SIZE  32u
#define SECONDS_SIZE 24u

struct part {
    const void *data;
    size_t length;
};

static bool add_parts(EVP_MAC_CTX *context, const struct part *parts, size_t count)
{
    bool ok = true;

    for (size_t i = 0; ok && i < count; i++)
        ok = EVP_MAC_update(context, parts[i].data, parts[i].length) == 1;
    return ok;
}

static bool digest_of(unsigned char digest[DIGEST_SIZE], const char *secret,
                      const struct part *parts, size_t count)
{
    char hash[] = "SHA256";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_utf8_string("digest", hash, sizeof(hash) - 1),
                                     OSSL_PARAM_END};
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
    size_t length = 0;
    bool ok =
        context &&
        EVP_MAC_init(context, (const unsigned char *)secret, strlen(secret), parameters) == 1 &&
        add_parts(context, parts, count) &&
        EVP_MAC_final(context, digest, &length, DIGEST_SIZE) == 1 && length == DIGEST_SIZE;

    EVP_MAC_CTX_free(context);
    EVP_MAC_free(hmac);
    return ok;
}

int outbound_signature_write(char to[OUTBOUND_SIGNATURE_SIZE], const char *secret, int64_t time_s,
                             const void *body, size_t length)
{
    unsigned char digest[DIGEST_SIZE];
    char seconds[SECONDS_SIZE];
    int digits = snprintf(seconds, sizeof(seconds), "%" PRId64, time_s);
    const struct part parts[] = {{seconds, (size_t)digits}, {".", 1}, {body, length}};
    size_t at = 0;

    if (!digest_of(digest, secret, parts, sizeof(parts) / sizeof(parts[0])))
        return -EIO;
    at += (size_t)snprintf(to, OUTBOUND_SIGNATURE_SIZE, "t=%s,v1=", seconds);
    for (size_t i = 0; i < DIGEST_SIZE; i++)
        at += (size_t)snprintf(to + at, OUTBOUND_SIGNATURE_SIZE - at, "%02x", digest[i]);
    return 0;
}

bool outbound_signature_is_valid(const char *value, const char *secret,
                                 const struct outbound_signed *what)
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
