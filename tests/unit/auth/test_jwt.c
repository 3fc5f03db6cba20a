/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/jwt.h"
#include "auth/jwt_key.h"
#include "jwt_material.h"

#define NOW   INT64_C(1800000000)
#define OTHER "another secret, of which nobody here has ever heard or seen a bit"

struct fixture {
    EVP_PKEY *rsa, *ec;
    char *rsa_public;
    struct auth_jwt_keys *keys;
};

static const struct auth_jwt_rules plain = {
    .audiences = "", .issuer = "", .leeway_ms = 30000, .require_expiry = true};

static int set_up(void **state)
{
    struct fixture *fixture = mem_zalloc(sizeof(*fixture));
    char *rsa, *ec;

    fixture->rsa = make_rsa(2048);
    fixture->ec = make_ec("P-256");
    fixture->rsa_public = pem_of(fixture->rsa, false);
    rsa = pem_of(fixture->rsa, true);
    ec = pem_of(fixture->ec, true);
    fixture->keys = auth_jwt_keys_new();
    auth_jwt_keys_add(fixture->keys, read_key("shared", "HS256", SECRET));
    auth_jwt_keys_add(fixture->keys, read_key("rsa", "RS256", rsa));
    auth_jwt_keys_add(fixture->keys, read_key("ec", "ES256", ec));
    free(rsa);
    free(ec);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    auth_jwt_keys_free(fixture->keys);
    free(fixture->rsa_public);
    EVP_PKEY_free(fixture->rsa);
    EVP_PKEY_free(fixture->ec);
    free(fixture);
    return 0;
}

static struct auth_jwt_answer check_with(const struct fixture *fixture, const char *token,
                                         const struct auth_jwt_rules *rules)
{
    const struct auth_jwt_keys *sets[] = {NULL, fixture->keys};
    const struct auth_jwt_key_ring ring = {sets, 2, NULL};
    const struct auth_jwt_question question = {token, "", NOW * 1000};
    struct auth_jwt_answer answer;

    auth_jwt_check(&question, &ring, rules, &answer);
    assert_true((answer.fault == NULL) == (answer.claims != NULL));
    return answer;
}

/* because: a part of the sentence; NULL: the token is good. */
static void expect(const struct fixture *fixture, const char *token, const char *because)
{
    struct auth_jwt_answer answer = check_with(fixture, token, &plain);

    if (!because && answer.fault)
        fail_msg("%s: %s", token, answer.fault);
    if (because && (!answer.fault || !strstr(answer.fault, because)))
        fail_msg("%s: \"%s\" is not in \"%s\"", token, because,
                 answer.fault ? answer.fault : "(good)");
    json_decref(answer.claims);
}

static void expect_made(const struct fixture *fixture, const char *header, const char *payload,
                        const char *because)
{
    char *token = hs256_token(header, payload, SECRET);

    expect(fixture, token, because);
    free(token);
}

static char *signed_by(const struct fixture *fixture, const char *id, const char *payload)
{
    json_t *claims = json_loads(payload, 0, NULL);
    char *token = NULL;

    for (size_t i = 0; i < fixture->keys->count; i++) {
        if (strcmp(fixture->keys->keys[i]->id, id) == 0)
            token = auth_jwt_key_sign(fixture->keys->keys[i], claims);
    }
    json_decref(claims);
    assert_non_null(token);
    return token;
}

static const char good_header[] = "{\"alg\":\"HS256\",\"kid\":\"shared\"}";
static const char good_payload[] = "{\"sub\":\"7\",\"exp\":1800000060}";

static void test_good_tokens(void **state)
{
    const struct fixture *fixture = *state;
    static const char *const ids[] = {"shared", "rsa", "ec"};

    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        char *token = signed_by(fixture, ids[i], good_payload);
        struct auth_jwt_answer answer = check_with(fixture, token, &plain);

        assert_null(answer.fault);
        assert_string_equal(answer.key->id, ids[i]);
        assert_int_equal(answer.expires_at, (NOW + 60) * 1000);
        assert_true(answer.issued_at == INT64_MIN);
        assert_string_equal(json_string_value(json_object_get(answer.claims, "sub")), "7");
        json_decref(answer.claims);
        free(token);
    }
    expect_made(fixture, "{\"alg\":\"HS256\"}", good_payload, NULL);
    expect_made(fixture, "{\"typ\":\"jwt\",\"alg\":\"HS256\",\"jku\":\"https://evil/\"}",
                good_payload, NULL);
}

