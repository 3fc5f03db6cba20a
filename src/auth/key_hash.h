/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_KEY_HASH_H
#define AUTH_KEY_HASH_H
/*
 * What is kept of an API key: its SHA-256. Keys are long and random, so that nothing slower is
 * needed to keep them from being guessed. As text: "sha256:" and 64 hex digits.
 */
#include <stdbool.h>

#define AUTH_KEY_HASH_PREFIX "sha256:"
#define AUTH_KEY_HASH_BYTES  32u
#define AUTH_KEY_HASH_TEXT   72u /* with its NUL */

struct auth_key_hash {
    unsigned char bytes[AUTH_KEY_HASH_BYTES];
};

/* False when OpenSSL cannot, for want of memory. */
bool auth_key_hash_of(const char *key, struct auth_key_hash *hash);

/* Whether text is meant to be a hash, well-formed or not. */
bool auth_key_hash_is_text(const char *text);

/* False when text is ill-formed. */
bool auth_key_hash_parse(const char *text, struct auth_key_hash *hash);
void auth_key_hash_print(const struct auth_key_hash *hash, char text[AUTH_KEY_HASH_TEXT]);

/* Takes the same time wherever they differ. */
bool auth_key_hash_equal(const struct auth_key_hash *one, const struct auth_key_hash *other);

#endif
