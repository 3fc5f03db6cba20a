/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_SQLITE_REPOSITORY_H
#define QOS_SQLITE_REPOSITORY_H
/* The repository on SQLite, as its own files see it: sqlite.c opens and copies it, sqlite_write.c
 * changes what is in it, sqlite_aside.c what of it cannot be read, sqlite_read.c shows it;
 * sqlite_queue.c knows what waits for whom, and until when. */
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/lru.h"
#include "qos/repository.h"
#include "qos/sqlite_file.h"
#include "qos/sqlite_recent.h"

struct qos_sqlite;

/* ---- sqlite_statements.c ---- */

/*
 * The prepared statements of a repository, and calls of them: begin, bind each parameter in order,
 * step while there are rows, finish. A call remembers what went wrong until finish tells it.
 */

/* No text in a file is longer than SQLite lets it be: a damaged row says so, and weighs nothing. */
#define QOS_SQLITE_TRUE_LENGTH "iif(length BETWEEN 0 AND 1000000000, length, 0)"

enum qos_sqlite_statement {
    QOS_SQLITE_BEGIN,
    QOS_SQLITE_COMMIT,
    QOS_SQLITE_ROLLBACK,
    QOS_SQLITE_TOTALS,
    QOS_SQLITE_COUNT_ALL,
    QOS_SQLITE_KEEP_TOTALS,
    QOS_SQLITE_PUT_MESSAGE,
    QOS_SQLITE_PUT_BODY,
    QOS_SQLITE_PUT_COPY,
    QOS_SQLITE_ENQUEUE,
    QOS_SQLITE_DEQUEUE,
    QOS_SQLITE_RECENT,
    QOS_SQLITE_QUEUE_CHOSEN,
    QOS_SQLITE_EXPIRY,
    QOS_SQLITE_DUE_BLOCK,
    QOS_SQLITE_DROP_BLOCK,
    QOS_SQLITE_ADD_BLOCK,
    QOS_SQLITE_END_MESSAGE_OF_ONE,
    QOS_SQLITE_ADD_ENDED,
    QOS_SQLITE_END_COPY,
    QOS_SQLITE_OPEN_COPIES,
    QOS_SQLITE_CLOSE_ONE,
    QOS_SQLITE_END_MESSAGE,
    QOS_SQLITE_DROP_BODY,
    QOS_SQLITE_NOTE_MESSAGE,
    QOS_SQLITE_NOTE,
    QOS_SQLITE_SET_MESSAGE_ASIDE,
    QOS_SQLITE_DEQUEUE_VALUE,
    QOS_SQLITE_SET_ASIDE,
    QOS_SQLITE_ADD_UNREADABLE,
    QOS_SQLITE_REMOVE_UNREADABLE,
    QOS_SQLITE_TAKE_MESSAGE_BACK,
    QOS_SQLITE_TAKE_BACK,
    QOS_SQLITE_OPEN_ONE,
    QOS_SQLITE_DISCARD_MESSAGE,
    QOS_SQLITE_DISCARD,
    QOS_SQLITE_FIRST_ENDED,
    QOS_SQLITE_FORGET_COPIES,
    QOS_SQLITE_FORGET_MESSAGE,
    QOS_SQLITE_PAGES,
    QOS_SQLITE_FREE_PAGES,
    QOS_SQLITE_VACUUM,
    QOS_SQLITE_FIND,
    QOS_SQLITE_SINGLE,
    QOS_SQLITE_COUNT,
    QOS_SQLITE_COUNT_PLAIN,
    QOS_SQLITE_READ,
    QOS_SQLITE_READ_VALUE,
    QOS_SQLITE_NEXT_QUEUE,
    QOS_SQLITE_SCAN,
    QOS_SQLITE_ASIDE,
    QOS_SQLITE_EXPIRED_OF_ONE,
    QOS_SQLITE_EXPIRED,
    QOS_SQLITE_IS_KNOWN,
    QOS_SQLITE_STATES,
    QOS_SQLITE_REVOKE,
    QOS_SQLITE_END_REVOCATIONS,
    QOS_SQLITE_EVICT_REVOCATIONS,
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
    int code;      /* SQLite's, of the last thing done; set where a row cannot be read */
};

/* A repository with a fault runs nothing any more but a rollback: SQLite may have ended the
 * transaction, so that what came later would be committed by itself. */
struct qos_sqlite_call qos_sqlite_call(struct qos_sqlite *sqlite, enum qos_sqlite_statement which);
/* The same with its first parameter. */
struct qos_sqlite_call qos_sqlite_call_for(struct qos_sqlite *sqlite,
                                           enum qos_sqlite_statement which, uint64_t number);
void qos_sqlite_bind_number(struct qos_sqlite_call *call, int64_t number);
void qos_sqlite_bind_null(struct qos_sqlite_call *call);
/* Texts are lent until the call has finished. */
void qos_sqlite_bind_text(struct qos_sqlite_call *call, const char *text);
/* Three parameters. */
void qos_sqlite_bind_recipient(struct qos_sqlite_call *call, const struct qos_recipient *recipient);
void qos_sqlite_bind_blob(struct qos_sqlite_call *call, const void *bytes, size_t length);
void qos_sqlite_bind_bytes(struct qos_sqlite_call *call, const char *text, size_t length);

