/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_GUARD_H
#define API_GUARD_H
/*
 * Who may use the back ends' side. A back end shows "authorization: Bearer …" with an API key, or
 * with a token that the service's auth backend knows permissions of; a user's token has none.
 *
 * API keys may be for some tenants only (apiKeys[].tenants). Queries of connections say which
 * tenant they are about, commands are for tenants, or for users of one; of stored messages and of
 * who comes and goes the handlers show what is of exchange->tenants. What cannot be narrowed to
 * that exactly is refused, and so is every endpoint that has no row for it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "auth/auth.h"
#include "auth/credential.h"

struct api_exchange;
struct api_service;
struct sse_target;

enum guard_refusal {
    GUARD_NO_CREDENTIAL,
    GUARD_MALFORMED,  /* not "Bearer …" */
    GUARD_UNKNOWN,    /* neither a key nor a token that is valid */
    GUARD_PERMISSION, /* it may not do this */
    GUARD_SERVICE,    /* it may, elsewhere */
    GUARD_TENANT,     /* it may, for other tenants */
    GUARD_BUSY,       /* it cannot be looked at now */
    GUARD_REFUSALS
};

/* The names of the reasons, for counters. */
extern const char *const guard_refusal_words[GUARD_REFUSALS];

/* Of one worker. */
struct guard_counters {
    uint64_t by_key[AUTH_MAX_API_KEYS]; /* requests that were let in, by the key's index */
    uint64_t by_token;                  /* the same without a key */
    uint64_t refused[GUARD_REFUSALS];
};

/* True when the request of the exchange may go on, with its permissions set; else it has answered
 * 401, 403 or 503. */
bool guard_admits(struct api_exchange *exchange);

/* Whether the request shows what is a back end's: an API key, or a token with permissions. */
bool guard_knows(const struct api_exchange *exchange);

/* The token that the request of the exchange was let in by, or NULL: by a key, which lasts until it
 * is configured no longer. */
const char *guard_token(const struct api_exchange *exchange);
/* The one or the other. */
const char *guard_credential(const struct api_exchange *exchange);

/* Whether it would still be, for these tenants (exchange->tenants), as far as that is known now. */
bool guard_still_admits(const struct api_service *service, const char *credential,
                        enum auth_permission permission, const char *tenants);

/* Counts by other keys: those of the same name go on. */
void guard_counters_change(struct guard_counters *counters, const struct auth_api_keys *before,
                           const struct auth_api_keys *keys);

/* Whether the target is of these tenants (words). Any thread. */
bool tenancy_covers(const char *tenants, const struct sse_target *target);
/* Answers 403: the target is of others than the tenants of the key that was shown. */
void tenancy_refuse_target(struct api_exchange *exchange);
/* True for keys without tenants, and when they cover the target; else it has answered. */
bool tenancy_admits_target(struct api_exchange *exchange, const struct sse_target *target);

/* Answers 403: what such a key cannot have, and what it can instead. Returns false. */
bool tenancy_refuse(struct api_exchange *exchange, const char *instead);

#endif
