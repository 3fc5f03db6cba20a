/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "auth/jwt_key.h"
#include "base/text.h"
#include "jwt_material.h"

static void assert_refused(const char *algorithm, const char *material, const char *because)
{
    char fault[400] = "";

    assert_null(
        auth_jwt_key_read("k", auth_jwt_algorithm_find(algorithm), material, fault, sizeof(fault)));
    assert_non_null(strstr(fault, because));
    if (strlen(material) >= 8)
        assert_null(strstr(fault, material));
}

static void assert_signs_for_itself(const struct auth_jwt_key *key)
{
    json_t *claims = json_pack("{s:s, s:I}", "sub", "7", "exp", (json_int_t)2000000000);
    char *token = auth_jwt_key_sign(key, claims);
    char *dot;

    assert_non_null(token);
    assert_true(auth_jwt_key_signed(key, token));
    dot = strchr(token, '.');
    dot[5] = dot[5] == 'A' ? 'B' : 'A';
    assert_false(auth_jwt_key_signed(key, token));
    free(token);
    json_decref(claims);
}

static EVP_PKEY *make_pair(const char *curve)
{
    if (!curve)
        return make_rsa(2048);
    return strncmp(curve, "ED", 2) == 0 ? make_ed(curve) : make_ec(curve);
}

static void test_each_algorithm_signs(void **state)
{
    static const struct {
        const char *algorithm, *curve; /* NULL: RSA; "": a secret */
    } cases[] = {
        {"HS256", ""},        {"HS384", ""},      {"HS512", ""},          {"RS256", NULL},
        {"RS384", NULL},      {"RS512", NULL},    {"PS256", NULL},        {"PS384", NULL},
        {"PS512", NULL},      {"ES256", "P-256"}, {"ES384", "P-384"},     {"ES512", "P-521"},
        {"EdDSA", "ED25519"}, {"EdDSA", "ED448"}, {"Ed25519", "ED25519"}, {"Ed448", "ED448"}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool is_secret = cases[i].curve && *cases[i].curve == '\0';
        EVP_PKEY *pair = is_secret ? NULL : make_pair(cases[i].curve);
        char *material = pair ? pem_of(pair, true) : mem_strdup(SECRET);
        struct auth_jwt_key *key = read_key("k", cases[i].algorithm, material);

        assert_signs_for_itself(key);
        auth_jwt_key_free(key);
        free(material);
        EVP_PKEY_free(pair);
    }
}

static struct auth_jwt_key *key_of(EVP_PKEY *pair, const char *algorithm)
{
    char *material = pem_of(pair, true);
    struct auth_jwt_key *key = read_key("k", algorithm, material);

    free(material);
    return key;
}

/* The same pair with another algorithm: a signature is of one. */
static void test_an_algorithm_is_no_other(void **state)
{
    static const char *const algorithms[] = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"};
    EVP_PKEY *pair = make_rsa(2048);
    json_t *claims = json_pack("{s:s}", "sub", "7");

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        struct auth_jwt_key *signer = key_of(pair, algorithms[i]);
        char *token = auth_jwt_key_sign(signer, claims);

        for (size_t j = 0; j < 6; j++) {
            struct auth_jwt_key *checker = key_of(pair, algorithms[j]);

            assert_int_equal(auth_jwt_key_signed(checker, token), i == j);
            assert_int_equal(auth_jwt_key_is_for(checker, signer->algorithm), i == j);
            auth_jwt_key_free(checker);
        }
        free(token);
        auth_jwt_key_free(signer);
    }
    json_decref(claims);
    EVP_PKEY_free(pair);
}

