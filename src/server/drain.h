/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_DRAIN_H
#define SERVER_DRAIN_H
/*
 * When what happens at a stop. The settings stopNotice, drainSpread and drainTime are made into one
 * plan, which all workers follow, each by the clock of its loop.
 */
#include <stddef.h>
#include <stdint.h>

struct config;
struct config_fault;

/* In this order. Before the first, readiness fails and all else is as before. */
enum drain_step {
    DRAIN_STREAMS, /* event streams begin to end; the kernel takes no more connections */
    DRAIN_LEAVE, /* the listeners close, when those it has are accepted; clients are asked to go */
    DRAIN_REST,  /* the last event stream ends, and none opens any more */
    DRAIN_CUT,   /* whatever is left is cut off */
    DRAIN_STEPS
};

struct drain_plan {
    uint32_t at_ms[DRAIN_STEPS]; /* from the signal on */
};

/* Where drainTime is too short for the defaults of the others, these are made shorter. */
void drain_fill_settings(struct config *config);
/* 0, or -EINVAL with *fault: they do not fit into drainTime. */
int drain_check_settings(const struct config *config, struct config_fault *fault);

void drain_plan_make(struct drain_plan *plan, const struct config *config);

/* How many steps are due so many ms after the signal. */
size_t drain_plan_due(const struct drain_plan *plan, uint64_t since_ms);

#endif
