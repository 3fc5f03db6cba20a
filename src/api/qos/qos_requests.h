/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_QOS_REQUESTS_H
#define API_QOS_REQUESTS_H
/*
 * The owner of a service does what others ask of its stored messages: one job of the store for each
 * question, or several, until all is done.
 */
#include <stdbool.h>

struct broker_message;
struct qos_hub;

/* BROKER_ACKNOWLEDGE, BROKER_END_MESSAGES, BROKER_KEEP, BROKER_FIND_MESSAGE, BROKER_LIST_MESSAGES:
 * answers when it is done, or has failed. */
void qos_requests_receive(struct qos_hub *hub, const struct broker_message *message);

#endif
