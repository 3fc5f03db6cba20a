/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_DESK_H
#define QOS_DESK_H
/*
 * Decides when a stored copy is written, and to whom, so that each recipient's queue is seen in
 * order, no copy is on its way twice at the same time, and none is forgotten. One for each service,
 * on the worker that owns it. Does no work itself: it asks by its ops, whose answers come back
 * later (or at once, from inside the call).
 *
 * A recipient whose connections have copies that they have not acknowledged, or who has more that
 * wait for them, has a *box* here; all others have none: their copies lie in the store, and the
 * next one to be stored is written at once to whoever is there (and then there is a box).
 *
 * Positions are those of the service's history: the place of an event in the one order in which all
 * workers write what goes to everybody. A copy written to its whole target has a position; one
 * written to a single connection, because it comes again, has none (0).
 *
 * Individuals (user, token, connection): every living connection of a box that is a member has been
 * written every copy in flight. A connection that comes while others have copies in flight, or are
 * being written what waited for them, *waits*: nothing new is written to anybody (and what already
 * waits goes on to the newest member) until it lacks nothing, and then it is a member. It takes
 * over, and gets what is in flight, when the last of the others has gone, or when takeover_ms have
 * passed since it came and since anything was written to the newest. Who has been written only the
 * beginning when another takes over waits, too: else it would see later copies before earlier ones.
 * Groups (tenant, channel, all): nobody waits for anybody; the first acknowledgement ends a copy.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qos/repository.h"
#include "sse/connection.h"

struct loop;
struct qos_desk;

struct qos_desk_settings {
    uint32_t window;      /* 1000: copies in flight of one queue */
    uint32_t ack_ms;      /* 30000: until a copy comes again; doubled each time, */
    uint32_t ack_ms_most; /* 10 min: up to this */
    uint32_t takeover_ms; /* 10000, and never more than ack_ms */
    uint32_t batch;       /* 64: copies read, or written to one connection, at a time */
    bool ack_on_write;    /* written is acknowledged */
};

/* A connection, as far as it matters here. */
struct qos_client {
    char id[SSE_HANDLE_SIZE];
    size_t worker;
    uint64_t instance; /* hash of what names its page; 0: not known */
    bool is_silent;    /* its page acknowledges nothing: what was written to it is done */
    /* What it has been written of what went to everybody: positions behind joined, and those behind
     * resumed up to opened. */
    uint64_t joined, resumed, opened;
};

/* Whether it was written what went to everybody at this position (0: no). */
bool qos_client_has(const struct qos_client *client, uint64_t position);

/* Who lives, of those whom a box is for. */
struct qos_census {
    size_t holders;           /* those that have what is in flight, as was asked */
    bool is_anybody;          /* newest is set */
    struct qos_client newest; /* of all, holders or not */
    bool is_anybody_attentive;
    struct qos_client attentive; /* the newest of those that are not silent */
};

struct qos_desk_ops {
    /* Stored copies of the queue behind a number, decoded → qos_desk_read() */
    void (*read)(void *context, uint64_t question, const struct qos_recipient *recipient,
                 uint64_t after, size_t limit);
    /* Counts the living, those left out that have not arrived yet, or were said to be gone: a
     * holder has (as above) what went to everybody at this position, and its page is not instance
     * (unless 0). The newest is the last that has arrived. → qos_desk_counted() */
    void (*census)(void *context, uint64_t question, const struct qos_recipient *recipient,
                   uint64_t position, uint64_t instance);
    /* Copies that come again (or for the first time, to one who was not there), to one connection
     * → qos_desk_wrote_one(), when it has room for more, or has gone. The copies are lent. */
    void (*write_one)(void *context, uint64_t question, const struct qos_client *client,
                      const struct qos_copy *copies, size_t count);
    /* A copy to its whole queue; returns its position → qos_desk_reached() */
    uint64_t (*write_all)(void *context, const struct qos_copy *copy);
    /* Where a message was first written to everybody in this life; 0: it was not, or it is not
     * known any more. */
    uint64_t (*position)(void *context, const char *id);
    /* How often a copy, still stored, has been written, for the store to know. */
    void (*note)(void *context, uint64_t number, const struct qos_recipient *recipient,
                 uint32_t written);
    /* Ends a copy as acknowledged → qos_desk_end() (with ack_on_write, or of silent clients) */
    void (*acknowledge)(void *context, uint64_t number, const struct qos_recipient *recipient,
                        uint32_t written);
};

/* settings and ops are borrowed. */
struct qos_desk *qos_desk_new(struct loop *loop, const struct qos_desk_settings *settings,
                              const struct qos_desk_ops *ops, void *context);
void qos_desk_free(struct qos_desk *desk);

/* A copy was stored. True: write it to everybody now, at this position, which will be the next;
 * qos_desk_reached() must follow. False: it waits for its turn. was_empty: its queue had no stored
 * copy before. */
bool qos_desk_stored(struct qos_desk *desk, uint64_t number, const struct qos_recipient *recipient,
                     bool was_empty, uint64_t position);
/* How many connections got it. */
void qos_desk_reached(struct qos_desk *desk, uint64_t number, const struct qos_recipient *recipient,
                      size_t count);
/* The same where all who got it are silent: nobody could acknowledge it. */
void qos_desk_reached_silent(struct qos_desk *desk, uint64_t number,
                             const struct qos_recipient *recipient, size_t count);

/* A connection has come to a queue: it has connected, or begun to listen, or subscribed.
 * has_stored: the queue has stored copies. From now on it gets what is written to everybody. */
void qos_desk_arrive(struct qos_desk *desk, const struct qos_client *client,
                     const struct qos_recipient *recipient, bool has_stored);
void qos_desk_leave(struct qos_desk *desk, const char *connection_id,
                    const struct qos_recipient *recipient);

/* A copy has ended: acknowledged, expired, displaced, deleted. Unknown ones are ignored. */
void qos_desk_end(struct qos_desk *desk, uint64_t number, const struct qos_recipient *recipient);

/* How often a stored copy was written in this life, as far as is known here. */
uint32_t qos_desk_written(const struct qos_desk *desk, uint64_t number,
                          const struct qos_recipient *recipient);

/* The answers. question is what the op was given: an answer that nobody waits for any more is
 * ignored. */
/* status: 0 or a negative errno, then it is asked again after a while. is_all: nothing follows. */
void qos_desk_read(struct qos_desk *desk, uint64_t question, int status,
                   const struct qos_copy *copies, size_t count, bool is_all);
void qos_desk_counted(struct qos_desk *desk, uint64_t question, const struct qos_census *census);
/* taken: the first so many were written. is_gone: it takes no more. */
void qos_desk_wrote_one(struct qos_desk *desk, uint64_t question, size_t taken, bool is_gone);

struct qos_desk_report {
    size_t boxes, in_flight, waiting;
    uint64_t resends, takeovers, timeouts;
};

void qos_desk_report(const struct qos_desk *desk, struct qos_desk_report *report);

#endif
