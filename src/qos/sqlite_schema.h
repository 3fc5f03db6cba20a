/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_SQLITE_SCHEMA_H
#define QOS_SQLITE_SCHEMA_H
/* What lies in the file, and how files of older programs are brought up to date. */
#include <sqlite3.h>

struct qos_sqlite_schema {
    const char *const *steps; /* the first makes version 1 of an empty file, each the next one */
    int version;              /* how many there are */
};

extern const struct qos_sqlite_schema qos_sqlite_schema;

/* All of it or nothing. 0, -EPROTONOSUPPORT when a newer program, or quite another one, made the
 * file (*found is then its version, or -1), or what qos_sqlite_errno() says. */
int qos_sqlite_upgrade(sqlite3 *database, const struct qos_sqlite_schema *schema, int *found);

/* The one number that a query has. */
int qos_sqlite_number(sqlite3 *database, const char *query, sqlite3_int64 *number);

/* 0, or the negative errno that a result code of SQLite amounts to. */
int qos_sqlite_errno(sqlite3 *database, int code);

#endif
