/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/sqlite_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

#define APPLICATION_ID 0x53534551 /* "SSEQ" */
#define SQL_SIZE       64u

/*
 * message: with the recipient, where it has only one; dimension to json are NULL where it has more,
 *   or was put by a program before version 4: then copy and body have these. json is gone when the
 *   message has ended; as a BLOB it lacks its end (qos/sqlite_repository.h).
 * body: what is long, or of many copies, apart from its message, so that a change of that does not
 *   write it anew; gone when the message has ended.
 * copy: begins with the number, so that new ones are appended. A message has one dimension, so that
 *   number and value name a copy.
 * copy_queue: has the state, although it is 0, so that SQLite counts without looking at the copies.
 * queue: the stored messages with one recipient, but for recent ones (qos/sqlite_repository.h).
 * expiry: of those, block by block (qos/sqlite_repository.h). message_expiry: of all others.
 * message.ended: when the last copy did; NULL while one is stored.
 * numbers.reserved: no number up to this may be given away any more. queued: all with one recipient
 *   up to this are in queue. The others: struct qos_totals; NULL: they have to be counted.
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

/* Columns that are added behind the others, and may be NULL, change nothing that is in the file.
 * ALTER TABLE would look at every row of a STRICT table all the same. */
static const char version_4[] =
    "PRAGMA writable_schema = ON;"
    "UPDATE sqlite_schema SET sql = 'CREATE TABLE message ("
    " number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, digest INTEGER NOT NULL,"
    " created INTEGER NOT NULL, expires INTEGER NOT NULL, receipt TEXT NOT NULL,"
    " length INTEGER NOT NULL, open INTEGER NOT NULL, ended INTEGER, dimension INTEGER, value TEXT,"
    " listening TEXT, state INTEGER, written INTEGER, json ANY) STRICT'"
    " WHERE type = 'table' AND name = 'message';"
    "PRAGMA writable_schema = RESET;"
    "CREATE TABLE queue (dimension INTEGER NOT NULL, value TEXT NOT NULL, listening TEXT NOT NULL,"
    " number INTEGER NOT NULL, PRIMARY KEY (dimension, value, listening, number))"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE expiry (block INTEGER PRIMARY KEY, earliest INTEGER NOT NULL) STRICT;"
    "CREATE INDEX expiry_earliest ON expiry (earliest);"
    "CREATE TABLE numbers_4 (reserved INTEGER NOT NULL, queued INTEGER NOT NULL, copies INTEGER,"
    " aside INTEGER, messages INTEGER, bytes INTEGER, ended INTEGER, tenants INTEGER) STRICT;"
    "INSERT INTO numbers_4 (rowid, reserved, queued) SELECT 1, coalesce(max(reserved), 0),"
    " (SELECT coalesce(max(number), 0) FROM message) FROM numbers;"
    "DROP TABLE numbers;"
    "ALTER TABLE numbers_4 RENAME TO numbers;";

static const char *const steps[] = {version_1, version_2, version_3, version_4};

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

/* SQLITE_ROW: the query's first row is there. end_query() in any case. *statement is NULL where the
 * query itself was not taken. */
static int begin_query(sqlite3 *database, const char *query, sqlite3_stmt **statement)
{
    const int code = sqlite3_prepare_v2(database, query, -1, statement, NULL);

    return code == SQLITE_OK ? sqlite3_step(*statement) : code;
}

static int end_query(sqlite3 *database, sqlite3_stmt *statement, int code)
{
    (void)sqlite3_finalize(statement); /* says again what step has said */
    return qos_sqlite_errno(database, code);
}

int qos_sqlite_number(sqlite3 *database, const char *query, sqlite3_int64 *number)
{
    sqlite3_stmt *statement;
    int code = begin_query(database, query, &statement);

    if (code == SQLITE_ROW)
        *number = sqlite3_column_int64(statement, 0);
    else if (code == SQLITE_DONE)
        code = SQLITE_CORRUPT; /* what always has a row has none */
    return end_query(database, statement, code);
}

int qos_sqlite_ask(sqlite3 *database, const char *pragma, const char *hoped, int otherwise)
{
    sqlite3_stmt *statement;
    const int code = begin_query(database, pragma, &statement);
    const char *answer =
        code == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    const bool is_otherwise = code == SQLITE_ROW && (!answer || strcmp(answer, hoped) != 0);
    const int result = end_query(database, statement, code);

    return is_otherwise ? otherwise : result;
}

