/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/loop.h"
#include "base/mem.h"
#include "broker/mailboxes.h"
#include "support/test.h"

enum { MOST_WORKERS = 4, QUESTIONS = 2000, UNDER_WAY = 3 };

/*
 * Every worker asks QUESTIONS questions, a few under way at a time, by turns of one other and of
 * all. Some are answered by a task of the worker's loop. Questions from one worker reach each other
 * one in their order. Whoever has all its answers stops its loop, and leaves: the others' questions
 * are answered all the same. What a worker owns is touched by its own thread only: TSan is the
 * judge of that.
 */
struct team;

struct worker {
    struct team *team;
    size_t number;
    pthread_t thread;
    struct loop *loop;
    struct broker *broker;
    uint64_t asked, answered;
    uint64_t due[MOST_WORKERS]; /* the number of the next question from each worker */
    struct loop_task next;
};

struct team {
    struct mailboxes *mailboxes;
    size_t count;
    struct worker workers[MOST_WORKERS];
};

struct question {
    struct broker_request request;
    struct worker *worker;
    uint64_t number;
    size_t expected, answers;
};

struct late_answer {
    struct loop_task task;
    struct worker *worker;
    struct broker_asker asker;
    uint64_t number;
};

static void answer(struct worker *worker, const struct broker_asker *asker, uint64_t number)
{
    struct broker_message *message = broker_message_new(BROKER_EVENTS, 0, 0);

    message->events.after = number;
    broker_answer(worker->broker, asker, message);
}

static void answer_late(struct loop_task *task)
{
    struct late_answer *late = container_of(task, struct late_answer, task);

    answer(late->worker, &late->asker, late->number);
    free(late);
}

static void receive(void *context, const struct broker_message *message)
{
    struct worker *worker = context;
    const struct broker_asker asker = broker_asker(message);
    const uint64_t number = message->read.after;
    struct late_answer *late;

    assert_true(pthread_equal(pthread_self(), worker->thread));
    assert_true(number >= worker->due[message->from]);
    worker->due[message->from] = number + 1;
    if (number % 3 > 0) {
        answer(worker, &asker, number);
        return;
    }
    late = mem_zalloc(sizeof(*late));
    *late = (struct late_answer){{.run = answer_late}, worker, asker, number};
    loop_defer(worker->loop, &late->task);
}

static void on_answer(struct broker_request *request, const struct broker_message *message)
{
    struct question *question = container_of(request, struct question, request);
    struct worker *worker = question->worker;

    assert_true(pthread_equal(pthread_self(), worker->thread));
    assert_int_equal(message->events.after, question->number);
    question->answers++;
    if (request->open > 0)
        return;
    assert_int_equal(question->answers, question->expected);
    free(question);
    worker->answered++;
    loop_defer(worker->loop, &worker->next);
}

static struct broker_message *make(void *context, size_t to)
{
    const struct question *question = context;
    struct broker_message *message = broker_message_new(BROKER_READ, 0, 0);

    (void)to;
    message->read.after = question->number;
    return message;
}

static void ask(struct worker *worker)
{
    struct question *question = mem_zalloc(sizeof(*question));
    const size_t count = worker->team->count;

    *question = (struct question){
        .request.on_answer = on_answer, .worker = worker, .number = worker->asked++};
    if (question->number % 2 == 0) {
        question->expected = count;
        broker_ask_all(worker->broker, make, question, &question->request);
    } else {
        question->expected = 1;
        broker_ask(worker->broker, question->number / 2 % count, make(question, 0),
                   &question->request);
    }
}

static void go_on(struct loop_task *task)
{
    struct worker *worker = container_of(task, struct worker, next);

    while (worker->asked < QUESTIONS && worker->asked - worker->answered < UNDER_WAY)
        ask(worker);
    if (worker->answered == QUESTIONS)
        loop_stop(worker->loop);
}

static void *work(void *argument)
{
    struct worker *worker = argument;

    worker->loop = loop_new();
    worker->broker = mailboxes_broker_new(worker->team->mailboxes, worker->number);
    assert_int_equal(broker_workers(worker->broker), worker->team->count);
    broker_set_receiver(worker->broker, 0, &(struct broker_receiver){receive, worker});
    worker->next.run = go_on;
    mailboxes_join(worker->team->mailboxes, worker->number, worker->loop, worker->broker);
    loop_defer(worker->loop, &worker->next);
    loop_run(worker->loop);
    mailboxes_leave(worker->team->mailboxes, worker->number);
    broker_free(worker->broker);
    loop_free(worker->loop);
    return NULL;
}

static void run(size_t count)
{
    static struct team team;

    team = (struct team){.mailboxes = mailboxes_new(count), .count = count};
    for (size_t i = 0; i < count; i++) {
        team.workers[i].team = &team;
        team.workers[i].number = i;
        assert_int_equal(pthread_create(&team.workers[i].thread, NULL, work, &team.workers[i]), 0);
    }
    for (size_t i = 0; i < count; i++)
        pthread_join(team.workers[i].thread, NULL);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(team.workers[i].answered, QUESTIONS);
    mailboxes_free(team.mailboxes);
}

static void one_worker_asks_itself(void **state)
{
    (void)state;
    run(1);
}

static void several_workers_ask_each_other(void **state)
{
    (void)state;
    run(2);
    run(MOST_WORKERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_worker_asks_itself),
        cmocka_unit_test(several_workers_ask_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
