/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "qos/repository.h"
#include "qos/sqlite_file.h"
#include "qos/sqlite_repository.h"

/* No number is given twice, whatever was damaged, and none that nothing could follow. */
#define LAST_NUMBER                                                                                \
    "SELECT max(" LAST_OF("reserved", "numbers") ", " LAST_OF("number", "message") ", " LAST_OF(   \
        "number", "copy") ", " LAST_OF("number", "body") ")"
#define LAST_OF(column, table)                                                                     \
    "coalesce((SELECT max(" column ") FROM " table " WHERE " column                                \
    " BETWEEN 0 AND 4611686018427387903), 0)"

/* What the file says. False: nothing, or what cannot be. */
static bool take_totals(struct qos_sqlite *sqlite, sqlite3_stmt *row)
{
    struct qos_totals *totals = &sqlite->repository.totals;
    uint64_t *const counts[] = {&sqlite->queue.queued, &totals->copies, &totals->aside,
                                &totals->messages,     &totals->bytes,  &totals->ended};
    const int count = (int)(sizeof(counts) / sizeof(counts[0]));

    for (int i = 0; i < count; i++) {
        if (sqlite3_column_type(row, i) != SQLITE_INTEGER || sqlite3_column_int64(row, i) < 0)
            return false;
        *counts[i] = (uint64_t)sqlite3_column_int64(row, i);
    }
    sqlite->repository.has_tenants = sqlite3_column_int64(row, count) != 0;
    return sqlite->queue.queued <= sqlite->last_number;
}

static int find_totals(struct qos_sqlite *sqlite, enum qos_sqlite_statement which, bool *is_known)
{
    struct qos_sqlite_call call = qos_sqlite_call(sqlite, which);

    *is_known = qos_sqlite_step(&call) && take_totals(sqlite, call.statement);
    return qos_sqlite_finish(&call);
}

static int tell_totals(struct qos_sqlite *sqlite)
{
    const struct qos_totals *totals = &sqlite->repository.totals;
    struct qos_sqlite_call call = qos_sqlite_call(sqlite, QOS_SQLITE_KEEP_TOTALS);

    for (size_t i = 0; i < 8; i++)
        qos_sqlite_bind_number(&call, (int64_t)(const uint64_t[]){
                                          sqlite->reserved, sqlite->queue.queued, totals->copies,
                                          totals->aside, totals->messages, totals->bytes,
                                          totals->ended, sqlite->repository.has_tenants}[i]);
    return qos_sqlite_run(&call);
}

int qos_sqlite_count_totals(struct qos_sqlite *sqlite)
{
    const uint64_t queued = sqlite->queue.queued;
    bool is_known;
    int result = find_totals(sqlite, QOS_SQLITE_COUNT_ALL, &is_known);

    sqlite->queue.queued = queued;
    return result == 0 ? tell_totals(sqlite) : result;
}

static int read_totals(struct qos_sqlite *sqlite)
{
    sqlite3_int64 last = 0;
    bool is_known;
    int result = qos_sqlite_number(sqlite->database, LAST_NUMBER, &last);

    if (result != 0)
        return result;
    sqlite->last_number = sqlite->reserved = (uint64_t)last;
    result = find_totals(sqlite, QOS_SQLITE_TOTALS, &is_known);
    if (result != 0 || is_known)
        return result;
    if (sqlite->queue.queued > sqlite->last_number)
        sqlite->queue.queued = 0;
    return qos_sqlite_count_totals(sqlite);
}

static void remember_totals(struct qos_sqlite *sqlite)
{
    sqlite->before.totals = sqlite->repository.totals;
    sqlite->before.reserved = sqlite->reserved;
    sqlite->before.queue = sqlite->queue;
    sqlite->before.has_tenants = sqlite->repository.has_tenants;
}

static void restore_totals(struct qos_sqlite *sqlite)
{
    sqlite->repository.totals = sqlite->before.totals;
    sqlite->reserved = sqlite->before.reserved;
    sqlite->queue = sqlite->before.queue;
    sqlite->repository.has_tenants = sqlite->before.has_tenants;
}

