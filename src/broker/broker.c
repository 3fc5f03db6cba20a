/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/broker.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"

/* A question under way. Free ones are chained by their index. */
struct ask {
    struct broker_request *request; /* NULL: it is free */
    uint32_t generation;            /* of this place: no answer finds another question */
    uint32_t next_free;
};

/* The answers to a question that went to all; the last one takes them along. */
struct broker_gathering {
    atomic_size_t open;
    _Atomic(struct broker_message *) answers;
};

/* The worker that asks the others, when all stop, whether something is under way. */
#define STOP_WORKER 0u

/* A round of asking them. */
struct stop_round {
    size_t answers; /* of all workers: it is over */
    bool all_stop;
    struct broker_traffic sum;
};

struct broker {
    size_t worker, workers;
    struct hash_key key;
    struct broker_transport transport;
    struct broker_receiver *receivers; /* by service */
    size_t receiver_count;
    struct broker_receiver of_worker; /* of what is for no service */
    struct ask *asks;                 /* from 1 on */
    uint32_t ask_count, first_free;
    struct broker_traffic traffic;
    bool is_stopped;
    struct stop_round round, before; /* of the worker that asks */
};

struct broker *broker_new(size_t worker, size_t workers, const struct hash_key *key,
                          const struct broker_transport *transport)
{
    struct broker *broker = mem_zalloc(sizeof(*broker));

    assert(workers <= BROKER_WORKERS_MOST);
    broker->worker = worker;
    broker->workers = workers;
    broker->key = *key;
    broker->transport = *transport;
    broker->asks = mem_zalloc(sizeof(*broker->asks));
    broker->ask_count = 1;
    return broker;
}

void broker_free(struct broker *broker)
{
    assert(broker->traffic.open == 0);
    free(broker->receivers);
    free(broker->asks);
    free(broker);
}

void broker_set_receiver(struct broker *broker, size_t index,
                         const struct broker_receiver *receiver)
{
    if (index == BROKER_NO_SERVICE) {
        broker->of_worker = *receiver;
        return;
    }
    if (index >= broker->receiver_count) {
        broker->receivers =
            mem_realloc(broker->receivers, (index + 1) * sizeof(broker->receivers[0]));
        while (broker->receiver_count <= index)
            broker->receivers[broker->receiver_count++] = (struct broker_receiver){NULL, NULL};
    }
    broker->receivers[index] = *receiver;
}

size_t broker_worker(const struct broker *broker)
{
    return broker->worker;
}

const struct hash_key *broker_key(const struct broker *broker)
{
    return &broker->key;
}

const struct broker_traffic *broker_traffic(const struct broker *broker)
{
    return &broker->traffic;
}

size_t broker_workers(const struct broker *broker)
{
    return broker->workers;
}

size_t broker_owner(const struct broker *broker, size_t service)
{
    return service % broker->workers;
}

size_t broker_shard_of(const struct broker *broker, const char *connection)
{
    const uint32_t shard = sse_connection_id_shard(&broker->key, connection);

    return shard < broker->workers ? shard : SIZE_MAX;
}

/* ---- questions ---- */

static uint64_t ticket_new(struct broker *broker, struct broker_request *request)
{
    uint32_t place = broker->first_free;

    if (place == 0) {
        place = broker->ask_count++;
        broker->asks = mem_realloc(broker->asks, broker->ask_count * sizeof(*broker->asks));
        broker->asks[place] = (struct ask){.generation = 0};
    } else {
        broker->first_free = broker->asks[place].next_free;
    }
    broker->asks[place].request = request;
    broker->traffic.open++;
    return (uint64_t)broker->asks[place].generation << 32 | place;
}

/* Whose answer this is; NULL: there is no such question any more. */
static struct broker_request *ticket_take(struct broker *broker, uint64_t ticket, bool is_last)
{
    const uint32_t place = (uint32_t)ticket;
    struct broker_request *request;
    struct ask *ask;

    if (place >= broker->ask_count)
        return NULL;
    ask = &broker->asks[place];
    request = ask->request;
    if (!request || ask->generation != ticket >> 32)
        return NULL;
    if (!is_last)
        return request;
    request->open = 0;
    ask->request = NULL;
    ask->generation++;
    ask->next_free = broker->first_free;
    broker->first_free = place;
    broker->traffic.open--;
    return request;
}