/* RFC 9864: EdDSA is both curves' name, Ed25519 and Ed448 are of one. */
static void test_names_of_eddsa(void **state)
{
    static const struct {
        const char *algorithm, *curve;
        bool is_for[3];
    } cases[] = {{"EdDSA", "ED25519", {true, true, false}},
                 {"Ed25519", "ED25519", {true, true, false}},
                 {"EdDSA", "ED448", {true, false, true}},
                 {"Ed448", "ED448", {true, false, true}}};
    static const char *const names[] = {"EdDSA", "Ed25519", "Ed448"};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        EVP_PKEY *pair = make_ed(cases[i].curve);
        struct auth_jwt_key *key = key_of(pair, cases[i].algorithm);

        for (size_t j = 0; j < 3; j++)
            assert_int_equal(auth_jwt_key_is_for(key, auth_jwt_algorithm_find(names[j])),
                             cases[i].is_for[j]);
        assert_false(auth_jwt_key_is_for(key, auth_jwt_algorithm_find("ES256")));
        auth_jwt_key_free(key);
        EVP_PKEY_free(pair);
    }
}

/* Puts other bytes in the place of a token's signature. The caller frees what it returns. */
static char *with_signature(const char *token, const unsigned char *bytes, size_t length)
{
    struct buf text = BUF_INIT;

    buf_append(&text, token, (size_t)(strrchr(token, '.') - token) + 1);
    append_base64url(&text, bytes, length);
    return buf_detach(&text);
}

static size_t signature_of(const char *token, unsigned char bytes[600])
{
    const char *text = strrchr(token, '.') + 1;
    ssize_t length = base64_decode(BASE64_URL, text, strlen(text), bytes);

    assert_true(length > 0);
    return (size_t)length;
}

static void assert_wrong(const struct auth_jwt_key *key, const char *token,
                         const unsigned char *bytes, size_t length)
{
    char *changed = with_signature(token, bytes, length);

    assert_int_equal(auth_jwt_key_signed(key, changed), 0);
    free(changed);
}

/* s + L is the same number modulo the order L, little endian: nobody may make a second signature
 * of one (RFC 8032, 5.1.7 and 5.2.7). */
static void test_eddsa_is_not_malleable(void **state)
{
    static const struct {
        const char *curve, *order;
        size_t half;
    } cases[] = {
        {"ED25519", "1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed", 32},
        {"ED448",
         "3fffffffffffffffffffffffffffffffffffffffffffffffffffffff7cca23e9c44edb49aed63690216"
         "cc2728dc58f552378c292ab5844f3",
         57}};
    json_t *claims = json_pack("{s:s}", "sub", "7");

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        EVP_PKEY *pair = make_ed(cases[i].curve);
        struct auth_jwt_key *key = key_of(pair, "EdDSA");
        char *token = auth_jwt_key_sign(key, claims);
        const size_t half = cases[i].half;
        unsigned char bytes[600];
        BIGNUM *s = NULL;
        BIGNUM *order = NULL;

        assert_int_equal(signature_of(token, bytes), 2 * half);
        s = BN_lebin2bn(bytes + half, (int)half, NULL);
        assert_true(BN_hex2bn(&order, cases[i].order) > 0);
        assert_int_equal(BN_cmp(s, order), -1);
        assert_int_equal(BN_add(s, s, order), 1);
        assert_int_equal(BN_bn2lebinpad(s, bytes + half, (int)half), half);
        assert_wrong(key, token, bytes, 2 * half);
        BN_free(s);
        BN_free(order);
        free(token);
        auth_jwt_key_free(key);
        EVP_PKEY_free(pair);
    }
    json_decref(claims);
}

static void assert_no_number(const struct auth_jwt_key *key, const char *token,
                             const unsigned char *signature, size_t half, const BIGNUM *number)
{
    for (size_t i = 0; i < 2; i++) {
        unsigned char bytes[600];

        memcpy(bytes, signature, 2 * half);
        assert_int_equal(BN_bn2binpad(number, bytes + i * half, (int)half), half);
        assert_wrong(key, token, bytes, 2 * half);
    }
}

