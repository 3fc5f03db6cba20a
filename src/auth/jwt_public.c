/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/jwt_public.h"

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "auth/jwt_algorithm.h"
#include "base/base64.h"

/* Of an RSA key of 8192 bits. */
#define MOST_BYTES 1024u

static const EVP_MD *digest_of(const struct auth_jwt_algorithm *algorithm)
{
    switch (algorithm->number) {
    case JWT_ALG_HS256:
    case JWT_ALG_RS256:
    case JWT_ALG_ES256:
        return EVP_sha256();
    case JWT_ALG_HS384:
    case JWT_ALG_RS384:
    case JWT_ALG_ES384:
        return EVP_sha384();
    default:
        return EVP_sha512();
    }
}

/* The length; negative when it is none. */
static ssize_t decode(const char *text, unsigned char bytes[BASE64_SPACE(MOST_BYTES * 2)])
{
    const size_t length = strlen(text);

    return length <= MOST_BYTES * 4 / 3 + 1 ? base64_decode(BASE64_URL, text, length, bytes) : -1;
}

static bool verify(EVP_PKEY *key, const EVP_MD *digest, const unsigned char *signature,
                   size_t length, const char *text, size_t text_length)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_right =
        context && EVP_DigestVerifyInit(context, NULL, digest, NULL, key) == 1 &&
        EVP_DigestVerify(context, signature, length, (const unsigned char *)text, text_length) == 1;

    EVP_MD_CTX_free(context);
    return is_right;
}

/* JWS has both numbers behind each other (RFC 7518, 3.4), OpenSSL wants them in DER. 0: it has not
 * worked; else the caller frees *der. */
static int to_der(EVP_PKEY *key, const unsigned char *raw, size_t length, unsigned char **der)
{
    const size_t half = ((size_t)EVP_PKEY_get_bits(key) + 7) / 8;
    ECDSA_SIG *pair = length == 2 * half ? ECDSA_SIG_new() : NULL;
    BIGNUM *r = pair ? BN_bin2bn(raw, (int)half, NULL) : NULL;
    BIGNUM *s = pair ? BN_bin2bn(raw + half, (int)half, NULL) : NULL;
    int der_length = 0;

    *der = NULL;
    if (r && s && ECDSA_SIG_set0(pair, r, s) == 1) {
        der_length = i2d_ECDSA_SIG(pair, der);
    } else {
        BN_free(r);
        BN_free(s);
    }
    ECDSA_SIG_free(pair);
    return der_length > 0 ? der_length : 0;
}

bool auth_jwt_public_accepts(EVP_PKEY *key, const struct auth_jwt_algorithm *algorithm,
                             const char *token)
{
    unsigned char bytes[BASE64_SPACE(MOST_BYTES * 2)];
    const EVP_MD *digest = digest_of(algorithm);
    const char *dot = strrchr(token, '.');
    const ssize_t length = dot ? decode(dot + 1, bytes) : -1;
    unsigned char *der = NULL;
    bool is_right;
    int der_length;

    if (length <= 0)
        return false;
    if (algorithm->kind == AUTH_JWT_RSA)
        return verify(key, digest, bytes, (size_t)length, token, (size_t)(dot - token));
    der_length = to_der(key, bytes, (size_t)length, &der);
    is_right = der_length > 0 &&
               verify(key, digest, der, (size_t)der_length, token, (size_t)(dot - token));
    OPENSSL_free(der);
    return is_right;
}

bool auth_jwt_secret_accepts(const char *secret, size_t length,
                             const struct auth_jwt_algorithm *algorithm, const char *token)
{
    unsigned char bytes[BASE64_SPACE(MOST_BYTES * 2)], right[EVP_MAX_MD_SIZE];
    const char *dot = strrchr(token, '.');
    const ssize_t shown = dot ? decode(dot + 1, bytes) : -1;
    unsigned right_length = 0;

    return shown > 0 &&
           HMAC(digest_of(algorithm), secret, (int)length, (const unsigned char *)token,
                (size_t)(dot - token), right, &right_length) &&
           (size_t)shown == right_length && CRYPTO_memcmp(bytes, right, right_length) == 0;
}
