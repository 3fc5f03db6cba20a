/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_SQLITE_REPOSITORY_H
#define QOS_SQLITE_REPOSITORY_H
/* The repository on SQLite, as its own files see it: sqlite.c opens it, sqlite_write.c changes what
 * is in it, sqlite_aside.c what of it cannot be read, sqlite_read.c shows it, sqlite_copy.c copies
 * it; sqlite_revocations.c is for what stands beside the messages. */
#include <sqlite3.h>

#include "qos/queue_counts.h"
#include "qos/repository.h"
#include "qos/sqlite_copy.h"
#include "qos/sqlite_statements.h"

struct qos_sqlite {
    struct qos_repository repository;
    sqlite3 *database;
    sqlite3_stmt *statements[QOS_SQLITE_STATEMENTS];
    struct qos_queue_counts counts;
    struct qos_sqlite_copy copy;
    uint64_t last_number; /* given away; never goes back */
    bool has_shrunk;      /* which the file is told by a checkpoint only */
    /* As the file has them, so far as this transaction has come: */
    uint64_t reserved; /* numbers up to this */
    struct {
        struct qos_totals totals;
        uint64_t reserved;
    } before; /* this transaction */
};

static inline struct qos_sqlite *qos_sqlite_of(struct qos_repository *repository)
{
    return container_of(repository, struct qos_sqlite, repository);
}

/* A copy of the message is not stored any more (or, closed being 0, no longer set aside); when it
 * was the last one, the message has ended. */
int qos_sqlite_close(struct qos_sqlite *sqlite, uint64_t number, unsigned closed, int64_t at);

/* The operations: qos/repository.h */
int qos_sqlite_put(struct qos_repository *repository, struct qos_message *message,
                   const struct sse_target *target);
int qos_sqlite_end(struct qos_repository *repository, uint64_t number,
                   const struct qos_recipient *recipient, enum qos_state state, int64_t at,
                   uint32_t written);
int qos_sqlite_note(struct qos_repository *repository, uint64_t number,
                    const struct qos_recipient *recipient, uint32_t written);
/* Sets aside what has a state that nobody has written and is not said to have ended: no query by
 * state would find it. When the file is opened, before it is counted. 0 or -errno. */
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
int qos_sqlite_count(struct qos_repository *repository, const struct qos_recipient *recipient,
                     uint64_t *count);
int qos_sqlite_count_plain(struct qos_repository *repository, uint64_t *count);
int qos_sqlite_read(struct qos_repository *repository, const struct qos_recipient *recipient,
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
