/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_PUT_H
#define QOS_PUT_H
/* Stores the messages of one request, all of them or none. */
#include "qos/repository.h"

/* Zero-filled but for what is lent. */
struct qos_put_item {
    struct qos_message message;      /* lent; its number is set */
    const struct sse_target *target; /* lent */
    bool is_id_fresh;                /* nobody can have used it before: it is not looked for */
    size_t stored;                   /* result: copies that there are now */
    /* Result: the same message was stored before, or comes earlier in the request, and nothing was
     * done. With other content under this id the whole job fails: -EEXIST, at. */
    bool is_repeat;
    /* Result, for each recipient of the target: its queue had no copy. NULL for a repeat. */
    bool *was_empty;
};

struct qos_put {
    struct qos_job job;
    struct qos_put_item *items; /* lent */
    size_t count;
    uint64_t queue_most;                /* copies of one queue; the oldest makes room */
    uint64_t messages_most, bytes_most; /* stored ones in all: beyond, -EDQUOT; a repository that
                                         * is not durable lets the oldest make room instead */
    int64_t now;                        /* wall ms */
    size_t at;                          /* result: the item that the failure is about */
    struct qos_copies displaced;        /* result */
};

/* Sets job.run and, from the items, job.weight; done is the caller's to set. */
void qos_put_init(struct qos_put *put);
void qos_put_release(struct qos_put *put); /* the results; not what is lent */

#endif
