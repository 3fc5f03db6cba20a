/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/core_names.h>

#include "auth/jwt_key.h"
#include "jwt_material.h"

static struct auth_jwt_keys *read_set(const char *text)
{
    char fault[400] = "";
    struct auth_jwt_keys *keys = auth_jwk_set_read(text, strlen(text), fault, sizeof(fault));

    assert_int_equal(keys == NULL, fault[0] != '\0');
    return keys;
}

static void append_number(struct buf *to, EVP_PKEY *key, const char *parameter, size_t width)
{
    BIGNUM *number = NULL;
    unsigned char bytes[512];
    int length;

    assert_int_equal(EVP_PKEY_get_bn_param(key, parameter, &number), 1);
    length = width > 0 ? BN_bn2binpad(number, bytes, (int)width) : BN_bn2bin(number, bytes);
    append_base64url(to, bytes, (size_t)length);
    BN_free(number);
}

/* The JWK of the key, with more members in front. */
static void append_jwk(struct buf *to, EVP_PKEY *key, const char *more)
{
    static const struct {
        const char *name, *crv;
        size_t width;
    } curves[] = {
        {"prime256v1", "P-256", 32}, {"secp384r1", "P-384", 48}, {"secp521r1", "P-521", 66}};
    char group[32] = "";
    size_t i = 0;

    if (EVP_PKEY_is_a(key, "RSA")) {
        buf_printf(to, "{%s \"kty\":\"RSA\",\"n\":\"", more);
        append_number(to, key, OSSL_PKEY_PARAM_RSA_N, 0);
        buf_append_str(to, "\",\"e\":\"");
        append_number(to, key, OSSL_PKEY_PARAM_RSA_E, 0);
    } else if (EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448")) {
        unsigned char bytes[57];
        size_t length = sizeof(bytes);

        assert_int_equal(EVP_PKEY_get_raw_public_key(key, bytes, &length), 1);
        buf_printf(to, "{%s \"kty\":\"OKP\",\"crv\":\"%s\",\"x\":\"", more,
                   EVP_PKEY_is_a(key, "ED448") ? "Ed448" : "Ed25519");
        append_base64url(to, bytes, length);
    } else {
        assert_int_equal(EVP_PKEY_get_group_name(key, group, sizeof(group), NULL), 1);
        while (strcmp(curves[i].name, group) != 0)
            i++;
        buf_printf(to, "{%s \"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"", more, curves[i].crv);
        append_number(to, key, OSSL_PKEY_PARAM_EC_PUB_X, curves[i].width);
        buf_append_str(to, "\",\"y\":\"");
        append_number(to, key, OSSL_PKEY_PARAM_EC_PUB_Y, curves[i].width);
    }
    buf_append_str(to, "\"}");
}

/* The keys of a set of this one. */
static struct auth_jwt_keys *read_one(EVP_PKEY *key, const char *more)
{
    struct buf text = BUF_INIT;
    struct auth_jwt_keys *keys;

    buf_append_str(&text, "{\"keys\":[");
    append_jwk(&text, key, more);
    buf_append_str(&text, "]}");
    keys = read_set(buf_str(&text));
    buf_release(&text);
    return keys;
}

static void check_kind(EVP_PKEY *pair, const char *algorithm)
{
    struct auth_jwt_keys *keys = read_one(pair, "\"kid\":\"one\",\"use\":\"sig\",");

    assert_non_null(keys);
    assert_int_equal(keys->count, 1);
    assert_string_equal(keys->keys[0]->id, "one");
    assert_string_equal(keys->keys[0]->algorithm->name, algorithm);
    assert_int_equal(EVP_PKEY_eq(keys->keys[0]->pair, pair), 1);
    assert_false(keys->keys[0]->can_sign);
    auth_jwt_keys_free(keys);
    EVP_PKEY_free(pair);
}

static void test_public_keys(void **state)
{
    (void)state;
    check_kind(make_rsa(2048), "RS256");
    check_kind(make_ec("P-256"), "ES256");
    check_kind(make_ec("P-384"), "ES384");
    check_kind(make_ec("P-521"), "ES512");
    check_kind(make_ed("ED25519"), "Ed25519");
    check_kind(make_ed("ED448"), "Ed448");
}

static void test_members_that_limit_a_key(void **state)
{
    static const struct {
        const char *more;
        bool is_taken;
    } cases[] = {
        {"", true},
        {"\"alg\":\"RS512\",", true},
        {"\"key_ops\":[\"sign\",\"verify\"],", true},
        {"\"use\":\"enc\",", false},
        {"\"use\":7,", false},
        {"\"alg\":\"PS256\",", true},
        {"\"alg\":7,", false},
        {"\"alg\":\"EdDSA\",", false},
        {"\"x5c\":[\"AAAA\"],", true},
        {"\"alg\":\"RSA-OAEP\",", false},
        {"\"alg\":\"HS256\",", false},
        {"\"alg\":\"ES256\",", false},
        {"\"alg\":\"none\",", false},
        {"\"key_ops\":[\"encrypt\"],", false},
        {"\"key_ops\":[],", false},
        {"\"key_ops\":\"verify\",", false},
    };
    EVP_PKEY *pair = make_rsa(2048);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct auth_jwt_keys *keys = read_one(pair, cases[i].more);

        assert_int_equal(keys != NULL, cases[i].is_taken);
        auth_jwt_keys_free(keys);
    }
    EVP_PKEY_free(pair);
}

