/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "qos/sqlite_repository.h"

/* CROSS JOIN keeps the order in which the tables are gone through: each query begins where an index
 * has what it asks for, in the order in which it is wanted. What a message with one recipient has
 * itself the others have in a copy and a body: NULL looks for none. A copy that has lost its
 * message is shown as well: it would be in its queue's way for ever. */
#define COLUMNS(number, value, listening)                                                          \
    "SELECT " number ", m.id, m.digest, m.created, m.expires, m.receipt, m.length,"                \
    " coalesce(m.json, b.json), coalesce(m.dimension, c.dimension), " value ", " listening ","     \
    " coalesce(m.state, c.state), coalesce(m.written, c.written),"                                 \
    " iif(m.value IS NULL, c.ended, coalesce(m.ended, 0))"
#define ITS_LISTENING   "coalesce(m.listening, c.listening)"
#define MESSAGES_WITH   COLUMNS("m.number", "coalesce(m.value, c.value)", ITS_LISTENING)
#define QUEUE_WITH      COLUMNS("k.number", "?2", "?3")
#define QUEUES_WITH     COLUMNS("k.number", "?2", "k.listening")
#define UNREADABLE_WITH COLUMNS("u.number", "iif(m.state IS NULL, u.value, m.value)", ITS_LISTENING)
#define MESSAGE_COPIES  " LEFT JOIN copy c ON c.number = iif(m.value IS NULL, m.number, NULL)"
#define MESSAGE_BODY    " LEFT JOIN body b ON b.number = iif(m.json IS NULL, m.number, NULL)"
#define QUEUED_MESSAGES                                                                            \
    " LEFT JOIN message m ON m.number = k.number"                                                  \
    " LEFT JOIN copy c ON c.number = iif(m.value IS NULL, k.number, NULL) AND c.value = ?2"        \
    " LEFT JOIN body b ON b.number = iif(m.json IS NULL, k.number, NULL)"
/* What is in queues. The index of copies has only stored ones: state = 0 is what lets it be used.
 */
#define QUEUES(which, where, rest)                                                                 \
    "SELECT " which " FROM queue WHERE " where rest " UNION ALL SELECT " which                     \
    " FROM recent WHERE " where rest " UNION ALL SELECT " which " FROM copy WHERE " where          \
    " AND state = 0" rest
#define OF_VALUE         "dimension = ?1 AND value = ?2"
#define OF_QUEUE         OF_VALUE " AND listening = ?3"
#define NUMBERS_OF_QUEUE QUEUES("number", OF_QUEUE, " AND number > ?4")
#define NUMBERS_OF_VALUE QUEUES("number, listening", OF_VALUE, " AND number > ?3")
#define FIRST_BEHIND(queues, also)                                                                 \
    "SELECT * FROM (SELECT listening, number FROM " queues " WHERE " OF_VALUE                      \
    " AND listening > ?3" also " ORDER BY listening, number LIMIT 1)"
#define NEXT_OF_OLD    FIRST_BEHIND("queue", "")
#define NEXT_OF_RECENT FIRST_BEHIND("recent", "")
#define NEXT_OF_COPIES FIRST_BEHIND("copy", " AND state = 0")
#define OF_COPY                                                                                    \
    " WHERE number = ?1 AND value = ?2 AND dimension = ?3 AND listening = ?4 AND state = 0"
#define OF_KEY   " WHERE dimension = ?1 AND value = ?2 AND listening = ?3 AND number = ?4"
#define OF_BLOCK "number BETWEEN ?1 * 256 AND ?1 * 256 + 255 AND state = 0"

