/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "qos/sqlite_repository.h"

static struct qos_sqlite_call call_for(struct qos_sqlite *sqlite, enum qos_sqlite_statement which,
                                       uint64_t number, const char *value)
{
    struct qos_sqlite_call call = qos_sqlite_call_for(sqlite, which, number);

    qos_sqlite_bind_text(&call, value);
    return call;
}

/* Changes the copy's state, and the length of its queue. With expires, which the message says, it
 * is in the queue again. -ENOENT when it was in another state. */
static int move(struct qos_sqlite *sqlite, enum qos_sqlite_statement which, uint64_t number,
                const char *value, int by)
{
    struct qos_sqlite_call call = call_for(sqlite, which, number, value);
    struct qos_recipient recipient = {.value = value};
    const bool is_requeued = which == QOS_SQLITE_TAKE_MESSAGE_BACK;
    int64_t expires = 0;
    bool is_whole = false;
    const bool is_there = qos_sqlite_step(&call);
    const char *text = NULL;
    char *listening;
    int result;

    if (is_there) {
        recipient.dimension = (enum sse_dimension)sqlite3_column_int(call.statement, 0);
        expires = is_requeued ? sqlite3_column_int64(call.statement, 2) : 0;
        is_whole = sqlite3_column_type(call.statement, 0) != SQLITE_NULL &&
                   sqlite3_column_type(call.statement, 1) != SQLITE_NULL;
        text = (const char *)sqlite3_column_text(call.statement, 1);
        if (is_whole && !text)
            call.code = SQLITE_NOMEM;
    }
    listening = mem_strdup(text ? text : "");
    result = qos_sqlite_run(&call);
    recipient.listening = listening;
    if (result == 0 && is_there && is_requeued)
        result = qos_sqlite_queue_add_old(sqlite, number, &recipient);
    if (result == 0 && is_there && is_requeued)
        result = qos_sqlite_expiry_note(sqlite, number, expires);
    if (result == 0 && is_there && !is_whole)
        qos_queue_counts_forget(&sqlite->counts); /* nobody knows which queue it was */
    else if (result == 0 && is_there && (unsigned)recipient.dimension < SSE_DIMENSIONS)
        qos_queue_counts_change(&sqlite->counts, &recipient, by);
    free(listening);
    return result == 0 && !is_there ? -ENOENT : result;
}

static int remove_unreadable(struct qos_sqlite *sqlite, uint64_t number, const char *value)
{
    struct qos_sqlite_call call = call_for(sqlite, QOS_SQLITE_REMOVE_UNREADABLE, number, value);
    const int result = qos_sqlite_run(&call);

    if (result == 0)
        sqlite->repository.totals.aside--;
    return result;
}

int qos_sqlite_gather_aside(struct qos_sqlite *sqlite)
{
    static const char sql[] =
        "BEGIN IMMEDIATE;"
        "UPDATE message SET open = max(0, open - (SELECT count(*) FROM copy c"
        " WHERE c.number = message.number AND c.state NOT BETWEEN 0 AND 5 AND c.ended = 0))"
        " WHERE number IN (SELECT number FROM copy WHERE " QOS_SQLITE_UNKNOWN_COPY ");"
        "INSERT OR REPLACE INTO unreadable SELECT number, value, 1 FROM copy"
        " WHERE " QOS_SQLITE_UNKNOWN_COPY ";"
        "INSERT OR REPLACE INTO unreadable SELECT number, coalesce(value, ''), 1 FROM message"
        " WHERE " QOS_SQLITE_UNKNOWN_MESSAGE ";"
        "DELETE FROM queue WHERE number IN (SELECT number FROM message"
        " WHERE " QOS_SQLITE_UNKNOWN_MESSAGE ");"
        "UPDATE copy SET state = 5 WHERE " QOS_SQLITE_UNKNOWN_COPY ";"
        "UPDATE message SET state = 5 WHERE " QOS_SQLITE_UNKNOWN_MESSAGE ";"
        "UPDATE numbers SET copies = NULL;" /* until they are written again */
        "COMMIT";
    const uint64_t aside = sqlite->repository.totals.aside;
    int result =
        qos_sqlite_errno(sqlite->database, sqlite3_exec(sqlite->database, sql, NULL, NULL, NULL));

    if (result != 0 && !sqlite3_get_autocommit(sqlite->database))
        (void)sqlite3_exec(sqlite->database, "ROLLBACK", NULL, NULL, NULL);
    if (result == 0)
        result = qos_sqlite_count_totals(sqlite);
    if (result == 0)
        log_error("stored messages have a state that is damaged: they are set aside",
                  LOG_INT("copies", (int64_t)(sqlite->repository.totals.aside - aside)));
    return result;
}

