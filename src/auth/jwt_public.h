/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_JWT_PUBLIC_H
#define AUTH_JWT_PUBLIC_H
/*
 * Whether a signature (RFC 7515, 5.2) is a key's, by OpenSSL. libjwt's own check takes no other typ
 * than JWT, and reads the PEM anew for each token, which takes ten times as long as the signature.
 */
#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>

struct auth_jwt_algorithm;

/* False when the signature is not this key's, or OpenSSL cannot tell: then its error queue says
 * why. The token's three parts must be base64url, and its alg the algorithm. */
bool auth_jwt_public_accepts(EVP_PKEY *key, const struct auth_jwt_algorithm *algorithm,
                             const char *token);
bool auth_jwt_secret_accepts(const char *secret, size_t length,
                             const struct auth_jwt_algorithm *algorithm, const char *token);

#endif
