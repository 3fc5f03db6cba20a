/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "support/test.h"

static void zero_filled_is_empty_and_holds_nothing(void **state)
{
    struct buf buf = {0};

    (void)state;
    assert_string_equal(buf_str(&buf), "");
    buf_clear(&buf);
    buf_consume(&buf, 0);
    buf_append(&buf, NULL, 0);
    assert_null(buf.data);
    assert_int_equal(buf.capacity, 0);
    buf_release(&buf);
}

static void appends_and_terminates(void **state)
{
    struct buf buf = BUF_INIT;

    (void)state;
    buf_append(&buf, "a\0b", 3);
    buf_append_char(&buf, 'c');
    buf_append_str(&buf, "de");
    assert_int_equal(buf.length, 6);
    assert_memory_equal(buf.data, "a\0bcde", 7);
    buf_release(&buf);
    assert_null(buf.data);
}

static void grows_byte_by_byte(void **state)
{
    struct buf buf = BUF_INIT;

    (void)state;
    for (size_t i = 0; i < 100000; i++) {
        buf_append_char(&buf, (char)('a' + i % 26));
        assert_true(buf.length < buf.capacity);
        assert_int_equal(buf.data[buf.length], '\0');
    }
    for (size_t i = 0; i < 100000; i++)
        assert_int_equal(buf.data[i], 'a' + (int)(i % 26));
    buf_release(&buf);
}

static void reserve_makes_room_for_the_nul_too(void **state)
{
    struct buf buf = BUF_INIT;

    (void)state;
    buf_reserve(&buf, 64);
    assert_true(buf.capacity >= 65);
    assert_string_equal(buf_str(&buf), "");
    buf_release(&buf);
}

static void printf_fits_whatever_its_length(void **state)
{
    char text[300];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    for (int length = 0; length < (int)sizeof(text); length++) {
        struct buf buf = BUF_INIT;

        buf_printf(&buf, "%.*s", length, text);
        buf_printf(&buf, "|%d", length);
        assert_int_equal(strspn(buf_str(&buf), "x"), length);
        assert_int_equal(atoi(buf_str(&buf) + length + 1), length);
        assert_int_equal(buf.length, strlen(buf_str(&buf)));
        buf_release(&buf);
    }
}

static void consume_drops_the_front(void **state)
{
    struct buf buf = BUF_INIT;

    (void)state;
    buf_append_str(&buf, "abcdef");
    buf_consume(&buf, 2);
    assert_string_equal(buf_str(&buf), "cdef");
    buf_consume(&buf, 4);
    assert_string_equal(buf_str(&buf), "");
    assert_int_equal(buf.length, 0);
    buf_release(&buf);
}

static void clear_keeps_the_memory(void **state)
{
    struct buf buf = BUF_INIT;
    const char *data;

    (void)state;
    buf_append_str(&buf, "abc");
    data = buf.data;
    buf_clear(&buf);
    assert_string_equal(buf_str(&buf), "");
    assert_ptr_equal(buf.data, data);
    buf_release(&buf);
}

static void detach_hands_the_memory_over(void **state)
{
    struct buf buf = BUF_INIT;
    char *text = buf_detach(&buf);

    (void)state;
    assert_string_equal(text, "");
    free(text);
    buf_append_str(&buf, "abc");
    text = buf_detach(&buf);
    assert_string_equal(text, "abc");
    assert_null(buf.data);
    free(text);
}

static void freeze_makes_bytes(void **state)
{
    struct buf buf = BUF_INIT;
    struct bytes *bytes = buf_freeze(&buf);

    (void)state;
    assert_int_equal(bytes->length, 0);
    bytes_unref(bytes);
    buf_append(&buf, "a\0b", 3);
    bytes = buf_freeze(&buf);
    assert_int_equal(bytes->length, 3);
    assert_memory_equal(bytes->data, "a\0b", 4);
    assert_null(buf.data);
    bytes_unref(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_filled_is_empty_and_holds_nothing),
        cmocka_unit_test(appends_and_terminates),
        cmocka_unit_test(grows_byte_by_byte),
        cmocka_unit_test(reserve_makes_room_for_the_nul_too),
        cmocka_unit_test(printf_fits_whatever_its_length),
        cmocka_unit_test(consume_drops_the_front),
        cmocka_unit_test(clear_keeps_the_memory),
        cmocka_unit_test(detach_hands_the_memory_over),
        cmocka_unit_test(freeze_makes_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
