/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "base/slices.h"
#include "support/test.h"

#define MANY 10000u /* more than a turn does */

struct dishes {
    struct chore chore;
    char name;
    unsigned left, done;
    unsigned turns; /* that it took */
    struct dishes *also;
};

static struct loop *loop;
static struct chores chores;
static char order[16];

static bool step(struct chore *chore, struct slice *slice)
{
    struct dishes *dishes = container_of(chore, struct dishes, chore);

    dishes->turns++;
    while (dishes->left > 0) {
        dishes->left--;
        dishes->done++;
        if (!slice_spend(slice))
            break;
    }
    if (dishes->left > 0)
        return false;
    order[strlen(order)] = dishes->name;
    if (dishes->also)
        chores_add(&chores, &dishes->also->chore);
    else
        loop_stop(loop);
    return true;
}

static int set_up(void **state)
{
    (void)state;
    loop = loop_new();
    chores_init(&chores, loop);
    memset(order, 0, sizeof(order));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    chores_release(&chores);
    loop_free(loop);
    return 0;
}

static struct dishes dishes_of(char name, unsigned count, struct dishes *also)
{
    return (struct dishes){.chore.step = step, .name = name, .left = count, .also = also};
}

static void a_turn_does_a_part_and_the_next_one_goes_on(void **state)
{
    struct dishes dishes = dishes_of('a', MANY, NULL);

    (void)state;
    chores_add(&chores, &dishes.chore);
    assert_int_equal(dishes.done, 0);
    loop_run(loop);
    assert_int_equal(dishes.done, MANY);
    assert_true(dishes.turns > 1);
    assert_true(list_is_empty(&chores.list));
}

static void one_is_done_before_the_next_begins(void **state)
{
    struct dishes second = dishes_of('b', 1, NULL);
    struct dishes first = dishes_of('a', MANY, &second);
    struct dishes third = dishes_of('c', 2, &second);

    (void)state;
    chores_add(&chores, &first.chore);
    chores_add(&chores, &third.chore);
    chores_add(&chores, &first.chore); /* stays where it is */
    loop_run(loop);
    assert_string_equal(order, "acb");
}

static void they_may_be_forgotten(void **state)
{
    struct dishes dishes = dishes_of('a', 1, NULL);

    (void)state;
    chores_add(&chores, &dishes.chore);
    chores_release(&chores);
    assert_false(list_is_linked(&dishes.chore.node));
    loop_settle(loop);
    assert_int_equal(dishes.done, 0);
}

#define CHORE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHORE_TEST(a_turn_does_a_part_and_the_next_one_goes_on),
        CHORE_TEST(one_is_done_before_the_next_begins),
        CHORE_TEST(they_may_be_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
