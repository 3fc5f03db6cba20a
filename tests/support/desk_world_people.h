/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_DESK_WORLD_PEOPLE_H
#define SUPPORT_DESK_WORLD_PEOPLE_H
/* The store, the workers and their connections, and what each does with its letters. */
#include "support/desk_world_checks.h"

/* --- the store --- */

static void on_ended(struct world *world, struct letter *letter)
{
    struct world_copy *copy = &world->copy[letter->number];
    const bool was_ended = copy->is_ended;

    copy->is_ended = true;
    copy->ended_at = was_ended ? copy->ended_at : loop_now_ms(world->loop);
    trace(world, "m%u ends", (unsigned)letter->number);
    if (!was_ended)
        qos_desk_end(world->desk, letter->number, &world_recipients[copy->queue]);
    free(letter);
}

static void world_end(struct world *world, uint64_t number)
{
    struct letter *letter = letter_new(on_ended);

    letter->number = number;
    post(world, WAY_STORE, letter);
}

static void receive(struct world *world, struct world_connection *connection, uint64_t number,
                    bool is_replay)
{
    trace(world, "%s is written m%u", connection->client.id, (unsigned)number);
    if (!is_replay)
        check_order(connection, number);
    connection->had_at[number] = loop_now_ms(world->loop);
    connection->had[number] = ++world->writes;
    connection->is_replay[number] = is_replay;
    connection->unsent++;
}

/* Its page acknowledges some of what it has. */
static void world_acknowledge(struct world *world, struct world_connection *connection, bool is_all)
{
    for (uint64_t number = 1; number <= world->copies; number++) {
        if (!connection->acknowledges || !is_held(world, connection, number) ||
            (!is_all && world_random(world, 2) > 0))
            continue;
        connection->is_acked[number] = true;
        world_end(world, number);
    }
}

/* --- workers: they answer to the hub --- */

static void on_reached(struct world *world, struct letter *letter)
{
    struct letter *round = letter->round;

    round->count += letter->count;
    round->attentive += letter->attentive;
    if (++round->answers == world->workers) {
        trace(world, "m%u reached %zu", (unsigned)round->number, round->count);
        if (world->is_told && round->attentive == 0)
            qos_desk_reached_silent(world->desk, round->number,
                                    &world_recipients[world->copy[round->number].queue],
                                    round->count);
        else
            qos_desk_reached(world->desk, round->number,
                             &world_recipients[world->copy[round->number].queue], round->count);
        free(round);
    }
    free(letter);
}

static void world_close(struct world *world, struct world_connection *connection);

static void on_broadcast(struct world *world, struct letter *letter)
{
    const uint64_t number = letter->number;
    struct letter *answer = letter_new(on_reached);

    for (size_t i = 0; i < world->connection_count; i++) {
        struct world_connection *connection = &world->connection[i];

        if (connection->client.worker != letter->worker || !connection->is_living ||
            connection->is_gated || connection->queue != world->copy[number].queue)
            continue;
        receive(world, connection, number, false);
        connection->seen = letter->position;
        answer->count++;
        answer->attentive += connection->acknowledges;
        if (world_random(world, 40) == 0 && !world->is_calm)
            world_close(world, connection); /* too slow */
        else if (world->is_inline && world_random(world, 2) > 0)
            world_acknowledge(world, connection, false);
    }
    answer->round = letter->round;
    post(world, WAY_TO_HUB + letter->worker, answer);
    free(letter);
}

static uint64_t broadcast(struct world *world, uint64_t number)
{
    struct letter *round = letter_new(NULL);
    const uint64_t position = ++world->position;

    round->number = number;
    assert_int_equal(world->copy[number].position, 0); /* once */
    world->copy[number].position = position;
    for (size_t worker = 0; worker < world->workers; worker++) {
        struct letter *letter = letter_new(on_broadcast);

        letter->round = round;
        letter->worker = worker;
        letter->number = number;
        letter->position = position;
        post(world, WAY_TO_WORKER + worker, letter);
    }
    return position;
}

static void on_wrote(struct world *world, struct letter *letter)
{
    qos_desk_wrote_one(world->desk, letter->question, letter->taken, letter->is_true);
    free(letter);
}

