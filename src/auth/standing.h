/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_STANDING_H
#define AUTH_STANDING_H
/*
 * How much of something was used in the last second, which slides: the sum of this second and of as
 * much of the one before as still counts. Zero-filled: nothing.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lru.h"

struct auth_counters;

struct auth_meter {
    uint32_t second; /* of the loop's time */
    uint32_t now, before;
};

void auth_meter_add(struct auth_meter *meter, uint64_t amount, uint64_t now_ms);
uint64_t auth_meter_read(const struct auth_meter *meter, uint64_t now_ms);

/*
 * What is known of the addresses that show credentials, for callers that cannot check all of them.
 * First come addresses that have shown a good credential, then unknown ones, last those that have
 * only failed.
 *
 *   Failures evict no good address: each kind has a list of its own, with a bound.
 *   A good address may fail, too: its failures cost. While they cost more than its part of what
 *   all may use, it comes last. Good addresses without failures stay first.
 *
 * Costs are in the caller's unit. One address takes about 100 bytes and its text.
 */
#define AUTH_GOOD_ADDRESS_KEPT_MS   86400000u
#define AUTH_FAILED_ADDRESS_KEPT_MS 60000u

enum auth_rank { AUTH_RANK_GOOD, AUTH_RANK_NEW, AUTH_RANK_LAST };

struct auth_standing {
    struct lru good, failed;
    struct auth_meter failing; /* so many good ones have failed */
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

void auth_standing_count(const struct auth_standing *standing, struct auth_counters *counters);

/*
 * The time that one worker spends on checks of signatures, for all of its services, and who may
 * use more of it:
 *
 *   less than the share was used in the last second   everybody
 *   more                                              those that come last wait
 *   wrong ones used up half of the rest, too          unknown addresses wait
 *   in any case                                       good addresses
 *
 * It counts CPU time of the thread, not checks: one check costs from some microseconds to a
 * millisecond.
 */
struct auth_work {
    unsigned share;               /* percent of the worker's time; 100: nobody ever waits */
    uint64_t (*clock_us)(void);   /* the CPU time of this thread; tests have one of their own */
    struct auth_meter all, wrong; /* us */
};

void auth_work_init(struct auth_work *work, unsigned share);

/* The share, in us of a second. */
uint64_t auth_work_share(const struct auth_work *work);

bool auth_work_admits(const struct auth_work *work, enum auth_rank rank, uint64_t now_ms);

void auth_work_spend(struct auth_work *work, uint64_t us, bool is_wrong, uint64_t now_ms);

#endif
