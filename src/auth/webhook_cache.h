/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_WEBHOOK_CACHE_H
#define AUTH_WEBHOOK_CACHE_H
/*
 * Answers about credentials, kept for a moment: a page that opens makes many requests at once.
 * Bounded: at the bound the oldest goes. One worker's and one service's.
 */
#include <stddef.h>
#include <stdint.h>

struct auth_result;
struct auth_revocation;
struct auth_webhook_cache;
struct loop;

struct auth_webhook_cache *auth_webhook_cache_new(struct loop *loop, size_t most);
/* Another bound; what is known stays. */
void auth_webhook_cache_change(struct auth_webhook_cache *cache, size_t most);
/* So many answers of one user at the most: with one more the oldest of its own goes. 0: no bound.
 */
void auth_webhook_cache_bound_users(struct auth_webhook_cache *cache, size_t most);
void auth_webhook_cache_forget_all(struct auth_webhook_cache *cache);
void auth_webhook_cache_free(struct auth_webhook_cache *cache);

/* NULL: it is not known now. Lent until the cache changes. */
const struct auth_result *auth_webhook_cache_find(struct auth_webhook_cache *cache, const char *key,
                                                  uint64_t now_ms);

/* Takes the place of what is there. Keeps references to the user and the data of the result.
 */
void auth_webhook_cache_add(struct auth_webhook_cache *cache, const char *key,
                            const struct auth_result *result, uint64_t now_ms, uint64_t until_ms);

/* Forgets what was told of this user or this access token. */
void auth_webhook_cache_forget(struct auth_webhook_cache *cache,
                               const struct auth_revocation *revocation);

size_t auth_webhook_cache_count(const struct auth_webhook_cache *cache);
uint64_t auth_webhook_cache_displaced(const struct auth_webhook_cache *cache); /* by the bound */

#endif
