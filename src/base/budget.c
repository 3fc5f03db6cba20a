/* SPDX-License-Identifier: Apache-2.0 */
#include "base/budget.h"

#include <assert.h>

#define LARGEST_STEP ((size_t)64 * 1024)
#define STEPS        ((size_t)256) /* of a small budget */

static size_t step_of(const struct budget *budget)
{
    size_t step = atomic_load_explicit(&budget->most, memory_order_relaxed) / STEPS;

    return step < LARGEST_STEP ? step : LARGEST_STEP;
}

void budget_init(struct budget *budget, size_t most)
{
    atomic_init(&budget->granted, 0);
    atomic_init(&budget->most, most);
}

void budget_change(struct budget *budget, size_t most)
{
    atomic_store_explicit(&budget->most, most, memory_order_relaxed);
}

void budget_share_init(struct budget_share *share, struct budget *budget)
{
    *share = (struct budget_share){.budget = budget};
}

/* What two ask for at the same time may be refused to both, and is never granted to both. */
static bool ask(struct budget_share *share, size_t bytes)
{
    const size_t most = atomic_load_explicit(&share->budget->most, memory_order_relaxed);

    if (bytes > most)
        return false;
    if (atomic_fetch_add_explicit(&share->budget->granted, bytes, memory_order_relaxed) <=
        most - bytes) {
        share->granted += bytes;
        return true;
    }
    atomic_fetch_sub_explicit(&share->budget->granted, bytes, memory_order_relaxed);
    return false;
}

bool budget_share_take(struct budget_share *share, size_t bytes)
{
    size_t room = share->granted - share->held;

    if (bytes > room && !ask(share, bytes - room + step_of(share->budget)) &&
        !ask(share, bytes - room))
        return false;
    share->held += bytes;
    return true;
}

void budget_share_force(struct budget_share *share, size_t bytes)
{
    share->held += bytes;
    if (share->held <= share->granted)
        return;
    atomic_fetch_add_explicit(&share->budget->granted, share->held - share->granted,
                              memory_order_relaxed);
    share->granted = share->held;
}

void budget_share_give(struct budget_share *share, size_t bytes)
{
    const size_t step = step_of(share->budget);

    assert(bytes <= share->held);
    share->held -= bytes;
    if (share->granted - share->held <= 2 * step)
        return;
    atomic_fetch_sub_explicit(&share->budget->granted, share->granted - share->held - step,
                              memory_order_relaxed);
    share->granted = share->held + step;
}
