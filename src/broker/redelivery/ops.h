/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_REDELIVERY_OPS_H
#define BROKER_REDELIVERY_OPS_H
/* The connections that redelivery knows, and what it asks for. It does no work itself. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/histogram.h"
#include "base/table.h"
#include "qos/repository.h"
#include "sse/connection_id.h"

/* A connection. */
struct consumer {
    char id[SSE_HANDLE_SIZE];
    size_t worker;
    uint64_t instance; /* hash of what names its page; 0: not known */
    bool is_silent;    /* its page acknowledges nothing: what was written to it is done */
    /* What it has been written of what went to everybody: positions behind joined, and those behind
     * resumed up to opened. */
    uint64_t joined, resumed, opened;
};

/* Whether it was written what went to everybody at this position (0: no). */
bool consumer_has(const struct consumer *consumer, uint64_t position);
/* Whether both are known to be of one page. */
bool consumer_is_page_of(const struct consumer *consumer, const struct consumer *other);

/* The connections of a queue that still exist. */
struct liveness {
    size_t having;          /* those that have what is in flight, as was asked */
    bool is_anybody;        /* newest is set */
    struct consumer newest; /* of all of them */
    bool is_anybody_attentive;
    struct consumer attentive; /* the newest of those that are not silent */
};

struct redelivery_settings {
    uint32_t window;      /* 1000: copies in flight of one queue */
    uint32_t ack_ms;      /* 30000: until a copy comes again; doubled each time, */
    uint32_t ack_ms_most; /* 10 min: up to this */
    uint32_t takeover_ms; /* 10000, and never more than ack_ms */
    uint32_t batch;       /* 64: copies read, or written to one connection, at a time */
    bool ack_on_write;    /* written is acknowledged */
};

/* A message on its way to everybody: begun before it is decided on, ended when redelivery has heard
 * whom it has reached. Embed it; whoever writes sets its position when that is known. */
struct redelivery_write {
    struct table_node node;
    uint64_t id;
    uint64_t position; /* REDELIVERY_UNKNOWN to begin with */
};

#define REDELIVERY_UNKNOWN UINT64_MAX

/* All answers come later, never from inside of the call. They name the question that was asked; one
 * that nobody waits for any more is ignored. */
struct redelivery_ops {
    /* Stored copies of the queue behind a number, decoded → redelivery_read_done() */
    void (*read)(void *context, uint64_t question, const struct qos_recipient *recipient,
                 uint64_t after, size_t limit);
    /* Which connections exist, but those that have not joined yet, or are said to have left? A
     * connection has what went to everybody at this position, and its page is not instance (unless
     * 0). The newest is the last that has joined. → redelivery_living() */
    void (*check_liveness)(void *context, uint64_t question, const struct qos_recipient *recipient,
                           uint64_t position, uint64_t instance);
    /* Copies that come again (or for the first time, to one who was not there), to one connection
     * → redelivery_batch_written(), when it has room for more, or has gone. The copies are lent. */
    void (*write_one)(void *context, uint64_t question, const struct consumer *consumer,
                      const struct qos_copy *copies, size_t count);
    /* A copy to its whole queue; returns the id of its redelivery_write → redelivery_reached() */
    uint64_t (*write_all)(void *context, const struct qos_copy *copy);
    /* Where a copy was first written to its whole queue in this life; 0: it was not, or it is not
     * known any more. */
    uint64_t (*position)(void *context, const struct qos_copy *copy);
    /* How often a copy has been written, for the store to know: still stored, or acknowledged (with
     * ack_on_write, or by silent pages); that ends it → redelivery_end() */
    void (*mark)(void *context, uint64_t number, const struct qos_recipient *recipient,
                 enum qos_state state, uint32_t written);
};

struct redelivery_report {
    size_t queues, in_flight, standbys;
    uint64_t resends, takeovers, timeouts;
    struct histogram acknowledged; /* copies, since they were written to whom they were for */
};

#endif
