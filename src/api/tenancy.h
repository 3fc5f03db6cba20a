/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_TENANCY_H
#define API_TENANCY_H
/*
 * API keys that are for some tenants only (apiKeys[].tenants). Queries of connections say which
 * tenant they are about, commands are for tenants, or for users of one; of stored messages and of
 * who comes and goes the handlers show what is of exchange->tenants. What cannot be narrowed to
 * that exactly is refused, and so is every endpoint that has no row here.
 */
#include <stdbool.h>

struct api_exchange;
struct auth_api_key;
struct sse_target;

/* True when such a key may ask what the exchange asks, as far as its target; else it has answered
 * 403. */
bool tenancy_admits(struct api_exchange *exchange, const struct auth_api_key *key);

/* Whether the target is of these tenants (words). Any thread. */
bool tenancy_covers(const char *tenants, const struct sse_target *target);
/* Answers 403: the target is of others than the tenants of the key that was shown. */
void tenancy_refuse_target(struct api_exchange *exchange);
/* True for keys without tenants, and when they cover the target; else it has answered. */
bool tenancy_admits_target(struct api_exchange *exchange, const struct sse_target *target);

/* Answers 403: what such a key cannot have, and what it can instead. Returns false. */
bool tenancy_refuse(struct api_exchange *exchange, const char *instead);

#endif
