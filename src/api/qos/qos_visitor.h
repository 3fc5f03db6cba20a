/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_QOS_VISITOR_H
#define API_QOS_VISITOR_H
/* A connection as the hub sees it: a copy of all that says which queues are its own. */
#include <stdbool.h>
#include <stddef.h>

#include "qos/acknowledge.h"
#include "qos/desk.h"

struct peers;
struct sse_connection;

struct qos_visitor {
    struct qos_client client;
    struct qos_identity identity; /* owns its texts */
    char **listeners;
    size_t listener_count;
};

/* In the thread of the connection; which thread releases it does not matter. */
void qos_visitor_init(struct qos_visitor *visitor, const struct sse_connection *connection,
                      const struct peers *peers, size_t worker);
void qos_visitor_release(struct qos_visitor *visitor);

bool qos_visitor_listens(const struct qos_visitor *visitor, const char *event);

/* The values whose queues are its own: one recipient each, without listening (NULL). Their texts
 * are the visitor's, the array the caller's to free. */
struct qos_recipient *qos_visitor_recipients(const struct qos_visitor *visitor, size_t *count);

/* As a queue sees a client: what is stored for an individual is never replayed from the history. */
struct qos_client qos_visitor_client(const struct qos_client *client,
                                     const struct qos_recipient *recipient);

/* What names the page that a connection belongs to, as a number; 0: it did not say. What a page
 * says of itself counts for its own user only: other users see it in places. */
uint64_t qos_visitor_instance(const struct sse_connection *connection, const struct peers *peers);

#endif
