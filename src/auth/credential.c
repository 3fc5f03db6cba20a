/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/credential.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "auth/auth.h"
#include "base/mem.h"

#define PREFIX_LENGTH (sizeof(AUTH_KEY_HASH_PREFIX) - 1)

static bool hash_by(const EVP_MD *sha256, const char *key, struct auth_key_hash *hash)
{
    return sha256 && EVP_Digest(key, strlen(key), hash->bytes, NULL, sha256, NULL) == 1;
}

bool auth_key_hash_of(const char *key, struct auth_key_hash *hash)
{
    return hash_by(EVP_sha256(), key, hash);
}

bool auth_key_hash_is_text(const char *text)
{
    return strncmp(text, AUTH_KEY_HASH_PREFIX, PREFIX_LENGTH) == 0;
}

bool auth_key_hash_parse(const char *text, struct auth_key_hash *hash)
{
    const char *digits = text + PREFIX_LENGTH;
    bool is_hex;

    if (!auth_key_hash_is_text(text) || strlen(digits) != 2 * sizeof(hash->bytes))
        return false;
    is_hex = OPENSSL_hexstr2buf_ex(hash->bytes, sizeof(hash->bytes), NULL, digits, '\0') == 1;
    ERR_clear_error();
    return is_hex;
}

bool auth_key_hash_write(const char *key, char text[AUTH_KEY_HASH_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    struct auth_key_hash hash;

    if (!auth_key_hash_of(key, &hash))
        return false;
    text = mempcpy(text, AUTH_KEY_HASH_PREFIX, PREFIX_LENGTH);
    for (size_t i = 0; i < sizeof(hash.bytes); i++) {
        *text++ = digits[hash.bytes[i] >> 4];
        *text++ = digits[hash.bytes[i] & 0xf];
    }
    *text = '\0';
    return true;
}

bool auth_key_hash_equal(const struct auth_key_hash *one, const struct auth_key_hash *other)
{
    return CRYPTO_memcmp(one->bytes, other->bytes, sizeof(one->bytes)) == 0;
}

struct auth_api_keys *auth_api_keys_new(const struct auth_api_key *keys, size_t count)
{
    struct auth_api_keys *set = mem_zalloc(sizeof(*set));

    assert(count <= AUTH_MAX_API_KEYS);
    set->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    set->count = count;
    for (size_t i = 0; i < count; i++)
        set->keys[i] = keys[i];
    return set;
}

void auth_api_keys_free(struct auth_api_keys *keys)
{
    EVP_MD_free(keys ? keys->sha256 : NULL);
    free(keys);
}

int auth_api_keys_find(const struct auth_api_keys *keys, const char *token)
{
    struct auth_key_hash hash;
    int found = -ENOENT;

    if (!hash_by(keys->sha256, token, &hash))
        return -ENOMEM;
    /* Every key is compared, whichever matches: the time tells nothing. */
    for (size_t i = 0; i < keys->count; i++) {
        if (auth_key_hash_equal(&hash, &keys->keys[i].hash))
            found = (int)i;
    }
    return found;
}

const char *const auth_permission_words[] = {"send",    "query",   "disconnect", "presence",
                                             "metrics", "inspect", NULL};

static_assert(COUNT(auth_permission_words) ==
                  (size_t)__builtin_popcount(AUTH_MAY_ALL | AUTH_MAY_INSPECT) + 1,
              "a word for each permission");

bool auth_permissions_parse(const char *words, unsigned *permissions, struct word *unknown)
{
    return words_mask(words, auth_permission_words, COUNT(auth_permission_words) - 1, permissions,
                      unknown);
}

unsigned auth_permission_of(const struct word *word)
{
    for (unsigned i = 0; auth_permission_words[i]; i++) {
        if (word_is(word, auth_permission_words[i]))
            return 1u << i;
    }
    return 0;
}

const char *auth_permission_word(unsigned permission)
{
    return auth_permission_words[__builtin_ctz(permission)];
}

const char *auth_bearer_token(const char *authorization)
{
    static const char scheme[] = "Bearer ";
    const char *token;

    if (strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0)
        return NULL;
    token = authorization + sizeof(scheme) - 1;
    token += strspn(token, " ");
    /* API keys are the operator's own texts: more than RFC 6750's alphabet, but no white space. */
    if (token[0] == '\0' || strpbrk(token, " \t"))
        return NULL;
    return token;
}
