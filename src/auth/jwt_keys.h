/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_JWT_KEYS_H
#define AUTH_JWT_KEYS_H
/* A set of keys to look a token's key up in. Filled once and immutable after: any thread may look.
 */
#include <stdbool.h>
#include <stddef.h>

struct auth_jwt_algorithm;
struct auth_jwt_key;

#define AUTH_JWT_MAX_KEYS 64u

struct auth_jwt_keys {
    size_t count;
    struct auth_jwt_key *keys[AUTH_JWT_MAX_KEYS]; /* owned */
};

struct auth_jwt_keys *auth_jwt_keys_new(void);
void auth_jwt_keys_free(struct auth_jwt_keys *keys);

/* Takes the key over, whatever it returns: false when the set is full. */
bool auth_jwt_keys_add(struct auth_jwt_keys *keys, struct auth_jwt_key *key);

/* The next key from *at on that a token of this algorithm may be signed with: the one of its kid,
 * which is nothing but a text that is compared; without a kid (NULL) any. NULL when there is none.
 */
const struct auth_jwt_key *auth_jwt_keys_next(const struct auth_jwt_keys *keys, const char *kid,
                                              const struct auth_jwt_algorithm *algorithm,
                                              size_t *at);

#endif
