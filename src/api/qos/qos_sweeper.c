/* SPDX-License-Identifier: Apache-2.0 */
#include "api/qos/qos_sweeper.h"

#include "qos/store.h"

#define SWEEP_MS      1000u
#define REMEMBER_MS   30000u
#define SHRINK_MS     LOOP_TIMER_NOTCH_MS
#define NOTHING_TO_DO UINT64_MAX

static uint64_t wait_ms(const struct qos_store_report *report)
{
    if (!report->is_open || report->totals.copies > 0)
        return SWEEP_MS;
    return report->totals.ended > 0 ? REMEMBER_MS : NOTHING_TO_DO;
}

static void begin(struct qos_sweeper *sweeper)
{
    sweeper->is_sweeping = true;
    sweeper->sweep(sweeper);
}

static void on_fire(struct loop_timer *timer)
{
    struct qos_sweeper *sweeper = container_of(timer, struct qos_sweeper, timer);

    if (!sweeper->is_sweeping) /* else the end of that starts the timer */
        begin(sweeper);
}

void qos_sweeper_init(struct qos_sweeper *sweeper, struct loop *loop,
                      void (*sweep)(struct qos_sweeper *sweeper))
{
    *sweeper = (struct qos_sweeper){.loop = loop, .sweep = sweep, .limit = QOS_SWEEP_LEAST};
    sweeper->timer.on_fire = on_fire;
    loop_timer_start(loop, &sweeper->timer, 0);
}

void qos_sweeper_release(struct qos_sweeper *sweeper)
{
    loop_timer_stop(&sweeper->timer);
}

void qos_sweeper_look(struct qos_sweeper *sweeper, const struct qos_store_report *report)
{
    const uint64_t wait = wait_ms(report);

    if (wait != NOTHING_TO_DO)
        loop_timer_hasten(sweeper->loop, &sweeper->timer, wait);
}

void qos_sweeper_soon(struct qos_sweeper *sweeper)
{
    loop_timer_hasten(sweeper->loop, &sweeper->timer, SWEEP_MS);
}

void qos_sweeper_done(struct qos_sweeper *sweeper, const struct qos_store_report *report,
                      bool is_all, bool has_surplus)
{
    sweeper->is_sweeping = false;
    sweeper->is_urgent = !is_all;
    if (is_all)
        sweeper->limit = QOS_SWEEP_LEAST;
    else if (sweeper->limit < QOS_SWEEP_MOST)
        sweeper->limit *= 2;
    if (has_surplus)
        loop_timer_hasten(sweeper->loop, &sweeper->timer, SHRINK_MS);
    qos_sweeper_look(sweeper, report);
    if (!is_all)
        begin(sweeper);
}
