/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/jwt_key.h"

#include <errno.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/jwt_public.h"
#include "base/base64.h"
#include "base/mem.h"

#define RSA_LEAST_BITS 2048
#define RSA_MOST_BITS  8192 /* the work for one check grows with the square */

static const char encoded_prefix[] = "base64:";
static const char pem_start[] = "-----BEGIN ";

static struct auth_jwt_key *new_key(const char *id, const struct auth_jwt_algorithm *algorithm)
{
    struct auth_jwt_key *key = mem_zalloc(sizeof(*key));

    key->id = mem_strdup(id);
    key->algorithm = algorithm;
    return key;
}

static void wipe(char *text, size_t length)
{
    if (text)
        OPENSSL_cleanse(text, length);
    free(text);
}

void auth_jwt_key_free(struct auth_jwt_key *key)
{
    if (!key)
        return;
    free(key->id);
    EVP_PKEY_free(key->public_key);
    wipe(key->check, key->check_length);
    wipe(key->sign, key->sign_length);
    free(key);
}

/* Takes the key over: NULL when OpenSSL cannot. */
static struct auth_jwt_key *take_fingerprint(struct auth_jwt_key *key, char *fault,
                                             size_t fault_size)
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    bool is_taken =
        digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1 &&
        EVP_DigestUpdate(digest, key->algorithm->name, strlen(key->algorithm->name)) == 1 &&
        EVP_DigestUpdate(digest, key->check, key->check_length) == 1 &&
        EVP_DigestFinal_ex(digest, key->fingerprint, NULL) == 1;

    EVP_MD_CTX_free(digest);
    if (is_taken)
        return key;
    snprintf(fault, fault_size, "OpenSSL cannot compute SHA-256");
    auth_jwt_key_free(key);
    return NULL;
}

struct auth_jwt_key *auth_jwt_key_from_secret(const char *id,
                                              const struct auth_jwt_algorithm *algorithm,
                                              const void *secret, size_t length, char *fault,
                                              size_t fault_size)
{
    struct auth_jwt_key *key;

    if (length < algorithm->least_bytes || length > INT_MAX) {
        snprintf(fault, fault_size,
                 "the secret has %zu bytes and %s needs %zu or more; make one, such as base64: and "
                 "what openssl rand -base64 64 prints",
                 length, algorithm->name, algorithm->least_bytes);
        return NULL;
    }
    key = new_key(id, algorithm);
    key->check = mem_strndup(secret, length);
    key->check_length = length;
    key->sign = mem_strndup(secret, length);
    key->sign_length = length;
    return take_fingerprint(key, fault, fault_size);
}

static struct auth_jwt_key *read_secret(const char *id, const struct auth_jwt_algorithm *algorithm,
                                        const char *material, char *fault, size_t fault_size)
{
    size_t length = strcspn(material, "\r\n"); /* a file's text ends with a line's end */
    struct auth_jwt_key *key = NULL;
    char *bytes;
    ssize_t count;

    if (strstr(material, pem_start)) {
        snprintf(fault, fault_size,
                 "a PEM text is no secret for %s: who has the public key could sign; set algorithm "
                 "to that of the key, such as RS256 or ES256",
                 algorithm->name);
        return NULL;
    }
    if (strncmp(material, encoded_prefix, strlen(encoded_prefix)) != 0)
        return auth_jwt_key_from_secret(id, algorithm, material, length, fault, fault_size);
    material += strlen(encoded_prefix);
    length -= strlen(encoded_prefix);
    bytes = mem_alloc(BASE64_SPACE(length));
    count = base64_decode(BASE64, material, length, bytes);
    if (count < 0)
        count = base64_decode(BASE64_URL, material, length, bytes);
    if (count < 0)
        snprintf(fault, fault_size, "what follows \"base64:\" is not base64");
    else
        key = auth_jwt_key_from_secret(id, algorithm, bytes, (size_t)count, fault, fault_size);
    wipe(bytes, BASE64_SPACE(length));
    return key;
}

static bool check_rsa(EVP_PKEY *key, const char *algorithm, char *fault, size_t fault_size)
{
    int bits = EVP_PKEY_get_bits(key);

    if (!EVP_PKEY_is_a(key, "RSA")) {
        snprintf(fault, fault_size, "%s needs an RSA key, and this is none", algorithm);
        return false;
    }
    if (bits < RSA_LEAST_BITS || bits > RSA_MOST_BITS) {
        snprintf(fault, fault_size, "the RSA key has %d bits; use one with %d to %d", bits,
                 RSA_LEAST_BITS, RSA_MOST_BITS);
        return false;
    }
    return true;
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

/* Whether the key is a sound one at all: a point on its curve, a modulus that is none of a few. */
static bool check_soundness(EVP_PKEY *key, char *fault, size_t fault_size)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool sound = context && EVP_PKEY_public_check(context) == 1;

    EVP_PKEY_CTX_free(context);
    if (!sound)
        snprintf(fault, fault_size, "OpenSSL says that this is no sound public key");
    return sound;
}