static const char *const sql[QOS_SQLITE_STATEMENTS] = {
    [QOS_SQLITE_BEGIN] = "BEGIN IMMEDIATE",
    [QOS_SQLITE_COMMIT] = "COMMIT",
    [QOS_SQLITE_ROLLBACK] = "ROLLBACK",
    [QOS_SQLITE_TOTALS] = "SELECT queued, copies, aside, messages, bytes, ended, tenants"
                          " FROM numbers WHERE rowid = 1",
    /* Each table is gone through once: in an older file there are millions. */
    [QOS_SQLITE_COUNT_ALL] =
        "SELECT 0, c.copies + coalesce(sum(m.state = 0), 0), (SELECT count(*) FROM unreadable),"
        " coalesce(sum(m.ended IS NULL AND m.number IS NOT NULL), 0),"
        " coalesce(sum(iif(m.ended IS NULL, " QOS_SQLITE_TRUE_LENGTH ", 0)), 0),"
        " coalesce(sum(m.ended IS NOT NULL), 0),"
        " c.tenants OR coalesce(max(instr(m.value, char(31))), 0)"
        " FROM (SELECT count(*) AS copies, coalesce(max(instr(value, char(31))), 0) AS tenants"
        " FROM copy WHERE state = 0) c LEFT JOIN message m",
    [QOS_SQLITE_KEEP_TOTALS] =
        "INSERT OR REPLACE INTO numbers (rowid, reserved, queued, copies, aside, messages, bytes,"
        " ended, tenants) VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [QOS_SQLITE_PUT_MESSAGE] = "INSERT INTO message VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
                               " ?10, ?11, ?12, iif(?11 IS NULL, NULL, 0),"
                               " iif(?11 IS NULL, NULL, 0), ?13)",
    [QOS_SQLITE_PUT_BODY] = "INSERT INTO body VALUES (?1, ?2)",
    [QOS_SQLITE_PUT_COPY] = "INSERT OR IGNORE INTO copy VALUES (?1, ?2, ?3, ?4, 0, 0, 0)",
    [QOS_SQLITE_ENQUEUE] = "INSERT OR IGNORE INTO queue VALUES (?1, ?2, ?3, ?4)",
    [QOS_SQLITE_DEQUEUE] = "DELETE FROM queue" OF_KEY,
    [QOS_SQLITE_RECENT] =
        "SELECT dimension, value, listening, number FROM message m WHERE number > ?1 AND state = 0"
        " AND dimension BETWEEN 0 AND 5 AND value IS NOT NULL AND listening IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM queue q WHERE q.dimension = m.dimension"
        " AND q.value = m.value AND q.listening = m.listening AND q.number = m.number)"
        " ORDER BY number",
    [QOS_SQLITE_QUEUE_CHOSEN] = "INSERT INTO queue SELECT dimension, value, listening, number"
                                " FROM recent WHERE moving = 1",
    [QOS_SQLITE_EXPIRY] = "INSERT INTO expiry VALUES (?1, ?2) ON CONFLICT (block) DO UPDATE"
                          " SET earliest = min(earliest, excluded.earliest)",
    [QOS_SQLITE_DUE_BLOCK] =
        "SELECT earliest, block FROM expiry WHERE earliest <= ?1 AND (earliest, block) > (?2, ?3)"
        " ORDER BY earliest, block LIMIT 1",
    [QOS_SQLITE_DROP_BLOCK] = "DELETE FROM expiry WHERE block = ?1",
    [QOS_SQLITE_ADD_BLOCK] = "INSERT INTO expiry SELECT ?1, expires FROM message WHERE " OF_BLOCK
                             " ORDER BY expires LIMIT 1",
    /* And added again: an update would leave most of the page empty. */
    [QOS_SQLITE_END_MESSAGE_OF_ONE] =
        "DELETE FROM message" OF_COPY
        " RETURNING id, digest, created, expires, receipt, length, " QOS_SQLITE_TRUE_LENGTH,
    [QOS_SQLITE_ADD_ENDED] = "INSERT INTO message VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?9,"
                             " ?10, ?11, ?12, ?13, NULL)",
    [QOS_SQLITE_END_COPY] = "UPDATE copy SET state = ?5, ended = ?6, written = ?7" OF_COPY,
    [QOS_SQLITE_OPEN_COPIES] =
        "SELECT open, " QOS_SQLITE_TRUE_LENGTH ", EXISTS (SELECT 1 FROM unreadable u"
        " WHERE u.number = ?1) FROM message WHERE number = ?1",
    [QOS_SQLITE_CLOSE_ONE] = "UPDATE message SET open = open - 1 WHERE number = ?1",
    [QOS_SQLITE_END_MESSAGE] = "UPDATE message SET open = 0, ended = ?2 WHERE number = ?1",
    [QOS_SQLITE_DROP_BODY] = "DELETE FROM body WHERE number = ?1",
    [QOS_SQLITE_NOTE_MESSAGE] = "UPDATE message SET written = ?5" OF_COPY,
    [QOS_SQLITE_NOTE] = "UPDATE copy SET written = ?5" OF_COPY,
    [QOS_SQLITE_SET_MESSAGE_ASIDE] = "UPDATE message SET state = 5 WHERE number = ?1 AND value = ?2"
                                     " AND (state = 0 OR state IS NULL AND ended IS NULL)"
                                     " RETURNING dimension, listening",
    [QOS_SQLITE_DEQUEUE_VALUE] =
        "DELETE FROM queue WHERE dimension IN (0, 1, 2, 3, 4, 5) AND value = ?2 AND number = ?1",
    [QOS_SQLITE_SET_ASIDE] =
        "UPDATE copy SET state = 5 WHERE number = ?1 AND value = ?2 AND state = 0"
        " RETURNING dimension, listening",
    [QOS_SQLITE_ADD_UNREADABLE] = "INSERT OR REPLACE INTO unreadable VALUES (?1, ?2, ?3)",
    [QOS_SQLITE_REMOVE_UNREADABLE] = "DELETE FROM unreadable WHERE number = ?1 AND value = ?2",
    [QOS_SQLITE_TAKE_MESSAGE_BACK] =
        "UPDATE message SET state = 0 WHERE number = ?1 AND value = ?2 AND state = 5"
        " RETURNING dimension, listening, expires",
    [QOS_SQLITE_TAKE_BACK] =
        "UPDATE copy SET state = 0 WHERE number = ?1 AND value = ?2 AND state = 5"
        " RETURNING dimension, listening",
    [QOS_SQLITE_OPEN_ONE] = "UPDATE message SET open = open + 1 WHERE number = ?1",
    [QOS_SQLITE_DISCARD_MESSAGE] = "UPDATE message SET state = 4, ended = ?3, json = NULL"
                                   " WHERE number = ?1 AND coalesce(value, '') = ?2 AND state = 5 "
                                   "RETURNING " QOS_SQLITE_TRUE_LENGTH,
    [QOS_SQLITE_DISCARD] = "UPDATE copy SET state = 4, ended = ?3"
                           " WHERE number = ?1 AND value = ?2 AND state = 5",
    /* What a damaged row calls ended while a copy is stored or set aside is not forgotten. */
    [QOS_SQLITE_FIRST_ENDED] = "SELECT number, ended FROM message m WHERE ended IS NOT NULL"
                               " AND coalesce(state, 1) NOT IN (0, 5) AND NOT EXISTS (SELECT 1 "
                               "FROM copy c WHERE c.number = m.number"
                               " AND c.state IN (0, 5)) ORDER BY ended, number LIMIT ?1",
    [QOS_SQLITE_FORGET_COPIES] = "DELETE FROM copy WHERE number = ?1",
    [QOS_SQLITE_FORGET_MESSAGE] = "DELETE FROM message WHERE number = ?1",
    [QOS_SQLITE_PAGES] = "PRAGMA page_count",
    [QOS_SQLITE_FREE_PAGES] = "PRAGMA freelist_count",
    [QOS_SQLITE_VACUUM] = "PRAGMA incremental_vacuum",
    [QOS_SQLITE_FIND] = "SELECT number, digest FROM message WHERE id = ?1",
    [QOS_SQLITE_SINGLE] =
        "SELECT m.number, m.id, m.digest, m.created, m.expires, m.receipt, m.length,"
        " coalesce(m.json, b.json), m.dimension, m.value, m.listening, m.state, m.written, 0"
        " FROM message m" MESSAGE_BODY " WHERE m.id = ?1 AND m.state = 0 AND m.value IS NOT NULL",
    [QOS_SQLITE_COUNT] = "SELECT sum(count) FROM (" QUEUES("count(*) AS count", OF_QUEUE, "") ")",
    [QOS_SQLITE_COUNT_PLAIN] = "SELECT sum(count) FROM (" QUEUES(
        "count(*) AS count", "dimension = ?1 AND NOT instr(value, ?2)", "") ")",
    [QOS_SQLITE_READ] = QUEUE_WITH
    " FROM (" NUMBERS_OF_QUEUE " ORDER BY number LIMIT ?5) k" QUEUED_MESSAGES " ORDER BY k.number",
    [QOS_SQLITE_READ_VALUE] = QUEUES_WITH
    " FROM (" NUMBERS_OF_VALUE " ORDER BY number LIMIT ?4) k" QUEUED_MESSAGES " ORDER BY k.number",
    [QOS_SQLITE_NEXT_QUEUE] =
        QUEUES_WITH " FROM (" NEXT_OF_OLD " UNION ALL " NEXT_OF_RECENT " UNION ALL " NEXT_OF_COPIES
                    " ORDER BY 1, 2 LIMIT 1) k" QUEUED_MESSAGES,
    /* Up to the last one that the limit takes in, instead of with LIMIT in the join: so nothing has
     * to be sorted. */
    [QOS_SQLITE_SCAN] = MESSAGES_WITH
    " FROM message m" MESSAGE_COPIES " AND c.state = 0" MESSAGE_BODY
    " WHERE m.number > ?1 AND m.number <= (SELECT max(number) FROM (SELECT number"
    " FROM message WHERE number > ?1 AND (state = 0 AND value IS NOT NULL OR open > 0)"
    " ORDER BY number LIMIT ?2)) AND (m.state = 0 AND m.value IS NOT NULL OR c.state = 0)"
    " ORDER BY m.number, c.value",
    [QOS_SQLITE_ASIDE] = UNREADABLE_WITH
    ", u.cause FROM unreadable u LEFT JOIN message m ON m.number = u.number"
    " LEFT JOIN copy c ON c.number = iif(m.value IS NULL, u.number, NULL) AND c.value = u.value"
    " LEFT JOIN body b ON b.number = iif(m.json IS NULL, u.number, NULL)"
    " WHERE u.number > ?1 AND u.number <= (SELECT max(number) FROM (SELECT DISTINCT number"
    " FROM unreadable WHERE number > ?1 ORDER BY number LIMIT ?2)) ORDER BY u.number, u.value",
    [QOS_SQLITE_EXPIRED_OF_ONE] = MESSAGES_WITH
    " FROM message m LEFT JOIN copy c ON c.number = iif(m.value IS NULL, NULL, NULL)" MESSAGE_BODY
    " WHERE m.number BETWEEN ?1 * 256 AND ?1 * 256 + 255 AND m.state = 0 AND m.expires <= ?2"
    " ORDER BY m.expires, m.number LIMIT ?3",
    [QOS_SQLITE_EXPIRED] =
        MESSAGES_WITH " FROM message m" MESSAGE_BODY " CROSS JOIN copy c ON c.number = m.number"
                      " WHERE m.ended IS NULL AND m.open > 0 AND m.expires <= ?1 AND c.state = 0"
                      " ORDER BY m.expires, m.number, c.value LIMIT ?2",
    [QOS_SQLITE_IS_KNOWN] = "SELECT 1 FROM message WHERE number = ?1",
    [QOS_SQLITE_STATES] = MESSAGES_WITH
    ", u.cause FROM message m" MESSAGE_COPIES MESSAGE_BODY
    " LEFT JOIN unreadable u ON u.number = m.number AND u.value = coalesce(m.value, c.value, '')"
    " WHERE m.number = ?1 AND coalesce(m.value, c.value, m.state) IS NOT NULL ORDER BY c.value",
    [QOS_SQLITE_REVOKE] = "INSERT INTO revocation VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE"
                          " SET issued_until = max(issued_until, excluded.issued_until),"
                          " until = max(until, excluded.until)",
    [QOS_SQLITE_END_REVOCATIONS] = "DELETE FROM revocation WHERE until <= ?1",
    [QOS_SQLITE_EVICT_REVOCATIONS] =
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

struct qos_sqlite_call qos_sqlite_call_for(struct qos_sqlite *sqlite,
                                           enum qos_sqlite_statement which, uint64_t number)
{
    struct qos_sqlite_call call = qos_sqlite_call(sqlite, which);

    qos_sqlite_bind_number(&call, (int64_t)number);
    return call;
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

void qos_sqlite_bind_blob(struct qos_sqlite_call *call, const void *bytes, size_t length)
{
    call->parameter++;
    if (call->code == SQLITE_OK)
        call->code =
            sqlite3_bind_blob64(call->statement, call->parameter, bytes, length, SQLITE_STATIC);
}

void qos_sqlite_bind_text(struct qos_sqlite_call *call, const char *text)
{
    qos_sqlite_bind_bytes(call, text, strlen(text));
}

void qos_sqlite_bind_recipient(struct qos_sqlite_call *call, const struct qos_recipient *recipient)
{
    qos_sqlite_bind_number(call, recipient->dimension);
    qos_sqlite_bind_text(call, recipient->value);
    qos_sqlite_bind_text(call, recipient->listening);
}

bool qos_sqlite_step(struct qos_sqlite_call *call)
{
    if (call->code == SQLITE_OK || call->code == SQLITE_ROW)
        call->code = sqlite3_step(call->statement);
    return call->code == SQLITE_ROW;
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

int qos_sqlite_run_for(struct qos_sqlite *sqlite, enum qos_sqlite_statement which, uint64_t number)
{
    struct qos_sqlite_call call = qos_sqlite_call_for(sqlite, which, number);

    return qos_sqlite_run(&call);
}

int qos_sqlite_take_number(struct qos_sqlite_call *call, uint64_t *number)
{
    if (qos_sqlite_step(call))
        *number = (uint64_t)sqlite3_column_int64(call->statement, 0);
    return qos_sqlite_finish(call);
}
