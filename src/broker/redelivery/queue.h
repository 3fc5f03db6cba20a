/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_REDELIVERY_QUEUE_H
#define BROKER_REDELIVERY_QUEUE_H
/*
 * The state of one queue, for this folder only. What happens changes it (redelivery.c); then one
 * step after the other is taken until none has anything to do: failover.c (who is the active
 * consumer, and who still exists), then from the store to connections.
 */
#include "base/buf.h"
#include "base/list.h"
#include "base/loop.h"
#include "base/table.h"
#include "broker/redelivery/ops.h"

#define QUEUE_PAUSE_MS 1000u /* until a read that failed, or a check of a group, is asked again */
#define QUEUE_NONE     UINT64_MAX
#define QUEUE_WRITE_ID                                                                             \
    (UINT64_C(1) << 63) /* ids of writes have this bit, which positions have not */

/* A copy that was written and has not ended. */
struct in_flight {
    uint64_t number;
    /* Of the write to everybody, or the id of its redelivery_write: see in_flight_position(). 0: it
     * was written to one connection. */
    uint64_t position;
    uint64_t since;    /* loop ms */
    uint32_t written;  /* in all */
    uint32_t serial;   /* of the active consumer that it was written to; 0: it was to all */
    bool is_confirmed; /* it is known how many got it, */
    bool is_missed;    /* and that nobody did */
    bool is_done;      /* as far as it goes: those who have it acknowledge nothing, */
    bool is_told;      /* and the store knows it */
};

/* In the order of their numbers. Zero-filled is empty. */
struct in_flight_list {
    struct in_flight *items;
    size_t count, capacity;
    size_t unconfirmed, missed;
    size_t untold; /* that are done */
};

struct redelivery {
    struct loop *loop;
    const struct redelivery_settings *settings;
    const struct redelivery_ops *ops;
    void *context;
    struct table by_key, by_number;
    struct table writes; /* by id */
    uint64_t begun;      /* writes there have been */
    uint64_t named;      /* queues there have been */
    struct buf key;      /* of the last one that was looked for */
    struct redelivery_report report;
};

/*
 * What of the queue lies in the store only. All that is stored up to the cursor is in flight. What
 * is behind it and before `first` has been written before, or is older than this state: the active
 * consumer gets it. From `first` on nobody has had it, and it goes to everybody.
 */
struct queue_backlog {
    bool has_more; /* there may be copies behind the cursor */
    bool has_new;  /* some have come since the last read was asked for */
    uint64_t cursor;
    uint64_t first;     /* QUEUE_NONE: none */
    uint64_t resend_to; /* up to here the consumer gets also what it has: its time was over */
    uint64_t retry_at;  /* 0: no read has failed */
    uint32_t put_back;  /* times that copies in flight have become a part of it again */
};

/* The question whether anybody still has what is in flight, and who is the newest. */
struct liveness_check {
    uint64_t asked; /* 0: no answer is due */
    uint64_t asked_at;
    bool is_due;     /* to be asked, because a copy's time is over, */
    bool is_wanted;  /* because somebody who may have had it has gone, or come anew */
    bool was_due;    /* the one that was asked */
    bool has_joined; /* somebody has, */
    bool has_left;   /* or has left, since then */
};

/* Copies on their way to the active consumer alone, in order. */
struct redelivery_batch {
    uint64_t asked; /* 0: none are */
    uint64_t *numbers;
    size_t count;
    uint32_t serial;
    bool is_silent; /* as the consumer is that they go to */
};

struct standby {
    struct list node;
    struct consumer consumer;
    uint64_t since; /* loop ms */
    bool is_former; /* its page has a newer connection: it only must not get what is out of order */
};

struct queue {
    struct table_node by_key, by_number;
    struct redelivery *redelivery;
    struct qos_recipient recipient;
    bool is_group;
    bool is_elsewhere; /* another node owns it */
    struct in_flight_list in_flight;
    uint64_t oldest;        /* none is in flight for longer */
    unsigned rounds;        /* times that ack_ms was over, one after the other */
    uint64_t moved_at;      /* when something was last written to the active consumer */
    struct consumer active; /* the newest who may have what is not for everybody; id "": nobody */
    uint32_t serial;        /* of that one, among those that the queue has had */
    struct list standbys;   /* the last to come last */
    struct queue_backlog backlog;
    struct liveness_check check;
    struct redelivery_batch batch;
    uint64_t reading; /* 0: no answer is due */
    uint16_t questions;
    struct loop_timer timer;
    uint64_t number;
    char key[]; /* and the recipient's texts */
};

