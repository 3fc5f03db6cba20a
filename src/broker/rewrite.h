/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_REWRITE_H
#define BROKER_REWRITE_H
/* A shard writes stored messages to one of its connections, again or late. */
#include "broker/message.h"

struct broker_service;

/* BROKER_REWRITE: answers with BROKER_TAKEN, when the connection has room for more or is gone; at
 * once when there is none. */
void rewrite_begin(struct broker_service *service, const struct broker_message *question);

#endif
