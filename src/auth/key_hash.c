/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/key_hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define PREFIX_LENGTH (sizeof(AUTH_KEY_HASH_PREFIX) - 1)

bool auth_key_hash_of(const char *key, struct auth_key_hash *hash)
{
    return EVP_Digest(key, strlen(key), hash->bytes, NULL, EVP_sha256(), NULL) == 1;
}

bool auth_key_hash_is_text(const char *text)
{
    return strncmp(text, AUTH_KEY_HASH_PREFIX, PREFIX_LENGTH) == 0;
}

bool auth_key_hash_parse(const char *text, struct auth_key_hash *hash)
{
    const char *digits = text + PREFIX_LENGTH;

    if (!auth_key_hash_is_text(text) || strlen(digits) != 2 * sizeof(hash->bytes))
        return false;
    for (size_t i = 0; i < sizeof(hash->bytes); i++) {
        int high = OPENSSL_hexchar2int((unsigned char)digits[2 * i]);
        int low = OPENSSL_hexchar2int((unsigned char)digits[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        hash->bytes[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

void auth_key_hash_print(const struct auth_key_hash *hash, char text[AUTH_KEY_HASH_TEXT])
{
    memcpy(text, AUTH_KEY_HASH_PREFIX, PREFIX_LENGTH);
    for (size_t i = 0; i < sizeof(hash->bytes); i++)
        snprintf(text + PREFIX_LENGTH + 2 * i, 3, "%02x", hash->bytes[i]);
}

bool auth_key_hash_equal(const struct auth_key_hash *one, const struct auth_key_hash *other)
{
    return CRYPTO_memcmp(one->bytes, other->bytes, sizeof(one->bytes)) == 0;
}
