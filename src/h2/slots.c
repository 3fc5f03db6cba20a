/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/slots.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/random.h"
#include "h2/peer.h"

#define BUCKETS 16384u

struct h2_slots {
    uint64_t hash_key;
    uint32_t address_sessions;
    atomic_uint_fast32_t capacity;
    atomic_uint_fast32_t sessions;
    pthread_mutex_t lock; /* of the buckets */
    struct h2_address *buckets[BUCKETS];
};

struct h2_slots *h2_slots_new(uint32_t address_sessions, uint32_t sessions)
{
    struct h2_slots *slots = mem_zalloc(sizeof(*slots));

    random_bytes(&slots->hash_key, sizeof(slots->hash_key));
    slots->address_sessions = address_sessions;
    atomic_init(&slots->capacity, sessions);
    (void)pthread_mutex_init(&slots->lock, NULL); /* cannot fail on Linux */
    return slots;
}

void h2_slots_free(struct h2_slots *slots)
{
    if (!slots)
        return;
    (void)pthread_mutex_destroy(&slots->lock);
    free(slots);
}

void h2_slots_set_capacity(struct h2_slots *slots, uint32_t sessions)
{
    atomic_store(&slots->capacity, sessions);
}

static struct h2_address **find(struct h2_slots *slots, uint64_t hash, uint64_t key)
{
    struct h2_address **place = &slots->buckets[hash % BUCKETS];

    while (*place && (*place)->key != key)
        place = &(*place)->next;
    return place;
}

struct h2_address *h2_slots_take(struct h2_slots *slots, uint64_t key)
{
    const uint64_t hash = h2_peer_mix(key, slots->hash_key);

    h2_slots_take_uncounted(slots);
    (void)pthread_mutex_lock(&slots->lock);
    struct h2_address **place = find(slots, hash, key);
    struct h2_address *address = *place;
    if (!address) {
        address = mem_zalloc(sizeof(*address));
        address->key = key;
        address->hash = hash;
        *place = address;
    }
    atomic_fetch_add_explicit(&address->sessions, 1, memory_order_relaxed);
    (void)pthread_mutex_unlock(&slots->lock);
    return address;
}

void h2_slots_give(struct h2_slots *slots, struct h2_address *address)
{
    h2_slots_give_uncounted(slots);
    (void)pthread_mutex_lock(&slots->lock);
    if (atomic_fetch_sub_explicit(&address->sessions, 1, memory_order_relaxed) == 1) {
        *find(slots, address->hash, address->key) = address->next;
        free(address);
    }
    (void)pthread_mutex_unlock(&slots->lock);
}

void h2_slots_take_uncounted(struct h2_slots *slots)
{
    atomic_fetch_add(&slots->sessions, 1);
}

void h2_slots_give_uncounted(struct h2_slots *slots)
{
    atomic_fetch_sub(&slots->sessions, 1);
}

bool h2_slots_is_over(const struct h2_slots *slots, const struct h2_address *address)
{
    return h2_address_sessions(address) > slots->address_sessions;
}

bool h2_slots_are_over(const struct h2_slots *slots)
{
    return atomic_load(&slots->sessions) > atomic_load(&slots->capacity);
}
