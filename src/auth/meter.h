/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_METER_H
#define AUTH_METER_H
/*
 * How much of something was used in the last second, which slides: the sum of this second and of as
 * much of the one before as still counts. Zero-filled: nothing.
 */
#include <stdint.h>

struct auth_meter {
    uint32_t second; /* of the loop's time */
    uint32_t now, before;
};

void auth_meter_add(struct auth_meter *meter, uint64_t amount, uint64_t now_ms);
uint64_t auth_meter_read(const struct auth_meter *meter, uint64_t now_ms);

#endif
