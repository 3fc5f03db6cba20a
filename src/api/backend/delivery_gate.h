/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_DELIVERY_GATE_H
#define API_DELIVERY_GATE_H
/*
 * While a message is decided on that is to have the next position of its service's history, which
 * may take some turns, what else there is to deliver waits before it, in order. At the hub.
 */
#include <stdbool.h>

#include "base/list.h"

struct api_service;
struct delivery;

struct delivery_gate {
    bool is_closed;
    struct list waiting; /* deliveries */
};

void delivery_gate_init(struct delivery_gate *gate);
void delivery_gate_close(struct api_service *service);
/* Broadcasts the one that it was closed for, and then those that wait. */
void delivery_gate_open(struct api_service *service, struct delivery *first);

#endif
