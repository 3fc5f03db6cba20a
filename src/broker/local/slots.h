/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_LOCAL_SLOTS_H
#define BROKER_LOCAL_SLOTS_H
/*
 * How many slots (open streams, uploads under way) each key holds, up to a number that all keys
 * have in common. A key that holds none costs nothing. Who takes a slot may do so in the name of a
 * client: one that holds client_most slots already gets one more even when the key is full, since
 * that client's oldest is about to be evicted for it (sse/clients.h).
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/table.h"

struct slots {
    struct table table;
    uint32_t most;        /* 0: any number, and nothing is counted */
    uint32_t client_most; /* 0: clients count for nothing */
};

void slots_init(struct slots *slots, uint32_t most, uint32_t client_most);
/* Other numbers. Who holds more slots than that keeps them; 0: all that was counted is forgotten.
 */
void slots_change(struct slots *slots, uint32_t most, uint32_t client_most);
void slots_release(struct slots *slots);

/* False when the key is full. client may be NULL. */
bool slots_take(struct slots *slots, const char *key, const char *client);
/* A slot that was taken like that; others are a no-op. */
void slots_give(struct slots *slots, const char *key, const char *client);

#endif
