/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/notes.h"
#include "support/loop_fixture.h"
#include "support/test.h"

static void assert_note(struct sse_notes *notes, const char *id, const char *user,
                        uint64_t expected)
{
    uint64_t position = 0;

    assert_true(sse_notes_find(notes, id, user, 0, &position));
    assert_int_equal(position, expected);
}

static void assert_none(struct sse_notes *notes, const char *id, const char *user)
{
    uint64_t position = 77;

    assert_false(sse_notes_find(notes, id, user, 0, &position));
    assert_int_equal(position, 77);
}

static void test_the_first_counts(void **state)
{
    struct sse_notes notes;

    (void)state;
    sse_notes_init(&notes, loop, 10);
    assert_none(&notes, "a", "ann");
    sse_notes_add(&notes, "a", "ann", 0, 0, 1000);
    sse_notes_add(&notes, "a", "ann", 5, 0, 1000);
    sse_notes_add(&notes, "a", "bob", 7, 0, 1000);
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
    sse_notes_init(&notes, loop, 2);
    sse_notes_add(&notes, "a", "ann", 1, 0, 1000);
    sse_notes_add(&notes, "b", "ann", 2, 0, 1000);
    sse_notes_add(&notes, "a", "ann", 3, 0, 1000);
    sse_notes_add(&notes, "c", "ann", 4, 0, 1000);
    assert_none(&notes, "a", "ann");
    assert_note(&notes, "b", "ann", 2);
    assert_note(&notes, "c", "ann", 4);
    sse_notes_release(&notes);
}

static void test_none_are_kept(void **state)
{
    struct sse_notes notes;

    (void)state;
    sse_notes_init(&notes, loop, 0);
    sse_notes_add(&notes, "a", "ann", 1, 0, 1000);
    assert_none(&notes, "a", "ann");
    sse_notes_release(&notes);
}

static void test_their_time_ends(void **state)
{
    struct sse_notes notes;
    uint64_t position;

    (void)state;
    sse_notes_init(&notes, loop, 10);
    sse_notes_add(&notes, "a", "ann", 1, 0, 100);
    sse_notes_add(&notes, "b", "ann", 2, 0, 200);
    assert_true(sse_notes_find(&notes, "a", "ann", 99, &position));
    assert_false(sse_notes_find(&notes, "a", "ann", 100, &position));
    assert_true(sse_notes_find(&notes, "b", "ann", 100, &position));
    fake_loop_advance(loop, 5000);
    assert_int_equal(notes.lru.count, 0);
    assert_false(fake_loop_has_timers(loop));
    sse_notes_release(&notes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_counts),
        cmocka_unit_test(test_the_oldest_makes_room),
        cmocka_unit_test(test_none_are_kept),
        cmocka_unit_test(test_their_time_ends),
    };

    return cmocka_run_group_tests(tests, open_loop, close_loop);
}
