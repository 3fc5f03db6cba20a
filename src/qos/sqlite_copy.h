/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_SQLITE_COPY_H
#define QOS_SQLITE_COPY_H
/*
 * A copy of the file, made by the connection that has it locked: SQLite carries what that commits
 * meanwhile over, so that the copy never begins anew.
 */
#include <sqlite3.h>
#include <stdbool.h>

struct qos_repository;
struct qos_sqlite;

/* Zero-filled: none is under way. */
struct qos_sqlite_copy {
    sqlite3_backup *backup;
    sqlite3 *to;
    int file; /* the same, for who wants it */
    bool is_under_way;
};

/* The operations: qos/repository.h */
int qos_sqlite_copy(struct qos_repository *repository, int *file);
void qos_sqlite_leave_copy(struct qos_repository *repository);

#endif
