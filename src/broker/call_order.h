/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_CALL_ORDER_H
#define BROKER_CALL_ORDER_H
/*
 * The order of a page's own calls. They travel in parallel, perhaps to several workers. Each has a
 * number (the field x-sse-order) among those of its connection and queue, from 1. A message may
 * say which change it comes after ("17;after=3"). The worker that has the connection begins them
 * one after the other (base/sequence.h). A call that fails ends its turn as any other. A missing
 * one is waited for no longer than orderedWait, and has no turn when it comes after all.
 *
 * What has come runs, also if its connection ends meanwhile, since the page may have left. A call
 * that waits for a missing number does not run: a living page repeats both on its next connection.
 * After a kick nothing runs that has not begun.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/sequence.h"
#include "base/table.h"
#include "sse/service.h"

#define CALL_ORDER_MOST UINT64_C(9007199254740991) /* that a script can count to */

enum call_queue {
    CALL_QUEUE_NONE,
    CALL_QUEUE_MESSAGES, /* for handlers, which may be slow: changes do not wait for them */
    CALL_QUEUE_CHANGES,  /* listeners, channels, credentials */
    CALL_QUEUES
};

enum call_verdict {
    CALL_BEGINS,   /* call_order_end() must follow */
    CALL_LATE,     /* runs, without a turn */
    CALL_WAITS,    /* on_turn comes later */
    CALL_ENDED,    /* the connection; the call does not run, */
    CALL_REPLACED, /* another call has come with its number; nor does it */
    CALL_TOO_MANY, /* wait; nor does it */
};

/* Embed it in the state of a call. All of it in the thread of the connection. */
struct call_turn {
    struct sequence_item item;
    enum call_queue queue;
    void (*on_turn)(struct call_turn *turn, enum call_verdict verdict);
};

/* One worker's, of one service. */
struct call_orders {
    struct sse_service *core;
    struct table orders; /* of connections, by handle */
    struct sse_observer observer;
    size_t waiting;         /* calls, */
    uint64_t gaps, refused; /* that were not waited for any longer; for there being too many */
};

void call_orders_init(struct call_orders *orders, struct sse_service *core);
void call_orders_release(struct call_orders *orders);

/* What a request bears. */
struct call_number {
    uint64_t number; /* 0: none */
    uint64_t after;  /* of a change; 0: none */
};

/* A call has come. Its queue and on_turn are the caller's to fill in. Never CALL_ENDED or
 * CALL_REPLACED, which only those that wait may hear. */
enum call_verdict call_order_enter(struct call_orders *orders,
                                   const struct sse_connection *connection, struct call_turn *turn,
                                   struct call_number number);
void call_order_end(struct call_orders *orders, const char *handle, enum call_queue queue);

/* The call of this number has been answered, and never entered. */
void call_order_pass(struct call_orders *orders, const struct sse_connection *connection,
                     enum call_queue queue, uint64_t number);

#endif
