/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_ADMISSION_H
#define H2_ADMISSION_H
/*
 * Who may shake hands now. A TLS handshake costs memory and time, so that limits.handshakes of them
 * are at work, limits.handshakesPerAddress of one address; whoever else has sent something waits in
 * the lane of his address, and who is silent needs no place at all. Accepting goes on meanwhile: in
 * the kernel's queue one address would stand in the way of all.
 *
 * Those who wait may be honest (the tabs of an office behind one address, after a restart): they
 * are not refused, and their time does not run. Places that become free go round the lanes. Only
 * when all are taken and an address waits that has no more unfinished sessions than its share,
 * others that have more lose those that have said nothing for a second.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/list.h"
#include "base/loop.h"

struct h2_endpoint;
struct h2_session;

/* Addresses that meet in a lane share it: few among so many, and nobody can choose whom he meets.
 */
#define H2_LANES 4096u

struct h2_lane {
    struct list waiting; /* sessions, the oldest first, as all lists of them here */
    struct list node;    /* in ready, while somebody waits and has not got his share */
    uint32_t unfinished; /* sessions that are not yet HTTP/2 */
    uint32_t working;    /* of them, those that shake hands */
};

struct h2_admission {
    struct hash_key key;     /* of the lanes */
    struct list silent;      /* sessions that have said nothing yet */
    struct list working;     /* sessions that shake hands */
    size_t count;            /* of them */
    struct list ready;       /* lanes, in turn */
    struct loop_timer timer; /* while there are some */
    uint64_t room_made_at;   /* loop ms */
    struct h2_lane lanes[H2_LANES];
};

void h2_admission_init(struct h2_admission *admission);
void h2_admission_release(struct h2_admission *admission);

/* A new session, or one whose address is known better now: silent from here on. */
void h2_admission_enter(struct h2_session *session);

/* It has sent something: it begins to shake hands, or waits. */
void h2_admission_ask(struct h2_session *session);

/* It is not unfinished any more, or about to enter again. To be called in the phase that it leaves.
 */
void h2_admission_leave(struct h2_session *session);

/* A limit has been reached that silent sessions count for: those of an address with more than its
 * share that have been silent for a second are closed. Whether there were any. */
bool h2_admission_make_room(struct h2_endpoint *endpoint);

#endif
