/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/sqlite_statements.h"

#include <limits.h>
#include <string.h>

#include "qos/sqlite_repository.h"
#include "qos/sqlite_schema.h"

/* CROSS JOIN keeps the order in which the tables are gone through: each query begins where an index
 * has what it asks for, in the order in which it is wanted. */
#define COLUMNS                                                                                    \
    "SELECT c.number, m.id, m.digest, m.created, m.expires, m.receipt, m.length, b.json,"          \
    " c.dimension, c.value, c.listening, c.state, c.written, c.ended"
/* A copy that has lost its message is shown as well: it would be in its queue's way for ever. */
#define MESSAGE_AND_BODY_OF_COPY                                                                   \
    " LEFT JOIN message m ON m.number = c.number LEFT JOIN body b ON b.number = c.number"
/* The index of queues has only stored copies: state = 0 is what lets it be used. */
#define OF_QUEUE " c.dimension = ?1 AND c.value = ?2 AND c.listening = ?3 AND c.state = 0"
#define OF_COPY                                                                                    \
    " WHERE number = ?1 AND value = ?2 AND dimension = ?3 AND listening = ?4 AND state = 0"

static const char *const sql[QOS_SQLITE_STATEMENTS] = {
    [QOS_SQLITE_BEGIN] = "BEGIN IMMEDIATE",
    [QOS_SQLITE_COMMIT] = "COMMIT",
    [QOS_SQLITE_ROLLBACK] = "ROLLBACK",
    [QOS_SQLITE_RESERVE] = "INSERT OR REPLACE INTO numbers (rowid, reserved) VALUES (1, ?1)",
    [QOS_SQLITE_PUT_MESSAGE] = "INSERT INTO message VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [QOS_SQLITE_PUT_BODY] = "INSERT INTO body VALUES (?1, ?2)",
    [QOS_SQLITE_PUT_COPY] = "INSERT OR IGNORE INTO copy VALUES (?1, ?2, ?3, ?4, 0, 0, 0)",
    [QOS_SQLITE_END_COPY] = "UPDATE copy SET state = ?5, ended = ?6, written = ?7" OF_COPY,
    [QOS_SQLITE_OPEN_COPIES] =
        "SELECT open, " QOS_SQLITE_TRUE_LENGTH ", EXISTS (SELECT 1 FROM unreadable u"
        " WHERE u.number = ?1) FROM message WHERE number = ?1",
    [QOS_SQLITE_CLOSE_ONE] = "UPDATE message SET open = open - 1 WHERE number = ?1",
    [QOS_SQLITE_END_MESSAGE] = "UPDATE message SET open = 0, ended = ?2 WHERE number = ?1",
    [QOS_SQLITE_DROP_BODY] = "DELETE FROM body WHERE number = ?1",
    [QOS_SQLITE_NOTE] = "UPDATE copy SET written = ?5" OF_COPY,
    [QOS_SQLITE_SET_ASIDE] =
        "UPDATE copy SET state = 5 WHERE number = ?1 AND value = ?2 AND state = 0"
        " RETURNING dimension, listening",
    [QOS_SQLITE_ADD_UNREADABLE] = "INSERT OR REPLACE INTO unreadable VALUES (?1, ?2, ?3)",
    [QOS_SQLITE_REMOVE_UNREADABLE] = "DELETE FROM unreadable WHERE number = ?1 AND value = ?2",
    [QOS_SQLITE_TAKE_BACK] =
        "UPDATE copy SET state = 0 WHERE number = ?1 AND value = ?2 AND state = 5"
        " RETURNING dimension, listening",
    [QOS_SQLITE_OPEN_ONE] = "UPDATE message SET open = open + 1 WHERE number = ?1",
    [QOS_SQLITE_DISCARD] = "UPDATE copy SET state = 4, ended = ?3"
                           " WHERE number = ?1 AND value = ?2 AND state = 5",
    /* What a damaged row calls ended while a copy is stored or set aside is not forgotten. */
    [QOS_SQLITE_FIRST_ENDED] = "SELECT number, ended FROM message m WHERE ended IS NOT NULL"
                               " AND NOT EXISTS (SELECT 1 FROM copy c WHERE c.number = m.number"
                               " AND c.state IN (0, 5)) ORDER BY ended, number LIMIT ?1",
    [QOS_SQLITE_FORGET_COPIES] = "DELETE FROM copy WHERE number = ?1",
    [QOS_SQLITE_FORGET_MESSAGE] = "DELETE FROM message WHERE number = ?1",
    [QOS_SQLITE_PAGES] = "PRAGMA page_count",
    [QOS_SQLITE_FREE_PAGES] = "PRAGMA freelist_count",
    [QOS_SQLITE_VACUUM] = "PRAGMA incremental_vacuum(256)",
    [QOS_SQLITE_FIND] = "SELECT number, digest FROM message WHERE id = ?1",
    [QOS_SQLITE_COUNT] = "SELECT count(*) FROM copy c WHERE" OF_QUEUE,
    [QOS_SQLITE_COUNT_PLAIN] = "SELECT count(*) FROM copy c WHERE c.dimension = ?1 AND c.state = 0"
                               " AND NOT instr(c.value, ?2)",
    [QOS_SQLITE_READ] = COLUMNS " FROM copy c" MESSAGE_AND_BODY_OF_COPY " WHERE" OF_QUEUE
                                " AND c.number > ?4 ORDER BY c.number LIMIT ?5",
    [QOS_SQLITE_NEXT_QUEUE] =
        COLUMNS " FROM copy c" MESSAGE_AND_BODY_OF_COPY " WHERE c.dimension = ?1 AND c.value = ?2"
                " AND c.listening > ?3 AND c.state = 0 ORDER BY c.listening, c.number LIMIT 1",
    /* Only messages that have a stored copy, or one set aside, have a body. Up to the last one that
     * the limit takes in, instead of with LIMIT in the join: so nothing has to be sorted. */
    [QOS_SQLITE_SCAN] =
        COLUMNS " FROM body b CROSS JOIN message m ON m.number = b.number"
                " CROSS JOIN copy c ON c.number = b.number"
                " WHERE b.number > ?1 AND b.number <= (SELECT max(number) FROM"
                " (SELECT o.number FROM body o CROSS JOIN message p ON p.number = o.number"
                " WHERE o.number > ?1 AND p.open > 0 ORDER BY o.number LIMIT ?2))"
                " AND c.state = 0 ORDER BY b.number, c.value",
    [QOS_SQLITE_ASIDE] = COLUMNS
    ", u.cause FROM unreadable u"
    " CROSS JOIN copy c ON c.number = u.number AND c.value = u.value" MESSAGE_AND_BODY_OF_COPY
    " WHERE u.number > ?1 AND u.number <= (SELECT max(number) FROM"
    " (SELECT DISTINCT number FROM unreadable WHERE number > ?1"
    " ORDER BY number LIMIT ?2)) ORDER BY u.number, u.value",
    [QOS_SQLITE_EXPIRED] =
        COLUMNS " FROM message m LEFT JOIN body b ON b.number = m.number"
                " CROSS JOIN copy c ON c.number = m.number"
                " WHERE m.ended IS NULL AND m.open > 0 AND m.expires <= ?1 AND c.state = 0"
                " ORDER BY m.expires, m.number, c.value LIMIT ?2",
    [QOS_SQLITE_IS_KNOWN] = "SELECT 1 FROM message WHERE number = ?1",
    [QOS_SQLITE_STATES] =
        COLUMNS ", u.cause FROM message m CROSS JOIN copy c ON c.number = m.number"
                " LEFT JOIN body b ON b.number = m.number"
                " LEFT JOIN unreadable u ON u.number = c.number AND u.value = c.value"
                " WHERE m.number = ?1 ORDER BY c.value",
    [QOS_SQLITE_REVOKE] = "INSERT INTO revocation VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE"
                          " SET issued_until = max(issued_until, excluded.issued_until),"
                          " until = max(until, excluded.until)",
    [QOS_SQLITE_END_REVOCATIONS] = "DELETE FROM revocation WHERE until <= ?1",
    [QOS_SQLITE_DISPLACE_REVOCATIONS] =
        "DELETE FROM revocation WHERE name IN (SELECT name FROM revocation ORDER BY until"
        " LIMIT max(0, (SELECT count(*) FROM revocation) - ?1))",
    [QOS_SQLITE_REVOCATIONS] = "SELECT name, issued_until, until FROM revocation WHERE until > ?1",
};

