/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_JWK_H
#define AUTH_JWK_H
/*
 * JWK sets (RFC 7517), as identity providers publish them. Keys that are not for checking
 * signatures, or that this server cannot check with, are passed over; so are weak ones, secrets
 * beside public keys, and keys that share a kid and an alg with another.
 */
#include <stddef.h>

struct auth_jwt_keys;

#define AUTH_JWK_SET_MAX_BYTES ((size_t)64 * 1024)

/* A key that does not say for which alg it is counts as RS256, HS256, or as its curve says. NULL
 * when the text is no JWK set or has no key that can be used; then fault says which. */
struct auth_jwt_keys *auth_jwk_set_read(const char *text, size_t length, char *fault,
                                        size_t fault_size);

#endif
