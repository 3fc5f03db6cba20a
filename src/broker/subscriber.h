/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_SUBSCRIBER_H
#define BROKER_SUBSCRIBER_H
/* A connection as the owner of its queues sees it: all that says which queues are its own. */
#include <stdbool.h>
#include <stddef.h>

#include "broker/message.h"
#include "sse/registry.h"

struct sse_connection;

/* The connection as a client of queues; its shard also names its page as a number. What a page says
 * of itself counts for its own user only: other users see it in places. */
struct consumer broker_client_of(const struct sse_connection *connection);
/* As one queue sees a client: what is stored for an individual is never replayed from the history.
 */
struct consumer broker_client_in(const struct consumer *client,
                                 const struct qos_recipient *recipient);

/* Writes a connection's channels or listeners into a message, and the room that this takes. */
const char *const *broker_names_write(struct broker_message *message,
                                      const struct sse_connection *connection,
                                      enum sse_group_kind kind, size_t *count);
size_t broker_names_size(const struct sse_connection *connection, enum sse_group_kind kind);

/* The same of whose it is, */
void broker_identity_write(struct broker_message *message, struct qos_identity *identity,
                           const struct sse_connection *connection);
size_t broker_identity_size(const struct sse_connection *connection);
/* as another message tells, too. */
void broker_identity_copy(struct broker_message *message, struct qos_identity *copy,
                          const struct qos_identity *identity);
size_t broker_identity_copy_size(const struct qos_identity *identity);

/* The same of all that the owner sees. */
void broker_subscriber_write(struct broker_message *message, struct broker_subscriber *subscriber,
                             const struct sse_connection *connection);
size_t broker_subscriber_size(const struct sse_connection *connection);

bool broker_subscriber_listens(const struct broker_subscriber *subscriber, const char *event);
/* The values whose queues are its own: one recipient each, without listening (NULL). Their texts
 * are the subscriber's, the array the caller's to free. */
struct qos_recipient *broker_subscriber_recipients(const struct broker_subscriber *subscriber,
                                                   size_t *count);

bool broker_scope_has(const struct broker_scope *scope, const struct qos_recipient *recipient);

#endif
