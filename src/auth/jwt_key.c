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

#include "auth/jwa.h"
#include "auth/key_soundness.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/mem.h"

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
    EVP_PKEY_free(key->pair);
    wipe(key->secret, key->secret_length);
    free(key);
}

/* Takes the key over: NULL when OpenSSL cannot. checked: what signatures are checked with. */
static struct auth_jwt_key *take_fingerprint(struct auth_jwt_key *key, const void *checked,
                                             size_t length, char *fault, size_t fault_size)
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    bool is_taken =
        digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1 &&
        EVP_DigestUpdate(digest, key->algorithm->name, strlen(key->algorithm->name)) == 1 &&
        EVP_DigestUpdate(digest, checked, length) == 1 &&
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
    key->secret = mem_strndup(secret, length);
    key->secret_length = length;
    key->can_sign = true;
    return take_fingerprint(key, secret, length, fault, fault_size);
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

struct auth_jwt_key *auth_jwt_key_from_pair(const char *id,
                                            const struct auth_jwt_algorithm *algorithm,
                                            EVP_PKEY *pair, bool can_sign, char *fault,
                                            size_t fault_size)
{
    struct auth_jwt_key *key = NULL;
    unsigned char *public = NULL;
    int length = 0;

    if (auth_key_is_sound(pair, algorithm, fault, fault_size)) {
        length = i2d_PUBKEY(pair, &public);
        if (length <= 0)
            snprintf(fault, fault_size, "OpenSSL cannot write this public key");
    }
    if (length > 0) {
        key = new_key(id, algorithm);
        EVP_PKEY_up_ref(pair);
        key->pair = pair;
        key->can_sign = can_sign;
        key = take_fingerprint(key, public, (size_t)length, fault, fault_size);
    }
    OPENSSL_free(public);
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
        key = auth_jwt_key_from_pair(id, algorithm, parsed, is_private, fault, fault_size);
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

bool auth_jwt_key_is_for(const struct auth_jwt_key *key, const struct auth_jwt_algorithm *algorithm)
{
    if (key->algorithm == algorithm)
        return true;
    return key->algorithm->kind == AUTH_JWT_ED && algorithm->kind == AUTH_JWT_ED &&
           (!algorithm->curve || EVP_PKEY_is_a(key->pair, algorithm->curve));
}

int auth_jwt_key_signed(const struct auth_jwt_key *key, const char *token)
{
    bool is_right;

    ERR_clear_error();
    if (key->pair)
        is_right = auth_jwa_accepts(key->pair, key->algorithm, token);
    else
        is_right = auth_jwa_secret_accepts(key->secret, key->secret_length, key->algorithm, token);
    return has_lacked_memory() && !is_right ? -ENOMEM : is_right;
}

/* False when the part is no JSON. Frees it. */
static bool append_part(struct buf *token, json_t *part)
{
    char *text = json_dumps(part, JSON_COMPACT);

    if (text)
        base64_encode(BASE64_URL, text, strlen(text), token);
    free(text);
    json_decref(part);
    return text != NULL;
}

static json_t *header_of(const struct auth_jwt_key *key)
{
    return json_pack("{s:s, s:s, s:s*}", "alg", key->algorithm->name, "typ", "JWT", "kid",
                     key->id[0] != '\0' ? key->id : NULL);
}

char *auth_jwt_key_sign(const struct auth_jwt_key *key, json_t *claims)
{
    struct buf token = BUF_INIT;
    bool is_signed = key->can_sign && append_part(&token, header_of(key));

    if (is_signed) {
        buf_append_char(&token, '.');
        is_signed = append_part(&token, json_incref(claims)) &&
                    (key->pair ? auth_jwa_sign(key->pair, key->algorithm, &token)
                               : auth_jwa_secret_sign(key->secret, key->secret_length,
                                                      key->algorithm, &token));
    }
    ERR_clear_error();
    if (is_signed)
        return buf_detach(&token);
    buf_release(&token);
    return NULL;
}
