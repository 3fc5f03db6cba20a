/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/api_key.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

#define DIGEST_SIZE 32u

struct auth_api_keys {
    size_t count;
    unsigned char digests[][DIGEST_SIZE];
};

/* Digests have one length, so that comparing them tells nothing of a key's length either. */
static bool digest_of(const char *text, unsigned char digest[DIGEST_SIZE])
{
    unsigned int length = DIGEST_SIZE;

    return EVP_Digest(text, strlen(text), digest, &length, EVP_sha256(), NULL) == 1;
}

static const char *bearer_token(const char *authorization)
{
    static const char scheme[] = "Bearer ";

    if (strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0)
        return NULL;
    authorization += sizeof(scheme) - 1;
    return authorization + strspn(authorization, " ");
}

struct auth_api_keys *auth_api_keys_new(const char *const *keys, size_t count)
{
    struct auth_api_keys *set = mem_zalloc(sizeof(*set) + count * DIGEST_SIZE);

    for (size_t i = 0; i < count; i++) {
        if (keys[i][0] == '\0' || !digest_of(keys[i], set->digests[set->count]))
            continue;
        set->count++;
    }
    return set;
}

void auth_api_keys_free(struct auth_api_keys *keys)
{
    free(keys);
}

enum auth_verdict auth_api_keys_check(const struct auth_api_keys *keys, const char *authorization)
{
    unsigned char digest[DIGEST_SIZE];
    const char *token;
    unsigned matches = 0;

    if (!authorization)
        return AUTH_NONE;
    token = bearer_token(authorization);
    if (!token || !digest_of(token, digest))
        return AUTH_BAD;
    /* Every key is compared, whichever matches. */
    for (size_t i = 0; i < keys->count; i++)
        matches += CRYPTO_memcmp(digest, keys->digests[i], DIGEST_SIZE) == 0;
    return matches > 0 ? AUTH_OK : AUTH_BAD;
}
