/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/work.h"

#include <time.h>

#define SECOND_US 1000000u

static uint64_t thread_time_us(void)
{
    struct timespec time = {0};

    /* Where there is no such clock, nothing ever costs anything. */
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * SECOND_US + (uint64_t)time.tv_nsec / 1000;
}

void auth_work_init(struct auth_work *work, unsigned share)
{
    *work = (struct auth_work){.share = share, .clock_us = thread_time_us};
}

uint64_t auth_work_share(const struct auth_work *work)
{
    return (uint64_t)work->share * (SECOND_US / 100);
}

bool auth_work_admits(const struct auth_work *work, enum auth_rank rank, uint64_t now_ms)
{
    const uint64_t share = auth_work_share(work);

    if (share >= SECOND_US || rank == AUTH_RANK_GOOD)
        return true;
    /* Many that come anew, as after a restart, are no attack: only wrong ones keep others out. */
    if (rank == AUTH_RANK_NEW)
        return auth_meter_read(&work->wrong, now_ms) < (share + SECOND_US) / 2;
    return auth_meter_read(&work->all, now_ms) < share;
}

void auth_work_spend(struct auth_work *work, uint64_t us, bool is_wrong, uint64_t now_ms)
{
    auth_meter_add(&work->all, us, now_ms);
    if (is_wrong)
        auth_meter_add(&work->wrong, us, now_ms);
}
