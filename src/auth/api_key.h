/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_API_KEY_H
#define AUTH_API_KEY_H
/* The keys that back ends show as "Authorization: Bearer …". Compared in constant time. */
#include <stddef.h>

#include "auth/auth.h"

struct auth_api_keys;

/* Copies the keys (only their SHA-256 is kept). Immutable after; any thread may check. */
struct auth_api_keys *auth_api_keys_new(const char *const *keys, size_t count);
void auth_api_keys_free(struct auth_api_keys *keys);

/* authorization is the header's value, or NULL. AUTH_OK, AUTH_NONE or AUTH_BAD. */
enum auth_verdict auth_api_keys_check(const struct auth_api_keys *keys, const char *authorization);

#endif
