/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/broker.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

/* A question under way. Free ones are chained by their index. */
struct ask {
    struct broker_request *request; /* NULL: it is free */
    uint32_t generation;            /* of this place: no answer finds another question */
    uint32_t next_free;
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
    size_t under_way;
};

struct broker *broker_new(size_t worker, size_t workers, const struct hash_key *key,
                          const struct broker_transport *transport)
{
    struct broker *broker = mem_zalloc(sizeof(*broker));

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
    assert(broker->under_way == 0);
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
    broker->under_way++;
    return (uint64_t)broker->asks[place].generation << 32 | place;
}

/* Whose answer this is; NULL: there is no such question any more. */
static struct broker_request *ticket_take(struct broker *broker, uint64_t ticket)
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
    if (--request->open > 0)
        return request;
    ask->request = NULL;
    ask->generation++;
    ask->next_free = broker->first_free;
    broker->first_free = place;
    broker->under_way--;
    return request;
}

/* ---- sending ---- */

static void post(struct broker *broker, size_t to, struct broker_message *message)
{
    message->from = (uint16_t)broker->worker;
    if (to == broker->worker)
        broker_receive(broker, message);
    else
        broker->transport.post(broker->transport.context, to, message);
}

void broker_send(struct broker *broker, size_t to, struct broker_message *message)
{
    broker->transport.begin(broker->transport.context);
    post(broker, to, message);
}

static void ask(struct broker *broker, size_t to, struct broker_message *message, uint64_t ticket)
{
    message->ticket = ticket;
    broker->transport.begin(broker->transport.context);
    post(broker, to, message);
}

void broker_ask(struct broker *broker, size_t to, struct broker_message *message,
                struct broker_request *request)
{
    request->ticket = ticket_new(broker, request);
    request->open = 1;
    ask(broker, to, message, request->ticket);
}

void broker_send_all(struct broker *broker, broker_make make, void *context)
{
    for (size_t i = 1; i <= broker->workers; i++) {
        const size_t to = (broker->worker + i) % broker->workers;

        broker_send(broker, to, make(context, to));
    }
}

/* No answer comes before the last is asked, which may be the end of the request. */
void broker_ask_all(struct broker *broker, broker_make make, void *context,
                    struct broker_request *request)
{
    const uint64_t ticket = ticket_new(broker, request);

    request->ticket = ticket;
    request->open = broker->workers;
    for (size_t i = 1; i <= broker->workers; i++) {
        const size_t to = (broker->worker + i) % broker->workers;

        ask(broker, to, make(context, to), ticket);
    }
}

struct broker_asker broker_asker(const struct broker_message *question)
{
    return (struct broker_asker){question->service, question->from, question->ticket};
}

void broker_answer(struct broker *broker, const struct broker_asker *asker,
                   struct broker_message *answer)
{
    answer->service = asker->service;
    answer->ticket = asker->ticket;
    post(broker, asker->worker, answer);
}

/* ---- receiving ---- */

static void on_answer(struct broker *broker, const struct broker_message *answer)
{
    struct broker_request *request = ticket_take(broker, answer->ticket);

    if (request)
        request->on_answer(request, answer);
}

void broker_receive(struct broker *broker, struct broker_message *message)
{
    const struct broker_receiver *receiver = message->service == BROKER_NO_SERVICE
                                                 ? &broker->of_worker
                                                 : &broker->receivers[message->service];
    const bool is_answer = broker_role(message->kind) == BROKER_ANSWER;
    const bool is_question = message->ticket != 0 && !is_answer;

    if (is_answer)
        on_answer(broker, message);
    else
        receiver->receive(receiver->context, message);
    broker_message_free(message);
    if (!is_question) /* whose answer ends it */
        broker->transport.end(broker->transport.context);
}
