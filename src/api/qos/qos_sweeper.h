/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_QOS_SWEEPER_H
#define API_QOS_SWEEPER_H
/*
 * When a store is swept (qos/end.h): about once a second while copies are stored, whose time may be
 * over, or while the store does not work; seldom while it only remembers; never while it is empty.
 * Nothing that happens puts a sweep off. One that has found as much as its limit is followed by
 * another at once, with twice the limit and before all that waits for the store: so that what ends
 * keeps up with what is sent, however much that is, and no send waits for more than one sweep for
 * each of its transactions. Room is given back more slowly.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/loop.h"

struct qos_store_report;

#define QOS_SWEEP_LEAST 128u /* copies and messages: half of what a transaction takes */
#define QOS_SWEEP_MOST  512u /* twice a transaction of sends */

struct qos_sweeper {
    struct loop *loop;
    struct loop_timer timer;
    /* Begins a sweep; qos_sweeper_done() follows, not before this returns. */
    void (*sweep)(struct qos_sweeper *sweeper);
    size_t limit;   /* of this sweep */
    bool is_urgent; /* it is to be the next job of the store, whatever waits */
    bool is_sweeping;
};

/* The first sweep is due at once: nobody knows yet what lies there. */
void qos_sweeper_init(struct qos_sweeper *sweeper, struct loop *loop,
                      void (*sweep)(struct qos_sweeper *sweeper));
void qos_sweeper_release(struct qos_sweeper *sweeper);

/* Something may have changed. */
void qos_sweeper_look(struct qos_sweeper *sweeper, const struct qos_store_report *report);

/* Somebody waits for a sweep that succeeds. */
void qos_sweeper_soon(struct qos_sweeper *sweeper);

/* is_all, has_surplus: as in struct qos_sweep; true and false of one that has failed. */
void qos_sweeper_done(struct qos_sweeper *sweeper, const struct qos_store_report *report,
                      bool is_all, bool has_surplus);

#endif
