/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_BUDGET_H
#define BASE_BUDGET_H
/*
 * A number of bytes that all threads may hold together. Each thread counts in a share of its own,
 * which is granted somewhat more than it holds, so that the number that they have in common is
 * touched seldom.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct budget {
    atomic_size_t granted; /* to all shares */
    atomic_size_t most;
};

struct budget_share {
    struct budget *budget;
    size_t granted;
    size_t held;
};

void budget_init(struct budget *budget, size_t most);
/* Another number: what is held above it stays until it is given back. Any thread. */
void budget_change(struct budget *budget, size_t most);
void budget_share_init(struct budget_share *share, struct budget *budget);

/* False when there is no room; then nothing is taken. */
bool budget_share_take(struct budget_share *share, size_t bytes);
/* For what has to be held in any case: the budget may then be exceeded. */
void budget_share_force(struct budget_share *share, size_t bytes);
void budget_share_give(struct budget_share *share, size_t bytes);

#endif
