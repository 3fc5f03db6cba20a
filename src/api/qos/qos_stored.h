/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_QOS_STORED_H
#define API_QOS_STORED_H
struct qos_copy;
struct sse_message;

/* The message of a copy, as it was sent, for that recipient alone. One reference; NULL when what
 * the store has cannot be read any more. */
struct sse_message *qos_stored_message(const struct qos_copy *copy);

#endif
