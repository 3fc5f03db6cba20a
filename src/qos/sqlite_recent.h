/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_SQLITE_RECENT_H
#define QOS_SQLITE_RECENT_H
/*
 * The recent entries of queues (qos/sqlite_repository.h), in memory. SQL reads them as the table
 * "recent" (dimension, value, listening, number), which finds those of one value, and has a hidden
 * column: moving = 1 are those that were chosen, in the order of their keys.
 */
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/table.h"
#include "qos/copies.h"

struct recent_entry;

struct qos_sqlite_recent {
    struct table by_value;
    struct buf key; /* of the last one that was looked for */
    size_t count;
    struct recent_entry **chosen;
    size_t chosen_count;
};

void qos_sqlite_recent_init(struct qos_sqlite_recent *recent);
void qos_sqlite_recent_release(struct qos_sqlite_recent *recent);
/* Makes the table. 0, or SQLite's code. */
int qos_sqlite_recent_show(struct qos_sqlite_recent *recent, sqlite3 *database);

/* Of one queue the later numbers come later. */
void qos_sqlite_recent_add(struct qos_sqlite_recent *recent, const struct qos_recipient *recipient,
                           uint64_t number);
/* False: it is not there. */
bool qos_sqlite_recent_remove(struct qos_sqlite_recent *recent,
                              const struct qos_recipient *recipient, uint64_t number);
/* Whatever else it has. How many there were. */
int qos_sqlite_recent_remove_value(struct qos_sqlite_recent *recent, const char *value,
                                   uint64_t number);
void qos_sqlite_recent_clear(struct qos_sqlite_recent *recent);

/* Chooses the first so many of those up to a number, by their keys; until the next change. */
void qos_sqlite_recent_choose(struct qos_sqlite_recent *recent, uint64_t until, size_t most);
/* They are not recent any more. How many there were. */
size_t qos_sqlite_recent_drop_chosen(struct qos_sqlite_recent *recent);

#endif