/* r and s each have the curve's length, and lie between 0 and its order (RFC 7518, 3.4). */
static void test_numbers_of_ecdsa(void **state)
{
    static const struct {
        const char *algorithm, *curve;
        size_t half;
    } cases[] = {{"ES256", "P-256", 32}, {"ES384", "P-384", 48}, {"ES512", "P-521", 66}};
    json_t *claims = json_pack("{s:s}", "sub", "7");

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        EVP_PKEY *pair = make_ec(cases[i].curve);
        struct auth_jwt_key *key = key_of(pair, cases[i].algorithm);
        char *token = auth_jwt_key_sign(key, claims);
        const size_t half = cases[i].half;
        unsigned char bytes[600], longer[600] = {0};
        BIGNUM *number = BN_new();

        assert_int_equal(signature_of(token, bytes), 2 * half);
        assert_no_number(key, token, bytes, half, number);
        assert_int_equal(EVP_PKEY_get_bn_param(pair, OSSL_PKEY_PARAM_EC_ORDER, &number), 1);
        assert_no_number(key, token, bytes, half, number);
        /* Zeros in front of both, one less, one more. */
        memcpy(longer + 1, bytes, half);
        memcpy(longer + half + 2, bytes + half, half);
        assert_wrong(key, token, longer, 2 * (half + 1));
        assert_wrong(key, token, bytes, 2 * half - 1);
        bytes[2 * half] = 0;
        assert_wrong(key, token, bytes, 2 * half + 1);
        BN_free(number);
        free(token);
        auth_jwt_key_free(key);
        EVP_PKEY_free(pair);
    }
    json_decref(claims);
}

/* A salt of another length, and another hash within MGF1. */
static void test_parameters_of_pss(void **state)
{
    static const struct {
        int salt;
        const char *mgf1;
        bool is_right;
    } cases[] = {{32, "SHA256", true},  {0, "SHA256", false}, {20, "SHA256", false},
                 {64, "SHA256", false}, {32, "SHA1", false},  {32, "SHA512", false}};
    EVP_PKEY *pair = make_rsa(2048);
    struct auth_jwt_key *key = key_of(pair, "PS256");
    json_t *claims = json_pack("{s:s}", "sub", "7");
    char *token = auth_jwt_key_sign(key, claims);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        EVP_PKEY_CTX *with = NULL;
        unsigned char bytes[600];
        size_t length = sizeof(bytes);
        char *changed;

        assert_int_equal(EVP_DigestSignInit(context, &with, EVP_sha256(), NULL, pair), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(with, RSA_PKCS1_PSS_PADDING), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(with, cases[i].salt), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_mgf1_md_name(with, cases[i].mgf1, NULL), 1);
        assert_int_equal(EVP_DigestSign(context, bytes, &length, (const unsigned char *)token,
                                        (size_t)(strrchr(token, '.') - token)),
                         1);
        changed = with_signature(token, bytes, length);
        assert_int_equal(auth_jwt_key_signed(key, changed), cases[i].is_right);
        free(changed);
        EVP_MD_CTX_free(context);
    }
    free(token);
    json_decref(claims);
    auth_jwt_key_free(key);
    EVP_PKEY_free(pair);
}

/* With these everybody can sign, or they are none at all: y of order 1, 2, 4 and 8, with both signs
 * of x, also as y + p; and one that is on no curve. */
static void test_unsound_edwards_keys(void **state)
{
    static const char *const keys[] = {
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "0200000000000000000000000000000000000000000000000000000000000000",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        unsigned char bytes[32];
        size_t length = 0;
        EVP_PKEY *pair;
        char *public;

        assert_int_equal(OPENSSL_hexstr2buf_ex(bytes, sizeof(bytes), &length, keys[i], '\0'), 1);
        pair = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, bytes, length);
        assert_non_null(pair);
        public = pem_of(pair, false);
        assert_refused("EdDSA", public, "no sound public key");
        free(public);
        EVP_PKEY_free(pair);
    }
}

