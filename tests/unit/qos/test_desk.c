/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "qos/desk.h"
#include "support/fake_loop.h"
#include "support/test.h"

static const struct qos_recipient ann = {SSE_BY_USER, "ann", ""};
static const struct qos_recipient news = {SSE_BY_CHANNEL, "news", ""};

struct fixture {
    struct loop *loop;
    struct qos_desk *desk;
    struct qos_desk_settings settings;
    uint64_t question; /* the last one */
    uint64_t position; /* of the last write to everybody */
    uint64_t had;      /* where the message 1 was written to everybody; 0: it was not */
    char asked[512];   /* "read>0+64 write(a)1,2 all3 census(7) note1=2 ack1 " */
};

__attribute__((format(printf, 2, 3))) static void tell(struct fixture *fixture, const char *format,
                                                       ...)
{
    const size_t used = strlen(fixture->asked);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(fixture->asked + used, sizeof(fixture->asked) - used, format, arguments);
    va_end(arguments);
}

static void op_read(void *context, uint64_t box, const struct qos_recipient *recipient,
                    uint64_t after, size_t limit)
{
    struct fixture *fixture = context;

    (void)recipient;
    fixture->question = box;
    tell(fixture, "read>%u+%zu ", (unsigned)after, limit);
}

static void op_census(void *context, uint64_t box, const struct qos_recipient *recipient,
                      uint64_t position, uint64_t instance)
{
    struct fixture *fixture = context;

    (void)recipient;
    fixture->question = box;
    tell(fixture, "census(%u,%u) ", (unsigned)position, (unsigned)instance);
}

static void op_write_one(void *context, uint64_t box, const struct qos_client *client,
                         const struct qos_copy *copies, size_t count)
{
    struct fixture *fixture = context;

    fixture->question = box;
    tell(fixture, "write(%s)", client->id);
    for (size_t i = 0; i < count; i++)
        tell(fixture, "%s%u", i > 0 ? "," : "", (unsigned)copies[i].message->number);
    tell(fixture, " ");
}

static uint64_t op_write_all(void *context, const struct qos_copy *copy)
{
    struct fixture *fixture = context;

    tell(fixture, "all%u ", (unsigned)copy->message->number);
    return ++fixture->position;
}

static uint64_t op_position(void *context, const char *id)
{
    const struct fixture *fixture = context;

    return strcmp(id, "m1") == 0 ? fixture->had : 0;
}

static void op_note(void *context, uint64_t number, const struct qos_recipient *recipient,
                    uint32_t written)
{
    (void)recipient;
    tell(context, "note%u=%u ", (unsigned)number, (unsigned)written);
}

static void op_acknowledge(void *context, uint64_t number, const struct qos_recipient *recipient,
                           uint32_t written)
{
    (void)recipient;
    tell(context, "ack%u=%u ", (unsigned)number, (unsigned)written);
}

static const struct qos_desk_ops ops = {op_read,     op_census, op_write_one,  op_write_all,
                                        op_position, op_note,   op_acknowledge};

static int open_fixture(void **state)
{
    struct fixture *fixture = mem_zalloc(sizeof(*fixture));

    fixture->loop = loop_new();
    fixture->settings = (struct qos_desk_settings){
        .window = 4, .ack_ms = 30000, .ack_ms_most = 100000, .takeover_ms = 10000, .batch = 64};
    fixture->desk = qos_desk_new(fixture->loop, &fixture->settings, &ops, fixture);
    *state = fixture;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *fixture = *state;

    qos_desk_free(fixture->desk);
    assert_true(list_is_empty(&fixture->loop->timers));
    loop_free(fixture->loop);
    free(fixture);
    return 0;
}

static void assert_asked(struct fixture *fixture, const char *expected)
{
    assert_string_equal(fixture->asked, expected);
    fixture->asked[0] = '\0';
}

static void assert_report(const struct fixture *fixture, size_t boxes, size_t in_flight,
                          size_t waiting)
{
    struct qos_desk_report report;

    qos_desk_report(fixture->desk, &report);
    assert_int_equal(report.boxes, boxes);
    assert_int_equal(report.in_flight, in_flight);
    assert_int_equal(report.waiting, waiting);
}

