/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "broker/broker.h"
#include "support/inbox.h"
#include "support/test.h"
#include "support/worlds.h"

enum { WORKERS = 3, MOST_KEPT = 8 };

struct team;

struct worker {
    struct team *team;
    size_t number;
    struct broker *broker;
    struct inbox inbox;
    struct broker_asker kept[MOST_KEPT]; /* questions that are not answered yet */
    size_t kept_count, told;
};

struct team {
    struct worker workers[WORKERS];
};

struct request {
    struct broker_request base;
    size_t answers;
    bool is_over;
};

static void post(void *context, size_t to, struct broker_message *message)
{
    inbox_post(&((struct team *)context)->workers[to].inbox, message);
}

static bool is_empty(void *context, size_t worker)
{
    return inbox_is_empty(&((struct team *)context)->workers[worker].inbox);
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
    while (inbox_read(&worker->inbox, worker->broker)) {
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
    const struct broker_transport transport = {post, is_empty, team};

    *team = (struct team){.workers = {{0}}};
    for (size_t i = 0; i < WORKERS; i++) {
        struct worker *worker = &team->workers[i];
        const struct broker_receiver receiver = {receive, worker};

        worker->team = team;
        worker->number = i;
        inbox_init(&worker->inbox);
        worker->broker = broker_new(i, WORKERS, &key, &transport);
        broker_set_receiver(worker->broker, 0, &receiver);
        broker_set_receiver(worker->broker, BROKER_NO_SERVICE, &receiver);
    }
}

static void team_close(struct team *team)
{
    for (size_t i = 0; i < WORKERS; i++) {
        assert_null(team->workers[i].inbox.first);
        broker_free(team->workers[i].broker);
    }
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

/* Whoever answers last brings the answers of all. */
static void all_are_asked_and_all_answers_come(void **state)
{
    struct request request = {.base.on_answer = on_answer};
    struct team team;

    (void)state;
    team_open(&team);
    broker_ask_all(team.workers[1].broker, make_record, NULL, &request.base);
    assert_int_equal(team.workers[1].kept_count, 1);
    answer(&team.workers[1]); /* its own part may be the first that is done */
    for (size_t i = 0; i < WORKERS; i += 2) {
        read_inbox(&team.workers[1]);
        assert_int_equal(request.answers, 0);
        read_inbox(&team.workers[i]);
        answer(&team.workers[i]);
    }
    assert_null(team.workers[1].inbox.first->next);
    read_inbox(&team.workers[1]);
    assert_int_equal(request.answers, WORKERS);
    assert_true(request.is_over);
    team_close(&team);
}

/* Or comes to them at once, when it is the one that asked. */
static void the_last_answer_may_be_its_own(void **state)
{
    struct request request = {.base.on_answer = on_answer};
    struct team team;

    (void)state;
    team_open(&team);
    broker_ask_all(team.workers[0].broker, make_record, NULL, &request.base);
    for (size_t i = 1; i < WORKERS; i++) {
        read_inbox(&team.workers[i]);
        answer(&team.workers[i]);
    }
    assert_null(team.workers[0].inbox.first);
    assert_false(request.is_over);
    answer(&team.workers[0]);
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

static struct broker_message *make_for_others(void *context, size_t worker)
{
    return worker == *(size_t *)context ? NULL : make_record(NULL, worker);
}

static void some_of_all_may_be_asked(void **state)
{
    struct team team;

    (void)state;
    team_open(&team);
    for (size_t left_out = 0; left_out < WORKERS; left_out++) {
        struct request request = {.base.on_answer = on_answer};

        broker_ask_all(team.workers[1].broker, make_for_others, &left_out, &request.base);
        for (size_t i = 0; i < WORKERS; i++) {
            read_inbox(&team.workers[i]);
            assert_int_equal(team.workers[i].kept_count, i != left_out);
            if (i != left_out)
                answer(&team.workers[i]);
        }
        read_inbox(&team.workers[1]);
        assert_true(request.is_over);
        assert_int_equal(request.answers, WORKERS - 1);
    }
    team_close(&team);
}

/* ---- the stop ---- */

/*
 * Workers tell and ask each other, and what arrives leads to more; some questions are answered
 * later. At a random time each is to stop. Messages from one worker to another arrive in their
 * order, and in any order beside those of others: while one worker is asked whether it stops,
 * another may have heard already. When a worker has stopped nothing is under way: no message but
 * the word that it is over, and no question. SEED=n runs that one.
 */
enum { WORLDS = 1000, MOST_WORKERS = 6, GENERATIONS = 6 };

struct world;

struct shard {
    struct world *world;
    struct broker *broker;
    struct inbox inboxes[MOST_WORKERS]; /* by sender */
    size_t waiting;                     /* in them, of messages that are not the stop's */
    struct broker_asker kept[64];
    size_t kept_count;
    bool is_stopping, is_stopped;
};

struct world {
    uint64_t seed, state;
    size_t workers, open;
    struct shard shards[MOST_WORKERS];
};

struct question {
    struct broker_request base;
    struct shard *shard;
    uint64_t generation;
};

static uint64_t draw(struct world *world, uint64_t below)
{
    return draw_below(&world->state, below);
}

static bool is_stops(const struct broker_message *message)
{
    return broker_role(message->kind) == BROKER_TO_BROKER;
}

static void world_post(void *context, size_t to, struct broker_message *message)
{
    struct world *world = context;
    struct shard *shard = &world->shards[to];

    if (world->shards[message->from].is_stopped)
        fail_msg("world %llu: a worker sends behind its stop", (unsigned long long)world->seed);
    inbox_post(&shard->inboxes[message->from], message);
    shard->waiting += !is_stops(message);
}

static void on_question_answered(struct broker_request *base, const struct broker_message *answer);

static struct broker_message *make_world_record(void *context, size_t worker)
{
    (void)context;
    (void)worker;
    return broker_message_new(BROKER_RECORD, 0, 0);
}

static struct question *question_new(struct shard *shard, uint64_t generation)
{
    struct question *question = mem_zalloc(sizeof(*question));

    question->base.on_answer = on_question_answered;
    question->shard = shard;
    question->generation = generation;
    shard->world->open++;
    return question;
}

/* Tells somebody, asks somebody, or asks all; the fewer the older. */
static void talk(struct shard *shard, uint64_t generation)
{
    struct world *world = shard->world;
    const size_t to = draw(world, world->workers);
    struct broker_message *message;

    if (generation == 0)
        return;
    switch (draw(world, 5)) {
    case 0:
    case 1:
        message = broker_message_new(BROKER_READ, 0, 0);
        message->read.after = generation - 1;
        broker_send(shard->broker, to, message);
        break;
    case 2:
    case 3:
        broker_ask(shard->broker, to, make_world_record(NULL, to),
                   &question_new(shard, generation - 1)->base);
        break;
    default:
        broker_ask_all(shard->broker, make_world_record, NULL,
                       &question_new(shard, generation - 1)->base);
    }
}

static void on_question_answered(struct broker_request *base, const struct broker_message *answer)
{
    struct question *question = container_of(base, struct question, base);

    (void)answer;
    if (base->open > 0)
        return;
    question->shard->world->open--;
    talk(question->shard, question->generation);
    free(question);
}

static void world_receive(void *context, const struct broker_message *message)
{
    struct shard *shard = context;
    const struct broker_asker asker = broker_asker(message);

    if (message->kind == BROKER_READ) {
        talk(shard, message->read.after);
        talk(shard, message->read.after);
    } else if (shard->kept_count < 64 && draw(shard->world, 2) == 0) {
        shard->kept[shard->kept_count++] = asker;
    } else {
        broker_answer(shard->broker, &asker, broker_message_new(BROKER_RECORDED, 0, 0));
    }
}

static void take_one(struct shard *shard)
{
    const size_t from = draw(shard->world, shard->world->workers);
    struct broker_message *message = inbox_take(&shard->inboxes[from]);

    if (!message)
        return;
    shard->waiting -= !is_stops(message);
    broker_receive(shard->broker, message);
}

static void check_stopped(const struct world *world)
{
    size_t waiting = 0;

    for (size_t i = 0; i < world->workers; i++)
        waiting += world->shards[i].waiting;
    if (waiting + world->open > 0)
        fail_msg("world %llu: stopped with %zu messages and %zu questions under way",
                 (unsigned long long)world->seed, waiting, world->open);
}

static void live_on(struct shard *shard)
{
    struct world *world = shard->world;

    take_one(shard);
    if (shard->kept_count > 0 && draw(world, 3) == 0)
        broker_answer(shard->broker, &shard->kept[--shard->kept_count],
                      broker_message_new(BROKER_RECORDED, 0, 0));
    if (!shard->is_stopping && draw(world, 4) == 0)
        talk(shard, draw(world, GENERATIONS));
    if (!shard->is_stopping && draw(world, 40) == 0) {
        talk(shard, GENERATIONS); /* what it has begun last is under way for a while */
        talk(shard, GENERATIONS);
        shard->is_stopping = true;
    }
    if (!shard->is_stopping)
        return;
    shard->is_stopped = broker_stop(shard->broker);
    if (shard->is_stopped)
        check_stopped(world);
}

static bool are_all_stopped(const struct world *world)
{
    for (size_t i = 0; i < world->workers; i++) {
        if (!world->shards[i].is_stopped)
            return false;
    }
    return true;
}

static void play(uint64_t seed)
{
    static struct world world;
    const struct hash_key key = hash_key_new();
    const struct broker_transport transport = {.post = world_post, .context = &world};
    size_t steps = 0;

    world = (struct world){.seed = seed, .state = seed};
    world.workers = 1 + draw(&world, MOST_WORKERS);
    for (size_t i = 0; i < world.workers; i++) {
        struct shard *shard = &world.shards[i];

        shard->world = &world;
        for (size_t from = 0; from < world.workers; from++)
            inbox_init(&shard->inboxes[from]);
        shard->broker = broker_new(i, world.workers, &key, &transport);
        broker_set_receiver(shard->broker, 0, &(struct broker_receiver){world_receive, shard});
    }
    while (!are_all_stopped(&world)) {
        struct shard *shard = &world.shards[draw(&world, world.workers)];

        if (!shard->is_stopped)
            live_on(shard);
        if (++steps > 100000)
            fail_msg("world %llu: it does not stop", (unsigned long long)seed);
    }
    for (size_t i = 0; i < world.workers; i++)
        broker_free(world.shards[i].broker);
}

/* What a worker asks itself does not overtake what has come to it. */
static void questions_may_have_their_turn(void **state)
{
    struct request requests[2] = {{.base.on_answer = on_answer}, {.base.on_answer = on_answer}};
    struct team team;
    struct worker *worker = &team.workers[1];

    (void)state;
    team_open(&team);
    broker_ask_in_turn(worker->broker, 1, make_record(NULL, 0), &requests[0].base);
    assert_int_equal(worker->kept_count, 1);
    broker_send(team.workers[0].broker, 1, make_wake(&(size_t){0}, 1));
    broker_ask_in_turn(worker->broker, 1, make_record(NULL, 0), &requests[1].base);
    assert_int_equal(worker->kept_count, 1);
    assert_int_equal(worker->told, 0);
    read_inbox(worker);
    assert_int_equal(worker->kept_count, 2);
    assert_int_equal(worker->told, 1);
    answer(worker);
    answer(worker);
    assert_true(requests[0].is_over && requests[1].is_over);
    team_close(&team);
}

/* Those answer to who has asked first, and wake it once. */
static void others_answer_for_who_is_asked(void **state)
{
    struct request request = {.base.on_answer = on_answer};
    size_t left_out = 0;
    struct broker_asker asker;
    struct team team;
    struct worker *owner = &team.workers[1];

    (void)state;
    team_open(&team);
    broker_ask(team.workers[0].broker, 1, make_record(NULL, 0), &request.base);
    read_inbox(owner);
    asker = owner->kept[--owner->kept_count];
    assert_int_equal(broker_ask_for(owner->broker, &asker, make_for_others, &left_out),
                     WORKERS - 1);
    for (size_t i = 1; i < WORKERS; i++) {
        assert_true(inbox_is_empty(&team.workers[0].inbox));
        read_inbox(&team.workers[i]);
        answer(&team.workers[i]);
    }
    assert_true(inbox_is_empty(&owner->inbox));
    assert_false(request.is_over);
    assert_true(inbox_read(&team.workers[0].inbox, team.workers[0].broker));
    assert_int_equal(request.answers, WORKERS - 1);
    assert_true(request.is_over);
    team_close(&team);
}

static void all_stop_when_nothing_is_under_way(void **state)
{
    const char *seed = getenv("SEED");

    (void)state;
    if (seed) {
        play(strtoull(seed, NULL, 10));
        return;
    }
    for (uint64_t i = 1; i <= WORLDS; i++)
        play(i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_are_asked_and_all_answers_come),
        cmocka_unit_test(the_last_answer_may_be_its_own),
        cmocka_unit_test(an_answer_belongs_to_one_question),
        cmocka_unit_test(all_are_told),
        cmocka_unit_test(some_of_all_may_be_asked),
        cmocka_unit_test(questions_may_have_their_turn),
        cmocka_unit_test(others_answer_for_who_is_asked),
        cmocka_unit_test(all_stop_when_nothing_is_under_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
