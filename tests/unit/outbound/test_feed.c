/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "outbound/call.h"
#include "support/test.h"

static void test_empty(void **state)
{
    struct outbound_feed feed = {0};
    char to[4];

    (void)state;
    assert_int_equal(outbound_feed_take(&feed, to, sizeof(to)), 0);
    assert_int_equal(outbound_feed_waiting(&feed), 0);
    outbound_feed_release(&feed);
}

/* Every size of piece in, every size out: the bytes stay in order, and are counted. */
static void test_order(void **state)
{
    (void)state;
    for (size_t in = 1; in <= 17; in++) {
        for (size_t out = 1; out <= 17; out++) {
            struct outbound_feed feed = {0};
            char piece[17];
            char to[17];
            unsigned char next_in = 0;
            unsigned char next_out = 0;
            size_t total = 0;

            for (unsigned round = 0; round < 40; round++) {
                for (size_t i = 0; i < in; i++)
                    piece[i] = (char)next_in++;
                outbound_feed_add(&feed, piece, in);
                size_t length = outbound_feed_take(&feed, to, out);
                for (size_t i = 0; i < length; i++)
                    assert_int_equal((unsigned char)to[i], next_out++);
                total += length;
                assert_int_equal(outbound_feed_waiting(&feed), feed.fed - total);
            }
            assert_int_equal(feed.fed, 40 * in);
            assert_int_equal(feed.taken, total);
            outbound_feed_release(&feed);
        }
    }
}

/* What has been taken does not stay in memory for as long as something is waiting. */
static void test_bounded(void **state)
{
    struct outbound_feed feed = {0};
    char piece[1000] = {0};
    char to[1000];

    (void)state;
    outbound_feed_add(&feed, piece, 10);
    for (unsigned round = 0; round < 10000; round++) {
        outbound_feed_add(&feed, piece, sizeof(piece));
        assert_int_equal(outbound_feed_take(&feed, to, sizeof(to)), sizeof(to));
    }
    assert_int_equal(outbound_feed_waiting(&feed), 10);
    assert_true(feed.held.capacity < 16384);
    outbound_feed_release(&feed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
