/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "support/test.h"

static void test_texts_of_the_standard(void **state)
{
    static const struct {
        enum base64_form form;
        const char *text, *bytes;
    } cases[] = {
        {BASE64, "", ""},
        {BASE64, "Zg==", "f"},
        {BASE64, "Zm8=", "fo"},
        {BASE64, "Zm9v", "foo"},
        {BASE64, "Zm9vYg==", "foob"},
        {BASE64, "+/+/", "\xfb\xff\xbf"},
        {BASE64_URL, "", ""},
        {BASE64_URL, "Zg", "f"},
        {BASE64_URL, "Zm8", "fo"},
        {BASE64_URL, "Zm9v", "foo"},
        {BASE64_URL, "Zm9vYg", "foob"},
        {BASE64_URL, "-_-_", "\xfb\xff\xbf"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char bytes[16];
        size_t length = strlen(cases[i].text);

        assert_int_equal(base64_decode(cases[i].form, cases[i].text, length, bytes),
                         strlen(cases[i].bytes));
        assert_memory_equal(bytes, cases[i].bytes, strlen(cases[i].bytes));
    }
}

static void test_other_texts_are_refused(void **state)
{
    static const struct {
        enum base64_form form;
        const char *text;
    } cases[] = {
        {BASE64, "Zg"},       {BASE64, "Zg="},      {BASE64, "Zg==="},    {BASE64, "Zh=="},
        {BASE64, "Zm9="},     {BASE64, "===="},     {BASE64, "-_-_"},     {BASE64, "Zm 9v"},
        {BASE64, "Zg==Zg=="}, {BASE64_URL, "Z"},    {BASE64_URL, "Zh"},   {BASE64_URL, "Zm9"},
        {BASE64_URL, "Zg=="}, {BASE64_URL, "+/+/"}, {BASE64_URL, "Zg\n"}, {BASE64_URL, "Zm9vY"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char bytes[16];

        assert_int_equal(base64_decode(cases[i].form, cases[i].text, strlen(cases[i].text), bytes),
                         -EINVAL);
    }
}

static void what_is_written_is_read(void **state)
{
    static const char bytes[] = "\xfb\xff\x00\xbe?>~abc";

    (void)state;
    for (size_t length = 0; length < sizeof(bytes); length++) {
        for (enum base64_form form = BASE64; form <= BASE64_URL; form++) {
            struct buf text = BUF_INIT;
            char back[32];

            base64_encode(form, bytes, length, &text);
            assert_int_equal(base64_decode(form, buf_str(&text), text.length, back), length);
            assert_memory_equal(back, bytes, length);
            buf_release(&text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_of_the_standard),
        cmocka_unit_test(test_other_texts_are_refused),
        cmocka_unit_test(what_is_written_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
