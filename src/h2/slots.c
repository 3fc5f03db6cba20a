/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/slots.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"

struct h2_slots {
    atomic_uint_fast32_t address_sessions;
    atomic_uint_fast32_t capacity;
    atomic_uint_fast32_t sessions;
    pthread_mutex_t lock; /* of the table */
    struct table addresses;
};

struct h2_slots *h2_slots_new(uint32_t address_sessions, uint32_t sessions)
{
    struct h2_slots *slots = mem_zalloc(sizeof(*slots));

    table_init(&slots->addresses, TABLE_BY_VALUE(struct h2_address, node, key));
    atomic_init(&slots->address_sessions, address_sessions);
    atomic_init(&slots->capacity, sessions);
    (void)pthread_mutex_init(&slots->lock, NULL); /* cannot fail on Linux */
    return slots;
}

void h2_slots_free(struct h2_slots *slots)
{
    if (!slots)
        return;
    table_release(&slots->addresses);
    (void)pthread_mutex_destroy(&slots->lock);
    free(slots);
}

void h2_slots_set_capacity(struct h2_slots *slots, uint32_t sessions)
{
    atomic_store(&slots->capacity, sessions);
}

void h2_slots_set_address_sessions(struct h2_slots *slots, uint32_t sessions)
{
    atomic_store(&slots->address_sessions, sessions);
}

struct h2_address *h2_slots_take(struct h2_slots *slots, uint64_t key)
{
    struct h2_address *address;

    h2_slots_take_uncounted(slots);
    (void)pthread_mutex_lock(&slots->lock);
    address = table_find(&slots->addresses, &key);
    if (!address)
        address = table_new_item(&slots->addresses, &key);
    atomic_fetch_add_explicit(&address->sessions, 1, memory_order_relaxed);
    (void)pthread_mutex_unlock(&slots->lock);
    return address;
}

void h2_slots_give(struct h2_slots *slots, struct h2_address *address)
{
    h2_slots_give_uncounted(slots);
    (void)pthread_mutex_lock(&slots->lock);
    if (atomic_fetch_sub_explicit(&address->sessions, 1, memory_order_relaxed) == 1) {
        table_remove(&slots->addresses, &address->node);
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
    return h2_address_sessions(address) > atomic_load(&slots->address_sessions);
}

bool h2_slots_are_over(const struct h2_slots *slots)
{
    return atomic_load(&slots->sessions) > atomic_load(&slots->capacity);
}
