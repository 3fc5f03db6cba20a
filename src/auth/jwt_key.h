/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_JWT_KEY_H
#define AUTH_JWT_KEY_H
/*
 * One key that tokens are signed with, and the one algorithm that it is for: a token never says
 * how it is to be checked. Keys are looked at when they are loaded, and immutable after.
 */
#include <jansson.h>
#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "auth/jwt_algorithm.h"

#define AUTH_JWT_FINGERPRINT_BYTES 32u

struct auth_jwt_key {
    char *id; /* the kid of its tokens; "": they have none */
    const struct auth_jwt_algorithm *algorithm;
    char *secret; /* what signatures are checked with; NULL: with the pair, */
    size_t secret_length;
    EVP_PKEY *pair; /* whose private half is there if it can sign; NULL: a secret */
    bool can_sign;  /* false: only others can */
    /* SHA-256 of the algorithm and of what is checked with: the same for a key that is read anew.
     */
    unsigned char fingerprint[AUTH_JWT_FINGERPRINT_BYTES];
};

/* From what a person wrote into a setting or a file: for HS* the secret, a text or "base64:" and
 * base64; else PEM with a public key, a certificate or (to sign, too) a private key. NULL when it
 * is not that or too weak; then fault says what would be right, without any of it. */
struct auth_jwt_key *auth_jwt_key_read(const char *id, const struct auth_jwt_algorithm *algorithm,
                                       const char *material, char *fault, size_t fault_size);

/* The same from parts. The secret is copied, the pair referenced: can_sign says whether it has its
 * private half. */
struct auth_jwt_key *auth_jwt_key_from_secret(const char *id,
                                              const struct auth_jwt_algorithm *algorithm,
                                              const void *secret, size_t length, char *fault,
                                              size_t fault_size);
struct auth_jwt_key *auth_jwt_key_from_pair(const char *id,
                                            const struct auth_jwt_algorithm *algorithm,
                                            EVP_PKEY *pair, bool can_sign, char *fault,
                                            size_t fault_size);

/* Wipes what is secret. Accepts NULL. */
void auth_jwt_key_free(struct auth_jwt_key *key);

/* Whether tokens with this alg may be this key's: it is the key's own, or another name of EdDSA on
 * its curve (RFC 9864). */
bool auth_jwt_key_is_for(const struct auth_jwt_key *key,
                         const struct auth_jwt_algorithm *algorithm);

/* Whether this key and its algorithm made the token's signature: 1 or 0; -ENOMEM when there is no
 * memory to tell. The token's three parts must be base64url, and the key for its alg. */
int auth_jwt_key_signed(const struct auth_jwt_key *key, const char *token);

/* A token with these claims, which the caller frees; NULL when the key cannot sign. */
char *auth_jwt_key_sign(const struct auth_jwt_key *key, json_t *claims);

#endif