/* Whether there is a (further) row. */
bool qos_sqlite_step(struct qos_sqlite_call *call);
/* 0, or a negative errno, which is the repository's fault then. */
int qos_sqlite_finish(struct qos_sqlite_call *call);
/* Steps to the end of what has no rows, or none that matter, and finishes. */
int qos_sqlite_run(struct qos_sqlite_call *call);
/* Begins a call of a statement that has a number and nothing else, and runs it. */
int qos_sqlite_run_for(struct qos_sqlite *sqlite, enum qos_sqlite_statement which, uint64_t number);
/* Takes the number that is all of the first row, if there is one, and finishes. */
int qos_sqlite_take_number(struct qos_sqlite_call *call, uint64_t *number);

/* ---- sqlite_queue.c ---- */

/*
 * Which stored messages with one recipient each queue has. Recipients are many, so that each
 * message would change another page of the file. Those of recent messages are therefore in memory
 * (qos/sqlite_recent.h), and come into the file's table many at a time, in the order of their keys;
 * most have ended by then. When the file is opened, the messages themselves say which are recent.
 * Of the same queue, what is in the file is older than what is in memory. Zero-filled but for most.
 */
struct qos_sqlite_queue {
    uint64_t most;   /* recent ones, before they begin to come into the file */
    uint64_t queued; /* all messages up to this number are in the file, or have ended */
    uint64_t moving; /* those up to this number are coming into the file; 0: none are */
};

/*
 * Remembers the lengths of the queues that were asked about last. Others have to be counted by who
 * knows. So it takes bounded memory, nothing has to be read when a store is opened, and forgetting
 * all of it is always right.
 */
struct qos_queue_counts {
    struct lru lru;
    struct buf key; /* of the last one that was looked for */
};

/*
 * When stored messages with one recipient expire. Most live as long as those before and behind
 * them, so that the file knows it of 256 numbers at a time only: not later than the first of these.
 * When that time has come, the messages of the block say which it is. This is the block that was
 * told last; zero-filled: none.
 */
struct qos_sqlite_expiry {
    uint64_t block;
    int64_t earliest;
};

/* Finds out which messages are recent, when queued is known. 0, or the repository's fault. */
int qos_sqlite_queue_fill(struct qos_sqlite *sqlite);

/* All of these return 0, or the repository's fault. A message is a stored one again, or no longer;
 * new ones are recent. */
int qos_sqlite_queue_add_old(struct qos_sqlite *sqlite, uint64_t number,
                             const struct qos_recipient *recipient);
int qos_sqlite_queue_remove(struct qos_sqlite *sqlite, uint64_t number,
                            const struct qos_recipient *recipient);
/* Whatever else its row says. *removed: how many there were. */
int qos_sqlite_queue_remove_value(struct qos_sqlite *sqlite, uint64_t number, const char *value,
                                  int *removed);

/* At the end of each transaction that has changed something: moves some, if it is time to. */
int qos_sqlite_queue_advance(struct qos_sqlite *sqlite);

void qos_queue_counts_init(struct qos_queue_counts *counts, size_t most);
void qos_queue_counts_release(struct qos_queue_counts *counts);

/* False: it is not known. */
bool qos_queue_counts_find(struct qos_queue_counts *counts, const struct qos_recipient *recipient,
                           uint64_t *count);
/* One that is not known. */
void qos_queue_counts_add(struct qos_queue_counts *counts, const struct qos_recipient *recipient,
                          uint64_t count);
/* By one more or less; those that are not known stay so. */
void qos_queue_counts_change(struct qos_queue_counts *counts, const struct qos_recipient *recipient,
                             int by);
void qos_queue_counts_forget(struct qos_queue_counts *counts);

/* A message is stored (again). 0, or the repository's fault. */
int qos_sqlite_expiry_note(struct qos_sqlite *sqlite, uint64_t number, int64_t expires);

/* ---- sqlite.c ---- */

/*
 * A copy of the file, made by the connection that has it locked: SQLite carries what that commits
 * meanwhile over, so that the copy never begins anew. Zero-filled: none is under way.
 */
struct qos_sqlite_copy {
    sqlite3_backup *backup;
    sqlite3 *to;
    int file; /* the same, for who wants it */
    bool is_under_way;
};

struct qos_sqlite {
    struct qos_repository repository;
    sqlite3 *database;
    sqlite3_stmt *statements[QOS_SQLITE_STATEMENTS];
    struct qos_queue_counts counts;
    struct qos_sqlite_copy copy;
    struct qos_sqlite_check check;
    struct buf text;      /* of the row at hand */
    uint64_t last_number; /* given away; never goes back */
    bool has_shrunk;      /* which the file is told by a checkpoint only */
    /* As the file has them, so far as this transaction has come: */
    uint64_t reserved; /* numbers up to this */
    struct qos_sqlite_queue queue;
    struct qos_sqlite_recent recent;
    struct qos_sqlite_expiry expiry;
    struct {
        struct qos_totals totals;
        uint64_t reserved;
        struct qos_sqlite_queue queue;
        bool has_tenants;
    } before; /* this transaction */
};