static void test_headers(void **state)
{
    static const struct {
        const char *header, *because;
    } cases[] = {
        {"{\"alg\":\"none\"}", "not signed"},
        {"{\"alg\":\"None\"}", "not signed"},
        {"{\"alg\":\"NONE\"}", "not signed"},
        {"{\"alg\":\"nOnE\"}", "not signed"},
        {"{\"alg\":\"none \"}", "not signed"},
        {"{\"alg\":\"\"}", "not signed"},
        {"{\"alg\":\"hs256\"}", "not signed"},
        {"{\"alg\":\"PS256\"}", "not known"},
        {"{\"alg\":\"EdDSA\"}", "not known"},
        {"{\"alg\":\"Ed25519\"}", "not known"},
        {"{\"alg\":\"ES256K\"}", "not signed"},
        {"{\"alg\":\"HS256\",\"b64\":false}", "header is malformed"},
        {"{\"alg\":\"HS256\",\"b64\":true}", "header is malformed"},
        {"{\"alg\":\"HS256\",\"\\u0061lg\":\"HS256\"}", "header is malformed"},
        {"{\"alg\":\"HS256\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AA\"},\"x5u\":\"https://evil/\"}",
         NULL},
        {"{\"alg\":\"HS384\"}", "not known"},
        {"{\"alg\":\"RS256\"}", "signature is wrong"},
        {"{\"alg\":\"RS256\",\"kid\":\"rsa\"}", "signature is wrong"},
        {"{\"alg\":\"ES256\",\"kid\":\"ec\"}", "signature is wrong"},
        {"{\"alg\":\"HS256\",\"kid\":\"rsa\"}", "not known"},
        {"{\"alg\":\"HS256\",\"kid\":\"shared2\"}", "not known"},
        {"{\"alg\":\"HS256\",\"kid\":\"SHARED\"}", "not known"},
        {"{\"alg\":\"HS256\",\"kid\":\"\"}", "not known"},
        {"{\"alg\":\"HS256\",\"kid\":\"../../../../dev/null\"}", "not known"},
        {"{\"alg\":\"HS256\",\"kid\":\"x' UNION SELECT 'k\"}", "not known"},
        {"{\"alg\":\"HS256\",\"kid\":7}", "header is malformed"},
        {"{\"alg\":\"HS256\",\"kid\":null}", "header is malformed"},
        {"{\"alg\":\"HS256\",\"kid\":[\"shared\"]}", "header is malformed"},
        {"{\"alg\":\"HS256\",\"crit\":[]}", "header is malformed"},
        {"{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}", "header is malformed"},
        {"{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", NULL},
        {"{\"alg\":\"HS256\",\"typ\":\"application/AT+JWT\"}", NULL},
        {"{\"alg\":\"HS256\",\"typ\":\"application/jwt\"}", NULL},
        {"{\"alg\":\"HS256\",\"typ\":\"application/\"}", "header is malformed"},
        {"{\"alg\":\"HS256\",\"typ\":\"at+jwt;a=b\"}", "header is malformed"},
        {"{\"alg\":\"HS256\",\"typ\":\"dpop+jwt\"}", "header is malformed"},
        {"{\"alg\":\"HS256\",\"typ\":null}", "header is malformed"},
        {"{\"alg\":[\"HS256\"]}", "header is malformed"},
        {"{\"alg\":null}", "header is malformed"},
        {"{\"typ\":\"JWT\"}", "header is malformed"},
        {"{\"alg\":\"none\",\"alg\":\"HS256\"}", "header is malformed"},
        {"{\"alg\":\"HS256\",\"alg\":\"HS256\"}", "header is malformed"},
        {"{\"alg\":\"HS256\\u0000\"}", "header is malformed"},
        {"[\"HS256\"]", "header is malformed"},
        {"{\"alg\":\"HS256\"} {}", "header is malformed"},
        {"{\"alg\":\"HS256\"", "header is malformed"},
        {"HS256", "header is malformed"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_made(*state, cases[i].header, good_payload, cases[i].because);
}

static void test_claims(void **state)
{
    static const struct {
        const char *payload, *because;
    } cases[] = {
        {"{\"exp\":1800000000.5}", NULL},
        {"{\"exp\":1.80000003e9}", NULL},
        {"{\"exp\":1799999971}", NULL},      /* within the leeway */
        {"{\"exp\":1799999970}", "expired"}, /* at its end */
        {"{\"exp\":1}", "expired"},
        {"{\"exp\":0}", "expired"},
        {"{\"exp\":-1e10}", "expired"},
        {"{}", "does not say when"},
        {"{\"sub\":\"7\"}", "does not say when"},
        {"{\"exp\":\"1800000060\"}", "exp, nbf or iat"},
        {"{\"exp\":null}", "exp, nbf or iat"},
        {"{\"exp\":true}", "exp, nbf or iat"},
        {"{\"exp\":[1800000060]}", "exp, nbf or iat"},
        {"{\"exp\":1e300}", "exp, nbf or iat"},
        {"{\"exp\":100000000000}", "exp, nbf or iat"},
        {"{\"exp\":1800000060,\"nbf\":1800000030}", NULL},
        {"{\"exp\":1800000060,\"nbf\":1800000031}", "not valid yet"},
        {"{\"exp\":1800000060,\"nbf\":\"0\"}", "exp, nbf or iat"},
        {"{\"exp\":1800000060,\"iat\":1800000030}", NULL},
        {"{\"exp\":1800000060,\"iat\":1800000031}", "not valid yet"},
        {"{\"exp\":1800000060,\"exp\":1800000060}", "payload is malformed"},
        {"{\"exp\":1,\"exp\":1800000060}", "payload is malformed"},
        {"[1800000060]", "payload is malformed"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_made(*state, good_header, cases[i].payload, cases[i].because);
}

static void test_parties(void **state)
{
    static const struct {
        const char *payload, *because;
    } cases[] = {
        {"{\"exp\":1800000060,\"iss\":\"us\",\"aud\":\"b\"}", NULL},
        {"{\"exp\":1800000060,\"iss\":\"us\",\"aud\":[\"x\",\"a\"]}", NULL},
        {"{\"exp\":1800000060,\"iss\":\"us\"}", "aud"},
        {"{\"exp\":1800000060,\"iss\":\"us\",\"aud\":[]}", "aud"},
        {"{\"exp\":1800000060,\"iss\":\"us\",\"aud\":\"a, b\"}", "aud"},
        {"{\"exp\":1800000060,\"iss\":\"us\",\"aud\":{\"a\":1}}", "aud"},
        {"{\"exp\":1800000060,\"iss\":\"us\",\"aud\":[[\"a\"],7]}", "aud"},
        {"{\"exp\":1800000060,\"iss\":\"us\",\"aud\":\"A\"}", "aud"},
        {"{\"exp\":1800000060,\"aud\":\"a\"}", "iss"},
        {"{\"exp\":1800000060,\"iss\":\"us \",\"aud\":\"a\"}", "iss"},
        {"{\"exp\":1800000060,\"iss\":[\"us\"],\"aud\":\"a\"}", "iss"},
    };
    const struct auth_jwt_rules rules = {
        .audiences = "a, b", .issuer = "us", .leeway_ms = 0, .require_expiry = true};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *token = hs256_token(good_header, cases[i].payload, SECRET);
        struct auth_jwt_answer answer = check_with(*state, token, &rules);

        if (cases[i].because)
            assert_non_null(strstr(answer.fault, cases[i].because));
        else
            assert_null(answer.fault);
        json_decref(answer.claims);
        free(token);
    }
}

static void test_expiry_may_be_left_out_where_that_is_set(void **state)
{
    struct auth_jwt_rules rules = plain;
    char *token = hs256_token(good_header, "{\"sub\":\"7\",\"iat\":1799999999.9}", SECRET);
    struct auth_jwt_answer answer;

    rules.require_expiry = false;
    answer = check_with(*state, token, &rules);
    assert_null(answer.fault);
    assert_int_equal(answer.expires_at, 0);
    assert_int_equal(answer.issued_at, NOW - 1);
    json_decref(answer.claims);
    free(token);
}

static void test_the_public_key_is_no_secret(void **state)
{
    const struct fixture *fixture = *state;
    static const char *const headers[] = {"{\"alg\":\"HS256\"}",
                                          "{\"alg\":\"HS256\",\"kid\":\"rsa\"}",
                                          "{\"alg\":\"RS256\",\"kid\":\"rsa\"}"};
    static const char *const because[] = {"signature is wrong", "not known", "signature is wrong"};

    for (size_t i = 0; i < 3; i++) {
        char *token = hs256_token(headers[i], good_payload, fixture->rsa_public);

        expect(fixture, token, because[i]);
        free(token);
    }
}

static void test_another_key_with_the_same_kid(void **state)
{
    const struct fixture *fixture = *state;
    EVP_PKEY *strange = make_rsa(2048);
    char *pem = pem_of(strange, true);
    struct auth_jwt_key *key = read_key("rsa", "RS256", pem);
    json_t *claims = json_loads(good_payload, 0, NULL);
    char *token = auth_jwt_key_sign(key, claims);

    expect(fixture, token, "signature is wrong");
    free(token);
    token = hs256_token(good_header, good_payload, OTHER);
    expect(fixture, token, "signature is wrong");
    free(token);
    json_decref(claims);
    auth_jwt_key_free(key);
    free(pem);
    EVP_PKEY_free(strange);
}

/* Each letter of a good token, changed to another: whatever part it is in, it does not count. */
static void test_every_changed_letter_is_noticed(void **state)
{
    static const char *const ids[] = {"shared", "ec"};

    for (size_t i = 0; i < 2; i++) {
        char *token = signed_by(*state, ids[i], good_payload);

        for (size_t at = 0; token[at] != '\0'; at++) {
            char before = token[at];

            token[at] = before == 'A' ? 'B' : 'A';
            expect(*state, token, "the access token");
            token[at] = before;
        }
        expect(*state, token, NULL);
        free(token);
    }
}

static void test_forms(void **state)
{
    static const char *const formats[] = {
        "%s.", "%s..",  ".%s", "%s=",    "%s==",      "%s\n",      " %s",
        "%s ", "%s.AA", "%s*", "\"%s\"", "Bearer %s", "%s\xc3\xa4"};
    static const char *const texts[] = {"",      ".",      "..",     "...",    "a.b",  "AA.AA.AA",
                                        "AA.AA", "AA..AA", ".AA.AA", "AA.AA.", "null", "{}.{}.{}"};
    char *token = signed_by(*state, "shared", good_payload);

    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        struct buf text = BUF_INIT;
        const char *percent = strstr(formats[i], "%s");

        buf_append(&text, formats[i], (size_t)(percent - formats[i]));
        buf_append_str(&text, token);
        buf_append_str(&text, percent + 2);
        expect(*state, buf_str(&text), "malformed");
        buf_release(&text);
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        expect(*state, texts[i], "malformed");
    *strrchr(token, '.') = '\0';
    expect(*state, token, "malformed");
    free(token);
}

static void test_a_token_without_signature(void **state)
{
    struct buf token = BUF_INIT;

    append_unsigned(&token, "{\"alg\":\"none\"}", good_payload);
    expect(*state, buf_str(&token), "malformed");
    buf_append_char(&token, '.');
    expect(*state, buf_str(&token), "malformed");
    buf_append_str(&token, "AA");
    expect(*state, buf_str(&token), "not signed");
    buf_release(&token);
}

static void test_length(void **state)
{
    struct buf payload = BUF_INIT;
    char *token;

    buf_append_str(&payload, "{\"exp\":1800000060,\"x\":\"");
    while (payload.length < 6000)
        buf_append_char(&payload, 'x');
    buf_append_str(&payload, "\"}");
    token = hs256_token("{\"alg\":\"HS256\"}", buf_str(&payload), SECRET);
    assert_true(strlen(token) < AUTH_JWT_MAX_BYTES);
    expect(*state, token, NULL);
    free(token);
    payload.length -= 2;
    while (payload.length < 6700)
        buf_append_char(&payload, 'x');
    buf_append_str(&payload, "\"}");
    token = hs256_token("{\"alg\":\"HS256\"}", buf_str(&payload), SECRET);
    assert_true(strlen(token) > AUTH_JWT_MAX_BYTES);
    expect(*state, token, "8 KiB");
    free(token);
    buf_release(&payload);
}

static void test_claims_are_judged_behind_the_signature(void **state)
{
    char *token = hs256_token(good_header, "{\"exp\":1}", OTHER);

    expect(*state, token, "signature is wrong");
    free(token);
}

static void test_which_tokens_are_worth_another_look_at_the_keys(void **state)
{
    static const struct {
        const char *header, *secret;
        bool is_worth;
    } cases[] = {{"{\"alg\":\"HS256\",\"kid\":\"new\"}", SECRET, true},
                 {"{\"alg\":\"HS256\"}", OTHER, true},
                 {"{\"alg\":\"HS256\",\"kid\":\"shared\"}", OTHER, false},
                 {"{\"alg\":\"none\"}", OTHER, false}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *token = hs256_token(cases[i].header, good_payload, cases[i].secret);
        struct auth_jwt_answer answer = check_with(*state, token, &plain);

        assert_non_null(answer.fault);
        assert_int_equal(answer.is_unknown_key, cases[i].is_worth);
        free(token);
    }
}

static void test_tries_are_bounded(void **state)
{
    struct auth_jwt_keys *keys = auth_jwt_keys_new();
    const struct auth_jwt_keys *sets[] = {keys};
    const struct auth_jwt_key_ring ring = {sets, 1, NULL};
    char *token = hs256_token("{\"alg\":\"HS256\"}", good_payload, SECRET);
    const struct auth_jwt_question question = {token, "", NOW * 1000};
    struct auth_jwt_answer answer;

    (void)state;
    for (size_t i = 0; i < AUTH_JWT_MAX_TRIES; i++)
        auth_jwt_keys_add(keys, read_key("", "HS256", OTHER));
    auth_jwt_keys_add(keys, read_key("", "HS256", SECRET));
    auth_jwt_check(&question, &ring, &plain, &answer);
    assert_non_null(answer.fault);
    free(token);
    auth_jwt_keys_free(keys);
}

static void expect_claimed(const char *token, bool is_token, int64_t expected)
{
    int64_t expires_at = 1;
    json_t *claims = auth_jwt_claimed(token, &expires_at);

    assert_int_equal(claims != NULL, is_token);
    assert_int_equal(expires_at, expected);
    json_decref(claims);
}

static void test_what_is_claimed(void **state)
{
    char *token = hs256_token(good_header, "{\"exp\":1800000000.25}", OTHER);

    (void)state;
    expect_claimed(token, true, NOW * 1000 + 250);
    free(token);
    token = hs256_token(good_header, "{\"exp\":-1}", OTHER);
    expect_claimed(token, true, 0);
    free(token);
    token = hs256_token(good_header, "{\"exp\":\"1800000000\"}", OTHER);
    expect_claimed(token, true, 0);
    free(token);
    expect_claimed("some-jti", false, 0);
    expect_claimed("AA.AA.AA", false, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_tokens),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_parties),
        cmocka_unit_test(test_expiry_may_be_left_out_where_that_is_set),
        cmocka_unit_test(test_the_public_key_is_no_secret),
        cmocka_unit_test(test_another_key_with_the_same_kid),
        cmocka_unit_test(test_every_changed_letter_is_noticed),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_a_token_without_signature),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_claims_are_judged_behind_the_signature),
        cmocka_unit_test(test_which_tokens_are_worth_another_look_at_the_keys),
        cmocka_unit_test(test_tries_are_bounded),
        cmocka_unit_test(test_what_is_claimed),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
