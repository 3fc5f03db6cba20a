/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_QOS_SEND_H
#define API_QOS_SEND_H
/* The order in which a service publishes, at its hub: messages with qos 1 are stored before
 * anything of their batch is written. */
#include <stdint.h>

struct broker_message;
struct qos_copy;
struct qos_hub;

/* BROKER_PUBLISH. */
void qos_send_receive(struct qos_hub *hub, const struct broker_message *message);

/* Writes a stored copy to all of its recipient: an op of the desk. */
uint64_t qos_send_one(void *context, const struct qos_copy *copy);

#endif