struct queue *queue_find(struct redelivery *redelivery, const struct qos_recipient *recipient);
struct queue *queue_asked(struct redelivery *redelivery, uint64_t question);
struct queue *queue_new(struct redelivery *redelivery, const struct qos_recipient *recipient,
                        void (*on_timer)(struct loop_timer *timer));
void queue_free(struct queue *queue);
uint64_t queue_question(struct queue *queue); /* names it, and the queue */
uint64_t queue_now(const struct queue *queue);

void queue_add_in_flight(struct queue *queue, const struct in_flight *copy); /* sets since */
bool queue_remove_in_flight(struct queue *queue, uint64_t number); /* false: it was not there */
/* NULL when it is not in flight. Until the next change. */
struct in_flight *in_flight_find(const struct in_flight_list *list, uint64_t number);
void in_flight_confirm(struct in_flight_list *list, struct in_flight *copy, bool is_missed);
void in_flight_set_done(struct in_flight_list *list, struct in_flight *copy, bool is_told);
/* The items were changed from outside: this many are left. */
void in_flight_set_count(struct in_flight_list *list, size_t count);
/* Its position as far as it is known; until then it is going to be after all others. */
uint64_t in_flight_position(const struct queue *queue, const struct in_flight *copy);
bool in_flight_is_pending(const struct queue *queue); /* one of them is */
/* The first position that the consumer (NULL: nobody) does not have; 0: none. */
uint64_t in_flight_missing(const struct queue *queue, const struct consumer *consumer);
uint64_t in_flight_last(const struct queue *queue); /* the last position; 0: none */
/* When the oldest of them is late; QUEUE_NONE: none is in flight. */
uint64_t queue_late_at(struct queue *queue);

bool queue_has_active(const struct queue *queue);
bool queue_is_active(const struct queue *queue, const char *connection_id);
bool queue_has_room(const struct queue *queue);    /* for another copy in flight */
bool queue_has_backlog(const struct queue *queue); /* for the active consumer */
bool queue_is_open(const struct queue *queue);     /* the next copy can go to everybody */
void queue_forget_batch(struct queue *queue);

struct standby *queue_add_standby(struct queue *queue, const struct consumer *consumer);
void queue_remove_standby(struct queue *queue, struct standby *standby);
struct standby *queue_standby(const struct queue *queue, const char *connection_id);
struct standby *queue_last_standby(const struct queue *queue); /* NULL: there is none */

/* ---- failover.c: the active consumer, what is in flight for whom, and who still exists ---- */

void failover_activate(struct queue *queue, const struct consumer *consumer);
/* It has gone. */
void failover_lose_active(struct queue *queue);
/* Another node owns the queue: its consumers here are standbys, with nothing on its way to them. */
void failover_to_another_node(struct queue *queue);
/* It is owned here again. What others have been written is not known: all that is stored goes to
 * everybody, so that nobody sees what follows before it. */
void failover_from_another_node(struct queue *queue);

/* Whether it lacks something that others have, or are going to have. */
bool failover_lacks(const struct queue *queue, const struct consumer *consumer);

/* Puts back into the store what a consumer, now or then, was written alone. */
void failover_put_back_batch(struct queue *queue, uint32_t serial);

/* When the next standby takes over; QUEUE_NONE: none wants to. */
uint64_t failover_due_at(const struct queue *queue);
void failover_take_over(struct queue *queue);

/* Steps: nobody got copies that went to everybody; standbys lack nothing any more. */
bool failover_step_missed(struct queue *queue);
bool failover_step_standbys(struct queue *queue);

/* A step: asks who of a queue's consumers still exists; and decides by the answer. */
bool liveness_check_ask(struct queue *queue);
void liveness_check_take(struct queue *queue, const struct liveness *living);
/* When a check that waits is asked; QUEUE_NONE: none waits. */
uint64_t liveness_check_due_at(const struct queue *queue);

#endif
