/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNIT_AUTH_JWT_MATERIAL_H
#define UNIT_AUTH_JWT_MATERIAL_H
/* Keys made by OpenSSL, and tokens put together by hand, also such as nobody should. */
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "auth/jwt_key.h"
#include "base/buf.h"
#include "base/mem.h"
#include "support/test.h"

#define SECRET "a secret of 64 bytes, which is as many as HS512 needs: 123456789"

static inline EVP_PKEY *make_rsa(unsigned bits)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);

    assert_non_null(key);
    return key;
}

static inline EVP_PKEY *make_ec(const char *curve)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", curve);

    assert_non_null(key);
    return key;
}

/* "ED25519" or "ED448" */
static inline EVP_PKEY *make_ed(const char *curve)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, curve);

    assert_non_null(key);
    return key;
}

static inline char *pem_of(EVP_PKEY *key, bool is_private)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *data = NULL;
    char *text;
    long length;

    if (is_private)
        assert_int_equal(PEM_write_bio_PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL), 1);
    else
        assert_int_equal(PEM_write_bio_PUBKEY(memory, key), 1);
    length = BIO_get_mem_data(memory, &data);
    text = mem_strndup(data, (size_t)length);
    BIO_free(memory);
    return text;
}

static inline void append_base64url(struct buf *to, const void *bytes, size_t length)
{
    char *text = mem_alloc(length / 3 * 4 + 5);
    int count = EVP_EncodeBlock((unsigned char *)text, bytes, (int)length);

    for (int i = 0; i < count && text[i] != '='; i++)
        buf_append_char(to, (char)(text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i]));
    free(text);
}

/* "header.payload" of two texts. */
static inline void append_unsigned(struct buf *to, const char *header, const char *payload)
{
    append_base64url(to, header, strlen(header));
    buf_append_char(to, '.');
    append_base64url(to, payload, strlen(payload));
}

/* The whole token, signed with HMAC and SHA-256 by these bytes. The caller frees it. */
static inline char *hs256_token(const char *header, const char *payload, const char *secret)
{
    struct buf token = BUF_INIT;
    unsigned char digest[32];
    unsigned length = sizeof(digest);

    append_unsigned(&token, header, payload);
    HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)buf_str(&token),
         token.length, digest, &length);
    buf_append_char(&token, '.');
    append_base64url(&token, digest, length);
    return buf_detach(&token);
}

static inline struct auth_jwt_key *read_key(const char *id, const char *algorithm,
                                            const char *material)
{
    char fault[400] = "";
    struct auth_jwt_key *key =
        auth_jwt_key_read(id, auth_jwt_algorithm_find(algorithm), material, fault, sizeof(fault));

    if (!key)
        fail_msg("%s", fault);
    return key;
}

#endif
