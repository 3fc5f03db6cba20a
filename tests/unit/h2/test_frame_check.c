/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever nghttp2 may do otherwise with its frame buffers, the check at the start sees it. */
#include <stdlib.h>

#include "h2/frame_memory.h"

/* It takes the library's place. NOLINTNEXTLINE(bugprone-suspicious-include) */
#include "support/other_frames.c"
#include "support/test.h"

static const char *check(const char *way)
{
    assert_int_equal(setenv("OTHER_FRAMES", way, 1), 0);
    const char *otherwise = h2_frame_check();
    unsetenv("OTHER_FRAMES");
    assert_null(others.first);
    return otherwise;
}

static void test_the_library(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_null(h2_frame_check());
    assert_null(check("")); /* what stands between here changes nothing */
}

static void assert_says(const char *way, const char *expected)
{
    const char *otherwise = check(way);

    assert_non_null(otherwise);
    assert_string_equal(otherwise, expected);
}

static void test_other_sizes(void **state)
{
    (void)state;
    assert_says("larger", "it asks for other sizes of memory than expected");
    assert_says("malloc", "it asks for other sizes of memory than expected");
    assert_says("grows", "it asks for other sizes of memory than expected");
}

static void test_buffer_that_is_not_given_back(void **state)
{
    (void)state;
    assert_says("keeps", "it keeps a frame buffer, or gives it back, at other times than expected");
}

static void test_wrong_bytes(void **state)
{
    (void)state;
    assert_says("state", "the frames of two sessions got mixed up");
    assert_says("late", "the frames of two sessions got mixed up");
}

static void test_fields_that_are_remembered(void **state)
{
    (void)state;
    assert_says("indexes", "it remembers header fields where it was told not to");
}

static void test_no_session(void **state)
{
    (void)state;
    assert_says("fails", "a session failed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_library),
        cmocka_unit_test(test_other_sizes),
        cmocka_unit_test(test_buffer_that_is_not_given_back),
        cmocka_unit_test(test_wrong_bytes),
        cmocka_unit_test(test_fields_that_are_remembered),
        cmocka_unit_test(test_no_session),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