static int write_totals(struct qos_sqlite *sqlite)
{
    int result;

    if (memcmp(&sqlite->repository.totals, &sqlite->before.totals, sizeof(struct qos_totals)) ==
            0 &&
        sqlite->reserved == sqlite->before.reserved &&
        sqlite->repository.has_tenants == sqlite->before.has_tenants)
        return sqlite->repository.fault;
    result = qos_sqlite_queue_advance(sqlite);
    return result == 0 ? tell_totals(sqlite) : result;
}

#define PIECE 8 /* pages: 64 KiB, for whom a transaction waits */

/* Nothing of it has to survive: a copy that is not whole is worth nothing. */
static const char copy_settings[] = "PRAGMA journal_mode = OFF;"
                                    "PRAGMA synchronous = OFF;"
                                    "PRAGMA locking_mode = EXCLUSIVE;"
                                    "PRAGMA cache_size = -1024;";

static int open_target(struct qos_sqlite_copy *copy, const char *path)
{
    int code;

    (void)unlink(path); /* of one that was killed just there */
    copy->file = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (copy->file < 0)
        return -errno;
    copy->is_under_way = true;
    code = sqlite3_open_v2(path, &copy->to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    (void)unlink(path); /* whatever happens, nothing is left */
    if (code == SQLITE_OK)
        code = sqlite3_exec(copy->to, copy_settings, NULL, NULL, NULL);
    return qos_sqlite_errno(copy->to, code);
}

static int begin_copy(struct qos_sqlite *sqlite)
{
    struct qos_sqlite_copy *copy = &sqlite->copy;
    struct buf path = BUF_INIT;
    int result;

    buf_printf(&path, "%s-copy", sqlite3_db_filename(sqlite->database, "main"));
    result = open_target(copy, buf_str(&path));
    buf_release(&path);
    if (result != 0)
        return result;
    copy->backup = sqlite3_backup_init(copy->to, "main", sqlite->database, "main");
    return copy->backup ? 0 : qos_sqlite_errno(copy->to, sqlite3_errcode(copy->to));
}

/* But for the file. */
static void end_copy(struct qos_sqlite_copy *copy)
{
    (void)sqlite3_backup_finish(copy->backup); /* says again what step has said */
    (void)sqlite3_close(copy->to);
    *copy = (struct qos_sqlite_copy){.file = copy->file};
}

static void sqlite_leave_copy(struct qos_repository *repository)
{
    struct qos_sqlite_copy *copy = &qos_sqlite_of(repository)->copy;

    if (!copy->is_under_way)
        return;
    end_copy(copy);
    close(copy->file);
}

static int sqlite_copy(struct qos_repository *repository, int *file)
{
    struct qos_sqlite *sqlite = qos_sqlite_of(repository);
    struct qos_sqlite_copy *copy = &sqlite->copy;
    int result = copy->is_under_way ? 0 : begin_copy(sqlite);
    int code = SQLITE_OK;

    if (result == 0)
        code = sqlite3_backup_step(copy->backup, PIECE);
    if (code == SQLITE_OK && result == 0)
        return -EAGAIN;
    if (code == SQLITE_DONE) {
        end_copy(copy);
        *file = copy->file;
        return 0;
    }
    if (result == 0)
        result = qos_sqlite_errno(copy->to, code);
    sqlite_leave_copy(repository);
    return result;
}

#define QUEUES_COUNTED   16384u /* about 2 MB */
#define RECENT_MESSAGES  8192u  /* less than 1 MB */
#define CHECKPOINT_PAGES 1000
#define MS_TO_CHECK      500u

/*
 * locking_mode before the first read: no other process can come in between, and the index of the
 * WAL lies in our memory instead of a shared file. auto_vacuum before anything is written: later it
 * has no effect; nor has page_size: with smaller ones more of each page stays empty. secure_delete
 * FAST: what was deleted is overwritten where that costs no I/O.
 */
static const char settings[] = "PRAGMA busy_timeout = 1000;"
                               "PRAGMA page_size = 8192;"
                               "PRAGMA locking_mode = EXCLUSIVE;"
                               "PRAGMA auto_vacuum = INCREMENTAL;"
                               "PRAGMA synchronous = FULL;"
                               "PRAGMA journal_size_limit = 16777216;"
                               "PRAGMA cache_size = -16384;"
                               "PRAGMA temp_store = MEMORY;"
                               "PRAGMA secure_delete = FAST;"
                               "PRAGMA trusted_schema = OFF;";

/* Where there is no room to set anything aside it is left for the next opening. */
static int take_check(struct qos_sqlite *sqlite)
{
    const int result = sqlite->check.has_unknown_states ? qos_sqlite_gather_aside(sqlite) : 0;

    sqlite->repository.is_checked = result == 0;
    return result == -ENOSPC ? 0 : result;
}

/* What the check has found by now that goes on beside. From here on commits may change the file. */
static int end_check(struct qos_sqlite *sqlite)
{
    const int result = qos_sqlite_check_wait(&sqlite->check, 0);

    if (result == -EAGAIN)
        return 0;
    (void)sqlite3_wal_autocheckpoint(sqlite->database, CHECKPOINT_PAGES);
    return result == 0 ? take_check(sqlite) : result;
}

static int sqlite_begin(struct qos_repository *repository)
{
    struct qos_sqlite *sqlite = qos_sqlite_of(repository);
    struct qos_sqlite_call call;
    int result = qos_sqlite_check_is_on(&sqlite->check) ? end_check(sqlite) : 0;

    if (result != 0)
        return repository->fault = result;
    call = qos_sqlite_call(sqlite, QOS_SQLITE_BEGIN);
    remember_totals(sqlite);
    return qos_sqlite_run(&call);
}

/* Should it fail, the file is larger than it has to be until the next one. */
static void checkpoint(struct qos_sqlite *sqlite)
{
    if (qos_sqlite_check_is_on(&sqlite->check))
        return;
    sqlite->has_shrunk = false;
    (void)sqlite3_wal_checkpoint_v2(sqlite->database, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

static int sqlite_commit(struct qos_repository *repository)
{
    struct qos_sqlite *sqlite = qos_sqlite_of(repository);
    struct qos_sqlite_call call;
    int result = write_totals(sqlite);

    if (result != 0)
        return result;
    call = qos_sqlite_call(sqlite, QOS_SQLITE_COMMIT);
    result = qos_sqlite_run(&call);
    if (result == 0 && sqlite->has_shrunk)
        checkpoint(sqlite);
    return result;
}

static void sqlite_rollback(struct qos_repository *repository)
{
    struct qos_sqlite *sqlite = qos_sqlite_of(repository);
    struct qos_sqlite_call call = qos_sqlite_call(sqlite, QOS_SQLITE_ROLLBACK);

    restore_totals(sqlite);
    sqlite->expiry.earliest = 0;
    qos_queue_counts_forget(&sqlite->counts);
    sqlite->has_shrunk = false;
    repository->fault = 0;
    if (!sqlite3_get_autocommit(sqlite->database)) /* else SQLite has done it already */
        (void)qos_sqlite_run(&call);               /* sets fault, if it must be */
    (void)qos_sqlite_queue_fill(sqlite);           /* and so does this */
}

static void sqlite_free(struct qos_repository *repository)
{
    struct qos_sqlite *sqlite = qos_sqlite_of(repository);

    qos_sqlite_check_stop(&sqlite->check); /* closing brings what is in the log into the file */
    qos_sqlite_unprepare(sqlite);
    sqlite_leave_copy(repository);
    (void)sqlite3_close(sqlite->database); /* can only be busy, and nothing is left in it */
    qos_sqlite_check_release(&sqlite->check);
    qos_queue_counts_release(&sqlite->counts);
    qos_sqlite_recent_release(&sqlite->recent);
    buf_release(&sqlite->text);
    free(sqlite);
}

static const struct qos_repository_ops ops = {
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .find = qos_sqlite_find,
    .single = qos_sqlite_single,
    .put = qos_sqlite_put,
    .end = qos_sqlite_end,
    .note = qos_sqlite_note,
    .set_aside = qos_sqlite_set_aside,
    .take_back = qos_sqlite_take_back,
    .discard = qos_sqlite_discard,
    .count = qos_sqlite_count,
    .count_plain = qos_sqlite_count_plain,
    .read = qos_sqlite_read,
    .read_value = qos_sqlite_read_value,
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
    .copy = sqlite_copy,
    .leave_copy = sqlite_leave_copy,
    .free = sqlite_free,
};

/* Opening, and what is to be told when that fails. */
struct opening {
    const char *path; /* NULL: in memory */
    char *fault;
    size_t fault_size;
    bool is_sound;   /* it is new, or has been checked */
    bool is_suspect; /* it was damaged: nobody gets an answer before it is checked */
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

/* Else each file has 20 pages of memory from the first one on, and each allocation is counted under
 * a lock. */
static void set_up_library(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* By its whole path: SQLite takes some names for something else than a file. */
static int open_database(struct qos_sqlite *sqlite, const char *path)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    char *whole = path ? realpath(path, NULL) : mem_strdup(":memory:");
    int code;

    if (!whole)
        return -errno;
    (void)pthread_once(&once, set_up_library);
    code = sqlite3_open_v2(whole, &sqlite->database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                           NULL);
    free(whole);
    if (code == SQLITE_OK && sqlite3_db_readonly(sqlite->database, "main") != 0)
        code = SQLITE_READONLY;
    if (code == SQLITE_OK)
        code = sqlite3_exec(sqlite->database, settings, NULL, NULL, NULL);
    return qos_sqlite_errno(sqlite->database, code);
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

/* A small file is read by the time that we wait. Where there is no room to bring the log into the
 * file nobody can look at it beside. */
static int check_file(struct qos_sqlite *sqlite, const struct opening *opening)
{
    int result = qos_sqlite_errno(
        sqlite->database,
        sqlite3_wal_checkpoint_v2(sqlite->database, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL));

    if (result == -ENOSPC || result == -EIO)
        return qos_sqlite_check_now(&sqlite->check, sqlite->database);
    (void)sqlite3_wal_autocheckpoint(sqlite->database, 0);
    if (result == 0)
        result =
            qos_sqlite_check_start(&sqlite->check, sqlite3_db_filename(sqlite->database, "main"));
    if (result == 0)
        result =
            qos_sqlite_check_wait(&sqlite->check, opening->is_suspect ? UINT_MAX : MS_TO_CHECK);
    if (result == -EAGAIN)
        return 0;
    (void)sqlite3_wal_autocheckpoint(sqlite->database, CHECKPOINT_PAGES);
    return result;
}

static int open_all(struct qos_sqlite *sqlite, struct opening *opening)
{
    int result = opening->path ? make_file(opening) : 0;

    if (result == 0)
        result = open_database(sqlite, opening->path);
    if (result == 0 && opening->path)
        result = qos_sqlite_ask(sqlite->database, "PRAGMA journal_mode = WAL", "wal", -EOPNOTSUPP);
    if (result == 0 && !opening->is_sound)
        result = check_file(sqlite, opening);
    if (result == 0)
        result = check_version(sqlite, opening);
    if (result == 0)
        result = qos_sqlite_errno(sqlite->database,
                                  qos_sqlite_recent_show(&sqlite->recent, sqlite->database));
    if (result == 0)
        result = qos_sqlite_prepare(sqlite);
    if (result == 0)
        result = read_totals(sqlite);
    if (result == 0 && !qos_sqlite_check_is_on(&sqlite->check))
        result = take_check(sqlite);
    if (result == 0)
        result = qos_sqlite_queue_fill(sqlite);
    return result;
}

static void explain(const struct opening *opening, int error)
{
    const char *advice;

    if (opening->fault[0] != '\0')
        return;
    switch (error) {
    case -EUCLEAN:
        advice = QOS_DAMAGED;
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
        .is_suspect = *error == -EUCLEAN,
    };
    struct qos_sqlite *sqlite = mem_zalloc(sizeof(*sqlite));

    fault[0] = '\0';
    sqlite->repository.ops = &ops;
    sqlite->repository.is_durable = path != NULL;
    sqlite->queue.most = RECENT_MESSAGES;
    qos_queue_counts_init(&sqlite->counts, QUEUES_COUNTED);
    qos_sqlite_recent_init(&sqlite->recent);
    *error = open_all(sqlite, &opening);
    if (*error == 0)
        return &sqlite->repository;
    explain(&opening, *error);
    sqlite_free(&sqlite->repository);
    return NULL;
}
