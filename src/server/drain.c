/* SPDX-License-Identifier: Apache-2.0 */
#include "server/drain.h"

#include <errno.h>

#include "server/config.h"
#include "server/config_fault.h"
#include "server/config_source.h"

/* The defaults in config_keys.c. */
#define NOTICE_MS 5000u
#define SPREAD_MS 12000u

/* For handshakes that the kernel has begun. A SYN that is sent again comes after a second. */
#define HANDSHAKES_MS 500u

static uint32_t least(uint32_t one, uint32_t other)
{
    return one < other ? one : other;
}

void drain_fill_settings(struct config *config)
{
    const uint32_t most = config->drain_ms;
    const uint32_t fixed = (config->stop_notice_ms == NOTICE_MS ? 0 : config->stop_notice_ms) +
                           (config->drain_spread_ms == SPREAD_MS ? 0 : config->drain_spread_ms);
    uint32_t left = fixed < most ? most - fixed : 0;

    if (config->stop_notice_ms == NOTICE_MS) {
        config->stop_notice_ms = least(NOTICE_MS, left / 4);
        left -= config->stop_notice_ms;
    }
    if (config->drain_spread_ms == SPREAD_MS)
        config->drain_spread_ms = least(SPREAD_MS, left / 5 * 4);
}

int drain_check_settings(const struct config *config, struct config_fault *fault)
{
    if (config->drain_ms == 0 ||
        (uint64_t)config->stop_notice_ms + config->drain_spread_ms <= config->drain_ms)
        return 0;
    return config_fail(fault, -EINVAL,
                       "drainTime: %u ms is less than stopNotice (%u ms) and drainSpread (%u ms) "
                       "together, which are part of it; lower these, or raise that",
                       config->drain_ms, config->stop_notice_ms, config->drain_spread_ms);
}

void drain_plan_make(struct drain_plan *plan, const struct config *config)
{
    const uint32_t cut = config->drain_ms;
    const uint32_t notice = least(config->stop_notice_ms, cut);

    plan->at_ms[DRAIN_STREAMS] = notice;
    plan->at_ms[DRAIN_LEAVE] = notice + least(HANDSHAKES_MS, (cut - notice) / 4);
    plan->at_ms[DRAIN_REST] = least(notice + config->drain_spread_ms, cut);
    if (plan->at_ms[DRAIN_REST] < plan->at_ms[DRAIN_LEAVE])
        plan->at_ms[DRAIN_REST] = plan->at_ms[DRAIN_LEAVE];
    plan->at_ms[DRAIN_CUT] = cut;
}

size_t drain_plan_due(const struct drain_plan *plan, uint64_t since_ms)
{
    size_t due = 0;

    while (due < DRAIN_STEPS && plan->at_ms[due] <= since_ms)
        due++;
    return due;
}
