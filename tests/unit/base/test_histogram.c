/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/buf.h"
#include "base/histogram.h"
#include "support/test.h"

static uint64_t all_of(const struct histogram *histogram)
{
    uint64_t count = 0;

    for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++)
        count += histogram->counts[i];
    return count;
}

static void a_bound_belongs_to_what_is_below_it(void **state)
{
    struct histogram histogram = {.sum_us = 0};

    (void)state;
    histogram_add_us(&histogram, 0);
    histogram_add_us(&histogram, 100);
    histogram_add_us(&histogram, 101);
    histogram_add_us(&histogram, 10000000);
    histogram_add_us(&histogram, 10000001);
    assert_int_equal(histogram.counts[0], 2);
    assert_int_equal(histogram.counts[1], 1);
    assert_int_equal(histogram.counts[HISTOGRAM_BOUNDS - 1], 1);
    assert_int_equal(histogram.counts[HISTOGRAM_BOUNDS], 1);
    assert_int_equal(histogram.sum_us, 20000202);
}

static void what_has_just_begun_took_little(void **state)
{
    struct histogram histogram = {.sum_us = 0};

    (void)state;
    histogram_add_since(&histogram, clock_real_ns());
    assert_int_equal(all_of(&histogram), 1);
    histogram_add_since(&histogram, clock_real_ns() - UINT64_C(3000000000));
    assert_int_equal(all_of(&histogram), 2);
    assert_true(histogram.sum_us >= 3000000);
}

static void sums_are_of_all_bounds(void **state)
{
    struct histogram one = {.sum_us = 0};
    struct histogram other = {.sum_us = 0};

    (void)state;
    histogram_add_us(&one, 50);
    histogram_add_us(&other, 70);
    histogram_add_us(&other, 60000000);
    histogram_merge(&one, &other);
    assert_int_equal(one.counts[0], 2);
    assert_int_equal(one.counts[HISTOGRAM_BOUNDS], 1);
    assert_int_equal(one.sum_us, 60000120);
}

/* Each bucket has those of all before it, and the last one has all. */
static void the_text_is_cumulative(void **state)
{
    struct histogram histogram = {.sum_us = 0};
    struct buf text = BUF_INIT;

    (void)state;
    histogram_add_us(&histogram, 80);
    histogram_add_us(&histogram, 700);
    histogram_add_us(&histogram, 20000000);
    histogram_append(&histogram, &text, "took_seconds", "worker=\"1\"");
    assert_non_null(strstr(buf_str(&text), "took_seconds_bucket{worker=\"1\",le=\"0.0001\"} 1\n"
                                           "took_seconds_bucket{worker=\"1\",le=\"0.00025\"} 1\n"
                                           "took_seconds_bucket{worker=\"1\",le=\"0.0005\"} 1\n"
                                           "took_seconds_bucket{worker=\"1\",le=\"0.001\"} 2\n"));
    assert_non_null(strstr(buf_str(&text), "took_seconds_bucket{worker=\"1\",le=\"10\"} 2\n"
                                           "took_seconds_bucket{worker=\"1\",le=\"+Inf\"} 3\n"
                                           "took_seconds_sum{worker=\"1\"} 20.000780\n"
                                           "took_seconds_count{worker=\"1\"} 3\n"));
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bound_belongs_to_what_is_below_it),
        cmocka_unit_test(what_has_just_begun_took_little),
        cmocka_unit_test(sums_are_of_all_bounds),
        cmocka_unit_test(the_text_is_cumulative),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
