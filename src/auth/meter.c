/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/meter.h"

#define SECOND_MS 1000u

static struct auth_meter move_to(const struct auth_meter *meter, uint64_t now_ms)
{
    const uint32_t second = (uint32_t)(now_ms / SECOND_MS);
    const uint32_t passed = second - meter->second;

    if (passed == 0)
        return *meter;
    return (struct auth_meter){.second = second, .before = passed == 1 ? meter->now : 0};
}

void auth_meter_add(struct auth_meter *meter, uint64_t amount, uint64_t now_ms)
{
    *meter = move_to(meter, now_ms);
    meter->now = amount < UINT32_MAX - meter->now ? meter->now + (uint32_t)amount : UINT32_MAX;
}

uint64_t auth_meter_read(const struct auth_meter *meter, uint64_t now_ms)
{
    const struct auth_meter at = move_to(meter, now_ms);

    return at.now + (uint64_t)at.before * (SECOND_MS - now_ms % SECOND_MS) / SECOND_MS;
}