static void test_members_of_an_edwards_key(void **state)
{
    static const struct {
        const char *more;
        bool is_taken;
    } cases[] = {
        {"\"alg\":\"EdDSA\",", true},  {"\"alg\":\"Ed25519\",", true},
        {"\"alg\":\"Ed448\",", false}, {"\"alg\":\"ES256\",", false},
        {"\"use\":\"sig\",", true},    {"\"use\":\"enc\",", false},
    };
    EVP_PKEY *pair = make_ed("ED25519");

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct auth_jwt_keys *keys = read_one(pair, cases[i].more);

        assert_int_equal(keys != NULL, cases[i].is_taken);
        auth_jwt_keys_free(keys);
    }
    EVP_PKEY_free(pair);
    assert_null(read_set("{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"X25519\","
                         "\"x\":\"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08\"}]}"));
    assert_null(read_set("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"Ed25519\","
                         "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}"));
}

/* Whoever can read the public key reads the secret, too; and a kid names one key of an alg. */
static void test_keys_that_do_not_count(void **state)
{
    static const char secret[] = "{\"kty\":\"oct\",\"kid\":\"s\","
                                 "\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"}";
    static const char *const members[] = {"\"kid\":\"a\",",
                                          "\"kid\":\"a\",",
                                          "\"kid\":\"b\",",
                                          "\"kid\":\"b\",\"alg\":\"PS256\",",
                                          "",
                                          ""};
    EVP_PKEY *pair = make_rsa(2048);
    struct buf text = BUF_INIT;
    struct auth_jwt_keys *keys;

    (void)state;
    buf_printf(&text, "{\"keys\":[%s", secret);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        EVP_PKEY *other = make_rsa(2048);

        buf_append_char(&text, ',');
        append_jwk(&text, other, members[i]);
        EVP_PKEY_free(other);
    }
    for (size_t i = 0; i < 2; i++) { /* the same twice is one */
        buf_append_char(&text, ',');
        append_jwk(&text, pair, "\"kid\":\"c\",");
    }
    buf_append_str(&text, "]}");
    keys = read_set(buf_str(&text));
    assert_non_null(keys);
    assert_int_equal(keys->count, 6);
    for (size_t i = 0; i < keys->count; i++) {
        assert_null(keys->keys[i]->secret);
        assert_string_not_equal(keys->keys[i]->id, "a");
    }
    auth_jwt_keys_free(keys);
    buf_release(&text);
    EVP_PKEY_free(pair);
}

static void test_weak_keys_are_passed_over(void **state)
{
    EVP_PKEY *weak = make_rsa(1024);

    (void)state;
    assert_null(read_one(weak, ""));
    EVP_PKEY_free(weak);
    assert_null(read_set("{\"keys\":[{\"kty\":\"oct\",\"k\":\"c2hvcnQ\"}]}"));
}

