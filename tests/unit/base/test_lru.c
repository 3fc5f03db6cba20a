/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/lru.h"
#include "base/mem.h"
#include "support/loop_fixture.h"
#include "support/test.h"

struct word {
    size_t bytes;
    struct lru_item item;
    char text[];
};

static struct lru lru;
static char left[64]; /* the words that have left, in their order */

static void leave(struct lru *of, void *item)
{
    const struct word *word = item;

    assert_ptr_equal(of, &lru);
    assert_null(table_find(&lru.table, word->text));
    strncat(left, word->text, sizeof(left) - strlen(left) - 1);
}

static void open_lru(size_t most)
{
    left[0] = '\0';
    lru_init(&lru, loop, LRU_BY_TEXT(struct word, item, text), most);
    lru.leave = leave;
}

static void add(const char *text, uint64_t until_ms)
{
    const struct word *word = lru_add(&lru, text, 0, until_ms);

    assert_non_null(word);
    assert_string_equal(word->text, text);
    assert_int_equal(word->bytes, 0);
}

static void use(const char *text, uint64_t now_ms, uint64_t until_ms)
{
    struct word *word = lru_find(&lru, text, now_ms);

    assert_non_null(word);
    assert_string_equal(word->text, text);
    lru_use(&lru, &word->item, until_ms);
}

static void the_longest_unused_makes_room(void **state)
{
    (void)state;
    open_lru(3);
    add("a", LRU_NEVER);
    add("b", LRU_NEVER);
    add("c", LRU_NEVER);
    use("a", 0, LRU_NEVER);
    assert_non_null(lru_find(&lru, "b", 0)); /* found, not used */
    add("d", LRU_NEVER);
    add("e", LRU_NEVER);
    assert_string_equal(left, "bc");
    assert_null(lru_find(&lru, "b", 0));
    assert_int_equal(lru.count, 3);
    assert_int_equal(lru.evicted, 2);
    assert_false(fake_loop_has_timers(loop));
    lru_release(&lru);
    assert_string_equal(left, "bcade");
    assert_int_equal(lru.evicted, 2);
}

static void what_has_ended_is_not_found(void **state)
{
    (void)state;
    open_lru(2);
    add("a", 1000);
    add("b", 1500);
    use("a", 999, 3000);
    assert_non_null(lru_find(&lru, "b", 1499));
    assert_null(lru_find(&lru, "b", 1500));
    assert_string_equal(left, "b");
    add("c", 2000); /* behind one that ends later */
    assert_null(lru_find(&lru, "c", 2000));
    assert_string_equal(left, "bc");
    assert_int_equal(lru.evicted, 0);
    lru_release(&lru);
}

static void what_has_ended_is_not_evicted(void **state)
{
    (void)state;
    open_lru(2);
    add("a", 1000);
    add("b", 1000);
    assert_non_null(lru_add(&lru, "c", 1000, 2000));
    assert_string_equal(left, "ab");
    assert_int_equal(lru.evicted, 0);
    lru_release(&lru);
}

static void they_end_by_the_clock(void **state)
{
    char text[16];

    (void)state;
    open_lru(100000);
    for (int i = 0; i < 20000; i++) {
        (void)snprintf(text, sizeof(text), "%d", i);
        assert_non_null(lru_add(&lru, text, loop->now_ms, loop->now_ms + 60000));
    }
    fake_loop_advance(loop, 59000);
    use("7", loop->now_ms, loop->now_ms + 60000);
    fake_loop_advance(loop, 55000); /* in slices, which are short where the machine is busy */
    assert_int_equal(lru.count, 1);
    fake_loop_advance(loop, 60000);
    assert_int_equal(lru.count, 0);
    assert_false(fake_loop_has_timers(loop));
    lru_release(&lru);
}

/* Two leave for each that comes, so that no turn has to end thousands. */
static void a_lowered_bound_is_reached_in_steps(void **state)
{
    char text[16];

    (void)state;
    open_lru(100);
    for (int i = 0; i < 100; i++) {
        (void)snprintf(text, sizeof(text), "%d", i);
        add(text, LRU_NEVER);
    }
    lru.most = 10;
    assert_int_equal(lru.count, 100);
    add("a", LRU_NEVER);
    assert_int_equal(lru.count, 99);
    lru_trim(&lru);
    assert_int_equal(lru.count, 10);
    assert_int_equal(lru.evicted, 91);
    lru.most = 0;
    assert_null(lru_add(&lru, "b", 0, LRU_NEVER));
    assert_int_equal(lru.count, 10);
    lru_clear(&lru);
    assert_int_equal(lru.count, 0);
    lru_release(&lru);
}

static size_t size(const void *item)
{
    return ((const struct word *)item)->bytes;
}

static void hold(const char *text, size_t bytes)
{
    struct word *word = lru_add_held(&lru, text);

    word->bytes = bytes;
}

static void what_is_held_stays(void **state)
{
    struct word *word;

    (void)state;
    open_lru(2);
    lru.size = size;
    lru.most_bytes = 100;
    hold("a", 60);
    hold("b", 60);
    hold("c", 60);
    assert_int_equal(lru.count, 0);
    assert_int_equal(lru.bytes, 0);
    use("a", 5000, 9000);
    use("b", 5000, 9000);
    assert_int_equal(lru.bytes, 120);
    lru_trim(&lru);
    assert_string_equal(left, "a");
    assert_int_equal(lru.bytes, 60);
    word = lru_find(&lru, "c", UINT64_MAX - 1);
    assert_non_null(word);
    assert_string_equal(left, "ab");
    lru_drop(&lru, &word->item);
    assert_string_equal(left, "abc");
    hold("d", 1);
    lru_release(&lru);
    assert_string_equal(left, "abcd");
}

static void an_item_of_its_own_making(void **state)
{
    struct word *word = mem_zalloc(sizeof(*word) + 2);

    (void)state;
    open_lru(1);
    add("a", LRU_NEVER);
    word->text[0] = 'b';
    word->bytes = 7;
    lru_insert(&lru, &word->item, 0, LRU_NEVER);
    assert_string_equal(left, "a");
    assert_ptr_equal(lru_find(&lru, "b", 0), word);
    assert_ptr_equal(lru_first(&lru), &word->item);
    lru_release(&lru);
    assert_null(lru_first(&lru));
}

struct answer {
    struct lru_item item;
    uint64_t question;
    int number;
};

static void without_a_loop_and_by_numbers(void **state)
{
    struct lru answers;

    (void)state;
    lru_init(&answers, NULL, LRU_BY_VALUE(struct answer, item, question), 100);
    for (uint64_t i = 0; i < 1000; i++) {
        assert_null(lru_find(&answers, &i, i));
        ((struct answer *)lru_add(&answers, &i, i, i + 50))->number = (int)i;
    }
    assert_int_equal(answers.count, 50);
    for (uint64_t i = 951; i < 1000; i++)
        assert_int_equal(((struct answer *)lru_find(&answers, &i, 1000))->number, i);
    lru_release(&answers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_unused_makes_room),
        cmocka_unit_test(what_has_ended_is_not_found),
        cmocka_unit_test(what_has_ended_is_not_evicted),
        cmocka_unit_test(they_end_by_the_clock),
        cmocka_unit_test(a_lowered_bound_is_reached_in_steps),
        cmocka_unit_test(what_is_held_stays),
        cmocka_unit_test(an_item_of_its_own_making),
        cmocka_unit_test(without_a_loop_and_by_numbers),
    };

    return cmocka_run_group_tests(tests, open_loop, close_loop);
}
