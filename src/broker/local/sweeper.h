/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_LOCAL_SWEEPER_H
#define BROKER_LOCAL_SWEEPER_H
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

#define SWEEP_LEAST 128u /* copies and messages: half of what a transaction takes */
#define SWEEP_MOST  512u /* twice a transaction of sends */

struct sweeper {
    struct loop *loop;
    struct loop_timer timer;
    /* Begins a sweep; sweeper_done() follows, not before this returns. */
    void (*sweep)(struct sweeper *sweeper);
    size_t limit;   /* of this sweep */
    bool is_urgent; /* it is to be the next job of the store, whatever waits */
    bool is_sweeping;
    bool is_wanted; /* another one, when this is done */
};

/* The first sweep is due at once: nobody knows yet what lies there. */
void sweeper_init(struct sweeper *sweeper, struct loop *loop,
                  void (*sweep)(struct sweeper *sweeper));
void sweeper_release(struct sweeper *sweeper);

/* Something may have changed. */
void sweeper_look(struct sweeper *sweeper, const struct qos_store_report *report);

/* Something was asked that may have an end, or waits for a sweep that succeeds. */
void sweeper_soon(struct sweeper *sweeper);

/* is_all, has_surplus: as in struct qos_sweep; true and false of one that has failed. */
void sweeper_done(struct sweeper *sweeper, const struct qos_store_report *report, bool is_all,
                  bool has_surplus);

#endif
