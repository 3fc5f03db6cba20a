/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/mem.h"
#include "qos/sqlite_repository.h"
#include "qos/sqlite_schema.h"

#define QUEUES_COUNTED 16384u /* about 2 MB */

/*
 * locking_mode before the first read: no other process can come in between, and the index of the
 * WAL lies in our memory instead of a shared file. auto_vacuum before anything is written: later it
 * has no effect. secure_delete FAST: what was deleted is overwritten where that costs no I/O.
 */
static const char settings[] = "PRAGMA busy_timeout = 1000;"
                               "PRAGMA locking_mode = EXCLUSIVE;"
                               "PRAGMA auto_vacuum = INCREMENTAL;"
                               "PRAGMA synchronous = FULL;"
                               "PRAGMA journal_size_limit = 16777216;"
                               "PRAGMA cache_size = -16384;"
                               "PRAGMA temp_store = MEMORY;"
                               "PRAGMA secure_delete = FAST;"
                               "PRAGMA trusted_schema = OFF;";

static int sqlite_begin(struct qos_repository *repository)
{
    struct qos_sqlite *sqlite = qos_sqlite_of(repository);
    struct qos_sqlite_call call = qos_sqlite_call(sqlite, QOS_SQLITE_BEGIN);

    sqlite->before.totals = repository->totals;
    sqlite->before.reserved = sqlite->reserved;
    return qos_sqlite_run(&call);
}

/* Should it fail, the file is larger than it has to be until the next one. */
static void checkpoint(struct qos_sqlite *sqlite)
{
    sqlite->has_shrunk = false;
    (void)sqlite3_wal_checkpoint_v2(sqlite->database, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

static int sqlite_commit(struct qos_repository *repository)
{
    struct qos_sqlite *sqlite = qos_sqlite_of(repository);
    struct qos_sqlite_call call = qos_sqlite_call(sqlite, QOS_SQLITE_COMMIT);
    const int result = qos_sqlite_run(&call);

    if (result == 0 && sqlite->has_shrunk)
        checkpoint(sqlite);
    return result;
}

static void sqlite_rollback(struct qos_repository *repository)
{
    struct qos_sqlite *sqlite = qos_sqlite_of(repository);
    struct qos_sqlite_call call = qos_sqlite_call(sqlite, QOS_SQLITE_ROLLBACK);

    repository->totals = sqlite->before.totals;
    sqlite->reserved = sqlite->before.reserved;
    qos_queue_counts_forget(&sqlite->counts);
    sqlite->has_shrunk = false;
    repository->fault = 0;
    if (!sqlite3_get_autocommit(sqlite->database)) /* else SQLite has done it already */
        (void)qos_sqlite_run(&call);               /* sets fault, if it must be */
}

static void sqlite_free(struct qos_repository *repository)
{
    struct qos_sqlite *sqlite = qos_sqlite_of(repository);

    qos_sqlite_unprepare(sqlite);
    qos_sqlite_leave_copy(repository);
    (void)sqlite3_close(sqlite->database); /* can only be busy, and nothing is left in it */
    qos_queue_counts_release(&sqlite->counts);
    free(sqlite);
}

static const struct qos_repository_ops ops = {
    .name = "sqlite",
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .find = qos_sqlite_find,
    .put = qos_sqlite_put,
    .end = qos_sqlite_end,
    .note = qos_sqlite_note,
    .set_aside = qos_sqlite_set_aside,
    .take_back = qos_sqlite_take_back,
    .discard = qos_sqlite_discard,
    .count = qos_sqlite_count,
    .count_plain = qos_sqlite_count_plain,
    .read = qos_sqlite_read,
    .queues = qos_sqlite_queues,
    .scan = qos_sqlite_scan,
    .aside = qos_sqlite_aside,
    .expired = qos_sqlite_expired,
    .states = qos_sqlite_states,
    .forget = qos_sqlite_forget,
    .shrink = qos_sqlite_shrink,
    .revoke = qos_sqlite_revoke,
    .forget_revocations = qos_sqlite_forget_revocations,
    .revocations = qos_sqlite_revocations,
    .copy = qos_sqlite_copy,
    .leave_copy = qos_sqlite_leave_copy,
    .free = sqlite_free,
};

/* Opening, and what is to be told when that fails. */
struct opening {
    const char *path; /* NULL: in memory */
    char *fault;
    size_t fault_size;
    bool is_sound; /* it is new, or has been checked */
};

static int make_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *directory;
    int result;

    if (!slash || slash == path)
        return 0;
    directory = mem_strndup(path, (size_t)(slash - path));
    result = directory_make(directory);
    free(directory);
    return result;
}

/* Ours alone. SQLite gives the files beside it the same mode. */
static int make_file(struct opening *opening)
{
    int result = make_directory(opening->path);
    int file;

    if (result != 0)
        return result;
    file = open(opening->path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (file < 0)
        return errno == EEXIST ? 0 : -errno;
    opening->is_sound = true;
    close(file);
    return 0;
}

/* By its whole path: SQLite takes some names for something else than a file. */
static int open_database(struct qos_sqlite *sqlite, const char *path)
{
    char *whole = path ? realpath(path, NULL) : mem_strdup(":memory:");
    int code;

    if (!whole)
        return -errno;
    code = sqlite3_open_v2(whole, &sqlite->database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                           NULL);
    free(whole);
    if (code == SQLITE_OK && sqlite3_db_readonly(sqlite->database, "main") != 0)
        code = SQLITE_READONLY;
    if (code == SQLITE_OK)
        code = sqlite3_exec(sqlite->database, settings, NULL, NULL, NULL);
    return qos_sqlite_errno(sqlite->database, code);
}

/* Both pragmas answer with a word, and return no error when it is another one than is hoped for. */
static int ask_for(sqlite3 *database, const char *pragma, const char *hoped, int otherwise)
{
    sqlite3_stmt *statement;
    int code = sqlite3_prepare_v2(database, pragma, -1, &statement, NULL);
    bool is_so = false;

    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        const char *answer = (const char *)sqlite3_column_text(statement, 0);

        is_so = answer && strcmp(answer, hoped) == 0;
    }
    (void)sqlite3_finalize(statement); /* says again what step has said */
    if (code == SQLITE_ROW && !is_so)
        return otherwise;
    return qos_sqlite_errno(database, code);
}

/* No number is given twice, whatever was damaged, and none that nothing could follow. */
#define LAST_NUMBER                                                                                \
    "SELECT coalesce(max(n), 0) FROM (SELECT reserved AS n FROM numbers"                           \
    " UNION ALL SELECT * FROM (" LAST_OF("message") ") UNION ALL SELECT * FROM (" LAST_OF(         \
        "copy") ") UNION ALL SELECT * FROM (" LAST_OF("body") ")) WHERE n BETWEEN 0 AND "          \
                                                              "4611686018427387903"
#define LAST_OF(table) "SELECT max(number) FROM " table " WHERE number <= 4611686018427387903"

static int read_tallies(struct qos_sqlite *sqlite)
{
    static const char *const queries[] = {
        "SELECT count(*) FROM copy WHERE state = 0",
        "SELECT count(*) FROM unreadable",
        "SELECT count(*) FROM message WHERE ended IS NULL",
        "SELECT coalesce(sum(" QOS_SQLITE_TRUE_LENGTH "), 0) FROM message WHERE ended IS NULL",
        "SELECT count(*) FROM message WHERE ended IS NOT NULL",
        LAST_NUMBER,
    };
    struct qos_totals *totals = &sqlite->repository.totals;
    uint64_t *const tallies[] = {&totals->copies, &totals->aside, &totals->messages,
                                 &totals->bytes,  &totals->ended, &sqlite->reserved};

    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        sqlite3_int64 number = 0;
        const int result = qos_sqlite_number(sqlite->database, queries[i], &number);

        if (result != 0)
            return result;
        *tallies[i] = (uint64_t)number;
    }
    sqlite->last_number = sqlite->reserved;
    return 0;
}

