/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_QOS_LINE_H
#define API_QOS_LINE_H
/*
 * Messages that wait for the disk, at the hub. They hold up what is sent after them on the same
 * session, for the order of one sender to last; others' messages pass them by. What waits is
 * bounded: a back end that sends faster than the disk writes is told so.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"

struct publication;
struct qos_hub;

/* Zero-filled but for init; empty it needs no release. */
struct qos_line {
    struct list senders; /* sessions that have something in it: few, since these are back ends */
    size_t bytes;
};

void qos_line_init(struct qos_line *line);

/* False: there is no room for it. An empty line has room for any. */
bool qos_line_has_room(const struct qos_line *line, size_t bytes, size_t most);

/* A publication goes to the store, and has come back, or has failed. */
void qos_line_enter(struct qos_line *line, const struct publication *publication, size_t bytes);
void qos_line_leave(struct qos_line *line, const struct publication *publication, size_t bytes);

/* Nothing of this publication is stored: it is written behind what its session has in the line. */
void qos_line_follow(struct qos_hub *hub, struct publication *publication);

#endif
