/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_QOS_ARRIVALS_H
#define API_QOS_ARRIVALS_H
/*
 * Tells the hub which connections come to queues of stored messages, and leave them. While a
 * service has no stored copies nobody tells anything. A connection that has told is gated until the
 * hub knows it: what goes to everybody is written to it from then on, what lies in its queues comes
 * as the desk has it.
 */
#include "sse/service.h"

struct api_service;

struct qos_arrivals {
    struct api_service *service;
    struct sse_observer observer;
};

void qos_arrivals_init(struct qos_arrivals *arrivals, struct api_service *service);
void qos_arrivals_release(struct qos_arrivals *arrivals);

#endif
