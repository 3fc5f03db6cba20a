/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_DECIDE_H
#define QOS_DECIDE_H
/*
 * Asks the desk, copy by copy, who is to have a message that was stored; the others get it in their
 * turn. Of thousands of recipients a turn of the loop takes some. Until all are decided on and the
 * message is written, nothing else may be written to everybody: the position is the next.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct qos_desk;
struct slice;
struct sse_target;

/* Zero-filled but for what is lent, and number and position. */
struct qos_decision {
    struct qos_desk *desk;
    const struct sse_target *target;
    const bool *was_empty; /* each recipient's queue */
    uint64_t number, position;
    size_t next;
    bool *is_live; /* result, for each: it is to be written to now */
    size_t live;   /* result: so many are */
};

/* Goes on until the slice is over, a unit for each recipient. True: all are decided on. */
bool qos_decision_go_on(struct qos_decision *decision, struct slice *slice);
void qos_decision_release(struct qos_decision *decision); /* the results; it is empty again */

#endif
