/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_CREDENTIAL_H
#define AUTH_CREDENTIAL_H
/* What back ends show: API keys, what each may do, and where a request bears one. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/*
 * What is kept of an API key: its SHA-256. Keys are long and random, so that nothing slower is
 * needed to keep them from being guessed. As text: "sha256:" and 64 hex digits.
 */
#define AUTH_KEY_HASH_PREFIX "sha256:"
#define AUTH_KEY_HASH_BYTES  32u
#define AUTH_KEY_HASH_TEXT   72u /* with its NUL */

struct auth_key_hash {
    unsigned char bytes[AUTH_KEY_HASH_BYTES];
};

/* False when OpenSSL cannot, for want of memory. */
bool auth_key_hash_of(const char *key, struct auth_key_hash *hash);
/* The same as text, of any credential. */
bool auth_key_hash_write(const char *key, char text[AUTH_KEY_HASH_TEXT]);

/* Whether text is meant to be a hash, well-formed or not. */
bool auth_key_hash_is_text(const char *text);
/* False when text is ill-formed. */
bool auth_key_hash_parse(const char *text, struct auth_key_hash *hash);

/* Takes the same time wherever they differ. */
bool auth_key_hash_equal(const struct auth_key_hash *one, const struct auth_key_hash *other);

#define AUTH_MAX_API_KEYS 64u
#define AUTH_ALL_SERVICES UINT64_MAX

struct auth_api_key {
    const char *name; /* borrowed */
    struct auth_key_hash hash;
    unsigned permissions; /* a mask of enum auth_permission */
    uint64_t services;    /* a mask: bit 0 is the first service */
    const char *tenants;  /* words, borrowed; "": all */
};

/* Immutable; any thread may look. */
struct auth_api_keys {
    struct evp_md_st *sha256; /* looked up once: OpenSSL takes locks for that */
    size_t count;
    struct auth_api_key keys[AUTH_MAX_API_KEYS];
};

/* Copies the keys, at most AUTH_MAX_API_KEYS. */
struct auth_api_keys *auth_api_keys_new(const struct auth_api_key *keys, size_t count);
void auth_api_keys_free(struct auth_api_keys *keys); /* NULL is fine */

/* The index of the key that token is; -ENOENT: it is none; -ENOMEM: it is not known whether it is.
 */
int auth_api_keys_find(const struct auth_api_keys *keys, const char *token);

/* The names of what a back end may do, in the order of enum auth_permission (auth/auth.h), then
 * NULL. */
extern const char *const auth_permission_words[];

/* The mask of such words (base/text.h). False: one names no permission; *unknown is it. */
bool auth_permissions_parse(const char *words, unsigned *permissions, struct word *unknown);
/* The mask of one word; 0 when it names no permission. */
unsigned auth_permission_of(const struct word *word);
/* The word of one permission. */
const char *auth_permission_word(unsigned permission);

/* The token in the value of the field "authorization: Bearer …" (RFC 6750), which it lies in; NULL
 * when the field is of another scheme, or holds no token, or something besides it. */
const char *auth_bearer_token(const char *authorization);

#endif
