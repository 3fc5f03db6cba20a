/* SPDX-License-Identifier: Apache-2.0 */
#include <nghttp2/nghttp2.h>
#include <string.h>

#include "h2/rates.h"
#include "support/test.h"

#define MOST 1000u

/* Fields of the block, which comes in pieces of that size. */
static uint32_t count(const void *block, size_t length, size_t piece)
{
    struct h2_header_scan scan;
    const uint8_t *data = block;

    scan = (struct h2_header_scan){0};
    for (size_t at = 0; at < length; at += piece) {
        size_t step = length - at < piece ? length - at : piece;
        assert_int_equal(h2_header_scan_take(&scan, MOST, data + at, step), step);
    }
    return scan.fields;
}

static void check(const void *block, size_t length, uint32_t fields)
{
    static const size_t pieces[] = {1, 2, 3, 1000};

    for (size_t i = 0; i < 4; i++)
        assert_int_equal(count(block, length, pieces[i]), fields);
}

#define CHECK(block, fields) check(block, sizeof(block) - 1, fields)

static void test_each_form(void **state)
{
    (void)state;
    CHECK("", 0);
    CHECK("\x82\x84\xbe", 3);                 /* indexed */
    CHECK("\xff\x80\x01\x82", 2);             /* with an index in three octets */
    CHECK("\x40\1a\2bc\x82", 2);              /* a new name, to be remembered */
    CHECK("\x00\1a\2bc\x82", 2);              /* not to be remembered */
    CHECK("\x10\1a\2bc\x82", 2);              /* never to be remembered */
    CHECK("\x41\2bc\x82", 2);                 /* a known name */
    CHECK("\x0f\x10\2bc\x82", 2);             /* whose index takes two octets */
    CHECK("\x40\0\0\x00\0\0", 2);             /* empty texts */
    CHECK("\x40\x81\x82\x83\x82\x83\x84", 1); /* Huffman code looks like fields */
    CHECK("\x20\x3f\xe1\x1f\x82", 3);         /* table sizes */
}

static void test_long_text(void **state)
{
    static char block[300];
    (void)state;
    memset(block, 0x82, sizeof(block));
    memcpy(block, "\x00\1a\x7f\x80\x01", 6); /* 127 + 128 */
    check(block, sizeof(block), 1 + sizeof(block) - 6 - 255);
}

static void test_stops_at_the_field_that_is_one_too_many(void **state)
{
    const uint8_t block[] = {0x82, 0x40, 1, 'a', 1, 'b', 0x84, 0x84};
    struct h2_header_scan scan;

    (void)state;
    scan = (struct h2_header_scan){0};
    assert_int_equal(h2_header_scan_take(&scan, 2, block, sizeof(block)), 6);
    scan = (struct h2_header_scan){0};
    assert_int_equal(h2_header_scan_take(&scan, 1, block, sizeof(block)), 1);
    scan = (struct h2_header_scan){0};
    assert_int_equal(h2_header_scan_take(&scan, 4, block, sizeof(block)), sizeof(block));
}

/* What nghttp2 refuses need not be understood, and must not be misunderstood. */
static void test_integers_without_end(void **state)
{
    (void)state;
    CHECK("\xff\xff\xff\xff\xff\xff\xff\x82\x82", 1);
    CHECK("\x40\x7f\xff\xff\xff\xff\xff\xff\x82\x82", 1);
    CHECK("\x40\x7f\x82\xff\x03\x82\x82", 1); /* a name of 65537 octets */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_form),
        cmocka_unit_test(test_long_text),
        cmocka_unit_test(test_stops_at_the_field_that_is_one_too_many),
        cmocka_unit_test(test_integers_without_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
