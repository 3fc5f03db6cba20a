/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/spelling.h"
#include "support/test.h"

static void distances(void **state)
{
    static const struct {
        const char *one, *other;
        size_t letters;
    } cases[] = {
        {"", "", 0},          {"queueBytes", "QUEUEBYTES", 0},
        {"kick", "kicks", 1}, {"kick", "ick", 1},
        {"kick", "kack", 1},  {"kick", "kikc", 1},
        {"send", "sernd", 1}, {"kitten", "sitting", 3},
        {"abc", "", 3},       {"users", "tail", 5},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(spelling_distance(cases[i].one, cases[i].other), cases[i].letters);
        assert_int_equal(spelling_distance(cases[i].other, cases[i].one), cases[i].letters);
    }
}

static void of_long_names_only_the_beginning_counts(void **state)
{
    char one[200], other[200];

    (void)state;
    memset(one, 'a', sizeof(one));
    memcpy(other, one, sizeof(one));
    one[198] = 'b';
    one[199] = other[199] = '\0';
    assert_int_equal(spelling_distance(one, other), 0);
    one[0] = 'b';
    assert_int_equal(spelling_distance(one, other), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances),
        cmocka_unit_test(of_long_names_only_the_beginning_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
