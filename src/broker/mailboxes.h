/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_MAILBOXES_H
#define BROKER_MAILBOXES_H
/* How the brokers of one process reach each other: each worker has a mailbox (base/mailbox.h). */
#include <stddef.h>

#include "broker/broker.h"

struct loop;
struct mailboxes;

/* Of all workers. Made once, before their threads start. */
struct mailboxes *mailboxes_new(size_t workers);
void mailboxes_free(struct mailboxes *mailboxes); /* accepts NULL */

/* A broker of one of the workers, which sends by them. */
struct broker *mailboxes_broker_new(struct mailboxes *mailboxes, size_t worker);

/* Each worker joins from its own thread, and waits there until all have. It leaves when its loop
 * has stopped and before what messages work on is freed, and waits until nothing is under way any
 * more: what still waits for a task or a hook of its loop comes to its end then; nothing may wait
 * for a timer or a descriptor. */
void mailboxes_join(struct mailboxes *mailboxes, size_t worker, struct loop *loop,
                    struct broker *broker);
void mailboxes_leave(struct mailboxes *mailboxes, size_t worker);

#endif
