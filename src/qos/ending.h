/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_ENDING_H
#define QOS_ENDING_H
/* What all jobs that end copies have in common: they find them first, to bring home what they were.
 */
#include "qos/copies.h"

/* Adds the copy to the list; -ENOENT when it is not stored (any more). */
int qos_ending_find(struct qos_repository *repository, uint64_t number,
                    const struct qos_recipient *recipient, struct qos_copies *copies);

/* A qos_visit that adds the copies that are still stored, or set aside. */
bool qos_ending_visit_stored(void *copies, const struct qos_copy *copy);

/* Ends the copies of the list from an index on, in the repository and in the list. One that cannot
 * be read is set aside instead, but when it has been acknowledged, or is to be deleted. */
int qos_ending_run(struct qos_repository *repository, struct qos_copies *copies, size_t from,
                   enum qos_state state, int64_t at);

#endif
