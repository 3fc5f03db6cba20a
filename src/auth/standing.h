/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_STANDING_H
#define AUTH_STANDING_H
/*
 * What is known of the addresses that show credentials, for who cannot look at all of them: those
 * that have shown a good one come first, then those of which nothing is known, and last those that
 * have only failed.
 *
 *   addresses that failed push no good one out   each kind has a list of its own, with a bound.
 *   a good one is no free pass                   its own failures cost. While that is more than its
 *                                                part of what all may use, it comes last, too;
 *                                                its part, not that of others: who has not failed
 *                                                stays first.
 *
 * Costs are in whatever unit the caller counts in. One address takes about 100 bytes and its text.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/lru.h"

#define AUTH_GOOD_ADDRESS_KEPT_MS   86400000u
#define AUTH_FAILED_ADDRESS_KEPT_MS 60000u

enum auth_rank { AUTH_RANK_GOOD, AUTH_RANK_NEW, AUTH_RANK_LAST };

struct auth_standing {
    struct lru good, failed;
    uint32_t second;                      /* in which */
    uint32_t failing_now, failing_before; /* so many good ones have failed; and in the one before */
};

/* So many are kept at the most; 0: none. */
void auth_standing_init(struct auth_standing *standing, struct loop *loop, size_t good,
                        size_t failed);
/* Other bounds; what is known stays. */
void auth_standing_change(struct auth_standing *standing, size_t good, size_t failed);
void auth_standing_release(struct auth_standing *standing);

/* share: what failures of all may cost in a second. */
enum auth_rank auth_standing_of(struct auth_standing *standing, const char *address, uint64_t share,
                                uint64_t now_ms);

void auth_standing_succeeded(struct auth_standing *standing, const char *address, uint64_t now_ms);
void auth_standing_failed(struct auth_standing *standing, const char *address, uint64_t cost,
                          uint64_t now_ms);

size_t auth_standing_count(const struct auth_standing *standing);
/* Forgotten for want of room, since the start. */
uint64_t auth_standing_evicted(const struct auth_standing *standing);

#endif
