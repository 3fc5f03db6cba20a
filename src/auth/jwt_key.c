/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/jwt_key.h"

#include <errno.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

static const struct auth_jwt_algorithm algorithms[] = {
    {"HS256", AUTH_JWT_SECRET, EVP_sha256, .least_bytes = 32},
    {"HS384", AUTH_JWT_SECRET, EVP_sha384, .least_bytes = 48},
    {"HS512", AUTH_JWT_SECRET, EVP_sha512, .least_bytes = 64},
    {"RS256", AUTH_JWT_RSA, EVP_sha256, .least_bytes = 0},
    {"RS384", AUTH_JWT_RSA, EVP_sha384, .least_bytes = 0},
    {"RS512", AUTH_JWT_RSA, EVP_sha512, .least_bytes = 0},
    {"PS256", AUTH_JWT_PSS, EVP_sha256, .least_bytes = 0},
    {"PS384", AUTH_JWT_PSS, EVP_sha384, .least_bytes = 0},
    {"PS512", AUTH_JWT_PSS, EVP_sha512, .least_bytes = 0},
    {"ES256", AUTH_JWT_EC, EVP_sha256, .curve = "prime256v1", .crv = "P-256"},
    {"ES384", AUTH_JWT_EC, EVP_sha384, .curve = "secp384r1", .crv = "P-384"},
    {"ES512", AUTH_JWT_EC, EVP_sha512, .curve = "secp521r1", .crv = "P-521"},
    {"Ed25519", AUTH_JWT_ED, NULL, .curve = "ED25519", .crv = "Ed25519"},
    {"Ed448", AUTH_JWT_ED, NULL, .curve = "ED448", .crv = "Ed448"},
    {"EdDSA", AUTH_JWT_ED, NULL, .curve = NULL, .crv = NULL},
};

const struct auth_jwt_algorithm *auth_jwt_algorithm_find(const char *name)
{
    for (size_t i = 0; i < COUNT(algorithms); i++) {
        if (strcmp(algorithms[i].name, name) == 0)
            return &algorithms[i];
    }
    return NULL;
}

const struct auth_jwt_algorithm *auth_jwt_algorithm_of_curve(const char *crv)
{
    for (size_t i = 0; i < COUNT(algorithms); i++) {
        if (algorithms[i].crv && strcmp(algorithms[i].crv, crv) == 0)
            return &algorithms[i];
    }
    return NULL;
}

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

/* With PS*: a salt as long as the hash, and MGF1 with the same hash (RFC 7518, 3.5). */
static bool set_padding(EVP_PKEY_CTX *context, const struct auth_jwt_algorithm *algorithm)
{
    if (algorithm->kind != AUTH_JWT_PSS)
        return true;
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(context, algorithm->digest()) == 1;
}

static const EVP_MD *digest_of(const struct auth_jwt_algorithm *algorithm)
{
    return algorithm->digest ? algorithm->digest() : NULL;
}

static bool verify(const struct auth_jwt_key *key, const unsigned char *signature, size_t length,
                   const char *text, size_t text_length)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *with = NULL;
    bool is_right =
        context &&
        EVP_DigestVerifyInit(context, &with, digest_of(key->algorithm), NULL, key->pair) == 1 &&
        set_padding(with, key->algorithm) &&
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

/* The opposite, in place. */
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

static bool verify_numbers(const struct auth_jwt_key *key, const struct octets *signature,
                           const char *text, size_t length)
{
    unsigned char *der;
    const int der_length = to_der(key->pair, signature, &der);
    const bool is_right = der_length > 0 && verify(key, der, (size_t)der_length, text, length);

    OPENSSL_free(der);
    return is_right;
}

static bool sign(const struct auth_jwt_key *key, const char *text, size_t length,
                 struct octets *signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *with = NULL;
    bool is_signed;

    signature->length = sizeof(signature->bytes);
    is_signed =
        context &&
        EVP_DigestSignInit(context, &with, digest_of(key->algorithm), NULL, key->pair) == 1 &&
        set_padding(with, key->algorithm) &&
        EVP_DigestSign(context, signature->bytes, &signature->length, (const unsigned char *)text,
                       length) == 1 &&
        (key->algorithm->kind != AUTH_JWT_EC || to_raw(key->pair, signature));
    EVP_MD_CTX_free(context);
    return is_signed;
}

static bool sign_by_secret(const struct auth_jwt_key *key, const char *text, size_t length,
                           struct octets *signature)
{
    unsigned count = 0;
    const bool is_signed = HMAC(key->algorithm->digest(), key->secret, (int)key->secret_length,
                                (const unsigned char *)text, length, signature->bytes, &count);

    signature->length = count;
    return is_signed;
}

/* Whether the token's signature is this key's. False when OpenSSL cannot tell, too: then its error
 * queue says why. */
static bool accepts(const struct auth_jwt_key *key, const char *token)
{
    struct octets signature, right;
    size_t length;

    if (!read_signature(token, &signature, &length))
        return false;
    if (key->algorithm->kind == AUTH_JWT_EC)
        return verify_numbers(key, &signature, token, length);
    if (key->pair)
        return verify(key, signature.bytes, signature.length, token, length);
    return sign_by_secret(key, token, length, &right) && signature.length == right.length &&
           CRYPTO_memcmp(signature.bytes, right.bytes, right.length) == 0;
}

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
    is_right = accepts(key, token);
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
    struct octets signature;
    bool is_signed = key->can_sign && append_part(&token, header_of(key));

    if (is_signed) {
        buf_append_char(&token, '.');
        is_signed =
            append_part(&token, json_incref(claims)) &&
            (key->pair ? sign : sign_by_secret)(key, buf_str(&token), token.length, &signature);
    }
    ERR_clear_error();
    if (!is_signed) {
        buf_release(&token);
        return NULL;
    }
    buf_append_char(&token, '.');
    base64_encode(BASE64_URL, signature.bytes, signature.length, &token);
    return buf_detach(&token);
}

struct auth_jwt_keys *auth_jwt_keys_new(void)
{
    return mem_zalloc(sizeof(struct auth_jwt_keys));
}

void auth_jwt_keys_free(struct auth_jwt_keys *keys)
{
    if (!keys)
        return;
    for (size_t i = 0; i < keys->count; i++)
        auth_jwt_key_free(keys->keys[i]);
    free(keys);
}

bool auth_jwt_keys_add(struct auth_jwt_keys *keys, struct auth_jwt_key *key)
{
    if (keys->count == AUTH_JWT_MAX_KEYS) {
        auth_jwt_key_free(key);
        return false;
    }
    keys->keys[keys->count++] = key;
    return true;
}

const struct auth_jwt_key *auth_jwt_keys_next(const struct auth_jwt_keys *keys, const char *kid,
                                              const struct auth_jwt_algorithm *algorithm,
                                              size_t *at)
{
    while (*at < keys->count) {
        const struct auth_jwt_key *key = keys->keys[(*at)++];

        if (auth_jwt_key_is_for(key, algorithm) && (!kid || strcmp(key->id, kid) == 0))
            return key;
    }
    return NULL;
}
