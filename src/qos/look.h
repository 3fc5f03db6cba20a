/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_LOOK_H
#define QOS_LOOK_H
/* Jobs that only look, but for what they find that cannot be read. */
#include "qos/copies.h"
#include "qos/filter.h"
#include "qos/job.h"

/* The next copies of one queue, to be written. -ENOMEM when there is no memory to read the first.
 */
struct qos_read {
    struct qos_job job;
    struct qos_recipient *recipient; /* owned */
    uint64_t after;
    size_t limit;
    struct qos_copies copies; /* result: decoded; */
    struct qos_copies aside;  /* and those that could not be, and have been set aside */
    bool is_all;              /* result: nothing follows */
    void *context;
};

void qos_read_init(struct qos_read *read, const struct qos_recipient *recipient);
void qos_read_release(struct qos_read *read);

/* The queues that are not empty, of some values: the first copy of each. */
struct qos_queues {
    struct qos_job job;
    const struct qos_recipient *recipients; /* lent; listening NULL: any */
    size_t count;
    struct qos_copies copies; /* result */
    void *context;
};

void qos_queues_init(struct qos_queues *queues);
void qos_queues_release(struct qos_queues *queues);

/* How many stored copies are for users whose key has no tenant. */
struct qos_count_plain {
    struct qos_job job;
    uint64_t count; /* result */
    void *context;
};

void qos_count_plain_init(struct qos_count_plain *count);

/* All copies of one message. */
struct qos_inspect {
    struct qos_job job;       /* -ENOENT when there is none */
    const char *id;           /* lent */
    const char *tenants;      /* lent; of others' copies nothing is said (qos/filter.h) */
    struct qos_copies copies; /* result */
    void *context;
};

void qos_inspect_init(struct qos_inspect *inspect);
void qos_inspect_release(struct qos_inspect *inspect);

/* A slice of the stored copies that pass; or, by message, of the messages of which one does: each
 * counts once, and all its stored copies are kept, in the order of their values. */
struct qos_list {
    struct qos_job job;
    bool is_by_message;
    const struct qos_filter *filter; /* lent */
    uint64_t after;                  /* a number; result: where the next slice begins */
    size_t limit;                    /* messages looked at */
    uint64_t skip;                   /* so many that pass are only counted, then */
    size_t most;                     /* so many are kept, and the rest only counted */
    uint64_t passed;                 /* result */
    uint64_t last;                   /* the number of the message that passed last, */
    size_t messages;                 /* and how many are kept */
    struct qos_copies copies;        /* result */
    bool is_all;                     /* result */
    void *context;
};

void qos_list_init(struct qos_list *list);
void qos_list_release(struct qos_list *list);

#endif
