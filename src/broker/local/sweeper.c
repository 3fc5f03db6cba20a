/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/local/sweeper.h"

#include "qos/store.h"

#define SWEEP_MS      1000u
#define REMEMBER_MS   30000u
#define SHRINK_MS     LOOP_TIMER_TICK_MS
#define NOTHING_TO_DO UINT64_MAX

static uint64_t wait_ms(const struct qos_store_report *report)
{
    if (!report->is_open || report->totals.copies > 0)
        return SWEEP_MS;
    return report->totals.ended > 0 ? REMEMBER_MS : NOTHING_TO_DO;
}

static void begin(struct sweeper *sweeper)
{
    sweeper->is_sweeping = true;
    sweeper->sweep(sweeper);
}

static void on_fire(struct loop_timer *timer)
{
    struct sweeper *sweeper = container_of(timer, struct sweeper, timer);

    if (sweeper->is_sweeping)
        sweeper->is_wanted = true;
    else
        begin(sweeper);
}

void sweeper_init(struct sweeper *sweeper, struct loop *loop,
                  void (*sweep)(struct sweeper *sweeper))
{
    *sweeper = (struct sweeper){.loop = loop, .sweep = sweep, .limit = SWEEP_LEAST};
    sweeper->timer.on_fire = on_fire;
    loop_timer_start(loop, &sweeper->timer, 0);
}

void sweeper_release(struct sweeper *sweeper)
{
    loop_timer_stop(&sweeper->timer);
}

void sweeper_look(struct sweeper *sweeper, const struct qos_store_report *report)
{
    const uint64_t wait = wait_ms(report);

    if (wait != NOTHING_TO_DO)
        loop_timer_hasten(sweeper->loop, &sweeper->timer, wait);
}

void sweeper_soon(struct sweeper *sweeper)
{
    loop_timer_hasten(sweeper->loop, &sweeper->timer, SWEEP_MS);
}

void sweeper_done(struct sweeper *sweeper, const struct qos_store_report *report, bool is_all,
                  bool has_surplus)
{
    sweeper->is_sweeping = false;
    sweeper->is_urgent = !is_all;
    if (is_all)
        sweeper->limit = SWEEP_LEAST;
    else if (sweeper->limit < SWEEP_MOST)
        sweeper->limit *= 2;
    if (sweeper->is_wanted)
        sweeper_soon(sweeper);
    sweeper->is_wanted = false;
    if (has_surplus)
        loop_timer_hasten(sweeper->loop, &sweeper->timer, SHRINK_MS);
    sweeper_look(sweeper, report);
    if (!is_all)
        begin(sweeper);
}
