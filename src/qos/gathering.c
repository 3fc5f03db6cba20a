/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/gathering.h"

#define FAILURES_MOST 6u /* left alone 64 times then */

void qos_gathering_begin(struct qos_gathering *gathering, uint64_t now_us, uint64_t took_us,
                         size_t answered, size_t waiting, size_t most)
{
    const size_t all = answered + waiting;

    gathering->wanted = 0;
    if (took_us < GATHERING_US_LEAST || answered == 0 || all < 2 || waiting >= most)
        return;
    if (gathering->left_out > 0) {
        gathering->left_out--;
        return;
    }
    gathering->wanted = all < most ? all - all / 8 : most;
    gathering->until_us = now_us + (took_us < GATHERING_US_MOST ? took_us : GATHERING_US_MOST);
}

uint64_t qos_gathering_us(const struct qos_gathering *gathering, uint64_t now_us, size_t waiting)
{
    return waiting < gathering->wanted && now_us < gathering->until_us
               ? gathering->until_us - now_us
               : 0;
}

/* Some senders are slower than others. */
void qos_gathering_end(struct qos_gathering *gathering, size_t waiting)
{
    if (gathering->wanted == 0)
        return;
    if (waiting >= gathering->wanted - gathering->wanted / 4)
        gathering->failures = 0;
    else if (gathering->failures < FAILURES_MOST)
        gathering->failures++;
    gathering->left_out = gathering->failures > 0 ? 1u << gathering->failures : 0;
    gathering->wanted = 0;
}
