/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_QOS_REWRITE_H
#define API_QOS_REWRITE_H
/* Writes stored copies to one connection, again or late: an op of the desk. */
#include <stddef.h>
#include <stdint.h>

struct qos_client;
struct qos_copy;

void qos_rewrite_start(void *context, uint64_t question, const struct qos_client *client,
                       const struct qos_copy *copies, size_t count);

#endif
