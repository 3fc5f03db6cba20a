/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_JWA_H
#define AUTH_JWA_H
/*
 * Signatures of RFC 7518 (section 3), RFC 8037 and RFC 9864, made and checked by OpenSSL with keys
 * that are parsed already: for tokens in the compact form of RFC 7515.
 */
#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>

struct auth_jwt_algorithm;
struct buf;

/* False when the signature is not this key's, or OpenSSL cannot tell: then its error queue says
 * why. The token's three parts must be base64url, its alg the algorithm, and the key fit. */
bool auth_jwa_accepts(EVP_PKEY *key, const struct auth_jwt_algorithm *algorithm, const char *token);
bool auth_jwa_secret_accepts(const char *secret, size_t length,
                             const struct auth_jwt_algorithm *algorithm, const char *token);

/* Appends "." and the signature to a token's first two parts. False when OpenSSL cannot. */
bool auth_jwa_sign(EVP_PKEY *key, const struct auth_jwt_algorithm *algorithm, struct buf *token);
bool auth_jwa_secret_sign(const char *secret, size_t length,
                          const struct auth_jwt_algorithm *algorithm, struct buf *token);

#endif
