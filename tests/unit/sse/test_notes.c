/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/notes.h"
#include "support/test.h"

static void assert_note(const struct sse_notes *notes, const char *id, const char *user,
                        uint64_t expected)
{
    uint64_t position = 0;

    assert_true(sse_notes_find(notes, id, user, &position));
    assert_int_equal(position, expected);
}

static void assert_none(const struct sse_notes *notes, const char *id, const char *user)
{
    uint64_t position = 77;

    assert_false(sse_notes_find(notes, id, user, &position));
    assert_int_equal(position, 77);
}

static void test_the_first_counts(void **state)
{
    struct sse_notes notes;

    (void)state;
    sse_notes_init(&notes, 10);
    assert_none(&notes, "a", "ann");
    sse_notes_add(&notes, "a", "ann", 0, 0);
    sse_notes_add(&notes, "a", "ann", 5, 0);
    sse_notes_add(&notes, "a", "bob", 7, 0);
    assert_note(&notes, "a", "ann", 0);
    assert_note(&notes, "a", "bob", 7);
    assert_none(&notes, "a", "");
    assert_none(&notes, "a", "ann\n");
    assert_none(&notes, "b", "ann");
    sse_notes_release(&notes);
}

static void test_the_oldest_makes_room(void **state)
{
    struct sse_notes notes;

    (void)state;
    sse_notes_init(&notes, 2);
    sse_notes_add(&notes, "a", "ann", 1, 0);
    sse_notes_add(&notes, "b", "ann", 2, 0);
    sse_notes_add(&notes, "a", "ann", 3, 0);
    sse_notes_add(&notes, "c", "ann", 4, 0);
    assert_none(&notes, "a", "ann");
    assert_note(&notes, "b", "ann", 2);
    assert_note(&notes, "c", "ann", 4);
    sse_notes_release(&notes);
}

static void test_none_are_kept(void **state)
{
    struct sse_notes notes;

    (void)state;
    sse_notes_init(&notes, 0);
    sse_notes_add(&notes, "a", "ann", 1, 0);
    assert_none(&notes, "a", "ann");
    sse_notes_release(&notes);
}

static void test_the_oldest_is_told(void **state)
{
    struct sse_notes notes;
    uint64_t at = 0;

    (void)state;
    sse_notes_init(&notes, 10);
    assert_false(sse_notes_oldest(&notes, &at));
    sse_notes_add(&notes, "a", "ann", 1, 100);
    sse_notes_add(&notes, "b", "ann", 2, 200);
    sse_notes_add(&notes, "a", "ann", 3, 300);
    assert_true(sse_notes_oldest(&notes, &at));
    assert_int_equal(at, 100);
    sse_notes_drop_oldest(&notes);
    assert_none(&notes, "a", "ann");
    assert_true(sse_notes_oldest(&notes, &at));
    assert_int_equal(at, 200);
    sse_notes_release(&notes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_counts),
        cmocka_unit_test(test_the_oldest_makes_room),
        cmocka_unit_test(test_none_are_kept),
        cmocka_unit_test(test_the_oldest_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
