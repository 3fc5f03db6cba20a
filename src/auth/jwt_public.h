/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_JWT_PUBLIC_H
#define AUTH_JWT_PUBLIC_H
/*
 * A public key, parsed, that tells forged signatures from others. libjwt reads the PEM anew for
 * each token, which takes ten times as long as the signature: so a token comes to it only when it
 * has passed here, and what counts is that both take it.
 */
#include <openssl/types.h>
#include <stdbool.h>

struct auth_jwt_algorithm;

/* False when the signature (RFC 7515, 5.2) is not this key's, or OpenSSL cannot tell: then its
 * error queue says why. The token's three parts must be base64url. */
bool auth_jwt_public_accepts(EVP_PKEY *key, const struct auth_jwt_algorithm *algorithm,
                             const char *token);

#endif
