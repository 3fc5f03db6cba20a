/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "api/request_class.h"
#include "support/test.h"

static const char *word_of(int status)
{
    return request_result_words[request_result_of(status)];
}

static void test_statuses_that_say_what_to_do_are_told_apart(void **state)
{
    static const int own[] = {401, 403, 429, 503};
    char digits[8];

    (void)state;
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        (void)snprintf(digits, sizeof(digits), "%d", own[i]);
        assert_string_equal(word_of(own[i]), digits);
    }
}

static void test_others_go_by_their_first_digit(void **state)
{
    (void)state;
    assert_string_equal(word_of(200), "2xx");
    assert_string_equal(word_of(204), "2xx");
    assert_string_equal(word_of(304), "3xx");
    assert_string_equal(word_of(400), "4xx");
    assert_string_equal(word_of(499), "4xx");
    assert_string_equal(word_of(500), "5xx");
    assert_string_equal(word_of(504), "5xx");
}

static void test_every_class_has_a_word_of_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < REQUEST_CLASSES; i++) {
        for (size_t other = 0; other < i; other++)
            assert_string_not_equal(request_class_words[i], request_class_words[other]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statuses_that_say_what_to_do_are_told_apart),
        cmocka_unit_test(test_others_go_by_their_first_digit),
        cmocka_unit_test(test_every_class_has_a_word_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