/* Stored and written to everybody, of whom so many get it. */
static void send_live(struct fixture *fixture, uint64_t number, bool was_empty, size_t reached)
{
    fixture->position++;
    assert_true(qos_desk_stored(fixture->desk, number, &ann, was_empty, fixture->position));
    qos_desk_reached(fixture->desk, number, &ann, reached);
}

static struct qos_client client_of(const struct fixture *fixture, const char *id, uint64_t instance)
{
    struct qos_client client = {.instance = instance,
                                .joined = fixture->position,
                                .resumed = fixture->position,
                                .opened = fixture->position};

    snprintf(client.id, sizeof(client.id), "%s", id);
    return client;
}

static void arrive(struct fixture *fixture, const char *id, uint64_t instance)
{
    const struct qos_client client = client_of(fixture, id, instance);

    qos_desk_arrive(fixture->desk, &client, &ann, true);
}

/* Answers the read that was asked with the copies from one number to another. */
static void answer_read(struct fixture *fixture, uint64_t first, uint64_t last, bool is_all)
{
    struct qos_message messages[8];
    struct qos_copy copies[8];
    char ids[8][8];
    size_t count = 0;

    for (uint64_t number = first; number <= last; number++, count++) {
        snprintf(ids[count], sizeof(ids[count]), "m%u", (unsigned)number);
        messages[count] = (struct qos_message){.number = number, .id = ids[count]};
        copies[count] = (struct qos_copy){.message = &messages[count], .recipient = ann};
    }
    qos_desk_read(fixture->desk, fixture->question, 0, copies, count, is_all);
}

static void answer_census(struct fixture *fixture, size_t holders, const char *newest)
{
    struct qos_census census = {.holders = holders, .is_anybody = newest != NULL};

    if (newest)
        census.newest = client_of(fixture, newest, 0);
    qos_desk_counted(fixture->desk, fixture->question, &census);
}

static void wrote(struct fixture *fixture, size_t taken)
{
    qos_desk_wrote_one(fixture->desk, fixture->question, taken, false);
}

static void end(struct fixture *fixture, uint64_t number)
{
    qos_desk_end(fixture->desk, number, &ann);
}

static void test_live_until_it_has_ended(void **state)
{
    struct fixture *fixture = *state;

    send_live(fixture, 1, true, 2);
    send_live(fixture, 2, false, 2);
    assert_report(fixture, 1, 2, 0);
    assert_int_equal(qos_desk_written(fixture->desk, 1, &ann), 1);
    assert_int_equal(qos_desk_written(fixture->desk, 1, &news), 0);
    end(fixture, 2);
    end(fixture, 7);
    end(fixture, 1);
    assert_report(fixture, 0, 0, 0);
    assert_asked(fixture, "");
}

static void test_nobody_is_there(void **state)
{
    struct fixture *fixture = *state;

    send_live(fixture, 1, true, 0);
    assert_report(fixture, 0, 0, 0);
    assert_false(qos_desk_stored(fixture->desk, 2, &ann, false, 2));
    assert_report(fixture, 0, 0, 0);
    arrive(fixture, "a", 0);
    assert_asked(fixture, "read>0+4 ");
    answer_read(fixture, 1, 2, true);
    assert_asked(fixture, "write(a)1,2 ");
    wrote(fixture, 2);
    assert_report(fixture, 1, 2, 0);
    end(fixture, 1);
    end(fixture, 2);
    assert_report(fixture, 0, 0, 0);
    assert_asked(fixture, "");
}

static void test_who_comes_to_an_empty_queue_is_not_known(void **state)
{
    struct fixture *fixture = *state;
    const struct qos_client client = client_of(fixture, "a", 0);

    qos_desk_arrive(fixture->desk, &client, &ann, false);
    qos_desk_leave(fixture->desk, "a", &ann);
    assert_report(fixture, 0, 0, 0);
    assert_asked(fixture, "");
}

