/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdlib.h>

#include "base/loop.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include "support/test.h"

enum { SENDERS = 4, LETTERS = 20000 };

struct parcel {
    struct mailbox_item item;
    int sender;
    int number;
};

struct office {
    struct loop *loop;
    struct mailbox *mailbox;
    int next[SENDERS]; /* the number that is due from each sender */
    int opened;
    int expected; /* the loop stops when so many have been opened */
};

static int set_up(void **state)
{
    struct office *office = mem_zalloc(sizeof(*office));

    office->loop = loop_new();
    assert_non_null(office->loop);
    office->mailbox = mailbox_new(office->loop, office);
    *state = office;
    return 0;
}

static int tear_down(void **state)
{
    struct office *office = *state;

    mailbox_free(office->mailbox);
    loop_free(office->loop);
    free(office);
    return 0;
}

static void open_parcel(struct mailbox_item *item, void *context)
{
    struct parcel *parcel = container_of(item, struct parcel, item);
    struct office *office = context;

    assert_int_equal(parcel->number, office->next[parcel->sender]);
    office->next[parcel->sender]++;
    if (++office->opened == office->expected)
        loop_stop(office->loop);
    free(parcel);
}

static void post(struct mailbox *mailbox, int sender, int number)
{
    struct parcel *parcel = mem_zalloc(sizeof(*parcel));

    parcel->item.receive = open_parcel;
    parcel->sender = sender;
    parcel->number = number;
    mailbox_post(mailbox, &parcel->item);
}

static void a_chain_arrives_in_its_order_between_others(void **state)
{
    struct office *office = *state;
    struct mailbox_item *newest = NULL, *oldest = NULL;

    office->expected = 12;
    post(office->mailbox, 0, 0);
    for (int i = 1; i <= 10; i++) {
        struct parcel *parcel = mem_zalloc(sizeof(*parcel));

        parcel->item.receive = open_parcel;
        parcel->number = i;
        parcel->item.next = newest;
        newest = &parcel->item;
        oldest = oldest ? oldest : newest;
    }
    mailbox_post_chain(office->mailbox, newest, oldest);
    post(office->mailbox, 0, 11);
    loop_run(office->loop);
    assert_int_equal(office->opened, 12);
}

static void items_from_before_the_run_arrive_in_order(void **state)
{
    struct office *office = *state;

    office->expected = 100;
    for (int i = 0; i < 100; i++)
        post(office->mailbox, 0, i);
    loop_run(office->loop);
    assert_int_equal(office->opened, 100);
    assert_int_equal(loop_lag(office->loop)->messages, 100);
}

/* The first item holds the mailbox; a hook lets it go, some turns later. */
struct holding {
    struct mailbox_item item;
    struct loop_hook hook;
    struct office *office;
    unsigned turns;
};

static void hold_mailbox(struct mailbox_item *item, void *context)
{
    (void)item;
    mailbox_hold(((struct office *)context)->mailbox, true);
}

static bool let_go(struct loop_hook *hook)
{
    struct holding *holding = container_of(hook, struct holding, hook);

    assert_int_equal(holding->office->opened, 0);
    if (++holding->turns < 5)
        return true;
    mailbox_hold(holding->office->mailbox, false);
    loop_hook_remove(hook);
    return false;
}

static void a_mailbox_that_is_held_keeps_its_order(void **state)
{
    struct office *office = *state;
    struct holding holding = {.item.receive = hold_mailbox, .hook.run = let_go, .office = office};

    mailbox_post(office->mailbox, &holding.item);
    for (int i = 0; i < 10; i++)
        post(office->mailbox, 0, i);
    loop_hook_add(office->loop, LOOP_REAP, &holding.hook);
    office->expected = 10;
    loop_run(office->loop);
    assert_int_equal(holding.turns, 5);
}

static void post_another(struct mailbox_item *item, void *context)
{
    struct office *office = context;

    post(office->mailbox, 0, 0);
    post(office->mailbox, 0, 1);
    free(container_of(item, struct parcel, item));
}

static void a_receiver_may_post_to_the_same_mailbox(void **state)
{
    struct office *office = *state;
    struct parcel *first = mem_zalloc(sizeof(*first));

    office->expected = 2;
    first->item.receive = post_another;
    mailbox_post(office->mailbox, &first->item);
    loop_run(office->loop);
    assert_int_equal(office->opened, 2);
}

static void a_turn_opens_so_many_and_the_next_goes_on(void **state)
{
    struct office *office = *state;
    const int count = 3 * (int)MAILBOX_ITEMS_PER_TURN;

    for (int i = 0; i < count; i++)
        post(office->mailbox, 0, i);
    office->expected = 1; /* the turn is finished all the same */
    loop_run(office->loop);
    assert_in_range(office->opened, 1, MAILBOX_ITEMS_PER_TURN);
    post(office->mailbox, 0, count); /* behind those that wait */
    office->expected = count + 1;
    loop_run(office->loop); /* nobody rings for them again */
    assert_int_equal(office->opened, count + 1);
}

