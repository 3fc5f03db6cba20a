/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_SCAN_H
#define API_SCAN_H
/*
 * Visits the connections of one group of this worker, in slices. A connection that leaves meanwhile
 * may make another one be visited twice; none that stays is left out.
 */
#include <stddef.h>

#include "api/query/slices.h"
#include "sse/registry.h"

struct sse_connection;
struct sse_service;

struct scan {
    struct slices slices;
    const struct sse_service *core;
    const char *key;          /* NULL: all connections */
    enum sse_group_kind kind; /* else the group of this kind with that key */
    size_t position;          /* those behind it have been visited */
    void (*visit)(struct scan *scan, const struct sse_connection *connection);
    void (*done)(struct scan *scan);
};

/* core, key, kind, visit and done are the caller's to fill in. */
void scan_start(struct loop *loop, struct scan *scan);

#endif
