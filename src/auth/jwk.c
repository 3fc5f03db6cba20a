/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/jwt_key.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

#define MAX_COORDINATE 66u /* of P-521 */
#define UNCOMPRESSED   0x04

/* One member that is base64url, decoded. */
struct octets {
    unsigned char *bytes;
    size_t length;
};

static const char *text_of(const json_t *jwk, const char *name)
{
    return json_string_value(json_object_get(jwk, name));
}

static bool get_octets(const json_t *jwk, const char *name, struct octets *octets)
{
    const char *text = text_of(jwk, name);
    ssize_t count;

    *octets = (struct octets){NULL, 0};
    if (!text)
        return false;
    octets->bytes = mem_alloc(BASE64_SPACE(strlen(text)));
    count = base64_decode(BASE64_URL, text, strlen(text), octets->bytes);
    octets->length = count > 0 ? (size_t)count : 0;
    return count > 0;
}

static void release_octets(struct octets *octets)
{
    if (octets->bytes)
        OPENSSL_cleanse(octets->bytes, octets->length);
    free(octets->bytes);
}

static EVP_PKEY *build(const char *type, OSSL_PARAM_BLD *parts)
{
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(parts);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    if (parameters && context && EVP_PKEY_fromdata_init(context) == 1)
        (void)EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(parameters);
    return key;
}

