/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/lifetime.h"
#include "support/test.h"

#define NOW INT64_C(1700000000000)

/* All times are ms from NOW on. */
static void test_steps(void **state)
{
    static const struct {
        int64_t expires;
        uint32_t notice;
        int64_t notice_comes, ends; /* -1: no notice */
    } cases[] = {
        {3600000, 60000, 3540000, 3600000}, {3600000, 0, -1, 3600000}, {60000, 60000, 6000, 60000},
        {10000, 60000, 1000, 10000},        {1, 60000, 0, 1},          {0, 60000, 3000, 30000},
        {-5000, 60000, 2500, 25000},        {-5000, 0, -1, 25000},     {-29500, 0, -1, 1000},
        {-NOW + 1, 1000, 100, 1000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sse_expiry expiry;

        sse_expiry_set(&expiry, NOW + cases[i].expires, cases[i].notice, NOW);
        if (cases[i].notice_comes >= 0) {
            const int64_t due = NOW + cases[i].notice_comes;

            if (cases[i].notice_comes > 0)
                assert_int_equal(sse_expiry_next(&expiry, due - 1), SSE_EXPIRY_NOTHING);
            assert_int_equal(sse_expiry_next(&expiry, due), SSE_EXPIRY_NOTICE);
        }
        assert_int_equal(sse_expiry_next(&expiry, NOW + cases[i].ends - 1), SSE_EXPIRY_NOTHING);
        assert_int_equal(sse_expiry_next(&expiry, NOW + cases[i].ends), SSE_EXPIRY_END);
    }
}

static void test_never(void **state)
{
    struct sse_expiry expiry;

    (void)state;
    sse_expiry_set(&expiry, 0, 60000, NOW);
    assert_int_equal(sse_expiry_next(&expiry, INT64_MAX), SSE_EXPIRY_NOTHING);
    assert_true(sse_expiry_wait_ms(&expiry, NOW) == UINT64_MAX);
    sse_expiry_set(&expiry, INT64_MAX, 60000, NOW);
    assert_int_equal(sse_expiry_next(&expiry, NOW), SSE_EXPIRY_NOTHING);
}

static void test_waits(void **state)
{
    struct sse_expiry expiry;

    (void)state;
    sse_expiry_set(&expiry, NOW + 100000, 10000, NOW);
    assert_int_equal(sse_expiry_wait_ms(&expiry, NOW), 30000);
    assert_int_equal(sse_expiry_wait_ms(&expiry, NOW + 80000), 10000);
    assert_int_equal(sse_expiry_wait_ms(&expiry, NOW + 95000), 0);
    assert_int_equal(sse_expiry_next(&expiry, NOW + 95000), SSE_EXPIRY_NOTICE);
    assert_int_equal(sse_expiry_wait_ms(&expiry, NOW + 95000), 5000);
    assert_int_equal(sse_expiry_wait_ms(&expiry, NOW + 200000), 0);
}

/* Set forward, the clock skips the notice; set back, the notice is not given again. */
static void test_jumps(void **state)
{
    struct sse_expiry expiry;

    (void)state;
    sse_expiry_set(&expiry, NOW + 100000, 10000, NOW);
    assert_int_equal(sse_expiry_next(&expiry, NOW + 86400000), SSE_EXPIRY_END);
    sse_expiry_set(&expiry, NOW + 100000, 10000, NOW);
    assert_int_equal(sse_expiry_next(&expiry, NOW + 95000), SSE_EXPIRY_NOTICE);
    assert_int_equal(sse_expiry_next(&expiry, NOW - 86400000), SSE_EXPIRY_NOTHING);
    assert_int_equal(sse_expiry_wait_ms(&expiry, NOW - 86400000), 30000);
    assert_int_equal(sse_expiry_next(&expiry, NOW + 95000), SSE_EXPIRY_NOTHING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_never),
        cmocka_unit_test(test_waits),
        cmocka_unit_test(test_jumps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