int qos_sqlite_prepare(struct qos_sqlite *sqlite)
{
    int code = SQLITE_OK;

    for (size_t i = 0; i < QOS_SQLITE_STATEMENTS && code == SQLITE_OK; i++)
        code = sqlite3_prepare_v3(sqlite->database, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                                  &sqlite->statements[i], NULL);
    return qos_sqlite_errno(sqlite->database, code);
}

void qos_sqlite_unprepare(struct qos_sqlite *sqlite)
{
    for (size_t i = 0; i < QOS_SQLITE_STATEMENTS; i++) {
        (void)sqlite3_finalize(sqlite->statements[i]); /* says again what step has said */
        sqlite->statements[i] = NULL;
    }
}

struct qos_sqlite_call qos_sqlite_call(struct qos_sqlite *sqlite, enum qos_sqlite_statement which)
{
    const bool may_run = sqlite->repository.fault == 0 || which == QOS_SQLITE_ROLLBACK;

    return (struct qos_sqlite_call){
        .sqlite = sqlite,
        .statement = sqlite->statements[which],
        .code = may_run ? SQLITE_OK : SQLITE_ABORT,
    };
}

void qos_sqlite_bind_number(struct qos_sqlite_call *call, int64_t number)
{
    call->parameter++;
    if (call->code == SQLITE_OK)
        call->code = sqlite3_bind_int64(call->statement, call->parameter, number);
}

