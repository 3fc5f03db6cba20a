/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_SQLITE_FILE_H
#define QOS_SQLITE_FILE_H
/* The file as a whole: what lies in it, how those of older programs are brought up to date, and
 * whether it is damaged. */
#include <pthread.h>
#include <semaphore.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>

/* What no query by state or queue would find, and is not said to have ended. A message with one
 * recipient says who that is, and has no open copies; one with several says nothing of this. */
#define QOS_SQLITE_UNKNOWN_COPY "state NOT BETWEEN 0 AND 5 AND coalesce(ended, 0) = 0"
#define QOS_SQLITE_UNKNOWN_MESSAGE                                                                 \
    "coalesce(ended, 0) = 0 AND (open = 0 OR value IS NOT NULL)"                                   \
    " AND coalesce(dimension, value, listening, state, written, json) IS NOT NULL"                 \
    " AND (coalesce(state, -1) NOT BETWEEN 0 AND 5"                                                \
    " OR state < 5 AND (dimension IS NULL OR value IS NULL OR listening IS NULL))"

struct qos_sqlite_schema {
    const char *const *steps; /* the first makes version 1 of an empty file, each the next one */
    int version;              /* how many there are */
};

extern const struct qos_sqlite_schema qos_sqlite_schema;

/* All of it or nothing. 0, -EPROTONOSUPPORT when a newer program, or quite another one, made the
 * file (*found is then its version, or -1), or what qos_sqlite_errno() says. */
int qos_sqlite_upgrade(sqlite3 *database, const struct qos_sqlite_schema *schema, int *found);

/* The version of the file; 0: it is empty, -1: it is another program's. 0 or what
 * qos_sqlite_errno() says. */
int qos_sqlite_version(sqlite3 *database, int *version);

/* The one number that a query has. */
int qos_sqlite_number(sqlite3 *database, const char *query, sqlite3_int64 *number);

/* Some pragmas answer with a word, and with no error when it is another one than is hoped for: then
 * the result is otherwise. */
int qos_sqlite_ask(sqlite3 *database, const char *pragma, const char *hoped, int otherwise);

/* 0, or the negative errno that a result code of SQLite amounts to. */
int qos_sqlite_errno(sqlite3 *database, int code);

/*
 * Reads all of a file, in a thread of its own, to see whether it is damaged. The file must not
 * change meanwhile: what is committed stays in the write-ahead log until the check is over. Of one
 * thread, but for what it does itself. Zero-filled: there is none, and nothing is wrong.
 */
struct qos_sqlite_check {
    sqlite3 *database; /* open until release: closing it would unlock the file for this process */
    pthread_t thread;
    sem_t end; /* before it what follows is the thread's */
    bool is_started, is_joined;
    atomic_bool is_stopping; /* its next statement is not begun */
    int error;               /* -EUCLEAN: it is damaged */
    bool has_unknown_states; /* some rows have a state that nobody has written */
};

/* The log of the file has to be empty. 0 or -errno; release in any case. */
int qos_sqlite_check_start(struct qos_sqlite_check *check, const char *path);
/* The same in this thread, over a connection that has the log. 0, or what is wrong. */
int qos_sqlite_check_now(struct qos_sqlite_check *check, sqlite3 *database);
/* 0: it is over and nothing is wrong; -EAGAIN: it is not over after so long; or what is wrong. */
int qos_sqlite_check_wait(struct qos_sqlite_check *check, unsigned ms);
/* Whether one is under way. */
bool qos_sqlite_check_is_on(const struct qos_sqlite_check *check);
/* Ends it, before the file may change. */
void qos_sqlite_check_stop(struct qos_sqlite_check *check);
/* When nobody else in this process has the file open. */
void qos_sqlite_check_release(struct qos_sqlite_check *check);

#endif
