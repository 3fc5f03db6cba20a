/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "auth/jwt_key.h"
#include "base/mem.h"

#define RSA_LEAST_BITS 2048
#define RSA_MOST_BITS  8192 /* the work for one check grows with the square */
#define ED_MOST_BYTES  57u  /* of Ed448 */

/* Whether the modulus is a power of 65537 by each of these primes, as only the keys of a faulty
 * chip are (ROCA, CVE-2017-15361): their private half can be computed. */
static bool is_of_faulty_chip(const BIGNUM *modulus)
{
    static const unsigned char primes[] = {11, 13, 17,  19,  37,  53,  61,  71, 73,
                                           79, 97, 103, 107, 109, 127, 151, 157};

    for (size_t i = 0; i < sizeof(primes); i++) {
        const unsigned prime = primes[i];
        const unsigned rest = (unsigned)BN_mod_word(modulus, prime);
        unsigned power = 1;

        do
            power = power * 65537u % prime;
        while (power != rest && power != 1);
        if (power != rest)
            return false;
    }
    return true;
}

static bool check_rsa(EVP_PKEY *key, const struct auth_jwt_algorithm *algorithm, char *fault,
                      size_t fault_size)
{
    int bits = EVP_PKEY_get_bits(key);
    BIGNUM *modulus = NULL;
    bool is_weak;

    if (!EVP_PKEY_is_a(key, "RSA")) {
        snprintf(fault, fault_size, "%s needs an RSA key, and this is none", algorithm->name);
        return false;
    }
    if (bits < RSA_LEAST_BITS || bits > RSA_MOST_BITS) {
        snprintf(fault, fault_size, "the RSA key has %d bits; use one with %d to %d", bits,
                 RSA_LEAST_BITS, RSA_MOST_BITS);
        return false;
    }
    is_weak = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &modulus) != 1 ||
              is_of_faulty_chip(modulus);
    BN_free(modulus);
    if (is_weak)
        snprintf(fault, fault_size,
                 "the RSA key was made by a chip whose keys can be broken (CVE-2017-15361); make "
                 "one with openssl genpkey");
    return !is_weak;
}

static bool check_curve(EVP_PKEY *key, const struct auth_jwt_algorithm *algorithm, char *fault,
                        size_t fault_size)
{
    char curve[64] = "";

    if (!EVP_PKEY_is_a(key, "EC") ||
        EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL) != 1 ||
        strcmp(curve, algorithm->curve) != 0) {
        snprintf(fault, fault_size, "%s needs an elliptic curve key on %s (%s)", algorithm->name,
                 algorithm->crv, algorithm->curve);
        return false;
    }
    return true;
}

/* a x^2 + y^2 = 1 + d x^2 y^2 modulo p (RFC 8032, 5.1 and 5.2) */
struct edwards {
    const char *name, *p, *d;
    int a;
};

static const struct edwards edwards_curves[] = {
    {"ED25519", "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed",
     "52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3", -1},
    {"ED448",
     "fffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffffffffffffffffffffffffffffffff"
     "ffffffffffffffffffff",
     "-98a9", 1},
};

/* The point's y, and room to compute in. */
struct point {
    BN_CTX *context;
    BIGNUM *p, *d, *y, *above, *below, *other;
};

/* x^2 is above / below: both of them, modulo p. */
static bool compute_square(struct point *at, int a)
{
    return BN_mod_sqr(at->other, at->y, at->p, at->context) == 1 && BN_copy(at->above, at->other) &&
           BN_sub_word(at->above, 1) == 1 &&
           BN_nnmod(at->above, at->above, at->p, at->context) == 1 &&
           BN_mod_mul(at->below, at->d, at->other, at->p, at->context) == 1 &&
           (a < 0 ? BN_add_word(at->below, 1) : BN_sub_word(at->below, 1)) == 1 &&
           BN_nnmod(at->below, at->below, at->p, at->context) == 1;
}