/* A message with one recipient. Of one whose row is lost the queue knows. */
static int set_message_aside(struct qos_sqlite *sqlite, uint64_t number, const char *value)
{
    int removed = 0;
    int result = move(sqlite, QOS_SQLITE_SET_MESSAGE_ASIDE, number, value, -1);
    const int found = result;

    if (result == 0 || result == -ENOENT)
        result = qos_sqlite_queue_remove_value(sqlite, number, value, &removed);
    if (result == 0 && removed > 0 && found != 0)
        qos_queue_counts_forget(&sqlite->counts); /* nobody knows which queue it was */
    return result == 0 && removed == 0 ? found : result;
}

int qos_sqlite_set_aside(struct qos_repository *repository, uint64_t number, const char *value,
                         enum qos_cause cause)
{
    struct qos_sqlite *sqlite = qos_sqlite_of(repository);
    struct qos_sqlite_call call;
    int result = set_message_aside(sqlite, number, value);

    if (result == -ENOENT) {
        result = move(sqlite, QOS_SQLITE_SET_ASIDE, number, value, -1);
        if (result == 0)
            result = qos_sqlite_run_for(sqlite, QOS_SQLITE_CLOSE_ONE, number);
    }
    if (result == 0) {
        call = call_for(sqlite, QOS_SQLITE_ADD_UNREADABLE, number, value);
        qos_sqlite_bind_number(&call, cause);
        result = qos_sqlite_run(&call);
    }
    if (result != 0)
        return result;
    repository->totals.copies--;
    repository->totals.aside++;
    return 0;
}

int qos_sqlite_take_back(struct qos_repository *repository, uint64_t number, const char *value)
{
    struct qos_sqlite *sqlite = qos_sqlite_of(repository);
    int result = move(sqlite, QOS_SQLITE_TAKE_MESSAGE_BACK, number, value, 1);

    if (result == -ENOENT) {
        result = move(sqlite, QOS_SQLITE_TAKE_BACK, number, value, 1);
        if (result == 0)
            result = qos_sqlite_run_for(sqlite, QOS_SQLITE_OPEN_ONE, number);
    }
    if (result == 0)
        result = remove_unreadable(sqlite, number, value);
    if (result == 0)
        repository->totals.copies++;
    return result;
}

/* A message with one recipient; -ENOENT when there is none that is set aside. */
static int discard_message(struct qos_sqlite *sqlite, uint64_t number, const char *value,
                           int64_t at)
{
    struct qos_sqlite_call call = call_for(sqlite, QOS_SQLITE_DISCARD_MESSAGE, number, value);
    bool is_there;
    uint64_t length;
    int result;

    qos_sqlite_bind_number(&call, at);
    is_there = qos_sqlite_step(&call);
    length = is_there ? (uint64_t)sqlite3_column_int64(call.statement, 0) : 0;
    result = qos_sqlite_run(&call);
    if (result == 0 && !is_there)
        return -ENOENT;
    if (result == 0)
        result = remove_unreadable(sqlite, number, value);
    return result == 0 ? qos_sqlite_note_end(sqlite, number, length) : result;
}

int qos_sqlite_discard(struct qos_repository *repository, uint64_t number, const char *value,
                       int64_t at)
{
    struct qos_sqlite *sqlite = qos_sqlite_of(repository);
    int result = discard_message(sqlite, number, value, at);
    struct qos_sqlite_call call;

    if (result != -ENOENT)
        return result;
    call = call_for(sqlite, QOS_SQLITE_DISCARD, number, value);
    qos_sqlite_bind_number(&call, at);
    result = qos_sqlite_run(&call);
    if (result != 0)
        return result;
    if (sqlite3_changes(sqlite->database) > 0) {
        result = remove_unreadable(sqlite, number, value);
        return result == 0 ? qos_sqlite_close(sqlite, number, 0, at) : result;
    }
    /* Of one whose row is lost this is all there is. */
    call = call_for(sqlite, QOS_SQLITE_REMOVE_UNREADABLE, number, value);
    result = qos_sqlite_run(&call);
    if (result == 0 && sqlite3_changes(sqlite->database) == 0)
        return -ENOENT;
    sqlite->repository.totals.aside -= result == 0;
    return result;
}
