/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_JWT_BACKEND_H
#define AUTH_JWT_BACKEND_H
/*
 * The auth backend that believes signed tokens. A token is the credential that the facts show,
 * else it comes as "authorization: Bearer …", else in a cookie, else in a parameter of the request:
 * the first that is there counts, and no other.
 */
#include "auth/jwt.h"
#include "auth/jwt_signatures.h"
#include "auth/jwt_user.h"

struct auth;
struct auth_jwks;
struct auth_work;
struct loop;

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
    /* Nobody is let in before auth_restore() has brought back the revocations of earlier lives. */
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
