/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/jwa.h"

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <string.h>

#include "auth/jwt_algorithm.h"
#include "base/base64.h"
#include "base/buf.h"

/* Of an RSA key of 8192 bits. */
#define MOST_BYTES 1024u

struct octets {
    unsigned char bytes[BASE64_SPACE(MOST_BYTES * 2)];
    size_t length;
};

/* The token's signature, and how long what it is made of is. */
static bool read_signature(const char *token, struct octets *signature, size_t *signed_length)
{
    const char *dot = strrchr(token, '.');
    const size_t length = dot ? strlen(dot + 1) : 0;
    ssize_t count = -1;

    if (dot && length <= MOST_BYTES * 4 / 3 + 1)
        count = base64_decode(BASE64_URL, dot + 1, length, signature->bytes);
    if (count <= 0)
        return false;
    signature->length = (size_t)count;
    *signed_length = (size_t)(dot - token);
    return true;
}

static const EVP_MD *digest_of(const struct auth_jwt_algorithm *algorithm)
{
    return algorithm->digest ? algorithm->digest() : NULL;
}

/* With PS*: a salt as long as the hash, and MGF1 with the same hash (RFC 7518, 3.5). */
static bool set_padding(EVP_PKEY_CTX *context, const struct auth_jwt_algorithm *algorithm,
                        const EVP_MD *digest)
{
    if (algorithm->kind != AUTH_JWT_PSS)
        return true;
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(context, digest) == 1;
}

static bool verify(EVP_PKEY *key, const struct auth_jwt_algorithm *algorithm,
                   const unsigned char *signature, size_t length, const char *text,
                   size_t text_length)
{
    const EVP_MD *digest = digest_of(algorithm);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *with = NULL;
    bool is_right =
        context && EVP_DigestVerifyInit(context, &with, digest, NULL, key) == 1 &&
        set_padding(with, algorithm, digest) &&
        EVP_DigestVerify(context, signature, length, (const unsigned char *)text, text_length) == 1;

    EVP_MD_CTX_free(context);
    return is_right;
}

static size_t half_of(EVP_PKEY *key)
{
    return ((size_t)EVP_PKEY_get_bits(key) + 7) / 8;
}

/* JWS has both numbers behind each other, each of the curve's length (RFC 7518, 3.4), OpenSSL wants
 * them in DER. 0: it has not worked; else the caller frees *der. */
static int to_der(EVP_PKEY *key, const struct octets *raw, unsigned char **der)
{
    const size_t half = half_of(key);
    ECDSA_SIG *pair = raw->length == 2 * half ? ECDSA_SIG_new() : NULL;
    BIGNUM *r = pair ? BN_bin2bn(raw->bytes, (int)half, NULL) : NULL;
    BIGNUM *s = pair ? BN_bin2bn(raw->bytes + half, (int)half, NULL) : NULL;
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

bool auth_jwa_accepts(EVP_PKEY *key, const struct auth_jwt_algorithm *algorithm, const char *token)
{
    struct octets signature;
    unsigned char *der = NULL;
    size_t length;
    bool is_right;
    int der_length;

    if (!read_signature(token, &signature, &length))
        return false;
    if (algorithm->kind != AUTH_JWT_EC)
        return verify(key, algorithm, signature.bytes, signature.length, token, length);
    der_length = to_der(key, &signature, &der);
    is_right = der_length > 0 && verify(key, algorithm, der, (size_t)der_length, token, length);
    OPENSSL_free(der);
    return is_right;
}

bool auth_jwa_secret_accepts(const char *secret, size_t length,
                             const struct auth_jwt_algorithm *algorithm, const char *token)
{
    unsigned char right[EVP_MAX_MD_SIZE];
    struct octets signature;
    unsigned right_length = 0;
    size_t signed_length;

    return read_signature(token, &signature, &signed_length) &&
           HMAC(digest_of(algorithm), secret, (int)length, (const unsigned char *)token,
                signed_length, right, &right_length) &&
           signature.length == right_length &&
           CRYPTO_memcmp(signature.bytes, right, right_length) == 0;
}

static void append_signature(struct buf *token, const struct octets *signature)
{
    buf_append_char(token, '.');
    base64_encode(BASE64_URL, signature->bytes, signature->length, token);
}

/* The opposite of to_der(), in place. */
static bool to_raw(EVP_PKEY *key, struct octets *signature)
{
    const unsigned char *at = signature->bytes;
    const int half = (int)half_of(key);
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)signature->length);
    bool is_done = pair && BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature->bytes, half) == half &&
                   BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature->bytes + half, half) == half;

    signature->length = 2 * (size_t)half;
    ECDSA_SIG_free(pair);
    return is_done;
}

bool auth_jwa_sign(EVP_PKEY *key, const struct auth_jwt_algorithm *algorithm, struct buf *token)
{
    struct octets signature = {.length = sizeof(signature.bytes)};
    const EVP_MD *digest = digest_of(algorithm);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *with = NULL;
    bool is_signed = context && EVP_DigestSignInit(context, &with, digest, NULL, key) == 1 &&
                     set_padding(with, algorithm, digest) &&
                     EVP_DigestSign(context, signature.bytes, &signature.length,
                                    (const unsigned char *)buf_str(token), token->length) == 1 &&
                     (algorithm->kind != AUTH_JWT_EC || to_raw(key, &signature));

    EVP_MD_CTX_free(context);
    if (is_signed)
        append_signature(token, &signature);
    return is_signed;
}

bool auth_jwa_secret_sign(const char *secret, size_t length,
                          const struct auth_jwt_algorithm *algorithm, struct buf *token)
{
    struct octets signature;
    unsigned count = 0;

    if (!HMAC(digest_of(algorithm), secret, (int)length, (const unsigned char *)buf_str(token),
              token->length, signature.bytes, &count))
        return false;
    signature.length = count;
    append_signature(token, &signature);
    return true;
}
