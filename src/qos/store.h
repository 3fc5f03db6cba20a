/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_STORE_H
#define QOS_STORE_H
/*
 * The thread of one service's repository. Jobs run there in the order in which they were submitted,
 * but for those that are to be next; as many as have come together in one transaction: what is
 * committed is durable before done says so. Of one owner, in whose loop's thread every done runs,
 * in the order in which they ran.
 *
 * When the repository fails, every job of that transaction fails with its errno, and so do those
 * that follow, until it could be opened anew: tried with the next job, at most once in retry_ms,
 * and for no more than a fifth of the time where that takes long.
 *
 * A disk may hang, or a large file take long to be opened and checked: what has not begun by then
 * and is waited for is given back as it was.
 */
#include <stdbool.h>

#include "qos/repository.h"

struct loop;
struct qos_store;

/* A copy of a store that goes on working: made piece by piece by its thread, between transactions.
 * All that was committed before it was asked for is in it. Embed it in what wants one. Both run in
 * the store's thread. */
struct qos_backup {
    /* Whether somebody still waits; asked before each piece. */
    bool (*is_wanted)(struct qos_backup *backup);
    /* Its end; owns the backup. 0: file is the copy, done's to close, and has no name. Else
     * -ESHUTDOWN, -ECANCELED (nobody waits), -EOPNOTSUPP (the store is in memory), or what is wrong
     * with the disk. */
    void (*done)(struct qos_backup *backup, int status, int file);
};

/* NULL with errno when there can be no thread. The repository is opened by that thread, at once. */
struct qos_store *qos_store_new(struct loop *loop, const struct qos_store_settings *settings);

/* Runs what was submitted, hands back what is done, ends the thread. What a done submits then fails
 * with -ESHUTDOWN. */
void qos_store_free(struct qos_store *store);

/* Nobody waits for the disk any more: the jobs that have not begun, and those that are submitted
 * from now on, fail with -ESHUTDOWN. */
void qos_store_abandon(struct qos_store *store);

void qos_store_submit(struct qos_store *store, struct qos_job *job);
/* Before all that waits. */
void qos_store_submit_next(struct qos_store *store, struct qos_job *job);

/* Any thread. -EBUSY: another one is being made. -ESHUTDOWN: there is no thread any more. */
int qos_store_back_up(struct qos_store *store, struct qos_backup *backup);

/* While it is held no done is called but for a time-out: what the results before are about takes
 * several turns of the loop, and those that follow rest on it. */
void qos_store_hold(struct qos_store *store, bool is_held);

/* As of now. Any thread. */
void qos_store_report(struct qos_store *store, struct qos_store_report *report);

#endif
