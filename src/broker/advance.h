/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_ADVANCE_H
#define BROKER_ADVANCE_H
/* A shard's part of what is published: it brings a batch to its connections, in the owner's order.
 */
struct broker_message;
struct broker_service;

/* BROKER_ADVANCE: answers with BROKER_DELIVERED, when all of it is written. */
void broker_advance(struct broker_service *service, const struct broker_message *message);

#endif
