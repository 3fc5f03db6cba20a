/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_JWT_H
#define AUTH_JWT_H
/*
 * Checks a token (a JWT, RFC 7519): its form, then its signature, then its claims. So whoever
 * cannot sign learns nothing of what the claims should be.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/claims.h"
#include "auth/standing.h"
#include "base/lru.h"
#include "base/ratelimit.h"

struct auth;
struct auth_counters;
struct auth_jwks;
struct auth_jwt_key;
struct auth_jwt_keys;
struct auth_jwt_signatures;
struct loop;

#define AUTH_JWT_MAX_BYTES 8192u

struct auth_jwt_rules {
    const char *audiences; /* words; the token must be for one of them. "": not looked at */
    const char *issuer;    /* "": not looked at */
    uint32_t leeway_ms;    /* by which the clocks of others may differ */
    bool require_expiry;
};

/* Several sets, looked at in turn: those of the configuration, those of identity providers. */
struct auth_jwt_key_ring {
    const struct auth_jwt_keys *const *sets; /* NULL among them: not there yet */
    size_t count;
    struct auth_jwt_signatures *signatures; /* what is known of tokens; NULL: each is computed */
};

struct auth_jwt_question {
    const char *token;
    const char *address; /* who shows it; NULL: nobody whose failures are counted */
    int64_t now_ms;      /* wall */
};

struct auth_jwt_answer {
    const char *fault;              /* what was wrong and what would be right; static. NULL: good */
    bool is_unknown_key;            /* a newer set of keys might have it, */
    bool is_named_key;              /* and the token's header names it */
    bool is_expired;                /* that is what was wrong */
    bool is_postponed;              /* neither good nor wrong: nothing is computed now */
    json_t *claims;                 /* with a good token: an object, owned by the receiver */
    const struct auth_jwt_key *key; /* and who signed it; lives as long as its set */
    int64_t expires_at;             /* wall ms; 0: never */
    int64_t issued_at;              /* wall s; INT64_MIN when the token does not say */
};

void auth_jwt_check(const struct auth_jwt_question *question, const struct auth_jwt_key_ring *ring,
                    const struct auth_jwt_rules *rules, struct auth_jwt_answer *answer);

/* What a token claims, whoever made it (NULL when it is none; the caller json_decref()s it), and
 * when it says that it ends (wall ms; 0 when it does not say). */
json_t *auth_jwt_claimed(const char *token, int64_t *expires_at);

/* ---- signatures (jwt_signatures.c) ----
 *
 * Which of some keys has signed a token? That costs the loop 30 us (RS256, PS256), 110 us (ES256),
 * 150 us (EdDSA) to 900 us (ES384) for each key, of which OpenSSL's own work is nearly all; what is
 * remembered costs less than 1 us. Pages show their token with every request, and strangers make as
 * many wrong ones as they like. So:
 *
 *   what was found is remembered   under a hash of the token and of all these keys, so that a key
 *                                  that comes, goes or changes makes it another question. What a
 *                                  token claims, and whether it was revoked, is not asked here.
 *   wrong ones come last           while the checks take less than their share of the worker's time
 *                                  (auth/standing.h) all are computed; above it, who comes last
 *                                  waits. What is remembered is answered all the same.
 *
 * One worker's part of a service.
 */

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

/* work: the worker's, borrowed; NULL: all are computed. */
struct auth_jwt_signatures *auth_jwt_signatures_new(const struct auth_jwt_signature_limits *limits,
                                                    struct auth_work *work, struct loop *loop);
/* Other bounds; what is known stays, and so does what addresses have used of their limit. */
void auth_jwt_signatures_change(struct auth_jwt_signatures *signatures,
                                const struct auth_jwt_signature_limits *limits);
void auth_jwt_signatures_free(struct auth_jwt_signatures *signatures);

/* signatures NULL: nothing is remembered, counted or limited. *signer: with AUTH_JWT_RIGHT the one
 * whose signature it is. address: who shows the token; NULL: nobody whose failures are limited and
 * counted. */
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

/* Writes what it has counted, and nothing else, into *counters. */
void auth_jwt_signatures_count(const struct auth_jwt_signatures *signatures,
                               struct auth_counters *counters);

/* Names that were used lately, each with a small number. A name costs 48 bytes and its text. */
struct auth_recent {
    struct lru names;
    uint64_t kept_ms; /* without being used */
};

/* A most of 0: nothing is kept. */
void auth_recent_init(struct auth_recent *recent, struct loop *loop, size_t most, uint64_t kept_ms);
void auth_recent_release(struct auth_recent *recent);

/* The name's number, which is used by that; -1 when it is not known. */
int auth_recent_find(struct auth_recent *recent, const char *name, uint64_t now_ms);

/* The name must not be known; the number is not negative. */
void auth_recent_add(struct auth_recent *recent, const char *name, int number, uint64_t now_ms);

/* ---- the backend (jwt_backend.c) ----
 *
 * The auth backend for signed tokens. The token is the credential that the facts show, else
 * "authorization: Bearer …", else a cookie, else a parameter of the request. The first that is
 * there counts, and no other.
 */

/* The texts must live as long as the backend. */
struct auth_jwt_settings {
    const char *cookie;    /* "": not from there */
    const char *parameter; /* the same */
    struct auth_jwt_rules rules;
    struct auth_jwt_claims claims;
    uint64_t revocation_ms; /* for how long a revocation counts; that of a token, until it ends */
    uint32_t revocations;   /* kept at a time */
    uint32_t waiting;       /* requests that may wait for a JWK set at a time */
    struct auth_jwt_signature_limits signatures;
    /* Nobody is let in before auth_ops.restore has brought back the revocations of earlier lives.
     */
    bool awaits_revocations;
};

/* Where keys are; borrowed. */
struct auth_jwt_sources {
    const struct auth_jwt_keys *keys; /* those of the configuration */
    struct auth_jwks *const *sets;
    size_t set_count;
    struct auth_work *work; /* the time that checks take of the worker; NULL: it is not limited */
};

struct auth *auth_jwt_new(const struct auth_jwt_settings *settings,
                          const struct auth_jwt_sources *sources, struct loop *loop);

/* Other settings and sources, which must live as long: for what is asked from now on. What was
 * revoked stays so, and a signature is remembered with the keys it was tried with. */
void auth_jwt_change(struct auth *auth, const struct auth_jwt_settings *settings,
                     const struct auth_jwt_sources *sources);

#endif
