/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_API_KEY_H
#define AUTH_API_KEY_H
/* The keys of back ends: what each may do, and for which services. Compared in constant time. */
#include <stddef.h>
#include <stdint.h>

#include "auth/key_hash.h"

#define AUTH_MAX_API_KEYS 64u
#define AUTH_ALL_SERVICES UINT64_MAX

struct auth_api_key {
    const char *name; /* borrowed */
    struct auth_key_hash hash;
    unsigned permissions; /* a mask of enum auth_permission */
    uint64_t services;    /* a mask: bit 0 is the first service */
    const char *tenants;  /* words, borrowed; "": all */
};

struct auth_api_keys;

/* Copies the keys, at most AUTH_MAX_API_KEYS. Immutable after; any thread may look. */
struct auth_api_keys *auth_api_keys_new(const struct auth_api_key *keys, size_t count);
void auth_api_keys_free(struct auth_api_keys *keys);

size_t auth_api_keys_count(const struct auth_api_keys *keys);
const struct auth_api_key *auth_api_keys_at(const struct auth_api_keys *keys, size_t index);

/* The index of the key that token is; -ENOENT: it is none; -ENOMEM: it is not known whether it is.
 */
int auth_api_keys_find(const struct auth_api_keys *keys, const char *token);

#endif