/* Below y < p, as RFC 8032 wants it; then on the curve, when above * below is a square; and of a
 * small order when x or y is 0 (1, 2 and 4), or y^2 = a x^2 (8: twice the point has y = 0). With a
 * key of small order everybody can sign. */
static bool is_sound_point(struct point *at, int a)
{
    bool is_sound = BN_cmp(at->y, at->p) < 0 && !BN_is_zero(at->y) && compute_square(at, a) &&
                    !BN_is_zero(at->above) &&
                    BN_mod_mul(at->d, at->above, at->below, at->p, at->context) == 1 &&
                    BN_kronecker(at->d, at->p, at->context) == 1;

    /* y^2 is still there; y^2 * below = a * above? */
    return is_sound && BN_mod_mul(at->d, at->other, at->below, at->p, at->context) == 1 &&
           (a > 0 || BN_sub(at->above, at->p, at->above) == 1) && BN_cmp(at->d, at->above) != 0;
}

static bool check_point(const struct edwards *curve, unsigned char *bytes, size_t length)
{
    struct point at = {.context = BN_CTX_new()};
    bool is_sound = false;

    if (!at.context)
        return false;
    BN_CTX_start(at.context);
    at.p = BN_CTX_get(at.context);
    at.d = BN_CTX_get(at.context);
    at.y = BN_CTX_get(at.context);
    at.above = BN_CTX_get(at.context);
    at.below = BN_CTX_get(at.context);
    at.other = BN_CTX_get(at.context);
    bytes[length - 1] &= 0x7f; /* the sign of x */
    if (at.other && BN_hex2bn(&at.p, curve->p) > 0 && BN_hex2bn(&at.d, curve->d) > 0 &&
        BN_lebin2bn(bytes, (int)length, at.y))
        is_sound = is_sound_point(&at, curve->a);
    BN_CTX_end(at.context);
    BN_CTX_free(at.context);
    return is_sound;
}

static bool check_edwards(EVP_PKEY *key, const struct auth_jwt_algorithm *algorithm, char *fault,
                          size_t fault_size)
{
    unsigned char bytes[ED_MOST_BYTES];
    size_t length = sizeof(bytes);

    for (size_t i = 0; i < COUNT(edwards_curves); i++) {
        const struct edwards *curve = &edwards_curves[i];

        if (!EVP_PKEY_is_a(key, curve->name) ||
            (algorithm->curve && strcmp(algorithm->curve, curve->name) != 0))
            continue;
        if (EVP_PKEY_get_raw_public_key(key, bytes, &length) == 1 &&
            check_point(curve, bytes, length))
            return true;
        snprintf(fault, fault_size, "this is no sound public key of %s", curve->name);
        return false;
    }
    snprintf(fault, fault_size, "%s needs an Edwards curve key on %s", algorithm->name,
             algorithm->crv ? algorithm->crv : "Ed25519 or Ed448");
    return false;
}

/* A point on its curve, a modulus that is none of a few. */
static bool check_by_openssl(EVP_PKEY *key, char *fault, size_t fault_size)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool sound = context && EVP_PKEY_public_check(context) == 1;

    EVP_PKEY_CTX_free(context);
    if (!sound)
        snprintf(fault, fault_size, "OpenSSL says that this is no sound public key");
    return sound;
}

bool auth_key_is_sound(EVP_PKEY *key, const struct auth_jwt_algorithm *algorithm, char *fault,
                       size_t fault_size)
{
    switch (algorithm->kind) {
    case AUTH_JWT_RSA:
    case AUTH_JWT_PSS:
        return check_rsa(key, algorithm, fault, fault_size) &&
               check_by_openssl(key, fault, fault_size);
    case AUTH_JWT_EC:
        return check_curve(key, algorithm, fault, fault_size) &&
               check_by_openssl(key, fault, fault_size);
    default:
        return check_edwards(key, algorithm, fault, fault_size);
    }
}
