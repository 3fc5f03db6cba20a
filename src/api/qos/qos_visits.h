/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_QOS_VISITS_H
#define API_QOS_VISITS_H
/*
 * Connections that have come to queues, at the hub, until the desk knows which of these have
 * copies. While the store does not work they wait for it, with one visit for each connection.
 */
#include <stdbool.h>
#include <stdint.h>

#include "api/qos/qos_visitor.h"
#include "base/chores.h"
#include "base/list.h"
#include "base/table.h"
#include "qos/look.h"

struct qos_hub;

/* Which of a connection's queues it has come to, or left. */
struct qos_scope {
    enum sse_dimension dimension; /* SSE_DIMENSIONS: every one */
    char *value;                  /* NULL: whatever it is */
    char *event;                  /* of those who listen to it; NULL: of all */
};

#define QOS_SCOPE_ALL ((struct qos_scope){.dimension = SSE_DIMENSIONS})

bool qos_scope_has(const struct qos_scope *scope, const struct qos_recipient *recipient);
void qos_scope_release(struct qos_scope *scope);

/* Made by the connection's worker, zero-filled but for the first part. */
struct qos_visit {
    /* joined UINT64_MAX: the connection is behind its gate, */
    struct qos_visitor visitor;
    struct qos_scope scope;
    char *last_id; /* of a message that the page has seen last; NULL: none */
    bool is_gated; /* and this visit opens it */

    struct list node; /* of its caller's, and */
    struct list turn; /* of those that wait for the store to be there again */
    struct qos_hub *hub;
    uint64_t number;
    struct qos_acknowledge seen;
    struct qos_queues queues;
    struct qos_recipient *recipients;
    bool is_gone; /* meanwhile */
};

struct qos_visits {
    struct table callers; /* by connection */
    struct list waiting;
    struct list again; /* of these, those whose turn it is once more: thousands may wait */
    struct chore retry;
    uint64_t begun;
};

void qos_visits_init(struct qos_visits *visits);
void qos_visits_release(struct qos_visits *visits); /* when the store has handed back its jobs */

void qos_visit_begin(struct qos_hub *hub, struct qos_visit *visit); /* takes it over */
/* The connection has gone. */
void qos_visits_forget(struct qos_visits *visits, const char *connection_id);
/* The store works: those whose queues could not be read, once more, in slices. */
void qos_visits_retry(struct qos_hub *hub);

#endif
