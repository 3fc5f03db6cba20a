/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_QUEUE_TELLER_H
#define API_QUEUE_TELLER_H
/*
 * A shard tells the owner of a service which of its connections come to queues of stored messages,
 * and leave them. While a service has no stored copies nobody tells anything. A connection that has
 * told is gated until the owner knows it: what goes to everybody is written to it from then on,
 * what lies in its queues comes as redelivery has it.
 */
#include "sse/service.h"

struct api_service;

struct queue_teller {
    struct api_service *service;
    struct sse_observer observer;
};

void queue_teller_init(struct queue_teller *teller, struct api_service *service);
void queue_teller_release(struct queue_teller *teller);

#endif