/* What is in an empty file: no version, no name, no table. */
int qos_sqlite_version(sqlite3 *database, int *version)
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
    int result = qos_sqlite_version(database, found);

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

#define MS_TO_STOP 10u

/* What can be asked only of later versions the file has not. */
static int exists(sqlite3 *database, const char *query, bool *is_there)
{
    sqlite3_stmt *statement;
    const int code = begin_query(database, query, &statement);

    *is_there = code == SQLITE_ROW && sqlite3_column_int(statement, 0) != 0;
    return end_query(database, statement, !statement && code == SQLITE_ERROR ? SQLITE_OK : code);
}

/* Between two statements nothing can be interrupted. */
static int look_through(struct qos_sqlite_check *check, sqlite3 *database, bool *has_unknown)
{
    /* Before version 4 messages have no state. */
    static const char *const queries[] = {
        "SELECT EXISTS (SELECT 1 FROM copy WHERE " QOS_SQLITE_UNKNOWN_COPY ")",
        "SELECT EXISTS (SELECT 1 FROM message WHERE " QOS_SQLITE_UNKNOWN_MESSAGE ")",
    };
    int result = qos_sqlite_ask(database, "PRAGMA quick_check(1)", "ok", -EUCLEAN);

    *has_unknown = false;
    for (size_t i = 0; i < 2 && result == 0 && !*has_unknown; i++)
        result = atomic_load(&check->is_stopping) ? -ECANCELED
                                                  : exists(database, queries[i], has_unknown);
    return result;
}

int qos_sqlite_check_now(struct qos_sqlite_check *check, sqlite3 *database)
{
    return check->error = look_through(check, database, &check->has_unknown_states);
}

static void *run_check(void *argument)
{
    struct qos_sqlite_check *check = argument;

    (void)pthread_setname_np(pthread_self(), "store-check");
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), 19); /* whoever sends comes first */
    (void)qos_sqlite_check_now(check, check->database);
    (void)sem_post(&check->end);
    return NULL;
}

/* Nothing is locked, and the log not looked at. The path has its escapes: it may have a '?'. */
static int open_unlocked(struct qos_sqlite_check *check, const char *path)
{
    struct buf name = BUF_INIT;
    int code;

    buf_append_str(&name, "file:");
    for (; *path != '\0'; path++)
        buf_printf(&name, "%%%02x", (unsigned char)*path);
    buf_append_str(&name, "?immutable=1");
    code = sqlite3_open_v2(buf_str(&name), &check->database,
                           SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);
    buf_release(&name);
    if (code == SQLITE_OK)
        code =
            sqlite3_exec(check->database, "PRAGMA cache_size = -1024; PRAGMA trusted_schema = OFF",
                         NULL, NULL, NULL);
    return qos_sqlite_errno(check->database, code);
}

int qos_sqlite_check_start(struct qos_sqlite_check *check, const char *path)
{
    int result = open_unlocked(check, path);

    if (result != 0)
        return result;
    (void)sem_init(&check->end, 0, 0);
    result = pthread_create(&check->thread, NULL, run_check, check);
    check->is_started = result == 0;
    return -result;
}

bool qos_sqlite_check_is_on(const struct qos_sqlite_check *check)
{
    return check->is_started && !check->is_joined;
}

/* False: it is not over after so long. */
static bool wait_for_end(struct qos_sqlite_check *check, unsigned ms)
{
    const struct timespec until = clock_real_in(ms * CLOCK_NS_PER_MS);

    while (sem_clockwait(&check->end, CLOCK_MONOTONIC, &until) != 0)
        if (errno != EINTR)
            return false;
    (void)pthread_join(check->thread, NULL);
    check->is_joined = true;
    return true;
}

int qos_sqlite_check_wait(struct qos_sqlite_check *check, unsigned ms)
{
    if (qos_sqlite_check_is_on(check) && !wait_for_end(check, ms))
        return -EAGAIN;
    return check->error;
}

/* What comes just before a statement begins is lost: it is said again. */
void qos_sqlite_check_stop(struct qos_sqlite_check *check)
{
    if (!qos_sqlite_check_is_on(check))
        return;
    atomic_store(&check->is_stopping, true);
    do
        sqlite3_interrupt(check->database);
    while (!wait_for_end(check, MS_TO_STOP));
}

void qos_sqlite_check_release(struct qos_sqlite_check *check)
{
    qos_sqlite_check_stop(check);
    if (check->is_started)
        (void)sem_destroy(&check->end);
    (void)sqlite3_close(check->database);
    *check = (struct qos_sqlite_check){0};
}
