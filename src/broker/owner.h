/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_OWNER_H
#define BROKER_OWNER_H
/* The owner of a service: what it does with each kind of message that shards send it. */
#include "broker/message.h"

struct broker_service;

void broker_owner_receive(struct broker_service *service, const struct broker_message *message);

#endif
