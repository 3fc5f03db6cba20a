/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_SQLITE_STATEMENTS_H
#define QOS_SQLITE_STATEMENTS_H
/*
 * The prepared statements of a repository, and calls of them: begin, bind each parameter in order,
 * step while there are rows, finish. A call remembers what went wrong until finish tells it.
 */
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct qos_sqlite;

/* No text in a file is longer than SQLite lets it be: a damaged row says so, and weighs nothing. */
#define QOS_SQLITE_TRUE_LENGTH "iif(length BETWEEN 0 AND 1000000000, length, 0)"

enum qos_sqlite_statement {
    QOS_SQLITE_BEGIN,
    QOS_SQLITE_COMMIT,
    QOS_SQLITE_ROLLBACK,
    QOS_SQLITE_RESERVE,
    QOS_SQLITE_PUT_MESSAGE,
    QOS_SQLITE_PUT_BODY,
    QOS_SQLITE_PUT_COPY,
    QOS_SQLITE_END_COPY,
    QOS_SQLITE_OPEN_COPIES,
    QOS_SQLITE_CLOSE_ONE,
    QOS_SQLITE_END_MESSAGE,
    QOS_SQLITE_DROP_BODY,
    QOS_SQLITE_NOTE,
    QOS_SQLITE_SET_ASIDE,
    QOS_SQLITE_ADD_UNREADABLE,
    QOS_SQLITE_REMOVE_UNREADABLE,
    QOS_SQLITE_TAKE_BACK,
    QOS_SQLITE_OPEN_ONE,
    QOS_SQLITE_DISCARD,
    QOS_SQLITE_FIRST_ENDED,
    QOS_SQLITE_FORGET_COPIES,
    QOS_SQLITE_FORGET_MESSAGE,
    QOS_SQLITE_PAGES,
    QOS_SQLITE_FREE_PAGES,
    QOS_SQLITE_VACUUM,
    QOS_SQLITE_FIND,
    QOS_SQLITE_COUNT,
    QOS_SQLITE_COUNT_PLAIN,
    QOS_SQLITE_READ,
    QOS_SQLITE_NEXT_QUEUE,
    QOS_SQLITE_SCAN,
    QOS_SQLITE_ASIDE,
    QOS_SQLITE_EXPIRED,
    QOS_SQLITE_IS_KNOWN,
    QOS_SQLITE_STATES,
    QOS_SQLITE_REVOKE,
    QOS_SQLITE_END_REVOCATIONS,
    QOS_SQLITE_DISPLACE_REVOCATIONS,
    QOS_SQLITE_REVOCATIONS,
    QOS_SQLITE_STATEMENTS
};

/* The columns of all statements that show copies, in this order. */
enum qos_sqlite_column {
    QOS_SQLITE_NUMBER,
    QOS_SQLITE_ID,
    QOS_SQLITE_DIGEST,
    QOS_SQLITE_CREATED,
    QOS_SQLITE_EXPIRES,
    QOS_SQLITE_RECEIPT,
    QOS_SQLITE_LENGTH,
    QOS_SQLITE_JSON,
    QOS_SQLITE_DIMENSION,
    QOS_SQLITE_VALUE,
    QOS_SQLITE_LISTENING,
    QOS_SQLITE_STATE,
    QOS_SQLITE_WRITTEN,
    QOS_SQLITE_ENDED,
    QOS_SQLITE_CAUSE
};

/* Those of an open database. 0 or a negative errno; release in any case. */
int qos_sqlite_prepare(struct qos_sqlite *sqlite);
void qos_sqlite_unprepare(struct qos_sqlite *sqlite);

struct qos_sqlite_call {
    struct qos_sqlite *sqlite;
    sqlite3_stmt *statement;
    int parameter; /* the last one that was bound */
    int code;      /* SQLite's, of the last thing done */
};

/* A repository with a fault runs nothing any more but a rollback: SQLite may have ended the
 * transaction, so that what came later would be committed by itself. */
struct qos_sqlite_call qos_sqlite_call(struct qos_sqlite *sqlite, enum qos_sqlite_statement which);
void qos_sqlite_bind_number(struct qos_sqlite_call *call, int64_t number);
void qos_sqlite_bind_null(struct qos_sqlite_call *call);
/* Texts are lent until the call has finished. */
void qos_sqlite_bind_text(struct qos_sqlite_call *call, const char *text);
void qos_sqlite_bind_bytes(struct qos_sqlite_call *call, const char *text, size_t length);

/* Whether there is a (further) row. */
bool qos_sqlite_step(struct qos_sqlite_call *call);
/* A row cannot be read with this result code. */
void qos_sqlite_reject(struct qos_sqlite_call *call, int code);
/* 0, or a negative errno, which is the repository's fault then. */
int qos_sqlite_finish(struct qos_sqlite_call *call);
/* Steps to the end of what has no rows, or none that matter, and finishes. */
int qos_sqlite_run(struct qos_sqlite_call *call);

#endif
