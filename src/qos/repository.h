/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_REPOSITORY_H
#define QOS_REPOSITORY_H
/*
 * Where the messages of one service lie until somebody has them. A message has a copy for each of
 * its recipients; the copies of one recipient are its queue, in the order of their numbers. An
 * ended copy is remembered for a while, so that its sender can ask, and cannot send it twice by
 * mistake.
 *
 * Blocking, and of one thread: qos/store.h has the thread. What the operations hand out is lent
 * until the visit returns, and a visit must not change the repository. Each returns 0 or a negative
 * errno. One that could not do its work (-EIO, -ENOSPC, …) also sets fault: then the transaction
 * can only be rolled back. -ENOENT is an answer, not a fault.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/histogram.h"
#include "base/mailbox.h"
#include "qos/copies.h"

/* A credential that does not count any more (auth/denied.h). */
struct qos_revocation {
    const char *name;
    int64_t issued_until; /* wall s */
    int64_t until;        /* wall ms */
};

typedef void (*qos_visit_revocation)(void *context, const struct qos_revocation *revocation);

struct qos_totals {
    uint64_t copies;   /* stored ones */
    uint64_t aside;    /* those that are set aside */
    uint64_t messages; /* that have a copy of either kind */
    uint64_t bytes;    /* of their JSON */
    uint64_t ended;    /* messages that have none, and are remembered */
};

struct qos_repository;

struct qos_repository_ops {
    int (*begin)(struct qos_repository *repository);
    int (*commit)(struct qos_repository *repository);
    void (*rollback)(struct qos_repository *repository); /* after a fault only, which it clears */

    /* The number and the digest (nothing else) of the message with this id, ended or not. */
    int (*find)(struct qos_repository *repository, const char *id, struct qos_message *message);
    /* The stored copy of the message with this id, if it is for one recipient; else, and where it
     * is damaged, nothing may be shown. */
    int (*single)(struct qos_repository *repository, const char *id, qos_visit visit,
                  void *context);
    /* A copy for each value of the target; a value that is there twice has one. The id is new. A
     * message for nobody has ended when it was created. */
    int (*put)(struct qos_repository *repository, struct qos_message *message,
               const struct sse_target *target);
    /* -ENOENT when there is no such copy that is stored. written: how often, in all. */
    int (*end)(struct qos_repository *repository, uint64_t number,
               const struct qos_recipient *recipient, enum qos_state state, int64_t at,
               uint32_t written);
    /* Sets how often a stored copy was written. -ENOENT as above. */
    int (*note)(struct qos_repository *repository, uint64_t number,
                const struct qos_recipient *recipient, uint32_t written);

    /* Sets a stored copy aside; the value names it, whatever else its row has. -ENOENT as above. */
    int (*set_aside)(struct qos_repository *repository, uint64_t number, const char *value,
                     enum qos_cause cause);
    /* Makes a copy that is set aside a stored one again, or one that was deleted. -ENOENT when
     * there is none. */
    int (*take_back)(struct qos_repository *repository, uint64_t number, const char *value);
    int (*discard)(struct qos_repository *repository, uint64_t number, const char *value,
                   int64_t at);

    /* Stored copies. How many a queue has, those that cannot be read among them: */
    int (*count)(struct qos_repository *repository, const struct qos_recipient *recipient,
                 uint64_t *count);
    /* How many are for users whose key has no tenant (sse/user.h): */
    int (*count_plain)(struct qos_repository *repository, uint64_t *count);
    /* Those of a queue behind a number, in order. Here and below one that the repository itself
     * cannot read is shown as QOS_UNREADABLE; of its recipient, too, only the value may be right,
     * but where the queue was asked for. */
    int (*read)(struct qos_repository *repository, const struct qos_recipient *recipient,
                uint64_t after, size_t limit, qos_visit visit, void *context);
    /* As read, but of all queues that the recipient's value has, whatever their listening. */
    int (*read_value)(struct qos_repository *repository, const struct qos_recipient *recipient,
                      uint64_t after, size_t limit, qos_visit visit, void *context);
    /* The first stored copy of each queue that this value has, whatever its listening, in no
     * particular order. */
    int (*queues)(struct qos_repository *repository, enum sse_dimension dimension,
                  const char *value, qos_visit visit, void *context);
    /* Those of all messages behind a number, message by message: limit counts messages. The copies
     * of a message come in no particular order, here and below. */
    int (*scan)(struct qos_repository *repository, uint64_t after, size_t limit, qos_visit visit,
                void *context);
    /* As scan, those that are set aside. */
    int (*aside)(struct qos_repository *repository, uint64_t after, size_t limit, qos_visit visit,
                 void *context);
    /* Those that have expired by now: first those of messages with one recipient, then the others;
     * of each the first to expire first. */
    int (*expired)(struct qos_repository *repository, int64_t now, size_t limit, qos_visit visit,
                   void *context);

