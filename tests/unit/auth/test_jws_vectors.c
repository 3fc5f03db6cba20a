/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures that others have made, right and wrong: the examples of RFC 7515 (appendix A) and RFC
 * 8037 (appendix A), and Wycheproof's, which are read where they are (SSE_SERVER_VECTORS, or beside
 * the checkout).
 */
#include <stdio.h>
#include <unistd.h>

#include "auth/jwt.h"
#include "auth/jwt_key.h"
#include "base/file.h"
#include "base/json.h"
#include "jwt_material.h"

#define LARGEST     ((size_t)1024 * 1024)
#define BEFORE_2011 (INT64_C(1290000000) * 1000) /* RFC 7515's tokens end in 2011 */

/* Whether one of the keys has signed the token: what it says is no JSON in many of these. */
static bool accepts(const struct auth_jwt_keys *keys, const char *token)
{
    static const struct auth_jwt_rules rules = {
        .audiences = "", .issuer = "", .leeway_ms = 0, .require_expiry = false};
    const struct auth_jwt_keys *sets[] = {keys};
    const struct auth_jwt_key_ring ring = {sets, 1, NULL};
    const struct auth_jwt_question question = {token, "", BEFORE_2011};
    struct auth_jwt_answer answer;

    auth_jwt_check(&question, &ring, &rules, &answer);
    json_decref(answer.claims);
    return !answer.fault || strstr(answer.fault, "payload is malformed");
}

static bool set_accepts(const char *set, const char *token)
{
    char fault[400];
    struct auth_jwt_keys *keys = auth_jwk_set_read(set, strlen(set), fault, sizeof(fault));
    bool is_accepted = keys && accepts(keys, token);

    auth_jwt_keys_free(keys);
    return is_accepted;
}

#define JOE                                                                                        \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl" \
    "fQ"

