/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_LOOK_H
#define QOS_LOOK_H
/* Jobs that only look, but for what they find that cannot be read; and which stored copies are
 * listed, or deleted. */
#include "qos/repository.h"

/* A connection that has these would get them, as far as is said here: with nothing but a user, that
 * user's copies and those for all, not those of a tenant or a token. The texts are lent. NULL: not
 * said; nothing said of user, token, tenant and channels: whomever they are for. A tenant beside a
 * user is whose user that is; "": nobody's. */
struct qos_filter {
    const char *user_id, *token, *tenant_id;
    bool of_tenant; /* users are unique within their tenant: an id alone is nobody's */
    const char *const *channels;
    size_t channel_count;
    /* NULL: whatever they must listen to. Copies for whoever listens or not pass with any. */
    const char *const *listeners;
    size_t listener_count;
    /* Only what is named: copies for all do not pass where somebody is said, nor those for whoever
     * listens or not where listeners are, nor, with a tenant beside a user, any but that user's. */
    bool is_strict;
    /* All that the copy asks for must be said: a listener, too. Nothing said at all: every copy. */
    bool is_exact;
    bool is_aside;       /* those that are set aside, instead of stored ones */
    const char *tenants; /* words: what is for others does not pass, whatever is said. NULL: any */
};

/* Whether the copy is for one of these tenants, or a user of one. NULL: any. Of one that cannot be
 * read it is not known, so that it is not. */
bool qos_copy_is_of_tenants(const struct qos_copy *copy, const char *tenants);

/* Whether the copy passes. Copies for all pass every filter that is not strict, but for their
 * listening. */
bool qos_filter_passes(const struct qos_filter *filter, const struct qos_copy *copy);

/* A part of the way through all stored messages. */
struct qos_slice {
    uint64_t after; /* a number; moved to where the next slice begins */
    size_t limit;   /* messages looked at */
    bool is_all;    /* result: nothing follows */
};

/* Visits the copies of the slice that pass. The visit cannot end it. */
int qos_filter_scan(const struct qos_filter *filter, struct qos_repository *repository,
                    struct qos_slice *slice, qos_visit visit, void *context);

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
};

void qos_read_init(struct qos_read *read, const struct qos_recipient *recipient);
void qos_read_release(struct qos_read *read);

/* The queues that are not empty, of some values: the first copy of each. */
struct qos_queues {
    struct qos_job job;
    const struct qos_recipient *recipients; /* lent; listening NULL: any */
    size_t count;
    struct qos_copies copies; /* result */
};

void qos_queues_init(struct qos_queues *queues);

/* How many stored copies are for users whose key has no tenant. */
struct qos_count_plain {
    struct qos_job job;
    uint64_t count; /* result */
};

void qos_count_plain_init(struct qos_count_plain *count);

/* All copies of one message. */
struct qos_inspect {
    struct qos_job job;       /* -ENOENT when there is none */
    const char *id;           /* lent */
    const char *tenants;      /* lent; of others' copies nothing is said above */
    struct qos_copies copies; /* result */
};

void qos_inspect_init(struct qos_inspect *inspect);

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
};

void qos_list_init(struct qos_list *list);

#endif