static void test_secrets(void **state)
{
    struct auth_jwt_keys *keys =
        read_set("{\"keys\":[{\"kty\":\"oct\",\"kid\":\"s\","
                 "\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"},"
                 "{\"kty\":\"oct\",\"alg\":\"HS512\","
                 "\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"}]}");

    (void)state;
    assert_non_null(keys);
    assert_int_equal(keys->count, 1);
    assert_string_equal(keys->keys[0]->algorithm->name, "HS256");
    assert_int_equal(keys->keys[0]->secret_length, 32);
    auth_jwt_keys_free(keys);
}

static void test_unknown_kinds_do_not_spoil_the_others(void **state)
{
    EVP_PKEY *pair = make_ec("P-256");
    struct buf text = BUF_INIT;
    struct auth_jwt_keys *keys;

    (void)state;
    buf_append_str(&text, "{\"keys\":[7, {}, {\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"},"
                          "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"},"
                          "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA=\",\"y\":\"AA\"},"
                          "{\"kty\":\"RSA\",\"n\":\"AQ\",\"e\":\"AQAB\"},"
                          "{\"kty\":\"RSA\",\"n\":\"\"}, {\"kty\":[\"RSA\"]},");
    append_jwk(&text, pair, "\"kid\":\"good\",");
    buf_append_str(&text, "]}");
    keys = read_set(buf_str(&text));
    assert_non_null(keys);
    assert_int_equal(keys->count, 1);
    assert_string_equal(keys->keys[0]->id, "good");
    auth_jwt_keys_free(keys);
    buf_release(&text);
    EVP_PKEY_free(pair);
}

static void test_what_is_no_set(void **state)
{
    static const char *const cases[] = {
        "", "[]", "{}", "{\"keys\":{}}", "{\"keys\":[]}", "{\"keys\":[]", "7"};
    struct buf text = BUF_INIT;
    char fault[256];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_null(read_set(cases[i]));
    buf_append_str(&text, "{\"keys\":[0");
    for (size_t i = 0; i < AUTH_JWT_MAX_KEYS; i++)
        buf_append_str(&text, ",0");
    buf_append_str(&text, "]}");
    assert_null(auth_jwk_set_read(buf_str(&text), text.length, fault, sizeof(fault)));
    assert_non_null(strstr(fault, "65 keys"));
    while (text.length <= AUTH_JWK_SET_MAX_BYTES)
        buf_append_char(&text, ' ');
    assert_null(auth_jwk_set_read(buf_str(&text), text.length, fault, sizeof(fault)));
    assert_non_null(strstr(fault, "65537 bytes"));
    buf_release(&text);
}

static void test_looking_keys_up(void **state)
{
    struct auth_jwt_keys *keys = auth_jwt_keys_new();
    const struct auth_jwt_algorithm *hs256 = auth_jwt_algorithm_find("HS256");
    size_t at = 0;

    (void)state;
    assert_true(auth_jwt_keys_add(keys, read_key("a", "HS256", SECRET)));
    assert_true(auth_jwt_keys_add(keys, read_key("b", "HS384", SECRET)));
    assert_true(auth_jwt_keys_add(keys, read_key("a", "HS256", SECRET)));
    assert_ptr_equal(auth_jwt_keys_next(keys, "a", hs256, &at), keys->keys[0]);
    assert_ptr_equal(auth_jwt_keys_next(keys, "a", hs256, &at), keys->keys[2]);
    assert_null(auth_jwt_keys_next(keys, "a", hs256, &at));
    at = 0;
    assert_null(auth_jwt_keys_next(keys, "b", hs256, &at));
    at = 0;
    assert_ptr_equal(auth_jwt_keys_next(keys, NULL, hs256, &at), keys->keys[0]);
    while (keys->count < AUTH_JWT_MAX_KEYS)
        assert_true(auth_jwt_keys_add(keys, read_key("c", "HS256", SECRET)));
    assert_false(auth_jwt_keys_add(keys, read_key("d", "HS256", SECRET)));
    auth_jwt_keys_free(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_public_keys),
        cmocka_unit_test(test_members_that_limit_a_key),
        cmocka_unit_test(test_members_of_an_edwards_key),
        cmocka_unit_test(test_keys_that_do_not_count),
        cmocka_unit_test(test_weak_keys_are_passed_over),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_unknown_kinds_do_not_spoil_the_others),
        cmocka_unit_test(test_what_is_no_set),
        cmocka_unit_test(test_looking_keys_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
