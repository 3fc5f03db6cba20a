/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_END_H
#define QOS_END_H
/* Jobs that end copies, and one that forgets them. They find them first, to bring home what they
 * were. */
#include "qos/look.h"
#include "qos/repository.h"

/* Ends the copies of the list from an index on, in the repository and in the list. One that cannot
 * be read is set aside instead, but when it has been acknowledged, or is to be deleted. */
int qos_end_copies(struct qos_repository *repository, struct qos_copies *copies, size_t from,
                   enum qos_state state, int64_t at);

/* One copy: its end, or (with state QOS_STORED) how often it has been written. -ENOENT when it is
 * not stored any more. */
struct qos_mark {
    struct qos_job job;
    uint64_t number;
    struct qos_recipient *recipient; /* owned */
    enum qos_state state;
    uint32_t written;
    int64_t now;
    struct qos_copies ended; /* result: the copy, when it has ended */
};

void qos_mark_init(struct qos_mark *mark, const struct qos_recipient *recipient);
void qos_mark_release(struct qos_mark *mark);

/* Deletes the copies of one message (id), or a slice of those that pass a filter. */
struct qos_delete {
    struct qos_job job;              /* -ENOENT when there is no message with this id */
    const char *id;                  /* lent; NULL: by the filter */
    const struct qos_filter *filter; /* lent */
    uint64_t after;                  /* as in qos_list */
    size_t limit;
    int64_t now;
    struct qos_copies ended; /* result */
    bool is_all;             /* result */
};

void qos_delete_init(struct qos_delete *delete);

/* A slice of what time ends: copies whose ttl is over, then what is remembered too long. By the
 * wall clock, since that goes on while no process runs: one that is set forward ends copies early.
 */
struct qos_sweep {
    struct qos_job job; /* weighs as much as its limit */
    int64_t now;
    uint32_t remember_ms;   /* how long ended messages are known, */
    size_t remembered_most; /* and how many of them */
    size_t limit;
    struct qos_copies ended; /* result: expired */
    size_t forgotten;        /* result: messages */
    bool is_all;             /* result: nothing is left to do now, */
    bool has_surplus;        /* but to give back more of the room that nothing has any more */
};

void qos_sweep_init(struct qos_sweep *sweep);

/* At the end of a transaction before which so many messages had ended: forgets, if there are too
 * many, up to twice as many as it has ended itself. So what is remembered keeps to its bound
 * however fast messages end, and no sweep has to come in time. */
void qos_forget_surplus(struct qos_repository *repository, uint64_t ended_before);

/* Whose word it is; the texts are lent. "" is nobody's. */
struct qos_identity {
    const char *user_key, *user_in_tenant; /* sse/user.h; the second always has the tenant */
    const char *token, *tenant_id, *connection_id;
    const char *const *channels;
    size_t channel_count;
};

/* A page has handled messages. It can end only copies that are for it: for its user, token, tenant,
 * one of its channels, the connection itself, or all. */
struct qos_acknowledge {
    struct qos_job job;
    struct qos_identity identity;
    const char *const *ids; /* lent; unknown ones are ignored */
    size_t count;
    /* The last event that a page has seen (Last-Event-ID): where its copy is an individual's, all
     * that are before it in that queue were seen, too. Ignored when it has ended already, but for
     * those before it. */
    bool is_through;
    int64_t now;
    struct qos_copies ended; /* result: what this has acknowledged */
};

void qos_acknowledge_init(struct qos_acknowledge *acknowledge);

#endif