static void test_unsound_keys_of_ed448(void **state)
{
    unsigned char bytes[57] = {0};

    (void)state;
    for (unsigned i = 0; i < 3; i++) { /* 0, 1 and -1 */
        EVP_PKEY *pair;
        char *public;

        memset(bytes, i == 2 ? 0xff : 0, 56);
        bytes[0] = i == 2 ? 0xfe : (unsigned char)i;
        bytes[28] = i == 2 ? 0xfe : 0;
        pair = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED448, NULL, bytes, sizeof(bytes));
        assert_non_null(pair);
        public = pem_of(pair, false);
        assert_refused("Ed448", public, "no sound public key");
        free(public);
        EVP_PKEY_free(pair);
    }
}

static void test_a_public_key_checks_only(void **state)
{
    EVP_PKEY *pair = make_ec("P-256");
    char *private = pem_of(pair, true);
    char *public = pem_of(pair, false);
    struct auth_jwt_key *signer = read_key("a", "ES256", private);
    struct auth_jwt_key *checker = read_key("a", "ES256", public);
    json_t *claims = json_pack("{s:s}", "sub", "7");
    char *token = auth_jwt_key_sign(signer, claims);

    (void)state;
    assert_null(auth_jwt_key_sign(checker, claims));
    assert_true(auth_jwt_key_signed(checker, token));
    free(token);
    json_decref(claims);
    auth_jwt_key_free(signer);
    auth_jwt_key_free(checker);
    free(private);
    free(public);
    EVP_PKEY_free(pair);
}

static char *certificate_of(EVP_PKEY *pair)
{
    X509 *certificate = X509_new();
    BIO *memory = BIO_new(BIO_s_mem());
    char *data = NULL;
    long length;
    char *text;

    assert_int_equal(X509_set_pubkey(certificate, pair), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), 0));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), 60));
    assert_true(X509_sign(certificate, pair, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_bio_X509(memory, certificate), 1);
    length = BIO_get_mem_data(memory, &data);
    text = mem_strndup(data, (size_t)length);
    BIO_free(memory);
    X509_free(certificate);
    return text;
}

static void test_a_certificate_has_a_public_key(void **state)
{
    EVP_PKEY *pair = make_rsa(2048);
    char *certificate = certificate_of(pair);
    struct auth_jwt_key *key = read_key("", "RS256", certificate);

    (void)state;
    assert_int_equal(EVP_PKEY_eq(key->pair, pair), 1);
    assert_false(key->can_sign);
    auth_jwt_key_free(key);
    free(certificate);
    EVP_PKEY_free(pair);
}

static void test_secrets_are_texts_or_base64(void **state)
{
    static const char *const same[] = {"0123456789abcdef0123456789abcdef",
                                       "0123456789abcdef0123456789abcdef\n",
                                       "base64:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
                                       "base64:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY",
                                       "base64:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\r\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        struct auth_jwt_key *key = read_key("", "HS256", same[i]);

        assert_int_equal(key->secret_length, 32);
        assert_memory_equal(key->secret, same[0], 32);
        auth_jwt_key_free(key);
    }
}

static void test_weak_and_wrong_secrets(void **state)
{
    EVP_PKEY *pair = make_ec("P-256");
    char *public = pem_of(pair, false);

    (void)state;
    assert_refused("HS256", "", "0 bytes");
    assert_refused("HS256", "0123456789abcdef0123456789abcde", "needs 32");
    assert_refused("HS384", "0123456789abcdef0123456789abcdef", "needs 48");
    assert_refused("HS512", "0123456789abcdef0123456789abcdef", "needs 64");
    assert_refused("HS256", "base64:MDEyMzQ1Njc4", "needs 32");
    assert_refused("HS256", "base64:not base64 at all, is it not, no?", "not base64");
    assert_refused("HS256", public, "PEM");
    free(public);
    EVP_PKEY_free(pair);
}

