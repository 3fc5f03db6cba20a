/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_ADMISSION_H
#define H2_ADMISSION_H
/*
 * Which clients may come in: how many sessions there may be, and who may shake hands now.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/list.h"
#include "base/loop.h"
#include "h2/peer.h"

struct h2_address;
struct h2_endpoint;
struct h2_listener_options;
struct h2_session;
struct h2_slots;

/* How many sessions there may be: of one address (limits.addressSessions), and in all (what the
 * process's descriptors allow); and which one has to go for one more. One table for the whole
 * process, with a lock, since a session is opened and closed rarely: an address has its limit over
 * all workers, to the session. An address is all that one customer has (h2_peer_customer).
 *
 * Only a session without open streams goes, the longest idle first, of the worker that has
 * accepted the newcomer. At the limit of an address it is one of that address that has had no
 * stream for a second. When the process is full it is one of an address that has more sessions
 * than the newcomer's, or as many. Sessions of unix sockets, of trusted proxies and of listeners
 * that say so are never evicted. */

/* address_sessions: that one address may have. sessions: in all. */
struct h2_slots *h2_slots_new(uint32_t address_sessions, uint32_t sessions);
void h2_slots_free(struct h2_slots *slots); /* when every slot has been given back */

/* Sets how many there may be in all, and of one address. Any thread. */
void h2_slots_set_capacity(struct h2_slots *slots, uint32_t sessions);
void h2_slots_set_address_sessions(struct h2_slots *slots, uint32_t sessions);

/* From here on for the files of this module only. */

#define H2_EVICTION_LISTS 1024u

/* A worker's sessions that may be evicted, the one that has had no stream for longest first. */
struct h2_eviction {
    struct list idle;
    struct list by_address[H2_EVICTION_LISTS]; /* the same, by the hash of their address */
};

/* What a session holds of h2_slots. Zero-filled: nothing. */
struct h2_slot {
    struct h2_slots *slots;     /* NULL: it is not counted */
    struct h2_address *address; /* NULL: it counts for no address */
    bool is_evictable;
};

/* Zero-filled before. */
void h2_eviction_init(struct h2_eviction *eviction);

/* Takes a slot for a newcomer, if need be after an eviction. is_told: a PROXY header said who the
 * peer is. False: it is refused (counted, and said in the log), and holds nothing. */
bool h2_slot_take(struct h2_slot *slot, struct h2_endpoint *endpoint,
                  const struct h2_listener_options *listener, const union h2_peer *peer,
                  bool is_told);
void h2_slot_give(struct h2_slot *slot);

/* The session has no stream now; it has one again, or is about to be closed. */
void h2_eviction_add(struct h2_session *session);
void h2_eviction_remove(struct h2_session *session);

/* The process has no descriptor left: makes some free, count at the most. */
void h2_eviction_make_room(struct h2_endpoint *endpoint, size_t count);

/* Which sessions may shake hands now. A TLS handshake costs memory and time. So at most
 * limits.handshakes are at work, and limits.handshakesPerAddress of one address. Other sessions
 * that have sent something wait in the queue of their address. Silent sessions need no place.
 * Accepting goes on meanwhile, since in the kernel's queue one address would stand in the way of
 * all.
 *
 * Waiting sessions may be honest (the tabs of an office behind one address, after a restart): they
 * are not refused, and their time does not run. Free places go round the queues. Only when all
 * places are taken, and an address waits that has no more unfinished sessions than its share, do
 * addresses with more lose sessions that have said nothing for a second. */

/* Addresses that meet in a queue share it: few among so many, and nobody can choose whom he meets.
 */
#define H2_ADMISSION_QUEUES 4096u

struct h2_admission_queue {
    struct list waiting; /* sessions, the oldest first, as all lists of them here */
    struct list node;    /* in ready, while somebody waits and has not got his share */
    uint32_t unfinished; /* sessions that are not yet HTTP/2 */
    uint32_t working;    /* of them, those that shake hands */
};

struct h2_admission {
    struct hash_key key;     /* of the queues */
    struct list silent;      /* sessions that have said nothing yet */
    struct list working;     /* sessions that shake hands */
    size_t count;            /* of them */
    struct list ready;       /* queues, in turn */
    struct loop_timer timer; /* while there are some */
    uint64_t room_made_at;   /* loop ms */
    struct h2_admission_queue queues[H2_ADMISSION_QUEUES];
};

/* Zero-filled before. */
void h2_admission_init(struct h2_admission *admission);

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
