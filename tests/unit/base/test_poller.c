/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/mem.h"
#include "base/poller.h"
#include "support/test.h"

#define SOCKETS (2 * POLLER_PER_TURN + 10)

struct side {
    struct poll_watch watch;
    int other;
    unsigned told;
    uint32_t events; /* of the latest time */
};

static struct loop *loop;
static struct poller *poller;
static struct side sides[SOCKETS];
static size_t count;
static void (*also)(struct side *side); /* what a test does when a socket is ready */

/* Told of so many since the last turn. */
static struct loop_hook turn_end;
static unsigned of_turn, most_of_a_turn, turns, turns_left;

static void on_ready(struct poll_watch *watch, uint32_t events)
{
    struct side *side = container_of(watch, struct side, watch);

    side->told++;
    side->events = events;
    of_turn++;
    if (also)
        also(side);
}

static bool on_turn_end(struct loop_hook *hook)
{
    (void)hook;
    most_of_a_turn = of_turn > most_of_a_turn ? of_turn : most_of_a_turn;
    of_turn = 0;
    turns++;
    if (--turns_left == 0)
        loop_stop(loop);
    return true;
}

/* The first ends before anything was waited for. */
static void run_turns(unsigned number)
{
    turns_left = number + 1;
    most_of_a_turn = of_turn = 0;
    loop_run(loop);
}

static int set_up(void **state)
{
    (void)state;
    loop = loop_new();
    poller = poller_new(loop);
    assert_non_null(poller);
    turn_end = (struct loop_hook){.run = on_turn_end};
    loop_hook_add(loop, LOOP_REAP, &turn_end);
    also = NULL;
    count = 0;
    return 0;
}

static void add(void)
{
    struct side *side = &sides[count++];
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    *side = (struct side){.watch = {.on_ready = on_ready, .fd = pair[0]}, .other = pair[1]};
}

static void say(const struct side *side)
{
    assert_int_equal(write(side->other, "x", 1), 1);
}

static void hear(struct side *side)
{
    char text[8];

    assert_int_equal(read(side->watch.fd, text, sizeof(text)), 1);
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(poller_watch(poller, &sides[i].watch, 0), 0);
        close(sides[i].watch.fd);
        close(sides[i].other);
    }
    poller_free(poller);
    loop_free(loop);
    return 0;
}

static void a_turn_is_told_of_so_many_and_the_next_ones_of_the_others(void **state)
{
    (void)state;
    also = hear;
    for (size_t i = 0; i < SOCKETS; i++) {
        add();
        assert_int_equal(poller_watch(poller, &sides[i].watch, EPOLLIN), 0);
        say(&sides[i]);
    }
    run_turns(4);
    assert_int_equal(most_of_a_turn, POLLER_PER_TURN);
    for (size_t i = 0; i < SOCKETS; i++)
        assert_int_equal(sides[i].told, 1);
}

static void who_is_not_read_keeps_nobody_waiting(void **state)
{
    (void)state;
    for (size_t i = 0; i < SOCKETS; i++) {
        add();
        assert_int_equal(poller_watch(poller, &sides[i].watch, EPOLLIN), 0);
        say(&sides[i]);
    }
    run_turns(4);
    for (size_t i = 0; i < SOCKETS; i++)
        assert_true(sides[i].told > 0);
}

static void drop_the_other(struct side *side)
{
    struct side *other = side == &sides[0] ? &sides[1] : &sides[0];

    assert_int_equal(poller_watch(poller, &other->watch, 0), 0);
}

static void who_is_no_longer_watched_is_not_told_in_the_same_turn(void **state)
{
    (void)state;
    also = drop_the_other;
    for (size_t i = 0; i < 2; i++) {
        add();
        assert_int_equal(poller_watch(poller, &sides[i].watch, EPOLLIN), 0);
        say(&sides[i]);
    }
    run_turns(1);
    assert_int_equal(sides[0].told + sides[1].told, 1);
}

static void it_is_told_of_what_it_waits_for(void **state)
{
    (void)state;
    add();
    say(&sides[0]);
    assert_int_equal(poller_watch(poller, &sides[0].watch, EPOLLIN | EPOLLOUT), 0);
    run_turns(1);
    assert_int_equal(sides[0].events, EPOLLIN | EPOLLOUT);
    assert_int_equal(poller_watch(poller, &sides[0].watch, EPOLLOUT), 0);
    run_turns(1);
    assert_int_equal(sides[0].events, EPOLLOUT);
}

static void the_end_of_the_other_side_is_told_as_what_it_waits_for(void **state)
{
    (void)state;
    add();
    assert_int_equal(poller_watch(poller, &sides[0].watch, EPOLLIN), 0);
    assert_int_equal(shutdown(sides[0].watch.fd, SHUT_RDWR), 0);
    run_turns(1);
    assert_int_equal(sides[0].events, EPOLLIN);
}

static void what_the_kernel_does_not_watch_is_an_error(void **state)
{
    struct poll_watch watch = {.on_ready = on_ready, .fd = -1};

    (void)state;
    assert_int_equal(poller_watch(poller, &watch, EPOLLIN), -EBADF);
    assert_int_equal(watch.events, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_turn_is_told_of_so_many_and_the_next_ones_of_the_others,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_not_read_keeps_nobody_waiting, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_no_longer_watched_is_not_told_in_the_same_turn,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_is_told_of_what_it_waits_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_end_of_the_other_side_is_told_as_what_it_waits_for,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_the_kernel_does_not_watch_is_an_error, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
