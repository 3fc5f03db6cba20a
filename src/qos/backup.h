/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_BACKUP_H
#define QOS_BACKUP_H
/*
 * A copy of a store that goes on working: made piece by piece by its thread, between transactions.
 * All that was committed before it was asked for is in it.
 */
#include <stdbool.h>

struct qos_repository;

/* Embed it in what wants one. Both run in the store's thread. */
struct qos_backup {
    /* Whether somebody still waits; asked before each piece. */
    bool (*is_wanted)(struct qos_backup *backup);
    /* Its end; owns the backup. 0: file is the copy, done's to close, and has no name. Else
     * -ESHUTDOWN, -ECANCELED (nobody waits), -EOPNOTSUPP (the store is in memory), or what is wrong
     * with the disk. */
    void (*done)(struct qos_backup *backup, int status, int file);
};

/* Takes one piece. -EAGAIN: there are more; else what done is to be told. The repository is NULL
 * while the store is closed, for this reason. */
int qos_backup_advance(struct qos_backup *backup, struct qos_repository *repository, int error,
                       int *file);

#endif
