/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include "base/buf.h"
#include "support/test.h"

enum { THREADS = 4, ROUNDS = 10000 };

static void holds_a_terminated_copy(void **state)
{
    char text[] = "a\0b";
    struct bytes *bytes = bytes_new(text, 3);

    (void)state;
    text[0] = 'x';
    assert_int_equal(bytes->length, 3);
    assert_memory_equal(bytes->data, "a\0b", 4);
    assert_null(bytes_unref(bytes));
}

static void may_be_empty(void **state)
{
    struct bytes *bytes = bytes_new(NULL, 0);

    (void)state;
    assert_int_equal(bytes->length, 0);
    assert_string_equal(bytes->data, "");
    assert_null(bytes_unref(bytes));
}

static void lives_until_the_last_reference_goes(void **state)
{
    struct bytes *bytes = bytes_new("abc", 3);

    (void)state;
    assert_ptr_equal(bytes_ref(bytes), bytes);
    bytes_unref(bytes);
    assert_string_equal(bytes->data, "abc");
    bytes_unref(bytes);
}

static void unref_accepts_null(void **state)
{
    (void)state;
    assert_null(bytes_unref(NULL));
}

static void *ref_and_unref(void *shared)
{
    for (int i = 0; i < ROUNDS; i++)
        bytes_unref(bytes_ref(shared));
    bytes_unref(shared);
    return NULL;
}

static void threads_share_one(void **state)
{
    struct bytes *bytes = bytes_new("shared", 6);
    pthread_t threads[THREADS];

    (void)state;
    for (size_t i = 0; i < THREADS; i++) {
        bytes_ref(bytes);
        assert_int_equal(pthread_create(&threads[i], NULL, ref_and_unref, bytes), 0);
    }
    bytes_unref(bytes);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_a_terminated_copy),
        cmocka_unit_test(may_be_empty),
        cmocka_unit_test(lives_until_the_last_reference_goes),
        cmocka_unit_test(unref_accepts_null),
        cmocka_unit_test(threads_share_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
