/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_TALLY_H
#define API_TALLY_H
/*
 * How many places each key holds, up to a number that all keys have in common. A key that holds
 * none costs nothing. Who takes a place may do so in the name of a client: one who holds
 * client_most places already gets one more even when the key is full, since that client's oldest
 * is about to go for it (sse/clients.h).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sse/table.h"

struct tally {
    struct sse_table table;
    uint32_t most;        /* 0: any number, and nothing is counted */
    uint32_t client_most; /* 0: clients count for nothing */
};

void tally_init(struct tally *tally, uint32_t most, uint32_t client_most);
void tally_release(struct tally *tally);

/* False when the key is full. client may be NULL. */
bool tally_take(struct tally *tally, const char *key, const char *client);
/* A place that was taken like that; others are a no-op. */
void tally_give(struct tally *tally, const char *key, const char *client);

#endif
