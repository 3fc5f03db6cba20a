/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_BROKER_H
#define BROKER_BROKER_H
/*
 * One worker's end of everything that owners and shards of services say to each other. Sends
 * messages, matches answers with questions, and hands other messages to the service's part here
 * (broker/lifecycle.h).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/message.h"

#define BROKER_WORKERS_MOST 256u

struct broker;

/* Takes messages, which stay the broker's. */
struct broker_receiver {
    void (*receive)(void *context, const struct broker_message *message);
    void *context;
};

/* How messages get to other workers: mailboxes, or a simulation. */
struct broker_transport {
    /* Takes the message over. There, broker_receive() follows, in the order of posting. */
    void (*post)(void *context, size_t to, struct broker_message *message);
    /* Whether nothing is there for a worker, which asks this itself. */
    bool (*is_empty)(void *context, size_t worker);
    void *context;
};

/* Embed it in the state of what asks. */
struct broker_request {
    uint64_t ticket;
    size_t open; /* 1: answers are still to come */
    /* For each answer, perhaps before broker_ask() returns; open is 0 in the last. answer is the
     * broker's, until this returns. NULL: nothing is done with it. */
    void (*on_answer)(struct broker_request *request, const struct broker_message *answer);
};

/* Makes the message for one of several workers; NULL: there is none for it. */
typedef struct broker_message *(*broker_make)(void *context, size_t worker);

/* Where an answer goes. */
struct broker_asker {
    uint16_t service, worker;
    uint64_t ticket;
    struct broker_gathering *gathering; /* with others; NULL: alone */
};

struct broker *broker_new(size_t worker, size_t workers, const struct hash_key *key,
                          const struct broker_transport *transport);
/* Nothing is under way any more (broker_stop). */
void broker_free(struct broker *broker);

size_t broker_worker(const struct broker *broker); /* this one */
size_t broker_workers(const struct broker *broker);
/* By which connections name the worker that they live on. */
const struct hash_key *broker_key(const struct broker *broker);
const struct broker_traffic *broker_traffic(const struct broker *broker);

/* Who takes the messages of the service with this index that are no answers; BROKER_NO_SERVICE:
 * those of no service. */
void broker_set_receiver(struct broker *broker, size_t index,
                         const struct broker_receiver *receiver);

/* The worker that owns a service: they take turns. */
size_t broker_owner(const struct broker *broker, size_t service);
/* The worker of the connection that has this name, which may be any text; SIZE_MAX: none can have
 * it. */
size_t broker_shard_of(const struct broker *broker, const char *connection);

/* Each takes the message over. To this worker itself it is handled at once. */
void broker_send(struct broker *broker, size_t to, struct broker_message *message);
void broker_ask(struct broker *broker, size_t to, struct broker_message *message,
                struct broker_request *request);
/* As broker_ask(); but what has come to this worker is handled before what it asks itself: that may
 * have been caused by it, by way of the world outside. */
void broker_ask_in_turn(struct broker *broker, size_t to, struct broker_message *message,
                        struct broker_request *request);
/* The same to every worker, to this one last; at least one must be asked. Their answers come
 * together when the last worker has answered, which wakes this one once. */
void broker_send_all(struct broker *broker, broker_make make, void *context);
void broker_ask_all(struct broker *broker, broker_make make, void *context,
                    struct broker_request *request);
/* To those workers for which there is a message, how many they are: their answers come together to
 * who has asked this one. */
size_t broker_ask_for(struct broker *broker, const struct broker_asker *asker, broker_make make,
                      void *context);
/* question: until it returns from being handled, or kept as a broker_asker. */
struct broker_asker broker_asker(const struct broker_message *question);
void broker_answer(struct broker *broker, const struct broker_asker *asker,
                   struct broker_message *answer);

/* Nothing begins here by itself any more; what is under way comes to its end. True when that has
 * come in all workers: no message is on its way, and no question without its answer. Until then
 * call it again, each time when all that has come in is handled, and the loop has nothing to do. */
bool broker_stop(struct broker *broker);

/* For the transport, in the receiver's thread. Frees the message. */
void broker_receive(struct broker *broker, struct broker_message *message);

#endif