static inline struct qos_sqlite *qos_sqlite_of(struct qos_repository *repository)
{
    return container_of(repository, struct qos_sqlite, repository);
}

/* Counts the totals anew, and tells the file. 0, or what is wrong. */
int qos_sqlite_count_totals(struct qos_sqlite *sqlite);

/*
 * The JSON of a message in its own row: what the other columns of that say as well is left out
 * where it is the end of the text, as it is of all that the server writes. In its place is a byte
 * that says how much. Any other text is kept as it is.
 */

/* Makes row what is kept of the message's JSON. False: all of it, and row is of no use. */
bool qos_sqlite_row_cut(struct buf *row, const struct qos_message *message,
                        const struct qos_recipient *recipient);

/* Makes text the JSON that such a row was made of. False: nobody has made it. */
bool qos_sqlite_row_restore(struct buf *text, const void *row, size_t size, const char *id,
                            const struct qos_recipient *recipient);

/* What is shown to somebody, until he has enough. */
struct qos_sqlite_view {
    qos_visit visit;
    void *context;
    size_t limit;
    size_t shown; /* so far */
    bool is_enough;
};

void qos_sqlite_bind_limit(struct qos_sqlite_call *call, size_t limit);
/* Shows the rows of a call, and finishes it. */
int qos_sqlite_show(struct qos_sqlite_call *call, struct qos_sqlite_view *view);

/* A copy of the message is not stored any more (or, closed being 0, no longer set aside); when it
 * was the last one, the message has ended. */
int qos_sqlite_close(struct qos_sqlite *sqlite, uint64_t number, unsigned closed, int64_t at);
/* A message with one recipient has ended: what its row does not say. */
int qos_sqlite_note_end(struct qos_sqlite *sqlite, uint64_t number, uint64_t length);

/* The operations: qos/repository.h */
int qos_sqlite_put(struct qos_repository *repository, struct qos_message *message,
                   const struct sse_target *target);
int qos_sqlite_end(struct qos_repository *repository, uint64_t number,
                   const struct qos_recipient *recipient, enum qos_state state, int64_t at,
                   uint32_t written);
int qos_sqlite_note(struct qos_repository *repository, uint64_t number,
                    const struct qos_recipient *recipient, uint32_t written);
/* Sets aside what has a state that nobody has written and is not said to have ended: no query by
 * state would find it. Between transactions; counts anew. 0 or -errno. */
int qos_sqlite_gather_aside(struct qos_sqlite *sqlite);
int qos_sqlite_set_aside(struct qos_repository *repository, uint64_t number, const char *value,
                         enum qos_cause cause);
int qos_sqlite_take_back(struct qos_repository *repository, uint64_t number, const char *value);
int qos_sqlite_discard(struct qos_repository *repository, uint64_t number, const char *value,
                       int64_t at);
int qos_sqlite_forget(struct qos_repository *repository, int64_t before, size_t most, size_t limit,
                      size_t *forgotten);
int qos_sqlite_shrink(struct qos_repository *repository, bool *is_more);

int qos_sqlite_revoke(struct qos_repository *repository, const struct qos_revocation *revocation);
int qos_sqlite_forget_revocations(struct qos_repository *repository, int64_t now, size_t most);
int qos_sqlite_revocations(struct qos_repository *repository, int64_t now,
                           qos_visit_revocation visit, void *context);

int qos_sqlite_find(struct qos_repository *repository, const char *id, struct qos_message *message);
int qos_sqlite_single(struct qos_repository *repository, const char *id, qos_visit visit,
                      void *context);
int qos_sqlite_count(struct qos_repository *repository, const struct qos_recipient *recipient,
                     uint64_t *count);
int qos_sqlite_count_plain(struct qos_repository *repository, uint64_t *count);
int qos_sqlite_read(struct qos_repository *repository, const struct qos_recipient *recipient,
                    uint64_t after, size_t limit, qos_visit visit, void *context);
int qos_sqlite_read_value(struct qos_repository *repository, const struct qos_recipient *recipient,
                          uint64_t after, size_t limit, qos_visit visit, void *context);
int qos_sqlite_queues(struct qos_repository *repository, enum sse_dimension dimension,
                      const char *value, qos_visit visit, void *context);
int qos_sqlite_scan(struct qos_repository *repository, uint64_t after, size_t limit,
                    qos_visit visit, void *context);
int qos_sqlite_aside(struct qos_repository *repository, uint64_t after, size_t limit,
                     qos_visit visit, void *context);
int qos_sqlite_expired(struct qos_repository *repository, int64_t now, size_t limit,
                       qos_visit visit, void *context);
int qos_sqlite_states(struct qos_repository *repository, uint64_t number, qos_visit visit,
                      void *context);

#endif