static void on_write(struct world *world, struct letter *letter)
{
    struct world_connection *connection = &world->connection[letter->connection];

    while (connection->is_living && letter->taken < letter->count &&
           connection->unsent < connection->room) {
        const uint64_t number = letter->numbers[letter->taken++];

        trace(world, "again:");
        check_redelivery(world, connection, number);
        receive(world, connection, number, false);
    }
    letter->deliver = on_wrote;
    letter->is_true = !connection->is_living;
    if (connection->is_living && connection->unsent >= connection->room)
        list_append(&connection->held, &letter->node);
    else
        post(world, WAY_TO_HUB + connection->client.worker, letter);
}

static void world_drain(struct world *world, struct world_connection *connection)
{
    struct list held;
    struct list *node;

    connection->unsent = 0;
    list_take_all(&held, &connection->held);
    while ((node = list_take_first(&held))) {
        struct letter *letter = container_of(node, struct letter, node);

        letter->is_true = !connection->is_living;
        post(world, WAY_TO_HUB + connection->client.worker, letter);
    }
}

static void on_counted(struct world *world, struct letter *letter)
{
    struct letter *round = letter->round;

    round->census.holders += letter->census.holders;
    if (letter->census.is_anybody &&
        (!round->census.is_anybody || letter->position > round->position)) {
        round->census.is_anybody = true;
        round->census.newest = letter->census.newest;
        round->position = letter->position;
    }
    if (letter->census.is_anybody_attentive && letter->attentive >= round->attentive) {
        round->census.is_anybody_attentive = true;
        round->census.attentive = letter->census.attentive;
        round->attentive = letter->attentive;
    }
    free(letter);
    if (++round->answers == world->workers) {
        trace(world, "census: %zu, newest %s", round->census.holders,
              round->census.is_anybody ? round->census.newest.id : "none");
        qos_desk_counted(world->desk, round->question, &round->census);
        free(round);
    }
}

static void on_census(struct world *world, struct letter *letter)
{
    struct letter *answer = letter_new(on_counted);

    for (size_t i = 0; i < world->connection_count; i++) {
        const struct world_connection *connection = &world->connection[i];

        if (connection->client.worker != letter->worker || !connection->is_living ||
            connection->is_gated || connection->queue != letter->queue)
            continue;
        if (qos_client_has(&connection->client, letter->position) &&
            (letter->instance == 0 || connection->client.instance != letter->instance))
            answer->census.holders++;
        if (!answer->census.is_anybody || connection->arrival > answer->position) {
            answer->census.newest = connection->client;
            answer->position = connection->arrival;
        }
        answer->census.is_anybody = true;
        if (!connection->client.is_silent && connection->arrival >= answer->attentive) {
            answer->census.is_anybody_attentive = true;
            answer->census.attentive = connection->client;
            answer->attentive = connection->arrival;
        }
    }
    answer->round = letter->round;
    post(world, WAY_TO_HUB + letter->worker, answer);
    free(letter);
}

/* --- connections come and go --- */

static void replay(struct world *world, struct world_connection *connection)
{
    for (uint64_t position = connection->client.resumed + 1; position <= connection->client.opened;
         position++) {
        for (uint64_t number = 1; number <= world->copies; number++) {
            if (world->copy[number].position != position ||
                world->copy[number].queue != connection->queue)
                continue;
            receive(world, connection, number, true);
        }
    }
}

static void on_open(struct world *world, struct letter *letter)
{
    struct world_connection *connection = &world->connection[letter->connection];

    connection->is_gated = false;
    connection->seen = connection->client.opened;
    if (connection->is_living)
        replay(world, connection);
    free(letter);
}

static bool has_stored(const struct world *world, size_t queue)
{
    for (uint64_t number = 1; number <= world->copies; number++) {
        if (world->copy[number].queue == queue && world->copy[number].is_put &&
            !world->copy[number].is_ended)
            return true;
    }
    return false;
}

static void on_queues(struct world *world, struct letter *letter)
{
    struct world_connection *connection = &world->connection[letter->connection];
    struct qos_client *client = &connection->client;

    if (connection->has_left) {
        free(letter);
        return;
    }
    client->joined = world->position;
    client->opened = world->position;
    if (client->resumed == UINT64_MAX)
        client->resumed = client->opened;
    trace(world, "%s arrives at %zu: joined %u resumed %u instance %u", client->id,
          connection->queue, (unsigned)client->joined, (unsigned)client->resumed,
          (unsigned)client->instance);
    connection->arrival = ++world->arrivals;
    connection->has_arrived = true;
    letter->deliver = on_open;
    post(world, WAY_TO_WORKER + client->worker, letter);
    qos_desk_arrive(world->desk, client, &world_recipients[connection->queue],
                    has_stored(world, connection->queue));
}

