/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "broker/redelivery/redelivery.h"
#include "support/fake_loop.h"
#include "support/test.h"

static const struct qos_recipient ann = {SSE_BY_USER, "ann", ""};
static const struct qos_recipient news = {SSE_BY_CHANNEL, "news", ""};

struct fixture {
    struct loop *loop;
    struct redelivery *redelivery;
    struct redelivery_settings settings;
    uint64_t question; /* the last one */
    uint64_t position; /* of the last write to everybody */
    struct redelivery_write writes[64];
    size_t begun;
    const char *leaves; /* a connection that ends by a write to everybody; NULL: none */
    uint64_t had;       /* where the message 1 was written to everybody; 0: it was not */
    char asked[512];    /* "read>0+64 write(a)1,2 all3 check(7) note1=2 ack1 " */
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

static void op_read(void *context, uint64_t question, const struct qos_recipient *recipient,
                    uint64_t after, size_t limit)
{
    struct fixture *fixture = context;

    (void)recipient;
    fixture->question = question;
    tell(fixture, "read>%u+%zu ", (unsigned)after, limit);
}

static void op_check_liveness(void *context, uint64_t question,
                              const struct qos_recipient *recipient, uint64_t position,
                              uint64_t instance)
{
    struct fixture *fixture = context;

    (void)recipient;
    fixture->question = question;
    tell(fixture, "check(%u,%u) ", (unsigned)position, (unsigned)instance);
}

static void op_write_one(void *context, uint64_t question, const struct consumer *client,
                         const struct qos_copy *copies, size_t count)
{
    struct fixture *fixture = context;

    fixture->question = question;
    tell(fixture, "write(%s)", client->id);
    for (size_t i = 0; i < count; i++)
        tell(fixture, "%s%u", i > 0 ? "," : "", (unsigned)copies[i].message->number);
    tell(fixture, " ");
}

static struct redelivery_write *begin_write(struct fixture *fixture, uint64_t position)
{
    struct redelivery_write *write = &fixture->writes[fixture->begun++];

    assert_in_range(fixture->begun, 1, 64);
    redelivery_write_begin(fixture->redelivery, write);
    write->position = position;
    return write;
}

static uint64_t op_write_all(void *context, const struct qos_copy *copy)
{
    struct fixture *fixture = context;

    tell(fixture, "all%u ", (unsigned)copy->message->number);
    if (fixture->leaves)
        redelivery_leave(fixture->redelivery, fixture->leaves, &ann);
    return begin_write(fixture, ++fixture->position)->id;
}

static uint64_t op_position(void *context, const struct qos_copy *copy)
{
    const struct fixture *fixture = context;

    return strcmp(copy->message->id, "m1") == 0 ? fixture->had : 0;
}

static void op_mark(void *context, uint64_t number, const struct qos_recipient *recipient,
                    enum qos_state state, uint32_t written)
{
    (void)recipient;
    assert_true(state == QOS_STORED || state == QOS_ACKNOWLEDGED);
    tell(context, "%s%u=%u ", state == QOS_STORED ? "note" : "ack", (unsigned)number,
         (unsigned)written);
}

static const struct redelivery_ops ops = {op_read,      op_check_liveness, op_write_one,
                                          op_write_all, op_position,       op_mark};

static int open_fixture(void **state)
{
    struct fixture *fixture = mem_zalloc(sizeof(*fixture));

    fixture->loop = loop_new();
    fixture->settings = (struct redelivery_settings){
        .window = 4, .ack_ms = 30000, .ack_ms_most = 100000, .takeover_ms = 10000, .batch = 64};
    fixture->redelivery = redelivery_new(fixture->loop, &fixture->settings, &ops, fixture);
    *state = fixture;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < fixture->begun; i++)
        redelivery_write_end(fixture->redelivery, &fixture->writes[i]);
    redelivery_free(fixture->redelivery);
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

static void assert_report(const struct fixture *fixture, size_t queues, size_t in_flight,
                          size_t waiting)
{
    struct redelivery_report report;

    redelivery_report(fixture->redelivery, &report);
    assert_int_equal(report.queues, queues);
    assert_int_equal(report.in_flight, in_flight);
    assert_int_equal(report.standbys, waiting);
}

/* Stored and written to everybody, of whom so many get it. */
static void send_live(struct fixture *fixture, uint64_t number, bool was_empty, size_t reached)
{
    fixture->position++;
    assert_true(redelivery_stored(fixture->redelivery, number, &ann, was_empty,
                                  begin_write(fixture, fixture->position)));
    redelivery_reached(fixture->redelivery, number, &ann, reached, reached);
}

static struct consumer client_of(const struct fixture *fixture, const char *id, uint64_t instance)
{
    struct consumer client = {.instance = instance,
                              .joined = fixture->position,
                              .resumed = fixture->position,
                              .opened = fixture->position};

