/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/sqlite_schema.h"

#include <errno.h>
#include <stdio.h>

#define APPLICATION_ID 0x53534551 /* "SSEQ" */
#define SQL_SIZE       64u

/*
 * body: apart from its message, so that ending one of many copies does not write it anew; gone when
 *   the last of them has ended.
 * copy: begins with the number, so that new ones are appended. A message has one dimension, so that
 *   number and value name a copy.
 * copy_queue: has the state, although it is 0, so that SQLite counts without looking at the copies.
 * message.ended: when the last copy did; NULL while one is stored.
 * numbers.reserved: no number up to this may be given away any more.
 * dimension and state are the numbers of enum sse_dimension and enum qos_state.
 * unreadable: the copies with QOS_UNREADABLE, which are set aside; cause is an enum qos_cause.
 * Their messages do not expire, and so are in message_expiry only while they have a stored copy,
 * too.
 * revocation: an entry of auth/denied.h.
 */
static const char version_1[] =
    "CREATE TABLE message ("
    " number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, digest INTEGER NOT NULL,"
    " created INTEGER NOT NULL, expires INTEGER NOT NULL, receipt TEXT NOT NULL,"
    " length INTEGER NOT NULL, open INTEGER NOT NULL, ended INTEGER) STRICT;"
    "CREATE INDEX message_expiry ON message (expires) WHERE ended IS NULL;"
    "CREATE INDEX message_ended ON message (ended) WHERE ended IS NOT NULL;"
    "CREATE TABLE body (number INTEGER PRIMARY KEY, json TEXT NOT NULL) STRICT;"
    "CREATE TABLE copy ("
    " number INTEGER NOT NULL, value TEXT NOT NULL, dimension INTEGER NOT NULL,"
    " listening TEXT NOT NULL, state INTEGER NOT NULL, written INTEGER NOT NULL,"
    " ended INTEGER NOT NULL, PRIMARY KEY (number, value)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX copy_queue ON copy (dimension, value, listening, number, state) WHERE state = 0;"
    "CREATE TABLE numbers (reserved INTEGER NOT NULL) STRICT;"
    "INSERT INTO numbers VALUES (0);";

static const char version_2[] =
    "CREATE TABLE unreadable (number INTEGER NOT NULL, value TEXT NOT NULL,"
    " cause INTEGER NOT NULL, PRIMARY KEY (number, value)) STRICT, WITHOUT ROWID;"
    "DROP INDEX message_expiry;"
    "CREATE INDEX message_expiry ON message (expires) WHERE ended IS NULL AND open > 0;";

static const char version_3[] =
    "CREATE TABLE revocation (name TEXT NOT NULL PRIMARY KEY, issued_until INTEGER NOT NULL,"
    " until INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX revocation_until ON revocation (until);";

static const char *const steps[] = {version_1, version_2, version_3};

const struct qos_sqlite_schema qos_sqlite_schema = {steps, sizeof(steps) / sizeof(steps[0])};

/* A quota of the file system leaves as little room as a full disk. */
static int system_errno(sqlite3 *database)
{
    const int error = sqlite3_system_errno(database);

    if (error == EDQUOT)
        return -ENOSPC;
    return error != 0 ? -error : -EIO;
}

int qos_sqlite_errno(sqlite3 *database, int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return -EUCLEAN;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_READONLY:
        return -EROFS;
    case SQLITE_CANTOPEN:
        return system_errno(database);
    case SQLITE_IOERR:
        return system_errno(database) == -ENOSPC ? -ENOSPC : -EIO;
    default:
        return -EIO;
    }
}

int qos_sqlite_number(sqlite3 *database, const char *query, sqlite3_int64 *number)
{
    sqlite3_stmt *statement;
    int code = sqlite3_prepare_v2(database, query, -1, &statement, NULL);

    if (code == SQLITE_OK) {
        code = sqlite3_step(statement);
        if (code == SQLITE_ROW)
            *number = sqlite3_column_int64(statement, 0);
        else if (code == SQLITE_DONE)
            code = SQLITE_CORRUPT; /* what always has a row has none */
    }
    (void)sqlite3_finalize(statement); /* says again what step has said */
    return qos_sqlite_errno(database, code);
}

/* What is in an empty file: no version, no name, no table. */
static int find_version(sqlite3 *database, int *version)
{
    sqlite3_int64 application = 0, found = 0, tables = 0;
    int result = qos_sqlite_number(database, "PRAGMA application_id", &application);

    if (result == 0)
        result = qos_sqlite_number(database, "PRAGMA user_version", &found);
    if (result == 0)
        result = qos_sqlite_number(database, "SELECT count(*) FROM sqlite_schema", &tables);
    if (result != 0)
        return result;
    *version = application == APPLICATION_ID || (application == 0 && found == 0 && tables == 0)
                   ? (int)found
                   : -1;
    return 0;
}

static int execute(sqlite3 *database, const char *sql)
{
    return qos_sqlite_errno(database, sqlite3_exec(database, sql, NULL, NULL, NULL));
}

static int take_steps(sqlite3 *database, const struct qos_sqlite_schema *schema, int version)
{
    char sql[SQL_SIZE];
    int result = 0;

    for (; result == 0 && version < schema->version; version++)
        result = execute(database, schema->steps[version]);
    snprintf(sql, sizeof(sql), "PRAGMA user_version = %d; PRAGMA application_id = %d;",
             schema->version, APPLICATION_ID);
    return result == 0 ? execute(database, sql) : result;
}

int qos_sqlite_upgrade(sqlite3 *database, const struct qos_sqlite_schema *schema, int *found)
{
    int result = find_version(database, found);

    if (result != 0 || *found == schema->version)
        return result;
    if (*found < 0 || *found > schema->version)
        return -EPROTONOSUPPORT;
    result = execute(database, "BEGIN IMMEDIATE");
    if (result == 0)
        result = take_steps(database, schema, *found);
    if (result == 0)
        result = execute(database, "COMMIT");
    if (result != 0 && !sqlite3_get_autocommit(database))
        (void)execute(database, "ROLLBACK"); /* it is closed now, which rolls back, too */
    return result;
}