void qos_sqlite_bind_null(struct qos_sqlite_call *call)
{
    call->parameter++;
    if (call->code == SQLITE_OK)
        call->code = sqlite3_bind_null(call->statement, call->parameter);
}

void qos_sqlite_bind_bytes(struct qos_sqlite_call *call, const char *text, size_t length)
{
    call->parameter++;
    if (call->code == SQLITE_OK)
        call->code = sqlite3_bind_text64(call->statement, call->parameter, text, length,
                                         SQLITE_STATIC, SQLITE_UTF8);
}

void qos_sqlite_bind_text(struct qos_sqlite_call *call, const char *text)
{
    qos_sqlite_bind_bytes(call, text, strlen(text));
}

bool qos_sqlite_step(struct qos_sqlite_call *call)
{
    if (call->code == SQLITE_OK || call->code == SQLITE_ROW)
        call->code = sqlite3_step(call->statement);
    return call->code == SQLITE_ROW;
}

void qos_sqlite_reject(struct qos_sqlite_call *call, int code)
{
    call->code = code;
}

int qos_sqlite_finish(struct qos_sqlite_call *call)
{
    struct qos_repository *repository = &call->sqlite->repository;
    int error = qos_sqlite_errno(call->sqlite->database, call->code);
    const int code = sqlite3_reset(call->statement);

    if (error == 0)
        error = qos_sqlite_errno(call->sqlite->database, code);
    if (error != 0 && repository->fault == 0)
        repository->fault = error;
    return error == 0 ? 0 : repository->fault;
}

int qos_sqlite_run(struct qos_sqlite_call *call)
{
    while (qos_sqlite_step(call))
        continue;
    return qos_sqlite_finish(call);
}
