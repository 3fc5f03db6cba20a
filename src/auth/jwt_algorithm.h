/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_JWT_ALGORITHM_H
#define AUTH_JWT_ALGORITHM_H
/* The signature algorithms of RFC 7518 (section 3), RFC 8037 and RFC 9864: one table for keys, JWK
 * sets and tokens. "none" is not among them. */
#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>

enum auth_jwt_kind { AUTH_JWT_SECRET, AUTH_JWT_RSA, AUTH_JWT_PSS, AUTH_JWT_EC, AUTH_JWT_ED };

struct auth_jwt_algorithm {
    const char *name;
    enum auth_jwt_kind kind;
    const EVP_MD *(*digest)(void); /* NULL: the signature has its own */
    size_t least_bytes;            /* of a secret: as many as the hash has (RFC 7518, 3.2) */
    const char *curve; /* of an elliptic key: OpenSSL's name, NULL: EdDSA's, which has two, */
    const char *crv;   /* and that of a JWK */
};

/* What messages say. */
#define AUTH_JWT_ALGORITHM_NAMES                                                                   \
    "HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, "  \
    "Ed25519 or Ed448"

/* NULL when there is none of that name. */
const struct auth_jwt_algorithm *auth_jwt_algorithm_find(const char *name);

/* The one for keys of that curve (a JWK's name), or NULL. */
const struct auth_jwt_algorithm *auth_jwt_algorithm_of_curve(const char *crv);

#endif
