/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_JWT_KEY_H
#define AUTH_JWT_KEY_H
/*
 * Keys for tokens: one key and the one algorithm that it is for, since a token does not choose how
 * it is checked; and sets of keys. Keys are checked when they are loaded, and immutable after that.
 */
#include <jansson.h>
#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>

/* The signature algorithms of RFC 7518 (section 3), RFC 8037 and RFC 9864: one table for keys, JWK
 * sets and tokens. "none" is not among them. */
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

/* A set of keys to look a token's key up in. Filled once and immutable after: any thread may look.
 */
#define AUTH_JWT_MAX_KEYS 64u

struct auth_jwt_keys {
    size_t count;
    struct auth_jwt_key *keys[AUTH_JWT_MAX_KEYS]; /* owned */
};

struct auth_jwt_keys *auth_jwt_keys_new(void);
void auth_jwt_keys_free(struct auth_jwt_keys *keys);

/* Takes the key over, whatever it returns: false when the set is full. */
bool auth_jwt_keys_add(struct auth_jwt_keys *keys, struct auth_jwt_key *key);

/* The next key from *at on that a token of this algorithm may be signed with: the one of its kid,
 * which is nothing but a text that is compared; without a kid (NULL) any. NULL when there is none.
 */
const struct auth_jwt_key *auth_jwt_keys_next(const struct auth_jwt_keys *keys, const char *kid,
                                              const struct auth_jwt_algorithm *algorithm,
                                              size_t *at);

/* A JWK set (RFC 7517), as identity providers publish them (jwk.c). Skipped are keys that do not
 * check signatures, keys that this server cannot use, weak ones, secrets beside public keys, and
 * keys that share kid and alg with another. A key that does not say for which alg it is counts as
 * RS256, HS256, or as its curve says. NULL when the text is no JWK set or has no key that can be
 * used; then fault says which. */
#define AUTH_JWK_SET_MAX_BYTES ((size_t)64 * 1024)
struct auth_jwt_keys *auth_jwk_set_read(const char *text, size_t length, char *fault,
                                        size_t fault_size);

/* Whether a public key is of the kind that an algorithm needs, and whether only its owner can sign
 * with it (key_soundness.c). False with a sentence that says what would be right. */
bool auth_key_is_sound(EVP_PKEY *key, const struct auth_jwt_algorithm *algorithm, char *fault,
                       size_t fault_size);

#endif