static void test_beyond_the_window_all_get_it_later(void **state)
{
    struct fixture *fixture = *state;

    for (uint64_t number = 1; number <= 4; number++)
        send_live(fixture, number, number == 1, 2);
    assert_false(qos_desk_stored(fixture->desk, 5, &ann, false, 5));
    assert_false(qos_desk_stored(fixture->desk, 6, &ann, false, 5));
    assert_asked(fixture, "");
    end(fixture, 2);
    assert_asked(fixture, "read>4+1 ");
    answer_read(fixture, 5, 5, false);
    assert_asked(fixture, "all5 ");
    qos_desk_reached(fixture->desk, 5, &ann, 2);
    end(fixture, 1);
    answer_read(fixture, 6, 6, true);
    assert_asked(fixture, "read>5+1 all6 ");
    assert_report(fixture, 1, 4, 0);
}

static void test_no_room_at_the_connection(void **state)
{
    struct fixture *fixture = *state;

    arrive(fixture, "a", 0);
    answer_read(fixture, 1, 3, true);
    assert_asked(fixture, "read>0+4 write(a)1,2,3 ");
    wrote(fixture, 1);
    assert_asked(fixture, "read>1+3 ");
    assert_report(fixture, 1, 1, 0);
    answer_read(fixture, 2, 3, true);
    assert_asked(fixture, "write(a)2,3 ");
    qos_desk_wrote_one(fixture->desk, fixture->question, 1, true); /* gone */
    assert_asked(fixture, "note1=1 note2=1 census(0,0) ");
    answer_census(fixture, 0, NULL);
    assert_report(fixture, 0, 0, 0);
}

static void test_a_second_tab_waits_for_the_first(void **state)
{
    struct fixture *fixture = *state;

    send_live(fixture, 1, true, 1);
    arrive(fixture, "b", 2);
    assert_asked(fixture, "census(1,2) ");
    answer_census(fixture, 1, "b");
    assert_report(fixture, 1, 1, 1);
    assert_false(qos_desk_stored(fixture->desk, 2, &ann, false, 2));
    assert_asked(fixture, "");
    end(fixture, 1);
    assert_report(fixture, 1, 0, 0);
    answer_read(fixture, 2, 2, true);
    assert_asked(fixture, "read>1+4 all2 ");
}

static void test_it_takes_over_when_the_first_goes(void **state)
{
    struct fixture *fixture = *state;

    send_live(fixture, 1, true, 1);
    arrive(fixture, "b", 0);
    answer_census(fixture, 1, "b");
    qos_desk_leave(fixture->desk, "a", &ann);
    assert_asked(fixture, "census(1,0) census(1,0) ");
    answer_census(fixture, 0, "b");
    assert_asked(fixture, "note1=1 read>0+4 ");
    answer_read(fixture, 1, 1, true);
    assert_asked(fixture, "write(b)1 ");
    assert_report(fixture, 1, 1, 0);
}

static void test_a_leave_meanwhile_asks_again(void **state)
{
    struct fixture *fixture = *state;

    send_live(fixture, 1, true, 2);
    qos_desk_leave(fixture->desk, "a", &ann);
    qos_desk_leave(fixture->desk, "b", &ann);
    assert_asked(fixture, "census(1,0) ");
    answer_census(fixture, 1, "b");
    assert_asked(fixture, "census(1,0) ");
    answer_census(fixture, 0, NULL);
    assert_asked(fixture, "note1=1 ");
    assert_report(fixture, 0, 0, 0);
}

static void test_it_takes_over_when_its_patience_is_over(void **state)
{
    struct fixture *fixture = *state;
    struct qos_desk_report report;

    send_live(fixture, 1, true, 1);
    arrive(fixture, "b", 0);
    answer_census(fixture, 1, "b");
    fake_loop_advance(fixture->loop, 9999);
    assert_asked(fixture, "census(1,0) ");
    fake_loop_advance(fixture->loop, 1);
    assert_asked(fixture, "note1=1 read>0+4 ");
    qos_desk_report(fixture->desk, &report);
    assert_int_equal(report.takeovers, 1);
}