    /* All copies of one message, ended ones too; -ENOENT when it is not known (any more). */
    int (*states)(struct qos_repository *repository, uint64_t number, qos_visit visit,
                  void *context);
    /* Forgets messages whose last copy ended before a time, the oldest first, and also the oldest
     * of those beyond most; limit of them at once. *forgotten: how many. */
    int (*forget)(struct qos_repository *repository, int64_t before, size_t most, size_t limit,
                  size_t *forgotten);
    /* Gives a piece of the room that nothing has any more back to the file system; *is_more: there
     * is more of it than is worth keeping for what comes. */
    int (*shrink)(struct qos_repository *repository, bool *is_more);

    /* Keeps one, for the longer time of the two where it is there; forgets those that have ended,
     * and the first to end of those beyond most; shows those that have not. */
    int (*revoke)(struct qos_repository *repository, const struct qos_revocation *revocation);
    int (*forget_revocations)(struct qos_repository *repository, int64_t now, size_t most);
    int (*revocations)(struct qos_repository *repository, int64_t now, qos_visit_revocation visit,
                       void *context);

    /* Takes the next piece of a copy of all that is stored, between two transactions; what is
     * committed meanwhile comes into it. -EAGAIN: there is more. 0: *file is the copy as of now,
     * the caller's; it has no name. leave_copy ends one that is under way, if any is. */
    int (*copy)(struct qos_repository *repository, int *file);
    void (*leave_copy)(struct qos_repository *repository);

    void (*free)(struct qos_repository *repository);
};

/* Embedded first in the struct of the concrete one. */
struct qos_repository {
    const struct qos_repository_ops *ops;
    bool is_durable;     /* what commit has returned survives the process, and the power */
    bool is_checked;     /* all that was there when it was opened has been found whole, or is new */
    int fault;           /* 0, or what made the transaction fail */
    const char *service; /* for the log; NULL: not known */
    struct {
        uint64_t number; /* of the message that there was no memory to read, */
        unsigned times;  /* so often in a row */
    } want;
    struct qos_totals totals;
    bool has_tenants; /* there may be users whose key has a tenant (sse/user.h) */
    /* What a sweep (qos/end.h) has said last of ended messages: those that ended before a time are
     * forgotten, and those beyond most. */
    struct {
        bool is_known;
        int64_t before;
        size_t most;
    } remembered;
};

/* A question to the thread of a repository (qos/store.h), and its answer. Embed it first in the
 * struct of the concrete job. Those of this folder are zero-filled, then filled with the question,
 * then given to their init. The lists of their results are released by who has asked. */
struct qos_job {
    struct mailbox_item item; /* the store's */
    struct qos_job *next;     /* the store's */
    /* In the store's thread. 0, or a negative errno that is this job's alone: then it must not have
     * changed anything. A fault of the repository is everybody's. */
    int (*run)(struct qos_job *job, struct qos_repository *repository);
    /* In the owner's thread, when it is committed or has failed; owns the job. Its results count
     * only when the status is 0. */
    void (*done)(struct qos_job *job);
    void *context;     /* the owner's */
    int status;        /* what run returned, or the fault */
    bool is_asked;     /* somebody waits for the answer: -ETIMEDOUT when it has not begun in time */
    uint64_t since_ms; /* the store's: it waits; served time of the loop */
    size_t weight;     /* in copies, for the bound of a transaction; 0 counts as 1 */
};

/* ---- how a store of them is opened and kept (qos/store.h), and what it reports ---- */

/* What the log says of such a store. */
#define QOS_DAMAGED                                                                                \
    "it is damaged: move it and its -wal file away, or put a backup in their place; it is tried "  \
    "again by itself"

/* The texts are borrowed. */
struct qos_store_settings {
    const char *service; /* for the log */
    /* As qos_sqlite_new(); context is the settings' own. In the store's thread. */
    struct qos_repository *(*open)(void *context, int *error, char *fault, size_t fault_size);
    void *context;
    unsigned batch;       /* 256: copies of one transaction */
    unsigned retry_ms;    /* 1000 */
    unsigned patience_ms; /* that a job that is asked for waits to begin; 0: for ever */
};

/* What a store has done so far. */
struct qos_store_report {
    bool is_open;
    struct qos_totals totals;    /* while it is closed: the last that were known */
    uint64_t transactions, jobs; /* committed; handed back */
    uint64_t faults;             /* transactions that failed, openings included */
    uint64_t waiting;            /* jobs submitted and not done */
    struct histogram commits;    /* how long each took */
    uint64_t commit_us_max;
};

#endif