/* The caller wipes it. NULL when there is no such part. */
static char *to_pem(EVP_PKEY *key, bool is_private, size_t *length)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *text = NULL;
    char *data = NULL;
    int ok;

    if (!memory)
        return NULL;
    ok = is_private ? PEM_write_bio_PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL)
                    : PEM_write_bio_PUBKEY(memory, key);
    if (ok == 1) {
        *length = (size_t)BIO_get_mem_data(memory, &data);
        text = mem_strndup(data, *length);
        OPENSSL_cleanse(data, *length);
    }
    BIO_free(memory);
    return text;
}

/* A key with a password is not waited for at a terminal. */
static int no_password(char *buffer, int size, int for_writing, void *context)
{
    (void)buffer;
    (void)size;
    (void)for_writing;
    (void)context;
    return -1;
}

static EVP_PKEY *parse_pem(const char *material, bool is_private)
{
    BIO *memory = BIO_new_mem_buf(material, -1);
    EVP_PKEY *key = NULL;
    X509 *certificate;

    if (!memory)
        return NULL;
    if (is_private) {
        key = PEM_read_bio_PrivateKey(memory, NULL, no_password, NULL);
    } else if (strstr(material, "-----BEGIN CERTIFICATE-----")) {
        certificate = PEM_read_bio_X509(memory, NULL, no_password, NULL);
        key = certificate ? X509_get_pubkey(certificate) : NULL;
        X509_free(certificate);
    } else {
        key = PEM_read_bio_PUBKEY(memory, NULL, no_password, NULL);
    }
    BIO_free(memory);
    return key;
}

struct auth_jwt_key *auth_jwt_key_from_public(const char *id,
                                              const struct auth_jwt_algorithm *algorithm,
                                              EVP_PKEY *pair, char *fault, size_t fault_size)
{
    struct auth_jwt_key *key = NULL;
    bool fits = algorithm->kind == AUTH_JWT_RSA
                    ? check_rsa(pair, algorithm->name, fault, fault_size)
                    : check_curve(pair, algorithm, fault, fault_size);

    if (fits && check_soundness(pair, fault, fault_size)) {
        key = new_key(id, algorithm);
        key->check = to_pem(pair, false, &key->check_length);
        key->public_key = key->check ? parse_pem(key->check, false) : NULL;
        if (!key->public_key) {
            snprintf(fault, fault_size, "OpenSSL cannot write this public key");
            auth_jwt_key_free(key);
            key = NULL;
        }
    }
    if (key)
        key = take_fingerprint(key, fault, fault_size);
    ERR_clear_error();
    return key;
}

static struct auth_jwt_key *read_pem(const char *id, const struct auth_jwt_algorithm *algorithm,
                                     const char *material, char *fault, size_t fault_size)
{
    bool is_private = strstr(material, "PRIVATE KEY-----") != NULL;
    EVP_PKEY *parsed = parse_pem(material, is_private);
    struct auth_jwt_key *key = NULL;

    if (!parsed) {
        snprintf(fault, fault_size,
                 "this is no PEM with a public key, a certificate or a private key without "
                 "password; openssl pkey -pubout writes a public key");
    } else {
        key = auth_jwt_key_from_public(id, algorithm, parsed, fault, fault_size);
        if (key && is_private)
            key->sign = to_pem(parsed, true, &key->sign_length);
    }
    EVP_PKEY_free(parsed);
    ERR_clear_error();
    return key;
}

struct auth_jwt_key *auth_jwt_key_read(const char *id, const struct auth_jwt_algorithm *algorithm,
                                       const char *material, char *fault, size_t fault_size)
{
    if (algorithm->kind == AUTH_JWT_SECRET)
        return read_secret(id, algorithm, material, fault, fault_size);
    return read_pem(id, algorithm, material, fault, fault_size);
}

/* Why OpenSSL could not look. Empties its queue. */
static bool has_lacked_memory(void)
{
    bool has_lacked = false;
    unsigned long code;

    while ((code = ERR_get_error()) != 0)
        has_lacked |= ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE;
    return has_lacked;
}

int auth_jwt_key_signed(const struct auth_jwt_key *key, const char *token)
{
    bool is_right;

    ERR_clear_error();
    if (key->public_key)
        is_right = auth_jwt_public_accepts(key->public_key, key->algorithm, token);
    else
        is_right = auth_jwt_secret_accepts(key->check, key->check_length, key->algorithm, token);
    return has_lacked_memory() && !is_right ? -ENOMEM : is_right;
}

static bool fill(jwt_t *token, const struct auth_jwt_key *key, const char *claims)
{
    return jwt_set_alg(token, key->algorithm->number, (const unsigned char *)key->sign,
                       (int)key->sign_length) == 0 &&
           (key->id[0] == '\0' || jwt_add_header(token, "kid", key->id) == 0) &&
           jwt_add_grants_json(token, claims) == 0;
}

char *auth_jwt_key_sign(const struct auth_jwt_key *key, const json_t *claims)
{
    char *text = json_dumps(claims, JSON_COMPACT);
    char *encoded = NULL;
    jwt_t *token = NULL;

    if (key->sign && text && jwt_new(&token) == 0 && fill(token, key, text))
        encoded = jwt_encode_str(token);
    jwt_free(token);
    free(text);
    ERR_clear_error();
    return encoded;
}
