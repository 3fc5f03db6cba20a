/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_COPIES_H
#define QOS_COPIES_H
/* A list of copies that owns all their texts: how a job of the store brings home what it found. */
#include <stdbool.h>
#include <stddef.h>

#include "qos/repository.h"

/* Zero-filled is empty and valid. */
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
void qos_copies_release(struct qos_copies *copies);

bool qos_recipient_equals(const struct qos_recipient *one, const struct qos_recipient *other);
/* One block, for free(); the texts are behind the struct. */
struct qos_recipient *qos_recipient_copy(const struct qos_recipient *recipient);

#endif
