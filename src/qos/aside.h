/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_ASIDE_H
#define QOS_ASIDE_H
/* Copies that cannot be read are set aside: what is behind them in their queues goes on, and they
 * stay in the repository until they can be read or a back end deletes them. */
#include "qos/repository.h"

/* The copy is QOS_UNREADABLE then. Says in the log which it is, and why. -ENOENT when it is not
 * stored. In the store's thread, as all that changes a repository. */
int qos_aside_set(struct qos_repository *repository, struct qos_copy *copy, enum qos_cause cause);

/* Decodes the copies of the list, and takes those that cannot be out of it, into aside; without
 * memory all from the first one on that there is none for: -ENOMEM when that is the first of all.
 * No message has two copies in the list. */
int qos_aside_decode(struct qos_repository *repository, struct qos_copies *copies,
                     struct qos_copies *aside);

/* Looks at all that are set aside, in a transaction of its own: those that can be read by now are
 * stored ones again. Before anything is read, since they have their old place in their queues. */
int qos_aside_take_back(struct qos_repository *repository);

#endif
