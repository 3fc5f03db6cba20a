/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_SHARD_H
#define BROKER_SHARD_H
/* A shard: what it does with each kind of message that is no answer to its own questions. */
#include "broker/message.h"

struct broker_service;

void broker_shard_receive(struct broker_service *service, const struct broker_message *message);

#endif
