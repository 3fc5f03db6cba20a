/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_JOB_H
#define QOS_JOB_H
/* A question to the thread of a repository (qos/store.h), and its answer. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mailbox.h"
#include "qos/repository.h"

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
    int status;        /* what run returned, or the fault */
    bool is_asked;     /* somebody waits for the answer: -ETIMEDOUT when it has not begun in time */
    uint64_t since_ms; /* the store's: it waits; served time of the loop */
    size_t weight;     /* in copies, for the bound of a transaction; 0 counts as 1 */
};

#endif
