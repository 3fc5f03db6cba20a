/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_EVICTION_H
#define H2_EVICTION_H
/*
 * Who may have a session more, and who has to go for that: limits.addressSessions, and what the
 * process's descriptors have room for (h2/slots.h). For the files of this room only.
 *
 * Only a session without open streams goes, the one that has been so for longest first, and of the
 * worker to which the newcomer came. Where the address has its limit, it is one of its own that has
 * had no stream for a second. Where the process is full, it is one of an address that has more
 * sessions than the newcomer's, or as many: nobody drives out who has less than himself.
 * Sessions of unix sockets, of trusted proxies and of listeners that say so are never evicted.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"
#include "h2/peer.h"

struct h2_address;
struct h2_endpoint;
struct h2_listener_options;
struct h2_session;
struct h2_slots;

#define H2_EVICTION_LANES 1024u

/* A worker's sessions that may be evicted, the one that has had no stream for longest first. */
struct h2_eviction {
    struct list idle;
    struct list lanes[H2_EVICTION_LANES]; /* the same, by the hash of their address */
};

/* What a session holds of h2_slots. Zero-filled: nothing. */
struct h2_slot {
    struct h2_slots *slots;     /* NULL: it is not counted */
    struct h2_address *address; /* NULL: it counts for no address */
    bool is_evictable;
};

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

#endif
