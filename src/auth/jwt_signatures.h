/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_JWT_SIGNATURES_H
#define AUTH_JWT_SIGNATURES_H
/*
 * Which of some keys has signed a token? That costs the loop 30 us (RS256, PS256), 110 us (ES256),
 * 150 us (EdDSA) to 900 us (ES384) for each key, of which OpenSSL's own work is nearly all; what is
 * remembered costs less than 1 us. Pages show their token with every request, and strangers make as
 * many wrong ones as they like. So:
 *
 *   what was found is remembered   under a hash of the token and of all these keys, so that a key
 *                                  that comes, goes or changes makes it another question. What a
 *                                  token claims, and whether it was revoked, is not asked here.
 *   wrong ones come last           while the checks take less than their share of the worker's time
 *                                  (auth/work.h) all are computed; above it, who comes last waits
 *                                  (auth/standing.h). What is remembered is answered all the same.
 *
 * One worker's part of a service.
 */
#include <stddef.h>
#include <stdint.h>

#include "auth/standing.h"
#include "base/ratelimit.h"

struct auth_jwt_key;
struct auth_jwt_signatures;
struct auth_work;
struct loop;

/* Keys that a token without kid is tried with. */
#define AUTH_JWT_MAX_TRIES 4u

/* How long a token that does not come any more is remembered. */
#define AUTH_JWT_RIGHT_KEPT_MS 3600000u
#define AUTH_JWT_WRONG_KEPT_MS 60000u

struct auth_jwt_signature_limits {
    uint32_t verified; /* tokens that are remembered, and good addresses; 0: none */
    uint32_t forged;   /* the same of wrong ones, which push no good ones out; not 0 */
    /* Of one address, whatever the others do. A burst of 0: no limit. */
    struct ratelimit_rule address_failures;
};

struct auth_jwt_candidates {
    const struct auth_jwt_key *keys[AUTH_JWT_MAX_TRIES];
    size_t count;
};

enum auth_jwt_finding { AUTH_JWT_RIGHT, AUTH_JWT_WRONG, AUTH_JWT_NOT_COMPUTED, AUTH_JWT_NO_MEMORY };

struct auth_jwt_signature_counters {
    uint64_t recalled; /* answered without computing */
    uint64_t computed; /* tokens */
    uint64_t wrong;    /* of these */
    uint64_t refused;  /* not computed: there was no time, or a limit */
    uint64_t us;       /* that computing took */
};

/* work: the worker's, borrowed; NULL: all are computed. */
struct auth_jwt_signatures *auth_jwt_signatures_new(const struct auth_jwt_signature_limits *limits,
                                                    struct auth_work *work, struct loop *loop);
/* Other bounds; what is known stays, and so does what addresses have used of their limit. */
void auth_jwt_signatures_change(struct auth_jwt_signatures *signatures,
                                const struct auth_jwt_signature_limits *limits);
void auth_jwt_signatures_free(struct auth_jwt_signatures *signatures);

/* *signer: with AUTH_JWT_RIGHT the one whose signature it is. address: who shows the token;
 * NULL: nobody whose failures are limited and counted. */
enum auth_jwt_finding auth_jwt_signatures_check(struct auth_jwt_signatures *signatures,
                                                const struct auth_jwt_candidates *candidates,
                                                const char *token, const char *address,
                                                const struct auth_jwt_key **signer);

/* The address (NULL: nothing happens) has shown a token that is good in all; or one that no key is
 * known for. */
void auth_jwt_signatures_accept(struct auth_jwt_signatures *signatures, const char *address);
void auth_jwt_signatures_reject(struct auth_jwt_signatures *signatures, const char *address);

/* Where it stands; NULL: first. */
enum auth_rank auth_jwt_signatures_rank(struct auth_jwt_signatures *signatures,
                                        const char *address);

/* The same with nothing remembered or counted. */
enum auth_jwt_finding auth_jwt_signature_compute(const struct auth_jwt_candidates *candidates,
                                                 const char *token,
                                                 const struct auth_jwt_key **signer);

const struct auth_jwt_signature_counters *
auth_jwt_signatures_counters(const struct auth_jwt_signatures *signatures);

/* Addresses, with how many are known now. */
const struct auth_standing *
auth_jwt_signatures_standing(const struct auth_jwt_signatures *signatures);

/* Tokens and addresses that are remembered now, and those forgotten early for want of room. */
size_t auth_jwt_signatures_kept(const struct auth_jwt_signatures *signatures);
uint64_t auth_jwt_signatures_displaced(const struct auth_jwt_signatures *signatures);

#endif
