/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "auth/claims.h"
#include "base/buf.h"
#include "support/test.h"

static void test_plain_texts(void **state)
{
    (void)state;
    assert_true(auth_claim_is_plain(""));
    assert_true(auth_claim_is_plain("Grüße ~"));
    assert_false(auth_claim_is_plain("a\nb"));
    assert_false(auth_claim_is_plain("\x1f"));
    assert_false(auth_claim_is_plain("a\x7f"));
}

static void test_texts(void **state)
{
    static const struct {
        const char *json, *text; /* NULL: refused */
    } cases[] = {
        {"{}", ""},           {"{\"a\":null}", ""},      {"{\"a\":\"x\"}", "x"},
        {"{\"a\":-7}", "-7"}, {"{\"a\":7.5}", NULL},     {"{\"a\":true}", NULL},
        {"{\"a\":[]}", NULL}, {"{\"a\":\"\\t\"}", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *claims = json_loads(cases[i].json, 0, NULL);
        char text[AUTH_CLAIM_SIZE];

        assert_int_equal(auth_claim_text(claims, "a", text), cases[i].text != NULL);
        if (cases[i].text)
            assert_string_equal(text, cases[i].text);
        assert_true(auth_claim_text(claims, "", text));
        assert_string_equal(text, "");
        json_decref(claims);
    }
}

static void test_the_longest_text(void **state)
{
    char value[AUTH_CLAIM_SIZE + 1], text[AUTH_CLAIM_SIZE];
    json_t *claims = json_object();

    (void)state;
    memset(value, 'a', sizeof(value));
    value[AUTH_CLAIM_MAX_TEXT] = '\0';
    json_object_set_new(claims, "a", json_string(value));
    assert_true(auth_claim_text(claims, "a", text));
    value[AUTH_CLAIM_MAX_TEXT] = 'a';
    value[AUTH_CLAIM_MAX_TEXT + 1] = '\0';
    json_object_set_new(claims, "a", json_string(value));
    assert_false(auth_claim_text(claims, "a", text));
    json_decref(claims);
}

static void test_as_many_channels_as_may_be(void **state)
{
    json_t *list = json_array();
    struct buf lines = BUF_INIT;

    (void)state;
    assert_true(auth_claim_channels(NULL, &lines));
    assert_string_equal(buf_str(&lines), "");
    for (size_t i = 0; i < AUTH_CLAIM_MAX_CHANNELS; i++)
        json_array_append_new(list, json_string("c"));
    assert_true(auth_claim_channels(list, &lines));
    assert_int_equal(lines.length, 2 * AUTH_CLAIM_MAX_CHANNELS - 1);
    json_array_append_new(list, json_string("c"));
    assert_false(auth_claim_channels(list, &lines));
    buf_release(&lines);
    json_decref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_texts),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_the_longest_text),
        cmocka_unit_test(test_as_many_channels_as_may_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