/* ---- sending ---- */

static void take(struct broker *broker, struct broker_message *message);

static void transport(struct broker *broker, size_t to, struct broker_message *message)
{
    broker->traffic.sent += broker_role(message->kind) != BROKER_TO_BROKER;
    broker->transport.post(broker->transport.context, to, message);
}

/* It says who has sent it. */
static void post(struct broker *broker, size_t to, struct broker_message *message)
{
    if (to == broker->worker)
        take(broker, message);
    else
        transport(broker, to, message);
}

void broker_send(struct broker *broker, size_t to, struct broker_message *message)
{
    message->from = (uint16_t)broker->worker;
    post(broker, to, message);
}

static void prepare(struct broker *broker, struct broker_message *question,
                    struct broker_request *request)
{
    request->ticket = ticket_new(broker, request);
    request->open = 1;
    question->ticket = request->ticket;
    question->from = (uint16_t)broker->worker;
}

void broker_ask(struct broker *broker, size_t to, struct broker_message *message,
                struct broker_request *request)
{
    prepare(broker, message, request);
    post(broker, to, message);
}

void broker_ask_in_turn(struct broker *broker, size_t to, struct broker_message *message,
                        struct broker_request *request)
{
    prepare(broker, message, request);
    if (to == broker->worker &&
        broker->transport.is_empty(broker->transport.context, broker->worker))
        take(broker, message);
    else
        transport(broker, to, message);
}

void broker_send_all(struct broker *broker, broker_make make, void *context)
{
    for (size_t i = 1; i <= broker->workers; i++) {
        const size_t to = (broker->worker + i) % broker->workers;
        struct broker_message *message = make(context, to);

        if (message)
            broker_send(broker, to, message);
    }
}

static struct broker_gathering *gathering_new(size_t answers)
{
    struct broker_gathering *gathering;

    if (answers == 1)
        return NULL;
    gathering = mem_zalloc(sizeof(*gathering));
    atomic_init(&gathering->open, answers);
    return gathering;
}

static size_t make_all(const struct broker *broker, broker_make make, void *context,
                       struct broker_message **messages)
{
    size_t count = 0;

    for (size_t i = 0; i < broker->workers; i++) {
        messages[i] = make(context, i);
        count += messages[i] != NULL;
    }
    return count;
}

/* No answer comes before the last is asked, which may be the end of the request. */
size_t broker_ask_for(struct broker *broker, const struct broker_asker *asker, broker_make make,
                      void *context)
{
    struct broker_message *messages[BROKER_WORKERS_MOST];
    const size_t count = make_all(broker, make, context, messages);
    struct broker_gathering *gathering = count > 0 ? gathering_new(count) : NULL;

    for (size_t i = 1; i <= broker->workers; i++) {
        const size_t to = (broker->worker + i) % broker->workers;

        if (!messages[to])
            continue;
        messages[to]->ticket = asker->ticket;
        messages[to]->gathering = gathering;
        messages[to]->from = asker->worker;
        post(broker, to, messages[to]);
    }
    return count;
}

void broker_ask_all(struct broker *broker, broker_make make, void *context,
                    struct broker_request *request)
{
    const struct broker_asker self = {.worker = (uint16_t)broker->worker,
                                      .ticket = ticket_new(broker, request)};

    request->ticket = self.ticket;
    request->open = 1;
    (void)broker_ask_for(broker, &self, make, context);
}

struct broker_asker broker_asker(const struct broker_message *question)
{
    return (struct broker_asker){question->service, question->from, question->ticket,
                                 question->gathering};
}

/* NULL: another answer is still to come, and takes this one along. */
static struct broker_message *gather(struct broker_gathering *gathering,
                                     struct broker_message *answer)
{
    struct broker_message *others = atomic_load_explicit(&gathering->answers, memory_order_relaxed);