static void test_its_page_has_come_back(void **state)
{
    struct fixture *fixture = *state;

    arrive(fixture, "a", 7);
    answer_read(fixture, 1, 1, true);
    wrote(fixture, 1);
    assert_asked(fixture, "read>0+4 write(a)1 ");
    arrive(fixture, "b", 8); /* another one: "a" is known to have it */
    assert_asked(fixture, "");
    arrive(fixture, "c", 7); /* the end of "a" has not been noticed yet */
    assert_asked(fixture, "census(0,7) ");
    answer_census(fixture, 0, "c");
    assert_asked(fixture, "note1=1 read>0+4 ");
    answer_read(fixture, 1, 1, true);
    assert_asked(fixture, "write(c)1 ");
    assert_report(fixture, 1, 1, 1);
}

static void test_what_it_has_from_the_history_is_not_written_again(void **state)
{
    struct fixture *fixture = *state;
    struct qos_client client;

    send_live(fixture, 1, true, 1);
    fixture->had = 1;
    client = client_of(fixture, "b", 0);
    client.resumed = 0;
    qos_desk_arrive(fixture->desk, &client, &ann, true); /* it has all: it need not wait */
    assert_report(fixture, 1, 1, 0);
    qos_desk_leave(fixture->desk, "a", &ann);
    assert_asked(fixture, "");
    qos_desk_leave(fixture->desk, "b", &ann);
    answer_census(fixture, 0, NULL);
    assert_asked(fixture, "census(1,0) note1=1 ");
    client.id[0] = 'c';
    qos_desk_arrive(fixture->desk, &client, &ann, true);
    answer_read(fixture, 1, 1, true);
    assert_asked(fixture, "read>0+4 ");
    assert_report(fixture, 1, 1, 0);
}

static void test_it_comes_again_and_ever_later(void **state)
{
    struct fixture *fixture = *state;
    struct qos_desk_report report;
    const unsigned patience[] = {30000, 60000, 100000, 100000};

    arrive(fixture, "a", 0);
    answer_read(fixture, 1, 1, true);
    wrote(fixture, 1);
    assert_asked(fixture, "read>0+4 write(a)1 ");
    for (size_t i = 0; i < sizeof(patience) / sizeof(patience[0]); i++) {
        fake_loop_advance(fixture->loop, patience[i] - 1);
        assert_asked(fixture, "");
        fake_loop_advance(fixture->loop, 1);
        answer_census(fixture, 0, "a");
        answer_read(fixture, 1, 1, true);
        wrote(fixture, 1);
        assert_asked(fixture, "census(0,0) note1=1 read>0+4 write(a)1 ");
    }
    qos_desk_report(fixture->desk, &report);
    assert_int_equal(report.timeouts, 4);
    assert_int_equal(report.resends, 5);
}

/* Its acknowledgement may have come while we were stopped, and has not been read. */
static void test_it_does_not_come_again_for_our_own_stop(void **state)
{
    struct fixture *fixture = *state;

    arrive(fixture, "a", 0);
    answer_read(fixture, 1, 1, true);
    wrote(fixture, 1);
    assert_asked(fixture, "read>0+4 write(a)1 ");
    fake_loop_stop(fixture->loop, 60000);
    assert_asked(fixture, "");
    fake_loop_advance(fixture->loop, 29999);
    assert_asked(fixture, "");
    fake_loop_advance(fixture->loop, 1);
    assert_asked(fixture, "census(0,0) ");
    answer_census(fixture, 0, "a");
    answer_read(fixture, 1, 1, true);
    wrote(fixture, 1);
}

static void test_a_read_that_fails_is_tried_again(void **state)
{
    struct fixture *fixture = *state;

    arrive(fixture, "a", 0);
    qos_desk_read(fixture->desk, fixture->question, -5, NULL, 0, false);
    assert_asked(fixture, "read>0+4 ");
    assert_false(qos_desk_stored(fixture->desk, 2, &ann, false, 1));
    fake_loop_advance(fixture->loop, 1000);
    assert_asked(fixture, "read>0+4 ");
    answer_read(fixture, 1, 2, true);
    assert_asked(fixture, "write(a)1 "); /* and the second one is for everybody */
}