static void draining_opens_what_a_turn_has_left(void **state)
{
    struct office *office = *state;
    const int count = 3 * (int)MAILBOX_ITEMS_PER_TURN;

    for (int i = 0; i < count; i++)
        post(office->mailbox, 0, i);
    office->expected = 1;
    loop_run(office->loop);
    assert_true(office->opened < count);
    mailbox_drain(office->mailbox);
    assert_int_equal(office->opened, count);
}

static void draining_needs_no_loop(void **state)
{
    struct office *office = *state;

    post(office->mailbox, 0, 0);
    mailbox_drain(office->mailbox);
    assert_int_equal(office->opened, 1);
    mailbox_drain(office->mailbox);
    post(office->mailbox, 0, 1);
    office->expected = 2;
    loop_run(office->loop);
    assert_int_equal(office->opened, 2);
}

/* Those behind the first one are taken before that holds the mailbox; a last one comes then. */
static void hold_mailbox_and_post(struct mailbox_item *item, void *context)
{
    struct office *office = context;

    hold_mailbox(item, context);
    post(office->mailbox, 0, 10);
}

static void draining_opens_what_is_held(void **state)
{
    struct office *office = *state;
    struct mailbox_item first = {.receive = hold_mailbox_and_post};
    struct mailbox_item last = {.receive = hold_mailbox};

    mailbox_post(office->mailbox, &first);
    for (int i = 0; i < 10; i++)
        post(office->mailbox, 0, i);
    mailbox_post(office->mailbox, &last);
    mailbox_drain(office->mailbox);
    assert_int_equal(office->opened, 11);
    assert_true(mailbox_is_empty(office->mailbox));
}

static void freeing_opens_what_is_inside(void **state)
{
    struct office *office = *state;

    post(office->mailbox, 0, 0);
    post(office->mailbox, 0, 1);
    mailbox_free(office->mailbox);
    office->mailbox = NULL;
    assert_int_equal(office->opened, 2);
}

struct sender {
    pthread_t thread;
    struct mailbox *mailbox;
    int name;
};

static void *send_many(void *argument)
{
    struct sender *sender = argument;

    for (int i = 0; i < LETTERS; i++)
        post(sender->mailbox, sender->name, i);
    return NULL;
}

static void many_senders_each_in_order(void **state)
{
    struct office *office = *state;
    struct sender senders[SENDERS];

    office->expected = SENDERS * LETTERS;
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){.mailbox = office->mailbox, .name = i};
        assert_int_equal(pthread_create(&senders[i].thread, NULL, send_many, &senders[i]), 0);
    }
    loop_run(office->loop);
    for (int i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_join(senders[i].thread, NULL), 0);
    assert_int_equal(office->opened, SENDERS * LETTERS);
}

/* One item to and fro at a time: each must wake a loop that is about to sleep. */
struct player {
    struct office office;
    struct mailbox *other;
    int rounds;
};

static void hit_back(struct mailbox_item *item, void *context)
{
    struct player *player = context;

    if (--player->rounds == 0)
        loop_stop(player->office.loop);
    mailbox_post(player->other, item);
}

static void catch_ball(struct mailbox_item *item, void *context)
{
    (void)item;
    (void)context;
}

static void *play(void *argument)
{
    loop_run(((struct player *)argument)->office.loop);
    return NULL;
}

static void no_item_is_slept_over(void **state)
{
    struct player players[2] = {{.rounds = LETTERS}, {.rounds = LETTERS}};
    struct mailbox_item ball = {.receive = hit_back};
    pthread_t thread;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        players[i].office.loop = loop_new();
        assert_non_null(players[i].office.loop);
        players[i].office.mailbox = mailbox_new(players[i].office.loop, &players[i]);
    }
    players[0].other = players[1].office.mailbox;
    players[1].other = players[0].office.mailbox;
    mailbox_post(players[0].office.mailbox, &ball);
    assert_int_equal(pthread_create(&thread, NULL, play, &players[1]), 0);
    loop_run(players[0].office.loop);
    assert_int_equal(pthread_join(thread, NULL), 0);
    ball.receive = catch_ball;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(players[i].rounds, 0);
        mailbox_free(players[i].office.mailbox);
        loop_free(players[i].office.loop);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_chain_arrives_in_its_order_between_others, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(items_from_before_the_run_arrive_in_order, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_mailbox_that_is_held_keeps_its_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_receiver_may_post_to_the_same_mailbox, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_turn_opens_so_many_and_the_next_goes_on, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(draining_opens_what_a_turn_has_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(draining_needs_no_loop, set_up, tear_down),
        cmocka_unit_test_setup_teardown(draining_opens_what_is_held, set_up, tear_down),
        cmocka_unit_test_setup_teardown(freeing_opens_what_is_inside, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_senders_each_in_order, set_up, tear_down),
        cmocka_unit_test(no_item_is_slept_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
