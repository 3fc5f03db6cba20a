/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_REVOCATIONS_H
#define QOS_REVOCATIONS_H
/*
 * What a service has revoked (auth/denied.h), kept in the repository until it ends, so that it
 * counts after a restart, too. A repository in memory keeps none.
 */
#include <stddef.h>
#include <stdint.h>

#include "qos/repository.h"

/* A list of them, which owns its texts. Zero-filled is empty. */
struct qos_revocations {
    struct qos_revocation *items;
    size_t count, room;
};

void qos_revocations_add(struct qos_revocations *list, const struct qos_revocation *revocation);
void qos_revocations_release(struct qos_revocations *list);

/* Keeps the list, for the longer time where one is there already, and forgets those that have ended
 * and the first to end of those beyond most. */
struct qos_keep_revocations {
    struct qos_job job;
    struct qos_revocations list;
    int64_t now; /* wall ms */
    size_t most;
};

void qos_keep_revocations_init(struct qos_keep_revocations *keep);

/* Reads those that have not ended. */
struct qos_read_revocations {
    struct qos_job job;
    int64_t now; /* wall ms */
    struct qos_revocations list;
};

void qos_read_revocations_init(struct qos_read_revocations *read);

#endif
