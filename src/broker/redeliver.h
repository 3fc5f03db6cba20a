/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_REDELIVER_H
#define BROKER_REDELIVER_H
/* A shard's part of redelivery: it writes stored messages to one of its connections, again or late,
 * and says which connections of a queue still exist. */
#include "broker/message.h"

struct broker_service;

/* BROKER_REDELIVER: answers with BROKER_TAKEN, when the connection has room for more or is gone; at
 * once when there is none. */
void redeliver_begin(struct broker_service *service, const struct broker_message *question);

/* Answers BROKER_COUNT. Who is behind the barrier has not arrived yet. */
void liveness_count(const struct broker_service *service, const struct broker_message *question);

/* The owner: adds what one more shard has counted. all: zero-filled at first. */
void liveness_add(struct broker_counted *all, const struct broker_counted *counted);

#endif
