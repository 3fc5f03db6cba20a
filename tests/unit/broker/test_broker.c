/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "broker/broker.h"
#include "support/test.h"

enum { WORKERS = 3, MOST_KEPT = 8 };

struct team;

struct worker {
    struct team *team;
    size_t number;
    struct broker *broker;
    struct letter *inbox, **inbox_end;
    struct broker_asker kept[MOST_KEPT]; /* questions that are not answered yet */
    size_t kept_count, told;
};

struct team {
    struct worker workers[WORKERS];
    size_t under_way;
};

struct request {
    struct broker_request base;
    size_t answers;
    bool is_over;
};

static void post(void *context, size_t to, struct broker_message *message)
{
    struct worker *worker = &((struct team *)context)->workers[to];

    message->letter.next = NULL;
    *worker->inbox_end = &message->letter;
    worker->inbox_end = &message->letter.next;
}

static void begin(void *context)
{
    ((struct team *)context)->under_way++;
}

static void end(void *context)
{
    ((struct team *)context)->under_way--;
}

static void receive(void *context, const struct broker_message *message)
{
    struct worker *worker = context;

    if (message->kind == BROKER_RECORD)
        worker->kept[worker->kept_count++] = broker_asker(message);
    else
        worker->told++;
}

static void read_inbox(struct worker *worker)
{
    struct letter *letter;

    while ((letter = worker->inbox)) {
        worker->inbox = letter->next;
        if (!worker->inbox)
            worker->inbox_end = &worker->inbox;
        broker_receive(worker->broker, container_of(letter, struct broker_message, letter));
    }
}

static void answer(struct worker *worker)
{
    broker_answer(worker->broker, &worker->kept[--worker->kept_count],
                  broker_message_new(BROKER_RECORDED, 0, 0));
}

static void team_open(struct team *team)
{
    const struct hash_key key = hash_key_new();
    const struct broker_transport transport = {post, begin, end, team};

    *team = (struct team){.under_way = 0};
    for (size_t i = 0; i < WORKERS; i++) {
        struct worker *worker = &team->workers[i];
        const struct broker_receiver receiver = {receive, worker};

        worker->team = team;
        worker->number = i;
        worker->inbox_end = &worker->inbox;
        worker->broker = broker_new(i, WORKERS, &key, &transport);
        broker_set_receiver(worker->broker, 0, &receiver);
        broker_set_receiver(worker->broker, BROKER_NO_SERVICE, &receiver);
    }
}

static void team_close(struct team *team)
{
    assert_int_equal(team->under_way, 0);
    for (size_t i = 0; i < WORKERS; i++)
        broker_free(team->workers[i].broker);
}

static struct broker_message *make_record(void *context, size_t worker)
{
    struct broker_message *message = broker_message_new(BROKER_RECORD, 0, 0);

    (void)context;
    message->is_recording = worker != WORKERS;
    return message;
}

static struct broker_message *make_wake(void *context, size_t worker)
{
    (void)worker;
    return broker_message_new(BROKER_WAKE_WATCHERS, *(size_t *)context, 0);
}

static void on_answer(struct broker_request *base, const struct broker_message *message)
{
    struct request *request = container_of(base, struct request, base);

    assert_int_equal(message->kind, BROKER_RECORDED);
    assert_false(request->is_over);
    request->answers++;
    request->is_over = base->open == 0;
}

static void all_are_asked_and_all_answers_come(void **state)
{
    struct request request = {.base.on_answer = on_answer};
    struct team team;

    (void)state;
    team_open(&team);
    broker_ask_all(team.workers[1].broker, make_record, NULL, &request.base);
    assert_int_equal(team.workers[1].kept_count, 1);
    answer(&team.workers[1]); /* its own part may be the first that is done */
    assert_int_equal(request.answers, 1);
    assert_false(request.is_over);
    for (size_t i = 0; i < WORKERS; i += 2) {
        read_inbox(&team.workers[i]);
        answer(&team.workers[i]);
        assert_false(request.is_over);
    }
    read_inbox(&team.workers[1]);
    assert_int_equal(request.answers, WORKERS);
    assert_true(request.is_over);
    team_close(&team);
}

/* The second has the place of the first in the list of questions, but not its ticket. */
static void an_answer_belongs_to_one_question(void **state)
{
    struct request first = {.base.on_answer = on_answer}, second = first;
    struct team team;

    (void)state;
    team_open(&team);
    for (size_t i = 0; i < 2; i++) {
        struct request *request = i == 0 ? &first : &second;

        broker_ask(team.workers[0].broker, 1, make_record(NULL, 1), &request->base);
        assert_false(request->is_over);
        read_inbox(&team.workers[1]);
        answer(&team.workers[1]);
        read_inbox(&team.workers[0]);
        assert_true(request->is_over);
    }
    assert_int_not_equal(first.base.ticket, second.base.ticket);
    assert_int_equal(first.answers + second.answers, 2);
    team_close(&team);
}

static void all_are_told(void **state)
{
    size_t service = 0;
    struct team team;

    (void)state;
    team_open(&team);
    broker_send_all(team.workers[2].broker, make_wake, &service);
    service = BROKER_NO_SERVICE;
    broker_send_all(team.workers[0].broker, make_wake, &service);
    for (size_t i = 0; i < WORKERS; i++) {
        read_inbox(&team.workers[i]);
        assert_int_equal(team.workers[i].told, 2);
    }
    team_close(&team);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_are_asked_and_all_answers_come),
        cmocka_unit_test(an_answer_belongs_to_one_question),
        cmocka_unit_test(all_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
