/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/x509.h>

#include "auth/jwt_key.h"
#include "jwt_material.h"

static void assert_refused(const char *algorithm, const char *material, const char *because)
{
    char fault[256] = "";

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

static void test_each_algorithm_signs(void **state)
{
    static const struct {
        const char *algorithm, *curve; /* NULL: RSA; "": a secret */
    } cases[] = {{"HS256", ""},      {"HS384", ""},      {"HS512", ""},
                 {"RS256", NULL},    {"RS384", NULL},    {"RS512", NULL},
                 {"ES256", "P-256"}, {"ES384", "P-384"}, {"ES512", "P-521"}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        EVP_PKEY *pair = NULL;
        char *material = NULL;
        struct auth_jwt_key *key;

        if (!cases[i].curve)
            pair = make_rsa(2048);
        else if (*cases[i].curve != '\0')
            pair = make_ec(cases[i].curve);
        material = pair ? pem_of(pair, true) : mem_strdup(SECRET);
        key = read_key("k", cases[i].algorithm, material);
        assert_signs_for_itself(key);
        auth_jwt_key_free(key);
        free(material);
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
    char *public = pem_of(pair, false);
    struct auth_jwt_key *key = read_key("", "RS256", certificate);

    (void)state;
    assert_string_equal(key->check, public);
    auth_jwt_key_free(key);
    free(certificate);
    free(public);
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

        assert_int_equal(key->check_length, 32);
        assert_memory_equal(key->check, same[0], 32);
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
    assert_null(auth_jwt_algorithm_find("PS256"));
    assert_true(auth_jwt_algorithm_is_lacking("PS256"));
    assert_true(auth_jwt_algorithm_is_lacking("EdDSA"));
    assert_false(auth_jwt_algorithm_is_lacking("none"));
    assert_ptr_equal(auth_jwt_algorithm_of_curve("P-384"), auth_jwt_algorithm_find("ES384"));
    assert_null(auth_jwt_algorithm_of_curve("Ed25519"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_algorithm_signs),
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