static void refuse_pair(const char *algorithm, EVP_PKEY *pair, const char *because)
{
    char *public = pem_of(pair, false);

    assert_refused(algorithm, public, because);
    free(public);
    EVP_PKEY_free(pair);
}

static void test_weak_and_wrong_keys(void **state)
{
    (void)state;
    assert_refused("RS256", "", "no PEM");
    assert_refused("RS256", "/etc/passwd", "no PEM");
    assert_refused("ES256", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
                   "no PEM");
    refuse_pair("RS256", make_rsa(1024), "1024 bits");
    refuse_pair("RS256", make_ec("P-256"), "RSA");
    refuse_pair("ES256", make_rsa(2048), "P-256");
    refuse_pair("ES256", make_ec("P-384"), "P-256");
    refuse_pair("ES256", make_ec("secp256k1"), "P-256");
    refuse_pair("ES512", make_ec("P-256"), "P-521");
    refuse_pair("PS256", make_rsa(1024), "1024 bits");
    refuse_pair("PS256", make_ed("ED25519"), "RSA");
    refuse_pair("ES256", make_ed("ED25519"), "P-256");
    refuse_pair("EdDSA", make_ec("P-256"), "Ed25519 or Ed448");
    refuse_pair("EdDSA", make_ed("X25519"), "Ed25519 or Ed448");
    refuse_pair("Ed25519", make_ed("ED448"), "on Ed25519");
    refuse_pair("Ed448", make_ed("ED25519"), "on Ed448");
}

static void test_a_key_with_a_password_is_not_asked_for(void **state)
{
    EVP_PKEY *pair = make_ec("P-256");
    BIO *memory = BIO_new(BIO_s_mem());
    char *data = NULL;
    char *text;
    long length;

    (void)state;
    assert_int_equal(
        PEM_write_bio_PKCS8PrivateKey(memory, pair, EVP_aes_128_cbc(), "word", 4, NULL, NULL), 1);
    length = BIO_get_mem_data(memory, &data);
    text = mem_strndup(data, (size_t)length);
    assert_refused("ES256", text, "without password");
    free(text);
    BIO_free(memory);
    EVP_PKEY_free(pair);
}

static void test_names_of_algorithms(void **state)
{
    (void)state;
    assert_string_equal(auth_jwt_algorithm_find("ES512")->crv, "P-521");
    assert_null(auth_jwt_algorithm_find("none"));
    assert_null(auth_jwt_algorithm_find("hs256"));
    assert_ptr_equal(auth_jwt_algorithm_of_curve("P-384"), auth_jwt_algorithm_find("ES384"));
    assert_ptr_equal(auth_jwt_algorithm_of_curve("Ed25519"), auth_jwt_algorithm_find("Ed25519"));
    assert_null(auth_jwt_algorithm_of_curve("X25519"));
    assert_null(auth_jwt_algorithm_of_curve("secp256k1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_algorithm_signs),
        cmocka_unit_test(test_an_algorithm_is_no_other),
        cmocka_unit_test(test_names_of_eddsa),
        cmocka_unit_test(test_eddsa_is_not_malleable),
        cmocka_unit_test(test_numbers_of_ecdsa),
        cmocka_unit_test(test_parameters_of_pss),
        cmocka_unit_test(test_unsound_edwards_keys),
        cmocka_unit_test(test_unsound_keys_of_ed448),
        cmocka_unit_test(test_a_public_key_checks_only),
        cmocka_unit_test(test_a_certificate_has_a_public_key),
        cmocka_unit_test(test_secrets_are_texts_or_base64),
        cmocka_unit_test(test_weak_and_wrong_secrets),
        cmocka_unit_test(test_weak_and_wrong_keys),
        cmocka_unit_test(test_a_key_with_a_password_is_not_asked_for),
        cmocka_unit_test(test_names_of_algorithms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
