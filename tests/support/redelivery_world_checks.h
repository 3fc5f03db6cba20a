/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_REDELIVERY_WORLD_CHECKS_H
#define SUPPORT_REDELIVERY_WORLD_CHECKS_H
/* What must always be true of a world. */
#include "support/redelivery_world.h"

/* When a stored copy was last written to somebody, who need not live any more; if nobody got it but
 * from the history, when that was first. */
static uint64_t last_written(const struct world *world, uint64_t number)
{
    uint64_t last = 0;
    uint64_t replayed = UINT64_MAX;

    for (size_t i = 0; i < world->connection_count; i++) {
        const struct world_connection *connection = &world->connection[i];
        const uint64_t at = connection->had_at[number];

        if (at > 0 && connection->is_replay[number])
            replayed = at < replayed ? at : replayed;
        else
            last = at > last ? at : last;
    }
    return last > 0 ? last : replayed;
}

/* Whether the oldest of the queue has been left alone for long enough. It may end while those that
 * are to come with it are on their way. */
static bool is_time(const struct world *world, size_t queue)
{
    const uint64_t now = loop_now_ms(world->loop);
    uint64_t oldest = UINT64_MAX;

    for (uint64_t number = 1; number <= world->copies; number++) {
        const struct world_copy *copy = &world->copy[number];
        const bool is_stored = !copy->is_ended || copy->ended_at + WORLD_HOPS_MS > now;
        const uint64_t last =
            copy->queue == queue && is_stored ? last_written(world, number) : UINT64_MAX;

        oldest = last < oldest ? last : oldest;
    }
    return oldest != UINT64_MAX && oldest + world->settings.takeover_ms <= now;
}

/* It has it and has not acknowledged it. */
static bool is_held(const struct world *world, const struct world_connection *connection,
                    uint64_t number)
{
    return connection->is_living && connection->had_at[number] > 0 &&
           !connection->is_acked[number] && !world->copy[number].is_ended;
}

/* Its page has opened another one since: nobody hears it any more. */
static bool is_former(const struct world *world, const struct world_connection *connection)
{
    for (size_t i = 0; i < world->connection_count; i++) {
        const struct world_connection *other = &world->connection[i];

        if (connection->client.instance != 0 && other->queue == connection->queue &&
            other->client.instance == connection->client.instance &&
            other->arrival > connection->arrival)
            return true;
    }
    return false;
}

static bool is_on_its_way(const struct world *world, const struct world_connection *connection,
                          uint64_t number)
{
    return is_held(world, connection, number) &&
           connection->had[number] > world->round[connection->queue] &&
           !is_former(world, connection);
}

/* When the oldest has been left alone for long enough, all may come again, once. Else nobody else
 * has it on its way, nor it itself. */
static void check_redelivery(struct world *world, const struct world_connection *to,
                             uint64_t number)
{
    if (is_time(world, to->queue))
        world->round[to->queue] = world->writes;
    if (is_former(world, to))
        return;
    assert_false(is_on_its_way(world, to, number));
    for (size_t i = 0; i < world->connection_count && !world_is_group(to->queue); i++) {
        const struct world_connection *other = &world->connection[i];

        assert_false(other != to && !other->is_replay[number] &&
                     is_on_its_way(world, other, number));
    }
}

static void check_order(struct world_connection *connection, uint64_t number)
{
    if (connection->had_at[number] > 0)
        return;
    if (!world_is_group(connection->queue))
        assert_true(number > connection->last_first);
    if (number > connection->last_first)
        connection->last_first = number;
}

static void check_report(const struct world *world)
{
    struct redelivery_report report;

    redelivery_report(world->redelivery, &report);
    assert_true(report.queues <= world->queues);
    assert_true(report.in_flight <= world->settings.window * report.queues);
}

#endif
