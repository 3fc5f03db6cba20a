/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "outbound/webhook.h"
#include "support/signature.h"
#include "support/test.h"

#define NOW 1700000000

static char value[OUTBOUND_SIGNATURE_SIZE];

static bool is_valid(const char *text, const char *secret, const char *body, int64_t now_s)
{
    const struct signed_body what = {
        .body = body, .length = strlen(body), .now_s = now_s, .tolerance_s = 300};

    return signature_is_valid(text, secret, &what);
}

/* printf '%s' '1700000000.{"a":1}' | openssl dgst -sha256 -hmac s3cret */
static void test_known_value(void **state)
{
    (void)state;
    assert_int_equal(outbound_signature_write(value, "s3cret", NOW, "{\"a\":1}", 7), 0);
    assert_string_equal(value, "t=1700000000,v1="
                               "1698a50bc74d1ff1db85c4e0a5297c2ad9fdba245d5737cdb789e4cc6e098940");
}

static void test_empty_body(void **state)
{
    (void)state;
    assert_int_equal(outbound_signature_write(value, "s3cret", NOW, "", 0), 0);
    assert_true(is_valid(value, "s3cret", "", NOW));
}

static void test_longest_fits(void **state)
{
    (void)state;
    assert_int_equal(outbound_signature_write(value, "s", INT64_MIN, "x", 1), 0);
    assert_int_equal(strlen(value), strlen("t=-9223372036854775808,v1=") + 64);
}

static void test_valid_within_tolerance(void **state)
{
    (void)state;
    assert_int_equal(outbound_signature_write(value, "s3cret", NOW, "x", 1), 0);
    assert_true(is_valid(value, "s3cret", "x", NOW));
    assert_true(is_valid(value, "s3cret", "x", NOW + 300));
    assert_true(is_valid(value, "s3cret", "x", NOW - 300));
    assert_false(is_valid(value, "s3cret", "x", NOW + 301));
    assert_false(is_valid(value, "s3cret", "x", NOW - 301));
}

static void test_others_are_not(void **state)
{
    static const char *const wrong[] = {"",
                                        "t=",
                                        "t=1700000000",
                                        "t=1700000000,v1=",
                                        "v1=00",
                                        "t=1700000000,v1=00",
                                        "t=+1700000000,v1=00"};
    char changed[OUTBOUND_SIGNATURE_SIZE];

    (void)state;
    assert_int_equal(outbound_signature_write(value, "s3cret", NOW, "x", 1), 0);
    assert_false(is_valid(value, "other", "x", NOW));
    assert_false(is_valid(value, "s3cret", "y", NOW));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(is_valid(wrong[i], "s3cret", "x", NOW));
    for (size_t i = 0; i < strlen(value); i++) {
        memcpy(changed, value, sizeof(changed));
        changed[i] = (char)(changed[i] ^ 1);
        assert_false(is_valid(changed, "s3cret", "x", NOW));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_value),    cmocka_unit_test(test_empty_body),
        cmocka_unit_test(test_longest_fits),   cmocka_unit_test(test_valid_within_tolerance),
        cmocka_unit_test(test_others_are_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
