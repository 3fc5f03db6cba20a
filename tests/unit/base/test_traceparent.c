/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/traceparent.h"
#include "support/test.h"

#define GOOD "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static void what_is_one(void **state)
{
    char id[TRACEPARENT_ID_SIZE];

    (void)state;
    assert_true(traceparent_is_valid(GOOD));
    assert_true(traceparent_is_valid("cc"
                                     "-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff"));
    assert_true(
        traceparent_is_valid("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x=y"));
    traceparent_id(GOOD, id);
    assert_string_equal(id, "0af7651916cd43dd8448eb211c80319c");
}

static void what_is_none(void **state)
{
    static const char *const bad[] = {
        "",
        "00",
        GOOD "-01",
        GOOD "0",
        GOOD " ",
        " " GOOD,
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
        "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-zz",
        "00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01",
        "00-0af7651916cd43dd8448eb211c80319cb-7ad6b7169203331-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "0x-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x",
        "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-a\"b\n",
        "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-\x9b",
    };
    char longer[TRACEPARENT_MOST + 2] = "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-";
    char id[TRACEPARENT_ID_SIZE];

    (void)state;
    assert_false(traceparent_is_valid(NULL));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (traceparent_is_valid(bad[i]))
            fail_msg("%s", bad[i]);
        traceparent_id(bad[i], id);
        assert_string_equal(id, "");
    }
    memset(longer + strlen(longer), 'x', TRACEPARENT_MOST + 1 - strlen(longer));
    assert_false(traceparent_is_valid(longer));
    longer[TRACEPARENT_MOST] = '\0';
    assert_true(traceparent_is_valid(longer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_one),
                                       cmocka_unit_test(what_is_none)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
