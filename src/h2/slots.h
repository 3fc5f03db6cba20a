/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_SLOTS_H
#define H2_SLOTS_H
/*
 * How many sessions there may be: of one address, and in all. One table for the whole process, with
 * a lock, since a session is opened and closed rarely: an address has its limit over all workers,
 * to the session. An address is all that one customer has (h2_peer_customer).
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/table.h"

struct h2_slots;

/* An address that has sessions. It stays while a slot of it is held. */
struct h2_address {
    struct table_node node; /* its hash is keyed: nobody can choose whom he meets */
    uint64_t key;
    atomic_uint_fast32_t sessions;
};

/* address_sessions: that one address may have. sessions: in all. */
struct h2_slots *h2_slots_new(uint32_t address_sessions, uint32_t sessions);
void h2_slots_free(struct h2_slots *slots); /* when every slot has been given back */

/* Sets how many there may be in all. Any thread. */
void h2_slots_set_capacity(struct h2_slots *slots, uint32_t sessions);

/* The same of one address. */
void h2_slots_set_address_sessions(struct h2_slots *slots, uint32_t sessions);

/* Counts one session more, of that address. Any thread; never fails: who is over a limit asks for
 * that, and gives the slot back. */
struct h2_address *h2_slots_take(struct h2_slots *slots, uint64_t key);
void h2_slots_give(struct h2_slots *slots, struct h2_address *address);

/* The same for a session that counts for no address. */
void h2_slots_take_uncounted(struct h2_slots *slots);
void h2_slots_give_uncounted(struct h2_slots *slots);

static inline uint32_t h2_address_sessions(const struct h2_address *address)
{
    return (uint32_t)atomic_load_explicit(&address->sessions, memory_order_relaxed);
}

/* More than the limit are counted. */
bool h2_slots_is_over(const struct h2_slots *slots, const struct h2_address *address);
bool h2_slots_are_over(const struct h2_slots *slots); /* in all */

#endif