static void on_arriving(struct world *world, struct letter *letter)
{
    letter->deliver = on_queues;
    post(world, WAY_STORE, letter);
}

/* former: of its page; NULL: a new one. */
static struct world_connection *world_open(struct world *world, size_t queue,
                                           const struct world_connection *former)
{
    const size_t index = world->connection_count++;
    struct world_connection *connection = &world->connection[index];
    struct letter *letter = letter_new(on_arriving);

    snprintf(connection->client.id, sizeof(connection->client.id), "c%zu", index);
    connection->client.worker = (size_t)world_random(world, world->workers);
    connection->client.instance = former                       ? former->client.instance
                                  : world_random(world, 4) > 0 ? index + 1
                                                               : 0;
    connection->client.resumed = UINT64_MAX;
    connection->queue = queue;
    connection->room = 1 + (size_t)world_random(world, 20);
    connection->acknowledges = world->is_calm || world_random(world, 3) > 0;
    connection->client.is_silent = world->is_told && !connection->acknowledges;
    connection->is_living = true;
    connection->is_gated = true;
    list_init(&connection->held);
    if (former && former->client.instance != 0 && world_random(world, 2) > 0) {
        connection->client.resumed = former->seen;
        for (uint64_t number = 1; number <= former->last_first; number++) {
            if (world->copy[number].queue == queue)
                world_end(world, number); /* by the Last-Event-ID */
        }
    }
    letter->connection = index;
    post(world, WAY_TO_HUB + connection->client.worker, letter);
    return connection;
}

static void on_left(struct world *world, struct letter *letter)
{
    struct world_connection *connection = &world->connection[letter->connection];

    connection->has_left = true;
    trace(world, "%s leaves", connection->client.id);
    if (connection->has_arrived)
        qos_desk_leave(world->desk, connection->client.id, &world_recipients[connection->queue]);
    free(letter);
}

static void world_close(struct world *world, struct world_connection *connection)
{
    struct letter *letter;

    if (!connection->is_living)
        return;
    letter = letter_new(on_left);
    connection->is_living = false;
    trace(world, "%s closes", connection->client.id);
    letter->connection = (size_t)(connection - world->connection);
    world_drain(world, connection);
    post(world, WAY_TO_HUB + connection->client.worker, letter);
}

/* --- messages --- */

/* All of its recipients are decided on. */
static void on_decided(struct world *world, struct letter *letter)
{
    assert_int_equal(world->position + 1, letter->position);
    broadcast(world, letter->number);
    free(letter);
}

/* Which takes some turns where they are many: others are heard meanwhile, but not the store. */
static void decide_on_others(struct world *world, uint64_t number)
{
    struct letter *letter = letter_new(on_decided);

    letter->number = number;
    letter->position = world->position + 1;
    if (world->is_inline || world_random(world, 2) == 0)
        letter->deliver(world, letter);
    else
        list_prepend(&world->ways[WAY_STORE], &letter->node);
}

static void on_put(struct world *world, struct letter *letter)
{
    struct world_copy *copy = &world->copy[letter->number];
    const bool was_empty = !has_stored(world, copy->queue);

    copy->is_put = true;
    trace(world, "m%u is put into %zu (next position %u)", (unsigned)letter->number, copy->queue,
          (unsigned)world->position + 1);
    if (qos_desk_stored(world->desk, letter->number, &world_recipients[copy->queue], was_empty,
                        world->position + 1))
        decide_on_others(world, letter->number);
    free(letter);
}

static void world_send(struct world *world, size_t queue)
{
    struct letter *letter = letter_new(on_put);

    letter->number = ++world->copies;
    snprintf(world->copy[letter->number].id, sizeof(world->copy[0].id), "m%u",
             (unsigned)letter->number);
    world->copy[letter->number].queue = queue;
    post(world, WAY_STORE, letter);
}

#endif
