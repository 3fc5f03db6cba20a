/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sse/own_id.h"
#include "support/test.h"

static void assert_back(enum sse_own_id_kind kind, uint64_t number)
{
    char id[SSE_OWN_ID_SIZE];
    struct sse_own_id read;

    sse_own_id_write(id, kind, number);
    read = sse_own_id_read(id);
    assert_int_equal(read.kind, kind);
    assert_true(read.is_of_this_life);
    assert_int_equal(read.number, number);
}

static void test_what_is_written_is_read(void **state)
{
    static const uint64_t numbers[] = {0, 1, 10, 16, 255, UINT32_MAX, UINT64_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        assert_back(SSE_OWN_ID_MESSAGE, numbers[i]);
        assert_back(SSE_OWN_ID_STORED, numbers[i]);
        assert_back(SSE_OWN_ID_POSITION, numbers[i]);
    }
}

static void test_another_life(void **state)
{
    struct sse_own_id read = sse_own_id_read("0123456789abcdef-p1f");

    (void)state;
    assert_int_equal(read.kind, SSE_OWN_ID_POSITION);
    assert_false(read.is_of_this_life);
    assert_int_equal(read.number, 0x1f);
    read = sse_own_id_read("0123456789abcdef-q1f");
    assert_int_equal(read.kind, SSE_OWN_ID_STORED);
    assert_false(read.is_of_this_life);
    read = sse_own_id_read("0123456789abcdef-2");
    assert_int_equal(read.kind, SSE_OWN_ID_MESSAGE);
    assert_false(read.is_of_this_life);
}

static void test_ids_of_others(void **state)
{
    static const char *const ids[] = {
        "",
        "order-17",
        "0123456789abcdef",
        "0123456789abcdef-",
        "0123456789abcdef-p",
        "0123456789abcdef-q",
        "0123456789abcdef-pp1",
        "0123456789abcdef-qp1",
        "0123456789abcdef-01",
        "0123456789abcdef-p00",
        "0123456789abcdef-x",
        "0123456789abcdef-1 ",
        "0123456789abcdef-1-2",
        "0123456789abcdef--1",
        "0123456789abcdef-11112222333344445",
        "0123456789ABCDEF-1",
        "0123456789abcdef0-1",
        "0123456789abcde-1",
        "\xff\xfe",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        assert_int_equal(sse_own_id_read(ids[i]).kind, SSE_OWN_ID_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_another_life),
        cmocka_unit_test(test_ids_of_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