static const struct {
    const char *name, *key, *token;
} examples[] = {
    {"RFC 7515, A.1 (HS256)",
     "{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4h"
     "cgUuTwjAzZr1Z9CAow\"}",
     "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." JOE
     ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"},
    {"RFC 7515, A.2 (RS256)",
     "{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw"
     "-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0"
     "LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5Zw"
     "Kh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\","
     "\"e\":\"AQAB\"}",
     "eyJhbGciOiJSUzI1NiJ9." JOE
     ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2F"
     "p5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHl"
     "b1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QO"
     "YEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"},
    {"RFC 7515, A.3 (ES256)",
     "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
     "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
     "eyJhbGciOiJFUzI1NiJ9." JOE
     ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"},
    {"RFC 7515, A.4 (ES512)",
     "{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":"
     "\"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EO"
     "nYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk\",\"y\":\"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-"
     "x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2\"}",
     "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-"
     "mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNr"
     "mxYbSW9ERBXukOXolLzeO_Jn"},
    {"RFC 8037, A.4 (EdDSA)",
     "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
     "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvM"
     "g3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"},
};
#define EXAMPLES (sizeof(examples) / sizeof(examples[0]))

/* Each with its own key, and none with another's. */
static void test_examples_of_the_standards(void **state)
{
    (void)state;
    for (size_t i = 0; i < EXAMPLES; i++) {
        for (size_t j = 0; j < EXAMPLES; j++) {
            struct buf set = BUF_INIT;

            buf_printf(&set, "{\"keys\":[%s]}", examples[j].key);
            if (set_accepts(buf_str(&set), examples[i].token) != (i == j))
                fail_msg("%s by the key of %s", examples[i].name, examples[j].name);
            buf_release(&set);
        }
    }
    /* RFC 7515, A.5 */
    for (size_t i = 0; i < EXAMPLES; i++) {
        struct buf set = BUF_INIT;

        buf_printf(&set, "{\"keys\":[%s]}", examples[i].key);
        assert_false(set_accepts(buf_str(&set), "eyJhbGciOiJub25lIn0." JOE "."));
        buf_release(&set);
    }
}

/* A changed letter anywhere: also in the last, whose lowest bits may not count. */
static void test_changed_examples(void **state)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    (void)state;
    for (size_t i = 0; i < EXAMPLES; i++) {
        struct buf set = BUF_INIT;
        char *token = mem_strdup(examples[i].token);
        const size_t last = strlen(token) - 1;

        buf_printf(&set, "{\"keys\":[%s]}", examples[i].key);
        for (size_t at = 0; at <= last; at++) {
            const char before = token[at];

            token[at] = before == 'A' ? 'B' : 'A';
            assert_false(set_accepts(buf_str(&set), token));
            token[at] = before;
        }
        for (const char *letter = letters; *letter; letter++) {
            token[last] = *letter;
            assert_int_equal(set_accepts(buf_str(&set), token), *letter == examples[i].token[last]);
        }
        free(token);
        buf_release(&set);
    }
}

/* Where we do not do as Wycheproof says. */
static const struct {
    const char *file;
    int number;
    bool is_accepted;
    const char *reason;
} exceptions[] = {
    {"signature", 259, false, "has no payload, which no JWT lacks"},
    {"signature", 264, false, "has no payload, which no JWT lacks"},
    {"signature", 268, false, "has no payload, which no JWT lacks"},
    {"signature", 272, false, "has no payload, which no JWT lacks"},
    {"signature", 320, false, "has no payload, which no JWT lacks"},
    {"signature", 325, false, "has no payload, which no JWT lacks"},
    {"signature", 346, false, "is signed with PS384, and its key says PS256"},
    {"signature", 347, false, "has a key whose alg does not exist (ES521)"},
    {"signature", 350, false, "is signed with PS384, and its key says PS256"},
    {"signature", 351, false, "has a key whose alg does not exist (ES521)"},
    {"signature", 367, true, "is, letter for letter, 357, which is valid"},
    {"signature", 370, true, "is, letter for letter, 357, which is valid"},
    {"signature", 372, false, "has a letter in its header that is none of base64url"},
    {"signature", 373, false, "has a letter in its payload that is none of base64url"},
};

static bool should_accept(const char *file, int number, const char *result)
{
    for (size_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++) {
        if (strcmp(exceptions[i].file, file) == 0 && exceptions[i].number == number)
            return exceptions[i].is_accepted;
    }
    return strcmp(result, "valid") == 0;
}

static json_t *read_vectors(const char *file)
{
    const char *folder = getenv("SSE_SERVER_VECTORS");
    char path[4096];
    struct json_fault fault;
    size_t length = 0;
    json_t *vectors;
    char *text;

    snprintf(path, sizeof(path), "%s/json_web_%s_test.json",
             folder ? folder : VECTORS_BESIDE_THE_CHECKOUT, file);
    text = file_read(path, LARGEST, &length);
    if (!text)
        return NULL;
    vectors = json_parse_by(&(struct json_rules){.is_wide = true}, text, length, &fault);
    if (!vectors)
        fail_msg("%s:%u: %s", path, fault.line, fault.message);
    free(text);
    return vectors;
}

/* The group's key as a set, which some are already. The caller frees it. */
static char *set_of(const json_t *group)
{
    json_t *key = json_object_get(group, "public");
    json_t *set;
    char *text;

    if (!key)
        key = json_object_get(group, "private");
    set = json_object_get(key, "keys") ? json_incref(key) : json_pack("{s:[O]}", "keys", key);
    text = json_dumps(set, JSON_COMPACT);
    json_decref(set);
    return text;
}

/* How many are not as they should be. */
static int check_group(const char *file, const json_t *group)
{
    const json_t *tests = json_object_get(group, "tests");
    char *set = set_of(group);
    const json_t *test;
    int wrong = 0;
    size_t i;

    json_array_foreach(tests, i, test) {
        const char *token = json_string_value(json_object_get(test, "jws"));
        const int number = (int)json_integer_value(json_object_get(test, "tcId"));
        const char *result = json_string_value(json_object_get(test, "result"));
        const bool is_valid = should_accept(file, number, result);

        if (!token || set_accepts(set, token) == is_valid)
            continue;
        printf("%s %d (%s, %s) is %s\n", file, number,
               json_string_value(json_object_get(group, "comment")),
               json_string_value(json_object_get(test, "comment")),
               is_valid ? "refused" : "accepted");
        wrong++;
    }
    free(set);
    return wrong;
}

static void test_wycheproof(void **state)
{
    static const char *const files[] = {"crypto", "key", "signature"};
    int wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        json_t *vectors = read_vectors(files[i]);
        const json_t *group;
        size_t at;

        if (!vectors)
            skip();
        json_array_foreach(json_object_get(vectors, "testGroups"), at, group)
            wrong += check_group(files[i], group);
        json_decref(vectors);
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples_of_the_standards),
        cmocka_unit_test(test_changed_examples),
        cmocka_unit_test(test_wycheproof),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
