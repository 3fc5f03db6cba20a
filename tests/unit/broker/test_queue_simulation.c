/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redelivery in a randomized world: what must always be true is checked by
 * redelivery_world_checks.h with every write; at the end nothing may be stuck. SEED=n runs that
 * one, SEEDS=n so many.
 */
#include <stdio.h>
#include <stdlib.h>

#include "support/redelivery_world_play.h"
#include "support/worlds.h"

#define SEEDS     300u
#define STEPS     400u
#define CALM_MS   5000u /* messages are never as slow as the takeover */
#define CALM_MOST 1000u

static struct world_connection *any_connection(struct world *world)
{
    return world->connection_count > 0
               ? &world->connection[world_random(world, world->connection_count)]
               : NULL;
}

static void come(struct world *world)
{
    const struct world_connection *former = any_connection(world);

    if (world->connection_count + WORLD_QUEUES >= WORLD_CONNECTIONS)
        return;
    if (former && world_random(world, 2) > 0)
        world_open(world, former->queue, former);
    else
        world_open(world, (size_t)world_random(world, world->queues), NULL);
}

static void do_connection(struct world *world, uint64_t what)
{
    struct world_connection *connection = any_connection(world);

    if (!connection)
        return;
    if (what == 0)
        world_close(world, connection);
    else if (connection->is_living && what < 4)
        world_acknowledge(world, connection, what == 1);
    else if (connection->is_living)
        world_drain(world, connection);
}

static void pass_time(struct world *world)
{
    const bool is_long = world_random(world, 10) == 0;

    if (is_long || world_random(world, 4) == 0)
        world_deliver_all(world);
    fake_loop_advance(world->loop, world_random(world, is_long ? 45000 : 300));
}

static void step(struct world *world)
{
    const uint64_t what = world_random(world, 100);

    if (what < 12 && world->copies + 2 < WORLD_COPIES)
        world_send(world, (size_t)world_random(world, world->queues));
    else if (what < 17)
        come(world);
    else if (what < 35)
        do_connection(world, what % 9);
    else if (what < 38 && world->copies > 0)
        world_end(world, 1 + world_random(world, world->copies)); /* its ttl is over */
    else if (what < 46)
        pass_time(world);
    else
        world_deliver(world, (size_t)world_random(world, WAYS));
    if (world->is_inline)
        world_deliver_all(world);
}

static bool is_stuck(const struct world *world)
{
    struct redelivery_report report;
    bool is_any = false;

    redelivery_report(world->redelivery, &report);
    for (uint64_t number = 1; number <= world->copies; number++)
        is_any = is_any || !world->copy[number].is_ended;
    return is_any || report.queues > 0 || report.in_flight > 0 || report.standbys > 0;
}

/* Somebody who acknowledges comes and stays; those who do not may stay, too. */
static void settle_down(struct world *world)
{
    world->is_calm = true;
    world_deliver_all(world);
    for (size_t i = 0; i < world->connection_count; i++) {
        if (world_random(world, 2) > 0)
            world_close(world, &world->connection[i]);
    }
    for (size_t queue = 0; queue < world->queues; queue++)
        world_open(world, queue, NULL);
    for (unsigned round = 0; round < CALM_MOST && is_stuck(world); round++) {
        for (unsigned turn = 0; turn < 4; turn++) {
            world_deliver_all(world);
            for (size_t i = 0; i < world->connection_count; i++) {
                world_acknowledge(world, &world->connection[i], true);
                world_drain(world, &world->connection[i]);
            }
        }
        fake_loop_advance(world->loop, CALM_MS);
    }
    assert_false(is_stuck(world));
}

static void run(uint64_t seed)
{
    struct world *world = world_new(seed);

    for (unsigned i = 0; i < STEPS; i++)
        step(world);
    settle_down(world);
    world_free(world);
}

static void test_nothing_is_lost_or_out_of_order(void **state)
{
    (void)state;
    play_worlds(run, SEEDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_lost_or_out_of_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