static EVP_PKEY *build_rsa(const struct octets *modulus, const struct octets *exponent)
{
    BIGNUM *n = BN_bin2bn(modulus->bytes, (int)modulus->length, NULL);
    BIGNUM *e = BN_bin2bn(exponent->bytes, (int)exponent->length, NULL);
    OSSL_PARAM_BLD *parts = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;

    if (n && e && parts && OSSL_PARAM_BLD_push_BN(parts, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(parts, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        key = build("RSA", parts);
    OSSL_PARAM_BLD_free(parts);
    BN_free(n);
    BN_free(e);
    return key;
}

static EVP_PKEY *build_ec(const char *curve, const struct octets *x, const struct octets *y)
{
    unsigned char point[1 + 2 * MAX_COORDINATE] = {UNCOMPRESSED};
    OSSL_PARAM_BLD *parts;
    EVP_PKEY *key = NULL;

    if (x->length != y->length || x->length > MAX_COORDINATE)
        return NULL;
    memcpy(point + 1, x->bytes, x->length);
    memcpy(point + 1 + x->length, y->bytes, y->length);
    parts = OSSL_PARAM_BLD_new();
    if (parts &&
        OSSL_PARAM_BLD_push_utf8_string(parts, OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(parts, OSSL_PKEY_PARAM_PUB_KEY, point,
                                         1 + 2 * x->length) == 1)
        key = build("EC", parts);
    OSSL_PARAM_BLD_free(parts);
    return key;
}

static EVP_PKEY *build_edwards(const char *curve, const struct octets *x)
{
    return EVP_PKEY_new_raw_public_key_ex(NULL, curve, NULL, x->bytes, x->length);
}

static EVP_PKEY *public_key_of(const json_t *jwk, const struct auth_jwt_algorithm *algorithm)
{
    bool is_rsa = algorithm->kind == AUTH_JWT_RSA || algorithm->kind == AUTH_JWT_PSS;
    struct octets first, second;
    EVP_PKEY *key = NULL;
    bool has_first = get_octets(jwk, is_rsa ? "n" : "x", &first);
    bool has_second = get_octets(jwk, is_rsa ? "e" : "y", &second);

    if (has_first && algorithm->kind == AUTH_JWT_ED)
        key = build_edwards(algorithm->curve, &first);
    else if (has_first && has_second)
        key = is_rsa ? build_rsa(&first, &second) : build_ec(algorithm->curve, &first, &second);
    release_octets(&first);
    release_octets(&second);
    return key;
}

/* The one of the key's curve, when alg (NULL: none is said) is that or another name of it. */
static const struct auth_jwt_algorithm *algorithm_of_curve(const char *crv, const char *alg,
                                                           bool is_edwards)
{
    const struct auth_jwt_algorithm *algorithm = crv ? auth_jwt_algorithm_of_curve(crv) : NULL;

    if (!algorithm || (algorithm->kind == AUTH_JWT_ED) != is_edwards)
        return NULL;
    if (!alg || strcmp(alg, algorithm->name) == 0 || (is_edwards && strcmp(alg, "EdDSA") == 0))
        return algorithm;
    return NULL;
}

static bool is_of_type(const struct auth_jwt_algorithm *algorithm, const char *kty)
{
    if (strcmp(kty, "RSA") == 0)
        return algorithm->kind == AUTH_JWT_RSA || algorithm->kind == AUTH_JWT_PSS;
    return algorithm->kind == AUTH_JWT_SECRET;
}

/* What the key is for, by its alg and by its kind, which must agree. NULL: not for us. */
static const struct auth_jwt_algorithm *algorithm_of(const json_t *jwk)
{
    const char *kty = text_of(jwk, "kty");
    const json_t *stated = json_object_get(jwk, "alg");
    const char *alg = json_string_value(stated);
    const struct auth_jwt_algorithm *algorithm;

    if (!kty || (stated && !alg))
        return NULL;
    if (strcmp(kty, "EC") == 0 || strcmp(kty, "OKP") == 0)
        return algorithm_of_curve(text_of(jwk, "crv"), alg, *kty == 'O');
    if (strcmp(kty, "RSA") != 0 && strcmp(kty, "oct") != 0)
        return NULL;
    if (!alg)
        alg = *kty == 'R' ? "RS256" : "HS256";
    algorithm = auth_jwt_algorithm_find(alg);
    return algorithm && is_of_type(algorithm, kty) ? algorithm : NULL;
}

static bool checks_signatures(const json_t *jwk)
{
    const json_t *use = json_object_get(jwk, "use");
    const json_t *operations = json_object_get(jwk, "key_ops");
    const json_t *operation;
    size_t i;

    if (use && (!json_is_string(use) || strcmp(json_string_value(use), "sig") != 0))
        return false;
    if (!operations)
        return true;
    json_array_foreach(operations, i, operation) {
        if (json_is_string(operation) && strcmp(json_string_value(operation), "verify") == 0)
            return true;
    }
    return false;
}

static struct auth_jwt_key *secret_key_of(const json_t *jwk, const char *id,
                                          const struct auth_jwt_algorithm *algorithm)
{
    struct auth_jwt_key *key = NULL;
    struct octets secret;
    char fault[256];

    if (get_octets(jwk, "k", &secret))
        key = auth_jwt_key_from_secret(id, algorithm, secret.bytes, secret.length, fault,
                                       sizeof(fault));
    release_octets(&secret);
    return key;
}

static struct auth_jwt_key *read_key(const json_t *jwk)
{
    const struct auth_jwt_algorithm *algorithm = algorithm_of(jwk);
    const char *id = text_of(jwk, "kid");
    struct auth_jwt_key *key = NULL;
    EVP_PKEY *public = NULL;
    char fault[256];

    if (!algorithm || !checks_signatures(jwk))
        return NULL;
    id = id ? id : "";
    if (algorithm->kind == AUTH_JWT_SECRET)
        return secret_key_of(jwk, id, algorithm);
    public = public_key_of(jwk, algorithm);
    if (public)
        key = auth_jwt_key_from_pair(id, algorithm, public, false, fault, sizeof(fault));
    EVP_PKEY_free(public);
    ERR_clear_error();
    return key;
}

/* Whoever is given public keys is given all of the set: a secret among them is none. */
static bool is_published(const json_t *list)
{
    const json_t *jwk;
    size_t i;

    json_array_foreach(list, i, jwk) {
        const char *kty = text_of(jwk, "kty");

        if (kty && strcmp(kty, "oct") != 0)
            return true;
    }
    return false;
}

/* Whether another key of the set has its kid, and is for the same: then a kid names none. */
static bool is_ambiguous(const json_t *list, const json_t *jwk)
{
    const char *kid = text_of(jwk, "kid");
    const json_t *other;
    size_t i;

    json_array_foreach(list, i, other) {
        const char *same = text_of(other, "kid");

        if (kid && same && strcmp(kid, same) == 0 && checks_signatures(other) &&
            algorithm_of(jwk) == algorithm_of(other) && !json_equal(jwk, other))
            return true;
    }
    return false;
}

static struct auth_jwt_keys *read_keys(const json_t *list, char *fault, size_t fault_size)
{
    struct auth_jwt_keys *keys = auth_jwt_keys_new();
    const bool is_public = is_published(list);
    const json_t *jwk;
    size_t i;

    json_array_foreach(list, i, jwk) {
        struct auth_jwt_key *key = is_ambiguous(list, jwk) ? NULL : read_key(jwk);

        if (key && key->secret && is_public)
            auth_jwt_key_free(key);
        else if (key)
            (void)auth_jwt_keys_add(keys, key);
    }
    if (keys->count > 0)
        return keys;
    snprintf(fault, fault_size,
             "has %zu keys, and none to check signatures with by " AUTH_JWT_ALGORITHM_NAMES
             " (secrets beside public keys, and keys that share kid and alg, do not count)",
             json_array_size(list));
    auth_jwt_keys_free(keys);
    return NULL;
}

struct auth_jwt_keys *auth_jwk_set_read(const char *text, size_t length, char *fault,
                                        size_t fault_size)
{
    struct auth_jwt_keys *keys = NULL;
    struct json_fault where;
    json_t *set;
    const json_t *list;

    if (length > AUTH_JWK_SET_MAX_BYTES) {
        snprintf(fault, fault_size, "has %zu bytes; a JWK set may have %zu", length,
                 AUTH_JWK_SET_MAX_BYTES);
        return NULL;
    }
    set = json_parse(text, length, &where);
    list = json_object_get(set, "keys");
    if (!set)
        snprintf(fault, fault_size, "is no JSON (line %u, column %u)", where.line, where.column);
    else if (!json_is_array(list))
        snprintf(fault, fault_size, "is no JWK set: a JSON object with a list \"keys\"");
    else if (json_array_size(list) > AUTH_JWT_MAX_KEYS)
        snprintf(fault, fault_size, "has %zu keys; at most %u are allowed", json_array_size(list),
                 AUTH_JWT_MAX_KEYS);
    else
        keys = read_keys(list, fault, fault_size);
    json_decref(set);
    return keys;
}