    do
        answer->others = others;
    while (!atomic_compare_exchange_weak_explicit(&gathering->answers, &others, answer,
                                                  memory_order_release, memory_order_relaxed));
    /* Whoever is not the last must not look at it again. */
    if (atomic_fetch_sub_explicit(&gathering->open, 1, memory_order_acq_rel) != 1)
        return NULL;
    answer = atomic_load_explicit(&gathering->answers, memory_order_acquire);
    free(gathering);
    return answer;
}

void broker_answer(struct broker *broker, const struct broker_asker *asker,
                   struct broker_message *answer)
{
    answer->service = asker->service;
    answer->ticket = asker->ticket;
    answer->from = (uint16_t)broker->worker;
    if (asker->gathering)
        answer = gather(asker->gathering, answer);
    if (answer)
        post(broker, asker->worker, answer);
}

/* ---- the stop ---- */

/* Four counters (Mattern): all that was sent until this round had been received in the one before,
 * so no message was on its way between the two; and whoever stops, and waits for no answer, goes on
 * for a message only. */
static bool is_quiet(const struct stop_round *before, const struct stop_round *now)
{
    return now->all_stop && now->sum.open == 0 && now->sum.sent == before->sum.received;
}

static void post_stop(struct broker *broker, size_t to, enum broker_kind kind)
{
    struct broker_message *message = broker_message_new(kind, BROKER_NO_SERVICE, 0);

    message->from = (uint16_t)broker->worker;
    if (kind == BROKER_STOPPING)
        message->traffic = broker->traffic;
    post(broker, to, message);
}

static void post_to_all(struct broker *broker, enum broker_kind kind)
{
    for (size_t i = 1; i <= broker->workers; i++)
        post_stop(broker, (broker->worker + i) % broker->workers, kind);
}

static void on_stopping(struct broker *broker, const struct broker_traffic *traffic)
{
    struct stop_round *round = &broker->round;

    round->all_stop &= traffic->is_stopping;
    round->sum.sent += traffic->sent;
    round->sum.received += traffic->received;
    round->sum.open += traffic->open;
    if (++round->answers == broker->workers && is_quiet(&broker->before, round))
        post_to_all(broker, BROKER_STOPPED);
}

static void receive_stop(struct broker *broker, const struct broker_message *message)
{
    if (message->kind == BROKER_STOP)
        post_stop(broker, STOP_WORKER, BROKER_STOPPING);
    else if (message->kind == BROKER_STOPPING)
        on_stopping(broker, &message->traffic);
    else
        broker->is_stopped = true;
}

bool broker_stop(struct broker *broker)
{
    const bool is_first = !broker->traffic.is_stopping;

    broker->traffic.is_stopping = true;
    if (broker->is_stopped || broker->worker != STOP_WORKER ||
        (!is_first && broker->round.answers < broker->workers))
        return broker->is_stopped;
    broker->before = broker->round;
    broker->round = (struct stop_round){.all_stop = true};
    post_to_all(broker, BROKER_STOP);
    return broker->is_stopped;
}

/* ---- receiving ---- */

static void on_answer(struct broker *broker, const struct broker_message *answer)
{
    struct broker_request *request = ticket_take(broker, answer->ticket, answer->others == NULL);

    if (request && request->on_answer)
        request->on_answer(request, answer);
}

static void hand_over(struct broker *broker, const struct broker_message *message)
{
    const struct broker_receiver *receiver = message->service == BROKER_NO_SERVICE
                                                 ? &broker->of_worker
                                                 : &broker->receivers[message->service];

    if (broker_role(message->kind) == BROKER_ANSWER)
        on_answer(broker, message);
    else
        receiver->receive(receiver->context, message);
}

/* A message, or answers that have come together. */
static void take(struct broker *broker, struct broker_message *message)
{
    if (broker_role(message->kind) == BROKER_TO_BROKER) {
        receive_stop(broker, message);
        broker_message_free(message);
        return;
    }
    while (message) {
        struct broker_message *next = message->others;

        hand_over(broker, message);
        broker_message_free(message);
        message = next;
    }
}

void broker_receive(struct broker *broker, struct broker_message *message)
{
    broker->traffic.received += broker_role(message->kind) != BROKER_TO_BROKER;
    take(broker, message);
}
