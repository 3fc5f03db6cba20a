/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_TURN_METER_H
#define BASE_TURN_METER_H
/*
 * How much CPU time of its thread each turn of a loop takes, and which part of the turn. Everybody
 * else that the loop serves waits as long.
 *
 * Reading the thread's CPU clock costs ten times as much as the time of day. So it is read only
 * when the turns since the last reading have lasted a millisecond together. A longer turn is known
 * to a millisecond: at most that much too long, and never longer than it has lasted.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum turn_part {
    TURN_INPUT,
    TURN_TIMERS,
    TURN_TASKS,
    TURN_WORK,
    TURN_FLUSH,
    TURN_REAP,
    TURN_PARTS
};

/* Upper bounds of a histogram, in seconds; the first is what is not told apart. */
#define TURN_BOUNDS 10u
extern const double turn_bounds[TURN_BOUNDS];

struct turn_figures {
    uint64_t turns[TURN_BOUNDS + 1]; /* by bound, each turn once; the last are longer than all */
    double cpu_seconds;              /* of the thread, at the latest reading */
    double longest_cpu;              /* of a turn, in seconds */
};

struct turn_meter {
    uint64_t began_ns; /* this turn, by clock_real_ns() */
    uint64_t marked_ns;
    uint64_t part_ns[TURN_PARTS];
    uint64_t unread_ns; /* how long the turns since the latest reading have taken */
    uint64_t cpu_ns;    /* that reading */
    uint64_t lasted_ns; /* the latest turn */
    uint64_t turn_cpu_ns;
    uint64_t (*read_cpu)(void); /* the thread's processor time; a test has its own */
    struct turn_figures figures;
};

/* By the thread that will have the turns. */
void turn_meter_init(struct turn_meter *meter);
void turn_meter_begin(struct turn_meter *meter, uint64_t now_ns);

/* What has passed since the mark before belongs to this part. */
static inline void turn_meter_mark(struct turn_meter *meter, enum turn_part part, uint64_t now_ns)
{
    meter->part_ns[part] += now_ns - meter->marked_ns;
    meter->marked_ns = now_ns;
}

/* True when the turn took TURN_LONG_NS of the processor's time or more. */
#define TURN_LONG_NS UINT64_C(10000000)
bool turn_meter_end(struct turn_meter *meter, uint64_t now_ns);

#endif