static void test_answers_that_come_too_late(void **state)
{
    struct fixture *fixture = *state;
    uint64_t question;

    arrive(fixture, "a", 0);
    question = fixture->question;
    qos_desk_leave(fixture->desk, "a", &ann);
    answer_census(fixture, 0, NULL);
    assert_asked(fixture, "read>0+4 census(0,0) ");
    assert_report(fixture, 0, 0, 0);
    qos_desk_read(fixture->desk, question, 0, NULL, 0, true);
    qos_desk_wrote_one(fixture->desk, question, 1, false);
    answer_census(fixture, 0, NULL);
    assert_asked(fixture, "");
}

static void test_written_is_acknowledged(void **state)
{
    struct fixture *fixture = *state;

    fixture->settings.ack_on_write = true;
    send_live(fixture, 1, true, 3);
    assert_asked(fixture, "ack1=1 ");
    end(fixture, 1);
    send_live(fixture, 2, true, 0);
    assert_asked(fixture, "");
    arrive(fixture, "a", 0);
    answer_read(fixture, 2, 3, true);
    wrote(fixture, 1);
    assert_asked(fixture, "read>0+4 write(a)2,3 ack2=1 read>2+3 ");
}

static void arrive_silent(struct fixture *fixture, const char *id)
{
    struct qos_client client = client_of(fixture, id, 0);

    client.is_silent = true;
    qos_desk_arrive(fixture->desk, &client, &ann, true);
}

/* Where nobody acknowledges, written is done; where one does, that one is waited for. */
static void test_written_to_silent_clients_is_done(void **state)
{
    struct fixture *fixture = *state;

    fixture->position = 1;
    assert_true(qos_desk_stored(fixture->desk, 1, &ann, true, 1));
    qos_desk_reached_silent(fixture->desk, 1, &ann, 2);
    assert_asked(fixture, "ack1=1 ");
    end(fixture, 1);
    send_live(fixture, 2, true, 3);
    assert_asked(fixture, "");
    assert_report(fixture, 1, 1, 0);
    end(fixture, 2);
    fixture->position++;
    assert_true(qos_desk_stored(fixture->desk, 3, &ann, true, fixture->position));
    qos_desk_reached_silent(fixture->desk, 3, &ann, 0); /* nobody is there */
    assert_asked(fixture, "");
}

static void test_what_waited_is_done_when_a_silent_client_has_it(void **state)
{
    struct fixture *fixture = *state;

    arrive_silent(fixture, "s");
    answer_read(fixture, 1, 2, true);
    wrote(fixture, 1); /* it had room for one */
    assert_asked(fixture, "read>0+4 write(s)1,2 ack1=1 read>1+3 ");
}

/* It is said of whom it was written to, whoever receives meanwhile. */
static void test_another_receiver_does_not_end_it(void **state)
{
    struct fixture *fixture = *state;

    arrive(fixture, "a", 0);
    answer_read(fixture, 1, 1, true);
    arrive_silent(fixture, "s");
    wrote(fixture, 1);
    assert_null(strstr(fixture->asked, "ack"));
}

/* One that acknowledges has not, for long: a silent one that has it, too, is not given it again. */
static void test_a_silent_client_that_has_it_is_enough_in_the_end(void **state)
{
    struct fixture *fixture = *state;
    struct qos_census census = {.holders = 1, .is_anybody = true};

    census.newest = client_of(fixture, "s", 0);
    census.newest.is_silent = true;
    send_live(fixture, 1, true, 2);
    assert_asked(fixture, "");
    fake_loop_advance(fixture->loop, 30000);
    assert_asked(fixture, "census(1,0) ");
    qos_desk_counted(fixture->desk, fixture->question, &census);
    assert_asked(fixture, "ack1=1 ");
}

