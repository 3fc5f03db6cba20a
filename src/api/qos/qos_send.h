/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_QOS_SEND_H
#define API_QOS_SEND_H
/* Messages with qos 1 on their way: stored at the hub before any of the delivery is written. */
#include <stdint.h>

struct delivery;
struct qos_copy;

/* The delivery has messages that are to be stored, and has not been started. Its status is then
 * -EEXIST when an id was used for another message (its item is at), -EDQUOT when the store is full,
 * -EBUSY when too much waits to be written, or why it could not be. */
void qos_send_begin(struct delivery *delivery);

/* Writes a stored copy to all of its recipient: an op of the desk. */
uint64_t qos_send_one(void *context, const struct qos_copy *copy);

#endif
