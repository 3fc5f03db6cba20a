/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_SERVICE_H
#define BROKER_SERVICE_H
/*
 * What a service is beyond one connection: one worker's part of it. Each worker has a shard, the
 * connections that live there; one of them owns the service, and keeps what has to be exact for
 * all: who holds which slots, who has claimed which idempotency key, who is online, and in which
 * order events are written.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/broker.h"
#include "broker/call_order.h"
#include "broker/idempotency.h"
#include "broker/online_users.h"
#include "broker/presence_log.h"
#include "broker/publish.h"
#include "broker/slots.h"
#include "sse/channel_rights.h"

struct sse_clients;
struct sse_service;
struct sse_user;

struct broker_settings {
    uint32_t slots[BROKER_WHATS][BROKER_SLOTS]; /* of each key; 0: any number */
    uint32_t client_connections;                /* 0: any number */
    struct idempotency_settings idempotency;
    struct presence_log_settings presence;
    struct channel_rights channels; /* their texts are borrowed, as this is: */
    const char *server_id;
};

struct broker_service {
    struct broker *broker;
    size_t index;
    /* The shard's. */
    struct sse_service *core; /* borrowed */
    struct call_orders call_orders;
    struct channel_rights channels;
    const char *server_id;
    bool is_recording; /* presence events; nothing is made while nobody wants to hear it */
    /* The owner's; empty elsewhere. */
    struct slots slots[BROKER_WHATS][BROKER_SLOTS];
    struct sse_clients *clients;
    struct idempotency idempotency;
    struct presence_log presence_log;
    struct online_users online; /* which it is told of */
    size_t farewells;           /* of shards that have told all, at a stop */
    struct publisher publisher;
    /* Of the kinds whose state is still the layer's above; its maker sets it. */
    struct broker_receiver guest;
    /* Counts a request of this user, if it may have one more. There, too, with the same context. */
    bool (*takes_request)(void *context, const struct sse_user *user);
};

void broker_service_init(struct broker_service *service, struct broker *broker, size_t index,
                         struct sse_service *core, const struct broker_settings *settings);
/* Who is above a new limit stays, and gets no more. */
void broker_service_change(struct broker_service *service, const struct broker_settings *settings);
void broker_service_release(struct broker_service *service);

/* The worker that owns it. */
size_t broker_service_owner(const struct broker_service *service);
/* Each takes the message over. */
void broker_tell_owner(const struct broker_service *service, struct broker_message *message);
void broker_ask_owner(const struct broker_service *service, struct broker_message *message,
                      struct broker_request *request);
/* As broker_answer(); but where this worker itself has asked the answer comes in the end of the
 * turn: never from inside of the question, nor of what a connection is at. */
void broker_answer_later(const struct broker_service *service, const struct broker_asker *asker,
                         struct broker_message *answer);

#endif
