/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_WORK_H
#define AUTH_WORK_H
/*
 * The time that checks of signatures take of one worker, over all of its services, and who may use
 * more of it:
 *
 *   less than the share was used in the last second   everybody
 *   more                                              those that come last (auth/standing.h) wait
 *   wrong ones used up half of the rest, too          addresses of which nothing is known wait
 *   in any case                                       good addresses
 *
 * It is what was spent that counts, in the thread's CPU time, not how often: one check costs
 * between some microseconds and a millisecond.
 */
#include <stdbool.h>
#include <stdint.h>

#include "auth/meter.h"
#include "auth/standing.h"

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
