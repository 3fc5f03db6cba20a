/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_REDELIVERY_REDELIVERY_H
#define BROKER_REDELIVERY_REDELIVERY_H
/*
 * Decides when a stored copy is written, and to whom, so that each recipient's queue is seen in
 * order, no copy is on its way twice at the same time, and none is forgotten. One for each service,
 * at its owner.
 *
 * A queue whose consumers have copies that they have not acknowledged, or for whom more is stored,
 * has a state here (queue.h); all others have none: their copies lie in the store, and the next one
 * to be stored is written at once to whoever is there (and then there is a state).
 *
 * Positions are those of the service's log: the place of an event in the one order in which all
 * workers write what goes to everybody. A copy written to its whole target has a position; one
 * written to a single connection, because it comes again, has none (0). A position is learnt when
 * the message has come into the log, some time after it was decided to write it. Until then it
 * stays in flight, every connection is going to have it, and nobody else joins.
 *
 * Individuals (user, token, connection): every living connection of a queue, but its standbys, has
 * been written every copy in flight. The newest of them is the active consumer: what comes again,
 * or late, goes to it. A connection that comes while others have copies in flight, or are being
 * written what waited for them, is a *standby*: nothing new is written to everybody (and what
 * already waits goes on to the active consumer) until the standby lacks nothing. It takes over, and
 * gets what is in flight, when the last of the others has gone, or when takeover_ms have passed
 * since it came and since anything was written to the active consumer. Who has been written only
 * the beginning when another takes over is a standby, too: else it would see later copies before
 * earlier ones.
 * Groups (tenant, channel, all): nobody waits for anybody; the first acknowledgement ends a copy.
 */
#include "broker/redelivery/ops.h"

struct loop;
struct redelivery;
struct slice;
struct sse_target;

/* settings and ops are borrowed. */
struct redelivery *redelivery_new(struct loop *loop, const struct redelivery_settings *settings,
                                  const struct redelivery_ops *ops, void *context);
void redelivery_free(struct redelivery *redelivery);

/* Before a message is decided on, and when it is known whom it has reached. */
void redelivery_write_begin(struct redelivery *redelivery, struct redelivery_write *write);
void redelivery_write_end(struct redelivery *redelivery, struct redelivery_write *write);

/* A copy was stored. True: write it to everybody, in the order of these decisions;
 * redelivery_reached() must follow. False: it waits for its turn. was_empty: its queue had no
 * stored copy before. */
bool redelivery_stored(struct redelivery *redelivery, uint64_t number,
                       const struct qos_recipient *recipient, bool was_empty,
                       const struct redelivery_write *write);
/* How many connections got it, and of these, how many have pages that acknowledge. */
void redelivery_reached(struct redelivery *redelivery, uint64_t number,
                        const struct qos_recipient *recipient, size_t count, size_t acknowledging);

/* A connection has come to a queue: it has connected, or begun to listen, or subscribed.
 * has_stored: the queue has stored copies. From now on it gets what is written to everybody. All
 * writes that were decided on before have a position: what is in flight is what it may lack. */
void redelivery_join(struct redelivery *redelivery, const struct consumer *consumer,
                     const struct qos_recipient *recipient, bool has_stored);
void redelivery_leave(struct redelivery *redelivery, const char *connection_id,
                      const struct qos_recipient *recipient);

/* Whether another node owns the queue, and writes to those who have it there. The connections here
 * are its standbys, until it is owned here. */
void redelivery_own(struct redelivery *redelivery, const struct qos_recipient *recipient,
                    bool is_owned_here);

/* A copy has ended, as the state says. Unknown ones are ignored. */
void redelivery_end(struct redelivery *redelivery, uint64_t number,
                    const struct qos_recipient *recipient, enum qos_state state);

/* How often a stored copy was written in this life, as far as is known here. */
uint32_t redelivery_written(const struct redelivery *redelivery, uint64_t number,
                            const struct qos_recipient *recipient);

/* What decision_go_on() is about. Zero-filled but for what is lent, and the number. */
struct decision {
    struct redelivery *redelivery;
    const struct sse_target *target;
    const bool *was_empty; /* each recipient's queue */
    const struct redelivery_write *write;
    uint64_t number;
    size_t next;
    bool *is_live; /* result, for each: it is to be written to now */
    size_t live;   /* result: so many are */
};

/* redelivery_stored() for all recipients of a message. Of thousands a turn of the loop takes some:
 * goes on until the slice is over, a unit for each. True: all are decided on. */
bool decision_go_on(struct decision *decision, struct slice *slice);
void decision_release(struct decision *decision); /* the results; it is empty again */

/* Copies in flight of a queue. */
uint32_t redelivery_in_flight(const struct redelivery *redelivery,
                              const struct qos_recipient *recipient);

void redelivery_report(const struct redelivery *redelivery, struct redelivery_report *report);

/* The answers (ops.h). */
/* status: 0 or a negative errno, then it is asked again after a while. is_all: nothing follows. */
void redelivery_read_done(struct redelivery *redelivery, uint64_t question, int status,
                          const struct qos_copy *copies, size_t count, bool is_all);
void redelivery_living(struct redelivery *redelivery, uint64_t question,
                       const struct liveness *living);
/* taken: the first so many were written. is_gone: it takes no more. */
void redelivery_batch_written(struct redelivery *redelivery, uint64_t question, size_t taken,
                              bool is_gone);

#endif
