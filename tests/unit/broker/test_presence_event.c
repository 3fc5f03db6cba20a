/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "broker/presence_event.h"
#include "support/test.h"

static void test_kinds(void **state)
{
    struct word unknown = {NULL, 0};
    unsigned kinds = 0;

    (void)state;
    assert_true(presence_kinds_parse("", &kinds, &unknown));
    assert_int_equal(kinds, PRESENCE_ALL);
    assert_true(presence_kinds_parse(PRESENCE_KIND_LIST, &kinds, &unknown));
    assert_int_equal(kinds, PRESENCE_ALL);
    assert_true(presence_kinds_parse(PRESENCE_COMING_LIST, &kinds, &unknown));
    assert_int_equal(kinds, PRESENCE_OF_CONNECTIONS | PRESENCE_OF_USERS);
    assert_true(presence_kinds_parse(" user-offline ,connect", &kinds, &unknown));
    assert_int_equal(kinds, PRESENCE_BIT(PRESENCE_CONNECT) | PRESENCE_BIT(PRESENCE_USER_OFFLINE));
    assert_false(presence_kinds_parse("connect,Disconnect", &kinds, &unknown));
    assert_int_equal(unknown.length, strlen("Disconnect"));
    assert_memory_equal(unknown.text, "Disconnect", unknown.length);
}

static void test_sets(void **state)
{
    (void)state;
    assert_int_equal(PRESENCE_OF_CONNECTIONS & PRESENCE_OF_USERS, 0);
    assert_int_equal(PRESENCE_OF_CONNECTIONS | PRESENCE_OF_USERS | PRESENCE_BIT(PRESENCE_RECEIPT),
                     PRESENCE_ALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_sets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
