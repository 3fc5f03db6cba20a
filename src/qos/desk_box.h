/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_DESK_BOX_H
#define QOS_DESK_BOX_H
/*
 * What the desk knows of one queue; for qos/desk*.c only. The entry points and the answers change a
 * box and then settle it: desk_box_settle() takes one step after the other until none has anything
 * to do. Answers may come from inside of a step; they find the box held, and leave the rest to the
 * settling that is under way.
 */
#include "base/buf.h"
#include "base/list.h"
#include "base/loop.h"
#include "base/table.h"
#include "qos/desk.h"
#include "qos/desk_flight.h"

#define DESK_PAUSE_MS 1000u /* until a read that failed, or a group's census, is asked again */
#define DESK_NONE     UINT64_MAX

struct qos_desk {
    struct loop *loop;
    const struct qos_desk_settings *settings;
    const struct qos_desk_ops *ops;
    void *context;
    struct table by_key, by_number;
    uint64_t named; /* boxes there have been */
    struct buf key; /* of the last one that was looked for */
    struct qos_desk_report report;
};

/*
 * What of the queue lies in the store only. All that is stored up to the cursor is in flight. What
 * is behind it and before `first` has been written before, or is older than the box: the receiver
 * gets it. From `first` on nobody has had it, and it goes to everybody.
 */
struct desk_backlog {
    bool has_more; /* there may be copies behind the cursor */
    bool has_new;  /* some have come since the last read was asked for */
    uint64_t cursor;
    uint64_t first;    /* DESK_NONE: none */
    uint64_t again_to; /* up to here the receiver gets also what it has: its time was over */
    uint64_t retry_at; /* 0: no read has failed */
    unsigned
        returns; /* how often the cursor went back: who moves it on looks if it did meanwhile */
};

/* To whom copies go that are not for everybody: the newest who may have them. */
struct desk_receiver {
    struct qos_client client; /* id "": nobody is known */
    uint32_t serial;          /* of this one, among those that the box has had */
};

/* The question whether anybody still has what is in flight, and who is the newest. */
struct desk_doubt {
    uint64_t asked; /* 0: no answer is due */
    uint64_t asked_at;
    bool is_due;      /* to be asked, because a copy's time is over, */
    bool is_raised;   /* because somebody who may have had it has gone, or come anew */
    bool was_due;     /* the one that was asked */
    bool has_arrived; /* somebody has, */
    bool has_left;    /* or has left, since then */
};

/* Copies on their way to the receiver, in order. */
struct desk_run {
    uint64_t asked; /* 0: none are */
    uint64_t *numbers;
    size_t count;
    uint32_t serial;
    bool is_silent; /* as the receiver is that they go to */
};

struct desk_waiter {
    struct list node;
    struct qos_client client;
    uint64_t since; /* loop ms */
    bool is_former; /* its page has a newer connection: it only must not get what is out of order */
};

struct desk_box {
    struct table_node by_key, by_number;
    struct qos_desk *desk;
    struct qos_recipient recipient;
    bool is_group;
    struct desk_flights flights;
    uint64_t oldest;   /* none is in flight for longer */
    unsigned rounds;   /* times that ack_ms was over, one after the other */
    uint64_t moved_at; /* when something was last written to the receiver */
    struct desk_backlog backlog;
    struct desk_receiver receiver;
    struct list waiting; /* the last to come last */
    struct desk_doubt doubt;
    struct desk_run run;
    uint64_t reading; /* 0: no answer is due */
    uint16_t questions;
    unsigned holds; /* calls that are at work on it */
    struct loop_timer timer;
    uint64_t number;
    char key[]; /* and the recipient's texts */
};

/* desk_box.c: which boxes there are. */
struct desk_box *desk_box_find(struct qos_desk *desk, const struct qos_recipient *recipient);
struct desk_box *desk_box_asked(struct qos_desk *desk, uint64_t question);
struct desk_box *desk_box_new(struct qos_desk *desk, const struct qos_recipient *recipient);
void desk_box_free(struct desk_box *box);
uint64_t desk_box_question(struct desk_box *box); /* names it, and the box */
void desk_box_hold(struct desk_box *box);
void desk_box_settle(struct desk_box *box); /* the box may be gone after it */

/* desk_turn.c: what is in flight, and to whom it turns. */
void desk_box_fly(struct desk_box *box, const struct desk_flight *flight); /* sets since */
bool desk_box_land(struct desk_box *box, uint64_t number); /* false: it was not in flight */
/* Puts back into the store what a receiver, now or then, was written alone, */
void desk_box_put_back_run(struct desk_box *box, uint32_t serial);
/* and what went to everybody, but not to the receiver. */
void desk_box_put_back_missed(struct desk_box *box);
bool desk_box_has_receiver(const struct desk_box *box);
void desk_box_receive(struct desk_box *box, const struct qos_client *client);
void desk_box_lose_receiver(struct desk_box *box);
/* The receiver was, or is, somebody else now, who gets what it does not have; with is_again also
 * what it has. NULL: nobody is there, and the box ends. */
void desk_box_turn(struct desk_box *box, const struct qos_client *client, bool is_again);
bool desk_box_settle_missed(struct desk_box *box);
/* The receiver acknowledges nothing: what it has had for some time is done. */
void desk_box_end_held(struct desk_box *box);

/* desk_wait.c: individuals' connections that lack something. */
bool desk_box_lacks(const struct desk_box *box, const struct qos_client *client);
void desk_box_wait(struct desk_box *box, const struct qos_client *client);
struct desk_waiter *desk_box_waiter(const struct desk_box *box, const char *connection_id);
struct desk_waiter *desk_box_last_waiter(const struct desk_box *box); /* NULL: nobody waits */
void desk_box_demote_receiver(struct desk_box *box);
void desk_box_mark_former(struct desk_box *box); /* those of the receiver's page */
void desk_box_stop_waiting(struct desk_box *box, struct desk_waiter *waiter);
bool desk_box_admit(struct desk_box *box);
uint64_t desk_box_takeover_at(const struct desk_box *box); /* DESK_NONE: nobody wants to */
void desk_box_take_over(struct desk_box *box);

/* desk_doubt.c */
bool desk_box_ask(struct desk_box *box);

/* desk_write.c: from the store to connections. */
bool desk_box_has_backlog(const struct desk_box *box); /* for the receiver */
bool desk_box_is_open(const struct desk_box *box);     /* the next copy can go to everybody */
bool desk_box_pump(struct desk_box *box);
void desk_box_forget_run(struct desk_box *box);

/* desk_clock.c */
uint64_t desk_box_now(const struct desk_box *box);
bool desk_box_is_late(struct desk_box *box);
void desk_box_schedule(struct desk_box *box);
void desk_box_on_timer(struct loop_timer *timer);

#endif
