/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_LIVENESS_H
#define BROKER_LIVENESS_H
/* The liveness check: which connections of a queue still exist, shard by shard. */
#include "broker/message.h"

struct broker_service;

/* A shard: answers BROKER_COUNT. Who is behind the gate has not arrived yet. */
void liveness_count(const struct broker_service *service, const struct broker_message *question);

/* The owner: adds what one more shard has counted. all: zero-filled at first. */
void liveness_add(struct broker_counted *all, const struct broker_counted *counted);

#endif
