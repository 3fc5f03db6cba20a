/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "qos/sqlite_repository.h"
#include "qos/sqlite_schema.h"

static struct qos_sqlite_call call_for(struct qos_sqlite *sqlite, enum qos_sqlite_statement which,
                                       uint64_t number, const char *value)
{
    struct qos_sqlite_call call = qos_sqlite_call(sqlite, which);

    qos_sqlite_bind_number(&call, (int64_t)number);
    qos_sqlite_bind_text(&call, value);
    return call;
}

/* Changes the copy's state, and the length of its queue. -ENOENT when it was in another state. */
static int move(struct qos_sqlite *sqlite, enum qos_sqlite_statement which, uint64_t number,
                const char *value, int by)
{
    struct qos_sqlite_call call = call_for(sqlite, which, number, value);
    struct qos_recipient recipient = {.value = value};
    const bool is_there = qos_sqlite_step(&call);
    const char *text = NULL;
    char *listening;
    int result;

    if (is_there) {
        recipient.dimension = (enum sse_dimension)sqlite3_column_int(call.statement, 0);
        text = (const char *)sqlite3_column_text(call.statement, 1);
        if (!text)
            qos_sqlite_reject(&call, SQLITE_NOMEM);
    }
    listening = mem_strdup(text);
    result = qos_sqlite_run(&call);
    recipient.listening = listening;
    if (result == 0 && is_there && (unsigned)recipient.dimension < SSE_DIMENSIONS)
        qos_queue_counts_change(&sqlite->counts, &recipient, by);
    free(listening);
    return result == 0 && !is_there ? -ENOENT : result;
}

static int run_for_number(struct qos_sqlite *sqlite, enum qos_sqlite_statement which,
                          uint64_t number)
{
    struct qos_sqlite_call call = qos_sqlite_call(sqlite, which);

    qos_sqlite_bind_number(&call, (int64_t)number);
    return qos_sqlite_run(&call);
}

static int remove_unreadable(struct qos_sqlite *sqlite, uint64_t number, const char *value)
{
    struct qos_sqlite_call call = call_for(sqlite, QOS_SQLITE_REMOVE_UNREADABLE, number, value);
    const int result = qos_sqlite_run(&call);

    if (result == 0)
        sqlite->repository.totals.aside--;
    return result;
}

#define HAS_UNKNOWN_STATE "state NOT BETWEEN 0 AND 5 AND ended = 0"

int qos_sqlite_gather_aside(struct qos_sqlite *sqlite)
{
    static const char sql[] =
        "BEGIN IMMEDIATE;"
        "UPDATE message SET open = max(0, open - (SELECT count(*) FROM copy c"
        " WHERE c.number = message.number AND c.state NOT BETWEEN 0 AND 5 AND c.ended = 0))"
        " WHERE number IN (SELECT number FROM copy WHERE " HAS_UNKNOWN_STATE ");"
        "INSERT OR REPLACE INTO unreadable SELECT number, value, 1 FROM copy"
        " WHERE " HAS_UNKNOWN_STATE ";"
        "UPDATE copy SET state = 5 WHERE " HAS_UNKNOWN_STATE ";"
        "COMMIT";
    sqlite3_int64 count = 0;
    int result = qos_sqlite_number(sqlite->database,
                                   "SELECT count(*) FROM copy WHERE " HAS_UNKNOWN_STATE, &count);

    if (result != 0 || count == 0)
        return result;
    result =
        qos_sqlite_errno(sqlite->database, sqlite3_exec(sqlite->database, sql, NULL, NULL, NULL));
    if (result == 0)
        log_error("stored messages have a state that is damaged: they are set aside",
                  LOG_INT("copies", count));
    return result;
}

int qos_sqlite_set_aside(struct qos_repository *repository, uint64_t number, const char *value,
                         enum qos_cause cause)
{
    struct qos_sqlite *sqlite = qos_sqlite_of(repository);
    struct qos_sqlite_call call;
    int result = move(sqlite, QOS_SQLITE_SET_ASIDE, number, value, -1);

    if (result == 0) {
        call = call_for(sqlite, QOS_SQLITE_ADD_UNREADABLE, number, value);
        qos_sqlite_bind_number(&call, cause);
        result = qos_sqlite_run(&call);
    }
    if (result != 0)
        return result;
    repository->totals.copies--;
    repository->totals.aside++;
    return run_for_number(sqlite, QOS_SQLITE_CLOSE_ONE, number);
}

int qos_sqlite_take_back(struct qos_repository *repository, uint64_t number, const char *value)
{
    struct qos_sqlite *sqlite = qos_sqlite_of(repository);
    int result = move(sqlite, QOS_SQLITE_TAKE_BACK, number, value, 1);

    if (result == 0)
        result = remove_unreadable(sqlite, number, value);
    if (result != 0)
        return result;
    repository->totals.copies++;
    return run_for_number(sqlite, QOS_SQLITE_OPEN_ONE, number);
}

int qos_sqlite_discard(struct qos_repository *repository, uint64_t number, const char *value,
                       int64_t at)
{
    struct qos_sqlite *sqlite = qos_sqlite_of(repository);
    struct qos_sqlite_call call = call_for(sqlite, QOS_SQLITE_DISCARD, number, value);
    int result;

    qos_sqlite_bind_number(&call, at);
    result = qos_sqlite_run(&call);
    if (result == 0 && sqlite3_changes(sqlite->database) == 0)
        return -ENOENT;
    if (result == 0)
        result = remove_unreadable(sqlite, number, value);
    return result == 0 ? qos_sqlite_close(sqlite, number, 0, at) : result;
}