/* One that acknowledges is still there: it is the one that gets it again. */
static void test_it_comes_again_to_one_that_acknowledges(void **state)
{
    struct fixture *fixture = *state;
    struct qos_census census = {.holders = 1, .is_anybody = true, .is_anybody_attentive = true};

    census.newest = client_of(fixture, "s", 0);
    census.newest.is_silent = true;
    census.attentive = client_of(fixture, "a", 0);
    send_live(fixture, 1, true, 2);
    fake_loop_advance(fixture->loop, 30000);
    assert_asked(fixture, "census(1,0) ");
    qos_desk_counted(fixture->desk, fixture->question, &census);
    assert_asked(fixture, "note1=1 read>0+4 ");
    answer_read(fixture, 1, 1, true);
    assert_asked(fixture, "write(a)1 ");
    wrote(fixture, 1);
    assert_asked(fixture, "");
}

static void test_in_a_group_nobody_waits(void **state)
{
    struct fixture *fixture = *state;
    struct qos_client client;

    fixture->position = 1;
    assert_true(qos_desk_stored(fixture->desk, 1, &news, true, 1));
    qos_desk_reached(fixture->desk, 1, &news, 5);
    client = client_of(fixture, "f", 6);
    qos_desk_arrive(fixture->desk, &client, &news, true);
    assert_asked(fixture, "census(1,6) ");
    answer_census(fixture, 5, "f");
    assert_true(qos_desk_stored(fixture->desk, 2, &news, false, 2));
    assert_report(fixture, 1, 2, 0);
    qos_desk_leave(fixture->desk, "a", &news);
    assert_asked(fixture, ""); /* crowds are not counted with every leave */
    fake_loop_advance(fixture->loop, 1000);
    assert_asked(fixture, "census(1,6) ");
    answer_census(fixture, 0, "f");
    assert_asked(fixture, "note1=1 read>0+3 ");
    assert_report(fixture, 1, 1, 0);
}

static void test_queues_are_told_apart(void **state)
{
    struct fixture *fixture = *state;
    const struct qos_recipient alike[] = {{SSE_BY_USER, "a", "b"},
                                          {SSE_BY_USER, "ab", ""},
                                          {SSE_BY_USER, "", "ab"},
                                          {SSE_BY_TOKEN, "ab", ""},
                                          {SSE_ALL, "", ""}};
    const size_t count = sizeof(alike) / sizeof(alike[0]);

    for (size_t i = 0; i < count; i++)
        assert_true(qos_desk_stored(fixture->desk, i + 1, &alike[i], true, i + 1));
    assert_report(fixture, count, count, 0);
    for (size_t i = 0; i < count; i++)
        qos_desk_end(fixture->desk, i + 1, &alike[i]);
    assert_report(fixture, 0, 0, 0);
}

#define with_fixture(test) cmocka_unit_test_setup_teardown(test, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_fixture(test_live_until_it_has_ended),
        with_fixture(test_nobody_is_there),
        with_fixture(test_who_comes_to_an_empty_queue_is_not_known),
        with_fixture(test_beyond_the_window_all_get_it_later),
        with_fixture(test_no_room_at_the_connection),
        with_fixture(test_a_second_tab_waits_for_the_first),
        with_fixture(test_it_takes_over_when_the_first_goes),
        with_fixture(test_a_leave_meanwhile_asks_again),
        with_fixture(test_it_takes_over_when_its_patience_is_over),
        with_fixture(test_its_page_has_come_back),
        with_fixture(test_what_it_has_from_the_history_is_not_written_again),
        with_fixture(test_it_comes_again_and_ever_later),
        with_fixture(test_it_does_not_come_again_for_our_own_stop),
        with_fixture(test_a_read_that_fails_is_tried_again),
        with_fixture(test_answers_that_come_too_late),
        with_fixture(test_written_is_acknowledged),
        with_fixture(test_written_to_silent_clients_is_done),
        with_fixture(test_what_waited_is_done_when_a_silent_client_has_it),
        with_fixture(test_another_receiver_does_not_end_it),
        with_fixture(test_a_silent_client_that_has_it_is_enough_in_the_end),
        with_fixture(test_it_comes_again_to_one_that_acknowledges),
        with_fixture(test_in_a_group_nobody_waits),
        with_fixture(test_queues_are_told_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
