/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/local/sweeper.h"
#include "qos/store.h"
#include "support/fake_loop.h"
#include "support/test.h"

/* Sweeps are counted; each is answered by the test. */
struct broom {
    struct sweeper sweeper;
    struct loop *loop;
    unsigned begun;
    size_t limit; /* of the last */
};

static const struct qos_store_report nothing = {.is_open = true};
static const struct qos_store_report remembering = {.is_open = true, .totals = {.ended = 1}};
static const struct qos_store_report storing = {.is_open = true, .totals = {.copies = 1}};
static const struct qos_store_report broken = {.is_open = false};

static void count_sweep(struct sweeper *sweeper)
{
    struct broom *broom = container_of(sweeper, struct broom, sweeper);

    broom->begun++;
    broom->limit = sweeper->limit;
}

static void open_broom(struct broom *broom)
{
    *broom = (struct broom){.loop = loop_new()};
    sweeper_init(&broom->sweeper, broom->loop, count_sweep);
    fake_loop_advance(broom->loop, 0);
    assert_int_equal(broom->begun, 1);
}

static void close_broom(struct broom *broom)
{
    sweeper_release(&broom->sweeper);
    assert_false(fake_loop_has_timers(broom->loop));
    loop_free(broom->loop);
}

static void nothing_wakes_an_empty_store(void **state)
{
    struct broom broom;

    (void)state;
    open_broom(&broom);
    sweeper_done(&broom.sweeper, &nothing, true, false);
    assert_false(fake_loop_has_timers(broom.loop));
    sweeper_look(&broom.sweeper, &nothing);
    assert_false(fake_loop_has_timers(broom.loop));
    close_broom(&broom);
}

/* Messages that come and end faster than a sweep is due: that was what put it off for ever. */
static void no_change_puts_a_sweep_off(void **state)
{
    struct broom broom;

    (void)state;
    open_broom(&broom);
    sweeper_done(&broom.sweeper, &nothing, true, false);
    for (unsigned n = 1; n <= 100; n++) {
        sweeper_look(&broom.sweeper, &storing);
        fake_loop_advance(broom.loop, 50);
        sweeper_look(&broom.sweeper, &remembering);
        fake_loop_advance(broom.loop, 50);
        if (broom.begun == 2)
            break;
        assert_true(n < 10);
    }
    assert_int_equal(broom.begun, 2);
    close_broom(&broom);
}

static void what_is_remembered_is_swept_seldom(void **state)
{
    struct broom broom;

    (void)state;
    open_broom(&broom);
    sweeper_done(&broom.sweeper, &remembering, true, false);
    fake_loop_advance(broom.loop, 29999);
    assert_int_equal(broom.begun, 1);
    fake_loop_advance(broom.loop, 1);
    assert_int_equal(broom.begun, 2);
    sweeper_done(&broom.sweeper, &remembering, true, false);
    sweeper_look(&broom.sweeper, &storing);
    fake_loop_advance(broom.loop, 1000);
    assert_int_equal(broom.begun, 3);
    close_broom(&broom);
}

/* What the store could not say is asked again, though nothing is stored, as far as is known. */
static void a_store_that_fails_is_asked_again_soon(void **state)
{
    struct broom broom;

    (void)state;
    open_broom(&broom);
    sweeper_done(&broom.sweeper, &nothing, true, false);
    sweeper_look(&broom.sweeper, &broken);
    fake_loop_advance(broom.loop, 1000);
    assert_int_equal(broom.begun, 2);
    sweeper_done(&broom.sweeper, &broken, true, false);
    fake_loop_advance(broom.loop, 1000);
    assert_int_equal(broom.begun, 3);
    sweeper_done(&broom.sweeper, &nothing, true, false);
    sweeper_soon(&broom.sweeper);
    fake_loop_advance(broom.loop, 500);
    sweeper_soon(&broom.sweeper);
    fake_loop_advance(broom.loop, 500);
    assert_int_equal(broom.begun, 4);
    close_broom(&broom);
}

static void limits_grow_while_there_is_more(void **state)
{
    static const size_t limits[] = {128, 256, 512, 512, 512};
    struct broom broom;

    (void)state;
    open_broom(&broom);
    for (unsigned i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        assert_int_equal(broom.begun, i + 1);
        assert_int_equal(broom.limit, limits[i]);
        assert_int_equal(broom.sweeper.is_urgent, i > 0);
        sweeper_done(&broom.sweeper, &storing, false, false);
    }
    sweeper_done(&broom.sweeper, &storing, true, false);
    fake_loop_advance(broom.loop, 1000);
    assert_int_equal(broom.begun, 7);
    assert_int_equal(broom.limit, 128);
    assert_false(broom.sweeper.is_urgent);
    close_broom(&broom);
}

static void one_sweep_at_a_time(void **state)
{
    struct broom broom;

    (void)state;
    open_broom(&broom);
    sweeper_look(&broom.sweeper, &storing);
    fake_loop_advance(broom.loop, 5000);
    assert_int_equal(broom.begun, 1);
    sweeper_done(&broom.sweeper, &storing, true, false);
    fake_loop_advance(broom.loop, 1000);
    assert_int_equal(broom.begun, 2);
    close_broom(&broom);
}

static void room_is_given_back_piece_by_piece(void **state)
{
    struct broom broom;

    (void)state;
    open_broom(&broom);
    sweeper_done(&broom.sweeper, &remembering, true, true);
    assert_int_equal(broom.begun, 1);
    fake_loop_advance(broom.loop, LOOP_TIMER_TICK_MS);
    assert_int_equal(broom.begun, 2);
    sweeper_done(&broom.sweeper, &remembering, true, false);
    fake_loop_advance(broom.loop, 1000);
    assert_int_equal(broom.begun, 2);
    close_broom(&broom);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_wakes_an_empty_store),
        cmocka_unit_test(no_change_puts_a_sweep_off),
        cmocka_unit_test(what_is_remembered_is_swept_seldom),
        cmocka_unit_test(a_store_that_fails_is_asked_again_soon),
        cmocka_unit_test(limits_grow_while_there_is_more),
        cmocka_unit_test(one_sweep_at_a_time),
        cmocka_unit_test(room_is_given_back_piece_by_piece),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