static int check_version(struct qos_sqlite *sqlite, const struct opening *opening)
{
    int found = 0;
    const int result = qos_sqlite_upgrade(sqlite->database, &qos_sqlite_schema, &found);

    if (result == -EPROTONOSUPPORT && found < 0)
        snprintf(opening->fault, opening->fault_size,
                 "%s belongs to another program: move it away, or set another path", opening->path);
    else if (result == -EPROTONOSUPPORT)
        snprintf(opening->fault, opening->fault_size,
                 "%s has version %d, and this program knows %d: run the newer program that wrote "
                 "it, or move it away",
                 opening->path, found, qos_sqlite_schema.version);
    return result;
}

static int open_all(struct qos_sqlite *sqlite, struct opening *opening)
{
    int result = opening->path ? make_file(opening) : 0;

    if (result == 0)
        result = open_database(sqlite, opening->path);
    if (result == 0 && opening->path)
        result = ask_for(sqlite->database, "PRAGMA journal_mode = WAL", "wal", -EOPNOTSUPP);
    if (result == 0 && !opening->is_sound)
        result = ask_for(sqlite->database, "PRAGMA quick_check(1)", "ok", -EUCLEAN);
    if (result == 0)
        result = check_version(sqlite, opening);
    if (result == 0)
        result = qos_sqlite_prepare(sqlite);
    if (result == 0)
        result = qos_sqlite_gather_aside(sqlite);
    if (result == 0)
        result = read_tallies(sqlite);
    return result;
}

static void explain(const struct opening *opening, int error)
{
    const char *advice;

    if (opening->fault[0] != '\0')
        return;
    switch (error) {
    case -EUCLEAN:
        advice = "it is damaged: move it and its -wal file away, or put a backup in their place; "
                 "it is tried again by itself";
        break;
    case -EBUSY:
        advice = "another process has it open: each service of each server needs its own file";
        break;
    case -EOPNOTSUPP:
        advice = "its file system cannot hold a write-ahead log: set a path on a local disk";
        break;
    default:
        advice = strerrordesc_np(-error);
    }
    snprintf(opening->fault, opening->fault_size, "%s cannot be opened: %s",
             opening->path ? opening->path : "the store in memory", advice);
}

struct qos_repository *qos_sqlite_new(const char *path, int *error, char *fault, size_t fault_size)
{
    struct opening opening = {
        .path = path,
        .fault = fault,
        .fault_size = fault_size,
        .is_sound = !path || *error == -ENOSPC,
    };
    struct qos_sqlite *sqlite = mem_zalloc(sizeof(*sqlite));

    fault[0] = '\0';
    sqlite->repository.ops = &ops;
    sqlite->repository.is_durable = path != NULL;
    qos_queue_counts_init(&sqlite->counts, QUEUES_COUNTED);
    *error = open_all(sqlite, &opening);
    if (*error == 0)
        return &sqlite->repository;
    explain(&opening, *error);
    sqlite_free(&sqlite->repository);
    return NULL;
}
