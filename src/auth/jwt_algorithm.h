/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_JWT_ALGORITHM_H
#define AUTH_JWT_ALGORITHM_H
/* The signature algorithms of RFC 7518 that libjwt can check: one table for keys, JWK sets and
 * tokens. "none" is not among them. */
#include <jwt.h>
#include <stdbool.h>
#include <stddef.h>

enum auth_jwt_kind { AUTH_JWT_SECRET, AUTH_JWT_RSA, AUTH_JWT_EC };

struct auth_jwt_algorithm {
    const char *name;
    jwt_alg_t number; /* libjwt's */
    enum auth_jwt_kind kind;
    size_t least_bytes; /* of a secret: as many as the hash has (RFC 7518, 3.2) */
    const char *curve;  /* of an elliptic key: OpenSSL's name, */
    const char *crv;    /* and that of a JWK */
};

/* What messages say. */
#define AUTH_JWT_ALGORITHM_NAMES "HS256, HS384, HS512, RS256, RS384, RS512, ES256, ES384 or ES512"

/* NULL when there is none of that name. */
const struct auth_jwt_algorithm *auth_jwt_algorithm_find(const char *name);

/* The one for keys of that curve (a JWK's name), or NULL. */
const struct auth_jwt_algorithm *auth_jwt_algorithm_of_curve(const char *crv);

/* Whether others have it and libjwt 1.10 has not (PS256, EdDSA, …): worth a sentence of its own. */
bool auth_jwt_algorithm_is_lacking(const char *name);

#endif
