/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_WORLDS_H
#define SUPPORT_WORLDS_H
/* Randomized simulations: each world is played from a seed, by which it can be played again. */
#include <stdint.h>
#include <stdlib.h>

/* A number below this one, by chance that depends on the state alone. */
static inline uint64_t draw_below(uint64_t *state, uint64_t below)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*state >> 33) % below;
}

/* The worlds from 1 on, as many as usual; with SEED=n that one, with SEEDS=n so many. */
static inline void play_worlds(void (*play)(uint64_t seed), uint64_t usual)
{
    const char *seed = getenv("SEED");
    const char *seeds = getenv("SEEDS");
    const uint64_t first = seed ? strtoull(seed, NULL, 10) : 1;
    const uint64_t count = seeds ? strtoull(seeds, NULL, 10) : seed ? 1 : usual;

    for (uint64_t i = 0; i < count; i++)
        play(first + i);
}

#endif