    snprintf(client.id, sizeof(client.id), "%s", id);
    return client;
}

static void arrive(struct fixture *fixture, const char *id, uint64_t instance)
{
    const struct consumer client = client_of(fixture, id, instance);

    redelivery_join(fixture->redelivery, &client, &ann, true);
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
    redelivery_read_done(fixture->redelivery, fixture->question, 0, copies, count, is_all);
}

static void answer_check(struct fixture *fixture, size_t having, const char *newest)
{
    struct liveness living = {.having = having, .is_anybody = newest != NULL};

    if (newest)
        living.newest = client_of(fixture, newest, 0);
    redelivery_living(fixture->redelivery, fixture->question, &living);
}

static void wrote(struct fixture *fixture, size_t taken)
{
    redelivery_batch_written(fixture->redelivery, fixture->question, taken, false);
}

static void end(struct fixture *fixture, uint64_t number)
{
    redelivery_end(fixture->redelivery, number, &ann, QOS_ACKNOWLEDGED);
}

static void test_live_until_it_has_ended(void **state)
{
    struct fixture *fixture = *state;

    send_live(fixture, 1, true, 2);
    send_live(fixture, 2, false, 2);
    assert_report(fixture, 1, 2, 0);
    assert_int_equal(redelivery_written(fixture->redelivery, 1, &ann), 1);
    assert_int_equal(redelivery_written(fixture->redelivery, 1, &news), 0);
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
    assert_false(redelivery_stored(fixture->redelivery, 2, &ann, false, begin_write(fixture, 2)));
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
    const struct consumer client = client_of(fixture, "a", 0);

    redelivery_join(fixture->redelivery, &client, &ann, false);
    redelivery_leave(fixture->redelivery, "a", &ann);
    assert_report(fixture, 0, 0, 0);
    assert_asked(fixture, "");
}

static void test_beyond_the_window_all_get_it_later(void **state)
{
    struct fixture *fixture = *state;

    for (uint64_t number = 1; number <= 4; number++)
        send_live(fixture, number, number == 1, 2);
    assert_false(redelivery_stored(fixture->redelivery, 5, &ann, false, begin_write(fixture, 5)));
    assert_false(redelivery_stored(fixture->redelivery, 6, &ann, false, begin_write(fixture, 5)));
    assert_asked(fixture, "");
    end(fixture, 2);
    assert_asked(fixture, "read>4+1 ");
    answer_read(fixture, 5, 5, false);
    assert_asked(fixture, "all5 ");
    redelivery_reached(fixture->redelivery, 5, &ann, 2, 2);
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
    redelivery_batch_written(fixture->redelivery, fixture->question, 1, true); /* gone */
    assert_asked(fixture, "note1=1 note2=1 check(0,0) ");
    answer_check(fixture, 0, NULL);
    assert_report(fixture, 0, 0, 0);
}

static void test_a_second_tab_waits_for_the_first(void **state)
{
    struct fixture *fixture = *state;

    send_live(fixture, 1, true, 1);
    arrive(fixture, "b", 2);
    assert_asked(fixture, "check(1,2) ");
    answer_check(fixture, 1, "b");
    assert_report(fixture, 1, 1, 1);
    assert_false(redelivery_stored(fixture->redelivery, 2, &ann, false, begin_write(fixture, 2)));
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
    answer_check(fixture, 1, "b");
    redelivery_leave(fixture->redelivery, "a", &ann);
    assert_asked(fixture, "check(1,0) check(1,0) ");
    answer_check(fixture, 0, "b");
    assert_asked(fixture, "note1=1 read>0+4 ");
    answer_read(fixture, 1, 1, true);
    assert_asked(fixture, "write(b)1 ");
    assert_report(fixture, 1, 1, 0);
}

static void test_a_leave_meanwhile_asks_again(void **state)
{
    struct fixture *fixture = *state;

    send_live(fixture, 1, true, 2);
    redelivery_leave(fixture->redelivery, "a", &ann);
    redelivery_leave(fixture->redelivery, "b", &ann);
    assert_asked(fixture, "check(1,0) ");
    answer_check(fixture, 1, "b");
    assert_asked(fixture, "check(1,0) ");
    answer_check(fixture, 0, NULL);
    assert_asked(fixture, "note1=1 ");
    assert_report(fixture, 0, 0, 0);
}

static void test_it_takes_over_when_its_patience_is_over(void **state)
{
    struct fixture *fixture = *state;
    struct redelivery_report report;

    send_live(fixture, 1, true, 1);
    arrive(fixture, "b", 0);
    answer_check(fixture, 1, "b");
    fake_loop_advance(fixture->loop, 9999);
    assert_asked(fixture, "check(1,0) ");
    fake_loop_advance(fixture->loop, 1);
    assert_asked(fixture, "note1=1 read>0+4 ");
    redelivery_report(fixture->redelivery, &report);
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
    assert_asked(fixture, "check(0,7) ");
    answer_check(fixture, 0, "c");
    assert_asked(fixture, "note1=1 read>0+4 ");
    answer_read(fixture, 1, 1, true);
    assert_asked(fixture, "write(c)1 ");
    assert_report(fixture, 1, 1, 1);
}

static void test_what_it_has_from_the_history_is_not_written_again(void **state)
{
    struct fixture *fixture = *state;
    struct consumer client;

    send_live(fixture, 1, true, 1);
    fixture->had = 1;
    client = client_of(fixture, "b", 0);
    client.resumed = 0;
    redelivery_join(fixture->redelivery, &client, &ann, true); /* it has all: it need not wait */
    assert_report(fixture, 1, 1, 0);
    redelivery_leave(fixture->redelivery, "a", &ann);
    assert_asked(fixture, "");
    redelivery_leave(fixture->redelivery, "b", &ann);
    answer_check(fixture, 0, NULL);
    assert_asked(fixture, "check(1,0) note1=1 ");
    client.id[0] = 'c';
    redelivery_join(fixture->redelivery, &client, &ann, true);
    answer_read(fixture, 1, 1, true);
    assert_asked(fixture, "read>0+4 ");
    assert_report(fixture, 1, 1, 0);
}

static void test_it_comes_again_and_ever_later(void **state)
{
    struct fixture *fixture = *state;
    struct redelivery_report report;
    const unsigned patience[] = {30000, 60000, 100000, 100000};

    arrive(fixture, "a", 0);
    answer_read(fixture, 1, 1, true);
    wrote(fixture, 1);
    assert_asked(fixture, "read>0+4 write(a)1 ");
    for (size_t i = 0; i < sizeof(patience) / sizeof(patience[0]); i++) {
        fake_loop_advance(fixture->loop, patience[i] - 1);
        assert_asked(fixture, "");
        fake_loop_advance(fixture->loop, 1);
        answer_check(fixture, 0, "a");
        answer_read(fixture, 1, 1, true);
        wrote(fixture, 1);
        assert_asked(fixture, "check(0,0) note1=1 read>0+4 write(a)1 ");
    }
    redelivery_report(fixture->redelivery, &report);
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
    assert_asked(fixture, "check(0,0) ");
    answer_check(fixture, 0, "a");
    answer_read(fixture, 1, 1, true);
    wrote(fixture, 1);
}

static void test_a_read_that_fails_is_tried_again(void **state)
{
    struct fixture *fixture = *state;

    arrive(fixture, "a", 0);
    redelivery_read_done(fixture->redelivery, fixture->question, -5, NULL, 0, false);
    assert_asked(fixture, "read>0+4 ");
    assert_false(redelivery_stored(fixture->redelivery, 2, &ann, false, begin_write(fixture, 1)));
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
    redelivery_leave(fixture->redelivery, "a", &ann);
    answer_check(fixture, 0, NULL);
    assert_asked(fixture, "read>0+4 check(0,0) ");
    assert_report(fixture, 0, 0, 0);
    redelivery_read_done(fixture->redelivery, question, 0, NULL, 0, true);
    redelivery_batch_written(fixture->redelivery, question, 1, false);
    answer_check(fixture, 0, NULL);
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
    struct consumer client = client_of(fixture, id, 0);

    client.is_silent = true;
    redelivery_join(fixture->redelivery, &client, &ann, true);
}

/* Where nobody acknowledges, written is done; where one does, that one is waited for. */
static void test_written_to_silent_clients_is_done(void **state)
{
    struct fixture *fixture = *state;

    fixture->position = 1;
    assert_true(redelivery_stored(fixture->redelivery, 1, &ann, true, begin_write(fixture, 1)));
    redelivery_reached(fixture->redelivery, 1, &ann, 2, 0);
    assert_asked(fixture, "ack1=1 ");
    end(fixture, 1);
    send_live(fixture, 2, true, 3);
    assert_asked(fixture, "");
    assert_report(fixture, 1, 1, 0);
    end(fixture, 2);
    fixture->position++;
    assert_true(redelivery_stored(fixture->redelivery, 3, &ann, true,
                                  begin_write(fixture, fixture->position)));
    redelivery_reached(fixture->redelivery, 3, &ann, 0, 0); /* nobody is there */
    assert_asked(fixture, "");
}

/* Written to everybody there, of whom none acknowledges. */
static void send_to_silent(struct fixture *fixture, uint64_t number)
{
    fixture->position++;
    assert_true(redelivery_stored(fixture->redelivery, number, &ann, false,
                                  begin_write(fixture, fixture->position)));
    redelivery_reached(fixture->redelivery, number, &ann, 1, 0);
}

/* Who is to acknowledge the first has gone. It may come back, and then sees them in order: what has
 * ended it would get from the history, at once. */
static void test_what_silent_clients_have_is_done_in_order(void **state)
{
    struct fixture *fixture = *state;

    send_live(fixture, 1, true, 2);
    send_to_silent(fixture, 2);
    send_to_silent(fixture, 3);
    assert_asked(fixture, "");
    end(fixture, 1);
    assert_asked(fixture, "ack2=1 ack3=1 ");
    send_to_silent(fixture, 4);
    assert_asked(fixture, "ack4=1 "); /* the answers are not waited for */
    end(fixture, 2);
    end(fixture, 3);
    end(fixture, 4);
    assert_report(fixture, 0, 0, 0);
    assert_asked(fixture, "");
}

static void test_a_group_has_no_such_order(void **state)
{
    struct fixture *fixture = *state;

    for (uint64_t number = 1; number <= 2; number++) {
        assert_true(redelivery_stored(fixture->redelivery, number, &news, number == 1,
                                      begin_write(fixture, number)));
        redelivery_reached(fixture->redelivery, number, &news, 2, number == 1);
    }
    assert_asked(fixture, "ack2=1 ");
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
    struct liveness living = {.having = 1, .is_anybody = true};

    living.newest = client_of(fixture, "s", 0);
    living.newest.is_silent = true;
    send_live(fixture, 1, true, 2);
    assert_asked(fixture, "");
    fake_loop_advance(fixture->loop, 30000);
    assert_asked(fixture, "check(1,0) ");
    redelivery_living(fixture->redelivery, fixture->question, &living);
    assert_asked(fixture, "ack1=1 ");
    fake_loop_advance(fixture->loop, 60000); /* the store has refused it */
    redelivery_living(fixture->redelivery, fixture->question, &living);
    assert_asked(fixture, "check(1,0) ack1=1 ");
}

/* One that acknowledges is still there: it is the one that gets it again. */
static void test_it_is_written_again_to_one_that_acknowledges(void **state)
{
    struct fixture *fixture = *state;
    struct liveness living = {.having = 1, .is_anybody = true, .is_anybody_attentive = true};

    living.newest = client_of(fixture, "s", 0);
    living.newest.is_silent = true;
    living.attentive = client_of(fixture, "a", 0);
    send_live(fixture, 1, true, 2);
    fake_loop_advance(fixture->loop, 30000);
    assert_asked(fixture, "check(1,0) ");
    redelivery_living(fixture->redelivery, fixture->question, &living);
    assert_asked(fixture, "note1=1 read>0+4 ");
    answer_read(fixture, 1, 1, true);
    assert_asked(fixture, "write(a)1 ");
    wrote(fixture, 1);
    assert_asked(fixture, "");
}

static void test_in_a_group_nobody_waits(void **state)
{
    struct fixture *fixture = *state;
    struct consumer client;

    fixture->position = 1;
    assert_true(redelivery_stored(fixture->redelivery, 1, &news, true, begin_write(fixture, 1)));
    redelivery_reached(fixture->redelivery, 1, &news, 5, 5);
    client = client_of(fixture, "f", 6);
    redelivery_join(fixture->redelivery, &client, &news, true);
    assert_asked(fixture, "check(1,6) ");
    answer_check(fixture, 5, "f");
    assert_true(redelivery_stored(fixture->redelivery, 2, &news, false, begin_write(fixture, 2)));
    assert_report(fixture, 1, 2, 0);
    redelivery_leave(fixture->redelivery, "a", &news);
    assert_asked(fixture, ""); /* crowds are not counted with every leave */
    fake_loop_advance(fixture->loop, 1000);
    assert_asked(fixture, "check(1,6) ");
    answer_check(fixture, 0, "f");
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
        assert_true(redelivery_stored(fixture->redelivery, i + 1, &alike[i], true,
                                      begin_write(fixture, i + 1)));
    assert_report(fixture, count, count, 0);
    for (size_t i = 0; i < count; i++)
        redelivery_end(fixture->redelivery, i + 1, &alike[i], QOS_ACKNOWLEDGED);
    assert_report(fixture, 0, 0, 0);
}

static void test_how_long_acknowledgements_take(void **state)
{
    struct fixture *fixture = *state;
    struct redelivery_report report;

    send_live(fixture, 1, true, 1);
    send_live(fixture, 2, false, 1);
    fake_loop_advance(fixture->loop, 300);
    end(fixture, 1);
    redelivery_end(fixture->redelivery, 2, &ann, QOS_EXPIRED); /* nobody has acknowledged it, */
    end(fixture, 3);                                           /* and this was not written */
    redelivery_report(fixture->redelivery, &report);
    assert_int_equal(report.acknowledged.sum_us, 300000);
    assert_int_equal(report.acknowledged.counts[11], 1); /* up to 500 ms */
}

/* ---- owned by another node ---- */

static void test_owned_elsewhere_all_wait(void **state)
{
    struct fixture *fixture = *state;

    redelivery_own(fixture->redelivery, &ann, false);
    arrive(fixture, "a", 0);
    assert_false(redelivery_stored(fixture->redelivery, 1, &ann, true, begin_write(fixture, 1)));
    fake_loop_advance(fixture->loop, 60000); /* the other one is not taken over from here */
    arrive(fixture, "b", 0);
    redelivery_leave(fixture->redelivery, "a", &ann);
    assert_report(fixture, 1, 0, 1);
    assert_asked(fixture, "");
    redelivery_own(fixture->redelivery, &ann, true);
    assert_asked(fixture, "read>0+4 ");
    answer_read(fixture, 1, 1, true);
    assert_asked(fixture, "all1 ");
    redelivery_reached(fixture->redelivery, 1, &ann, 1, 1);
    end(fixture, 1);
    assert_report(fixture, 0, 0, 0);
}

static void test_another_node_takes_a_queue(void **state)
{
    struct fixture *fixture = *state;

    arrive(fixture, "a", 0);
    assert_asked(fixture, "read>0+4 ");
    answer_read(fixture, 1, 2, true);
    assert_asked(fixture, "write(a)1,2 ");
    redelivery_own(fixture->redelivery, &ann, false);
    assert_asked(fixture, "note1=1 note2=1 ");
    assert_report(fixture, 1, 0, 1);
    wrote(fixture, 2); /* comes too late */
    end(fixture, 1);
    redelivery_own(fixture->redelivery, &ann, false); /* is no news */
    assert_asked(fixture, "");
    redelivery_own(fixture->redelivery, &ann, true);
    assert_asked(fixture, "read>0+4 ");
    answer_read(fixture, 2, 2, true);
    assert_asked(fixture, "all2 ");
}

static void test_a_queue_comes_back_to_nobody(void **state)
{
    struct fixture *fixture = *state;

    redelivery_own(fixture->redelivery, &ann, true); /* is no news */
    assert_report(fixture, 0, 0, 0);
    redelivery_own(fixture->redelivery, &ann, false);
    redelivery_own(fixture->redelivery, &ann, true);
    assert_asked(fixture, "check(0,0) read>0+4 ");
    fixture->question--; /* the first of the two */
    answer_check(fixture, 0, NULL);
    assert_report(fixture, 0, 0, 0);
}

#define with_fixture(test) cmocka_unit_test_setup_teardown(test, open_fixture, close_fixture)

/* Its connection is too slow for what is written to everybody, and had a copy alone. */
static void test_what_a_write_puts_back_is_read_again(void **state)
{
    struct fixture *fixture = *state;

    arrive(fixture, "a", 0);
    answer_read(fixture, 1, 1, true);
    assert_asked(fixture, "read>0+4 write(a)1 ");
    assert_false(redelivery_stored(fixture->redelivery, 2, &ann, false, begin_write(fixture, 2)));
    wrote(fixture, 1);
    assert_asked(fixture, "read>1+3 ");
    fixture->leaves = "a";
    answer_read(fixture, 2, 2, true);
    fixture->leaves = NULL;
    assert_asked(fixture, "all2 note1=1 check(0,0) ");
    redelivery_reached(fixture->redelivery, 2, &ann, 1, 1);
    answer_check(fixture, 1, "b"); /* which has the other one */
    assert_asked(fixture, "read>0+3 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_fixture(test_live_until_it_has_ended),
        with_fixture(test_nobody_is_there),
        with_fixture(test_who_comes_to_an_empty_queue_is_not_known),
        with_fixture(test_beyond_the_window_all_get_it_later),
        with_fixture(test_no_room_at_the_connection),
        with_fixture(test_what_a_write_puts_back_is_read_again),
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
        with_fixture(test_what_silent_clients_have_is_done_in_order),
        with_fixture(test_a_group_has_no_such_order),
        with_fixture(test_what_waited_is_done_when_a_silent_client_has_it),
        with_fixture(test_another_receiver_does_not_end_it),
        with_fixture(test_a_silent_client_that_has_it_is_enough_in_the_end),
        with_fixture(test_it_is_written_again_to_one_that_acknowledges),
        with_fixture(test_in_a_group_nobody_waits),
        with_fixture(test_queues_are_told_apart),
        with_fixture(test_how_long_acknowledgements_take),
        with_fixture(test_owned_elsewhere_all_wait),
        with_fixture(test_another_node_takes_a_queue),
        with_fixture(test_a_queue_comes_back_to_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
