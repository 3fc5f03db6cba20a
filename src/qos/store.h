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
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mailbox.h"
#include "qos/repository.h"

struct loop;
struct qos_store;

/* Embed it first in the struct of the concrete job. Those of this folder are zero-filled, then
 * filled with the question, then given to their init. */
struct qos_job {
    struct letter letter; /* the store's */
    struct qos_job *next; /* the store's */
    /* In the store's thread. 0, or a negative errno that is this job's alone: then it must not have
     * changed anything. A fault of the repository is everybody's. */
    int (*run)(struct qos_job *job, struct qos_repository *repository);
    /* In the owner's thread, when it is committed or has failed; owns the job. Its results count
     * only when the status is 0. */
    void (*done)(struct qos_job *job);
    int status;    /* what run returned, or the fault */
    size_t weight; /* in copies, for the bound of a transaction; 0 counts as 1 */
};

/* The texts are borrowed. */
struct qos_store_settings {
    const char *service; /* for the log */
    /* As qos_sqlite_new(); context is the settings' own. In the store's thread. */
    struct qos_repository *(*open)(void *context, int *error, char *fault, size_t fault_size);
    void *context;
    unsigned batch;    /* 256: copies of one transaction */
    unsigned retry_ms; /* 1000 */
};

/* NULL with errno when there can be no thread. The repository is opened by that thread, at once. */
struct qos_store *qos_store_new(struct loop *loop, const struct qos_store_settings *settings);

/* Runs what was submitted, hands back what is done, ends the thread. What a done submits then fails
 * with -ESHUTDOWN. */
void qos_store_free(struct qos_store *store);

void qos_store_submit(struct qos_store *store, struct qos_job *job);
/* Before all that waits. */
void qos_store_submit_next(struct qos_store *store, struct qos_job *job);

/* As of now. Any thread. */
struct qos_store_report {
    bool is_open;
    struct qos_totals totals;    /* while it is closed: the last that were known */
    uint64_t transactions, jobs; /* committed; handed back */
    uint64_t faults;             /* transactions that failed, openings included */
    uint64_t waiting;            /* jobs submitted and not done */
    uint64_t commit_us;          /* time spent in commits, in all */
    uint64_t commit_us_max;
};

void qos_store_report(struct qos_store *store, struct qos_store_report *report);

#endif
