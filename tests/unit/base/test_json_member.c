/* SPDX-License-Identifier: Apache-2.0 */
/* What is read of a JSON text that is not complete. */
#include <string.h>

#include "base/json_view.h"
#include "support/test.h"

static void test_a_member_of_the_outermost_object(void **state)
{
    static const struct {
        const char *text, *id; /* NULL: none */
    } cases[] = {
        {"{\"id\":\"abc\",\"rest\":[1,2", "abc"},
        {" {\n\"id\" : \"abc\" ,", "abc"},
        {"{\"a\":{\"id\":\"no\"},\"b\":[\"id\",{\"id\":\"no\"}],\"id\":\"abc\"", "abc"},
        {"{\"a\":\"id\",\"id\":\"abc\"", "abc"},
        {"{\"a\":\"\\\"id\\\":\",\"id\":\"abc\"", "abc"},
        {"{\"id\":\"\"", ""},
        {"{\"id\":\"ab", NULL},
        {"{\"id\":", NULL},
        {"{\"id\"", NULL},
        {"{\"i", NULL},
        {"{\"idx\":\"abc\"", NULL},
        {"{\"id\":7,", NULL},
        {"{\"id\":\"a\\u0062c\"", NULL},
        {"{\"id\":\"123456789\"", NULL},
        {"[\"id\",\"abc\"", NULL},
        {"[{\"id\":\"abc\"}", NULL},
        {"{\"a\":{\"id\":\"abc\"}", NULL},
        {"\"id\":\"abc\"", NULL},
        {"", NULL},
        {"{\"a\":\"\xff\",\"id\":\"abc\"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char buffer[9];
        const char *found =
            json_view_member(cases[i].text, strlen(cases[i].text), "id", buffer, sizeof(buffer));

        if (cases[i].id)
            assert_string_equal(found, cases[i].id);
        else
            assert_null(found);
    }
}

/* However it is cut, never something else than the whole. */
static void test_every_beginning(void **state)
{
    static const char text[] = "{\"ids\":[\"id\",{\"id\":\"x\"}],\"id\":\"abc\",\"more\":\"id\"}";
    const char *end = strstr(text, "abc\"") + 4;

    (void)state;
    for (size_t length = 0; length < sizeof(text); length++) {
        char buffer[8];
        const char *found = json_view_member(text, length, "id", buffer, sizeof(buffer));

        if (length < (size_t)(end - text))
            assert_null(found);
        else
            assert_string_equal(found, "abc");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_member_of_the_outermost_object),
        cmocka_unit_test(test_every_beginning),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
