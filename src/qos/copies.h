/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_COPIES_H
#define QOS_COPIES_H
/* Messages, the copies of them that are for a recipient, and lists of copies. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sse/target.h"

struct sse_message;

/* Whose queue. */
struct qos_recipient {
    enum sse_dimension dimension;
    const char *value;     /* "" for SSE_ALL */
    const char *listening; /* the event that they must listen to; "": whether they do or not */
};

enum qos_state {
    QOS_STORED,
    QOS_ACKNOWLEDGED,
    QOS_EXPIRED,   /* its ttl is over */
    QOS_DISPLACED, /* a bound was reached, and it was the oldest */
    QOS_DELETED,   /* by a back end */
    /* What the repository has of it cannot be read, for now at least. It has not ended: set aside,
     * it is in no queue, does not expire, and is kept until a back end deletes it. */
    QOS_UNREADABLE,
    QOS_STATES
};

extern const char *const qos_state_words[QOS_STATES];

struct qos_message {
    uint64_t number; /* greater than that of every earlier one, never used again; put sets it */
    const char *id;
    const char *json; /* one message as it is POSTed to "send", its id included; of one that cannot
                       * be read it may be NULL, and the other texts "" */
    size_t length;
    uint64_t digest; /* of what was sent under this id: the same id with another one is refused */
    int64_t created, expires; /* wall ms */
    const char *receipt;      /* as sse/message.h has it */
};

/* Why it cannot be read. */
enum qos_cause {
    QOS_READABLE,
    QOS_BAD_ROW,     /* the file has what none of our programs writes */
    QOS_BAD_MESSAGE, /* its JSON is no message */
    QOS_NO_MEMORY,   /* time and again there was none to read it */
    QOS_CAUSES
};

extern const char *const qos_cause_words[QOS_CAUSES];

struct qos_copy {
    const struct qos_message *message; /* json is NULL once all its copies have ended */
    struct qos_recipient recipient;
    enum qos_state state;
    uint32_t written;     /* how often it was written to somebody */
    int64_t ended;        /* wall ms; 0: it has not */
    enum qos_cause cause; /* of one that cannot be read */
    /* Of those that qos/look.h has read to be written: the message, for that recipient. Owned by
     * the list of copies that it is in; NULL elsewhere. */
    struct sse_message *decoded;
};

/* False: enough. */
typedef bool (*qos_visit)(void *context, const struct qos_copy *copy);

/* A list that owns all texts of its copies: how a job of the store brings home what it found.
 * Zero-filled is empty and valid. */
struct qos_copies {
    struct qos_copy *items;
    size_t count, capacity;
};

/* Copies of one message that come one after the other share it. */
void qos_copies_add(struct qos_copies *copies, const struct qos_copy *copy);
bool qos_copies_visit(void *copies, const struct qos_copy *copy); /* a qos_visit that adds all */
/* Adds a copy that is another list's, with all that it owns; no copy of that list shares its
 * message. The other one has to forget it: */
void qos_copies_take(struct qos_copies *copies, const struct qos_copy *copy);
/* Releases all from an index on, and forgets, without releasing them, those between the two. */
void qos_copies_cut(struct qos_copies *copies, size_t kept, size_t from);
/* Releases one; those behind it move up. */
void qos_copies_drop(struct qos_copies *copies, size_t index);
void qos_copies_release(struct qos_copies *copies);

bool qos_recipient_equals(const struct qos_recipient *one, const struct qos_recipient *other);
/* One block, for free(); the texts are behind the struct. */
struct qos_recipient *qos_recipient_copy(const struct qos_recipient *recipient);
/* One of as many as the target names (sse_target_size). The texts are the target's. */
struct qos_recipient qos_recipient_at(const struct sse_target *target, size_t index);

/* A user, token or connection: each of them has to get its copy. Of a tenant, a channel or all, one
 * that has got it is enough. */
bool qos_recipient_is_individual(const struct qos_recipient *recipient);

#endif
