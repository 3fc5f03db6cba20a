/* SPDX-License-Identifier: Apache-2.0 */
#include "base/turn_meter.h"

#include <string.h>

#include "base/clock.h"

#define READ_AFTER_NS CLOCK_NS_PER_MS

const double turn_bounds[TURN_BOUNDS] = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1};

static uint64_t read_thread_cpu(void)
{
    return clock_kernel_ns(CLOCK_THREAD_CPUTIME_ID);
}

static double seconds(uint64_t ns)
{
    return (double)ns / 1e9;
}

void turn_meter_init(struct turn_meter *meter)
{
    if (!meter->read_cpu)
        meter->read_cpu = read_thread_cpu;
    meter->cpu_ns = meter->read_cpu();
}

void turn_meter_begin(struct turn_meter *meter, uint64_t now_ns)
{
    meter->began_ns = now_ns;
    meter->marked_ns = now_ns;
    memset(meter->part_ns, 0, sizeof(meter->part_ns));
}

static size_t bound_of(uint64_t cpu_ns)
{
    size_t bound = 0;

    while (bound < TURN_BOUNDS && seconds(cpu_ns) > turn_bounds[bound])
        bound++;
    return bound;
}

bool turn_meter_end(struct turn_meter *meter, uint64_t now_ns)
{
    struct turn_figures *figures = &meter->figures;

    meter->lasted_ns = now_ns - meter->began_ns;
    meter->turn_cpu_ns = 0;
    meter->unread_ns += meter->lasted_ns;
    if (meter->unread_ns < READ_AFTER_NS) {
        figures->turns[0]++;
        return false;
    }
    const uint64_t cpu_ns = meter->read_cpu();
    const uint64_t spent_ns = cpu_ns - meter->cpu_ns;
    meter->turn_cpu_ns = spent_ns < meter->lasted_ns ? spent_ns : meter->lasted_ns;
    meter->cpu_ns = cpu_ns;
    meter->unread_ns = 0;
    figures->cpu_seconds = seconds(cpu_ns);
    if (seconds(meter->turn_cpu_ns) > figures->longest_cpu)
        figures->longest_cpu = seconds(meter->turn_cpu_ns);
    figures->turns[bound_of(meter->turn_cpu_ns)]++;
    return meter->turn_cpu_ns >= TURN_LONG_NS;
}
