/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_REDELIVERY_WORLD_PEOPLE_H
#define SUPPORT_REDELIVERY_WORLD_PEOPLE_H
/* The store, the workers and their connections, and what each does with its messages. */
#include "support/redelivery_world_checks.h"

/* --- the store --- */

static void on_ended(struct world *world, struct world_message *message)
{
    struct world_copy *copy = &world->copy[message->number];
    const bool was_ended = copy->is_ended;

    copy->is_ended = true;
    copy->ended_at = was_ended ? copy->ended_at : loop_now_ms(world->loop);
    trace(world, "m%u ends", (unsigned)message->number);
    if (!was_ended)
        redelivery_end(world->redelivery, message->number, &world_recipients[copy->queue],
                       QOS_ACKNOWLEDGED);
    free(message);
}

static void world_end(struct world *world, uint64_t number)
{
    struct world_message *message = world_message_new(on_ended);

    message->number = number;
    post(world, WAY_STORE, message);
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

/* --- workers: they answer to the owner --- */

static void on_reached(struct world *world, struct world_message *message)
{
    struct world_message *round = message->round;

    round->count += message->count;
    round->attentive += message->attentive;
    if (++round->answers == world->workers) {
        trace(world, "m%u reached %zu", (unsigned)round->number, round->count);
        redelivery_reached(world->redelivery, round->number,
                           &world_recipients[world->copy[round->number].queue], round->count,
                           world->is_told ? round->attentive : round->count);
        redelivery_write_end(world->redelivery, &world->copy[round->number].write);
        free(round);
    }
    free(message);
}

static void world_close(struct world *world, struct world_connection *connection);

static void on_broadcast(struct world *world, struct world_message *message)
{
    const uint64_t number = message->number;
    struct world_message *answer = world_message_new(on_reached);

    for (size_t i = 0; i < world->connection_count; i++) {
        struct world_connection *connection = &world->connection[i];

        if (connection->client.worker != message->worker || !connection->is_living ||
            connection->is_paused || connection->queue != world->copy[number].queue)
            continue;
        receive(world, connection, number, false);
        connection->seen = message->position;
        answer->count++;
        answer->attentive += connection->acknowledges;
        if (world_random(world, 40) == 0 && !world->is_calm)
            world_close(world, connection); /* too slow */
        else if (world->is_inline && world_random(world, 2) > 0)
            world_acknowledge(world, connection, false);
    }
    answer->round = message->round;
    post(world, WAY_TO_OWNER + message->worker, answer);
    free(message);
}

static void broadcast(struct world *world, uint64_t number)
{
    struct world_message *round = world_message_new(NULL);
    const uint64_t position = ++world->position;

    round->number = number;
    assert_int_equal(world->copy[number].position, 0); /* once */
    world->copy[number].position = world->copy[number].write.position = position;
    for (size_t worker = 0; worker < world->workers; worker++) {
        struct world_message *message = world_message_new(on_broadcast);

        message->round = round;
        message->worker = worker;
        message->number = number;
        message->position = position;
        post(world, WAY_TO_WORKER + worker, message);
    }
}

static void on_append(struct world *world, struct world_message *message)
{
    world->unwritten--;
    broadcast(world, message->number);
    free(message);
}

/* It comes into the log some time later, in order. */
static void append(struct world *world, uint64_t number)
{
    struct world_message *message = world_message_new(on_append);

    world->unwritten++;
    message->number = number;
    post(world, WAY_TO_LOG, message);
}

static void on_wrote(struct world *world, struct world_message *message)
{
    redelivery_batch_written(world->redelivery, message->question, message->taken,
                             message->is_true);
    free(message);
}

static void on_write(struct world *world, struct world_message *message)
{
    struct world_connection *connection = &world->connection[message->connection];

    while (connection->is_living && message->taken < message->count &&
           connection->unsent < connection->env) {
        const uint64_t number = message->numbers[message->taken++];

        trace(world, "again:");
        check_redelivery(world, connection, number);
        receive(world, connection, number, false);
    }
    message->deliver = on_wrote;
    message->is_true = !connection->is_living;
    if (connection->is_living && connection->unsent >= connection->env)
        list_append(&connection->held, &message->node);
    else
        post(world, WAY_TO_OWNER + connection->client.worker, message);
}

static void world_drain(struct world *world, struct world_connection *connection)
{
    struct list held;
    struct list *node;

    connection->unsent = 0;
    list_take_all(&held, &connection->held);
    while ((node = list_take_first(&held))) {
        struct world_message *message = container_of(node, struct world_message, node);

        message->is_true = !connection->is_living;
        post(world, WAY_TO_OWNER + connection->client.worker, message);
    }
}

static void on_counted(struct world *world, struct world_message *message)
{
    struct world_message *round = message->round;

    round->living.having += message->living.having;
    if (message->living.is_anybody &&
        (!round->living.is_anybody || message->position > round->position)) {
        round->living.is_anybody = true;
        round->living.newest = message->living.newest;
        round->position = message->position;
    }
    if (message->living.is_anybody_attentive && message->attentive >= round->attentive) {
        round->living.is_anybody_attentive = true;
        round->living.attentive = message->living.attentive;
        round->attentive = message->attentive;
    }
    free(message);
    if (++round->answers == world->workers) {
        trace(world, "living: %zu, newest %s", round->living.having,
              round->living.is_anybody ? round->living.newest.id : "none");
        redelivery_living(world->redelivery, round->question, &round->living);
        free(round);
    }
}

static void on_check(struct world *world, struct world_message *message)
{
    struct world_message *answer = world_message_new(on_counted);

    for (size_t i = 0; i < world->connection_count; i++) {
        const struct world_connection *connection = &world->connection[i];

        if (connection->client.worker != message->worker || !connection->is_living ||
            connection->is_paused || connection->queue != message->queue)
            continue;
        if (consumer_has(&connection->client, message->position) &&
            (message->instance == 0 || connection->client.instance != message->instance))
            answer->living.having++;
        if (!answer->living.is_anybody || connection->arrival > answer->position) {
            answer->living.newest = connection->client;
            answer->position = connection->arrival;
        }
        answer->living.is_anybody = true;
        if (!connection->client.is_silent && connection->arrival >= answer->attentive) {
            answer->living.is_anybody_attentive = true;
            answer->living.attentive = connection->client;
            answer->attentive = connection->arrival;
        }
    }
    answer->round = message->round;
    post(world, WAY_TO_OWNER + message->worker, answer);
    free(message);
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

static void on_open(struct world *world, struct world_message *message)
{
    struct world_connection *connection = &world->connection[message->connection];

    connection->is_paused = false;
    connection->seen = connection->client.opened;
    if (connection->is_living)
        replay(world, connection);
    free(message);
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

static void on_queues(struct world *world, struct world_message *message)
{
    struct world_connection *connection = &world->connection[message->connection];
    struct consumer *client = &connection->client;

    if (connection->has_left) {
        free(message);
        return;
    }
    if (world->unwritten > 0) { /* not before what was decided is in the log */
        post(world, WAY_TO_LOG, message);
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
    message->deliver = on_open;
    post(world, WAY_TO_WORKER + client->worker, message);
    redelivery_join(world->redelivery, client, &world_recipients[connection->queue],
                    has_stored(world, connection->queue));
}

static void on_arriving(struct world *world, struct world_message *message)
{
    message->deliver = on_queues;
    post(world, WAY_STORE, message);
}

/* former: of its page; NULL: a new one. */
static struct world_connection *world_open(struct world *world, size_t queue,
                                           const struct world_connection *former)
{
    const size_t index = world->connection_count++;
    struct world_connection *connection = &world->connection[index];
    struct world_message *message = world_message_new(on_arriving);

    snprintf(connection->client.id, sizeof(connection->client.id), "c%zu", index);
    connection->client.worker = (size_t)world_random(world, world->workers);
    connection->client.instance = former                       ? former->client.instance
                                  : world_random(world, 4) > 0 ? index + 1
                                                               : 0;
    connection->client.resumed = UINT64_MAX;
    connection->queue = queue;
    connection->env = 1 + (size_t)world_random(world, 20);
    connection->acknowledges = world->is_calm || world_random(world, 3) > 0;
    connection->client.is_silent = world->is_told && !connection->acknowledges;
    connection->is_living = true;
    connection->is_paused = true;
    list_init(&connection->held);
    if (former && former->client.instance != 0 && world_random(world, 2) > 0) {
        connection->client.resumed = former->seen;
        for (uint64_t number = 1; number <= former->last_first; number++) {
            if (world->copy[number].queue == queue)
                world_end(world, number); /* by the Last-Event-ID */
        }
    }
    message->connection = index;
    post(world, WAY_TO_OWNER + connection->client.worker, message);
    return connection;
}

static void on_left(struct world *world, struct world_message *message)
{
    struct world_connection *connection = &world->connection[message->connection];

    connection->has_left = true;
    trace(world, "%s leaves", connection->client.id);
    if (connection->has_arrived)
        redelivery_leave(world->redelivery, connection->client.id,
                         &world_recipients[connection->queue]);
    free(message);
}

static void world_close(struct world *world, struct world_connection *connection)
{
    struct world_message *message;

    if (!connection->is_living)
        return;
    message = world_message_new(on_left);
    connection->is_living = false;
    trace(world, "%s closes", connection->client.id);
    message->connection = (size_t)(connection - world->connection);
    world_drain(world, connection);
    post(world, WAY_TO_OWNER + connection->client.worker, message);
}

/* --- messages --- */

static void on_put(struct world *world, struct world_message *message)
{
    struct world_copy *copy = &world->copy[message->number];
    const bool was_empty = !has_stored(world, copy->queue);

    copy->is_put = true;
    trace(world, "m%u is put into %zu (next position %u)", (unsigned)message->number, copy->queue,
          (unsigned)world->position + 1);
    redelivery_write_begin(world->redelivery, &copy->write);
    if (redelivery_stored(world->redelivery, message->number, &world_recipients[copy->queue],
                          was_empty, &copy->write))
        append(world, message->number);
    else
        redelivery_write_end(world->redelivery, &copy->write);
    free(message);
}

static void world_send(struct world *world, size_t queue)
{
    struct world_message *message = world_message_new(on_put);

    message->number = ++world->copies;
    snprintf(world->copy[message->number].id, sizeof(world->copy[0].id), "m%u",
             (unsigned)message->number);
    world->copy[message->number].queue = queue;
    post(world, WAY_STORE, message);
}

#endif
