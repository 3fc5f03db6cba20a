/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_REDELIVERY_WORLD_PLAY_H
#define SUPPORT_REDELIVERY_WORLD_PLAY_H
/* The redelivery's questions, and the world's beginning, course and end. */
#include "support/redelivery_world_people.h"

static void on_read(struct world *world, struct world_message *message)
{
    struct qos_message messages[64];
    struct qos_copy copies[64];
    size_t count = 0;
    uint64_t number = message->after + 1;

    for (; number <= world->copies && count < message->count; number++) {
        const struct world_copy *copy = &world->copy[number];

        if (copy->queue != message->queue || !copy->is_put || copy->is_ended)
            continue;
        messages[count] = (struct qos_message){.number = number, .id = copy->id};
        copies[count] = (struct qos_copy){.message = &messages[count],
                                          .recipient = world_recipients[message->queue],
                                          .written = copy->written};
        count++;
    }
    if (world_random(world, 50) == 0 && !world->is_calm)
        redelivery_read_done(world->redelivery, message->question, -5, NULL, 0, false);
    else
        redelivery_read_done(world->redelivery, message->question, 0, copies, count,
                             count < message->count);
    free(message);
}

static void op_read(void *context, uint64_t question, const struct qos_recipient *recipient,
                    uint64_t after, size_t limit)
{
    struct world_message *message = world_message_new(on_read);

    assert_true(limit > 0 && limit <= 64);
    message->question = question;
    message->queue = queue_of(recipient);
    message->after = after;
    message->count = limit;
    post(context, WAY_STORE, message);
}

static void op_check_liveness(void *context, uint64_t question,
                              const struct qos_recipient *recipient, uint64_t position,
                              uint64_t instance)
{
    struct world *world = context;
    struct world_message *round = world_message_new(NULL);

    round->question = question;
    trace(world, "ask living of %zu: %u, %u", queue_of(recipient), (unsigned)position,
          (unsigned)instance);
    for (size_t worker = 0; worker < world->workers; worker++) {
        struct world_message *message = world_message_new(on_check);

        message->round = round;
        message->worker = worker;
        message->queue = queue_of(recipient);
        message->position = position;
        message->instance = instance;
        post(world, WAY_TO_WORKER + worker, message);
    }
}

static void op_write_one(void *context, uint64_t question, const struct consumer *client,
                         const struct qos_copy *copies, size_t count)
{
    struct world_message *message = world_message_new(on_write);

    message->question = question;
    message->connection = (size_t)strtoul(client->id + 1, NULL, 10);
    message->count = count;
    for (size_t i = 0; i < count; i++)
        message->numbers[i] = copies[i].message->number;
    trace(context, "write m%u.. %zu to %s", (unsigned)message->numbers[0], count, client->id);
    post(context, WAY_TO_WORKER + client->worker, message);
}

static uint64_t op_write_all(void *context, const struct qos_copy *copy)
{
    struct world *world = context;
    struct redelivery_write *write = &world->copy[copy->message->number].write;

    redelivery_write_begin(world->redelivery, write);
    append(world, copy->message->number);
    return write->id;
}

static uint64_t op_position(void *context, const struct qos_copy *copy)
{
    const struct world *world = context;

    return world->copy[copy->message->number].position;
}

static void op_mark(void *context, uint64_t number, const struct qos_recipient *recipient,
                    enum qos_state state, uint32_t written)
{
    struct world *world = context;

    assert_int_equal(world->copy[number].queue, queue_of(recipient));
    if (state == QOS_STORED)
        world->copy[number].written = written;
    else
        world_end(world, number);
}

/* --- the world --- */

static inline struct world *world_new(uint64_t seed)
{
    struct world *world = mem_zalloc(sizeof(*world));

    world->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (unsigned i = 0; i < 10; i++)
        world_random(world, 2);
    world->is_traced = getenv("TRACE") != NULL;
    world->loop = loop_new();
    world->ops = (struct redelivery_ops){op_read,      op_check_liveness, op_write_one,
                                         op_write_all, op_position,       op_mark};
    world->settings = (struct redelivery_settings){
        .window = 1 + (uint32_t)world_random(world, 12),
        .ack_ms = 30000,
        .ack_ms_most = 600000,
        .takeover_ms = 10000,
        .batch = 1 + (uint32_t)world_random(world, 8),
        .ack_on_write = world_random(world, 8) == 0,
    };
    world->is_told = world_random(world, 3) == 0;
    world->is_inline = world_random(world, 4) == 0;
    world->workers = 1 + (size_t)world_random(world, WORLD_WORKERS);
    world->queues = 1 + (size_t)world_random(world, WORLD_QUEUES);
    for (size_t way = 0; way < WAYS; way++)
        list_init(&world->ways[way]);
    world->redelivery = redelivery_new(world->loop, &world->settings, &world->ops, world);
    return world;
}

/* Delivers one message of a way; false: there is none. */
static inline bool world_deliver(struct world *world, size_t way)
{
    struct list *node = list_take_first(&world->ways[way]);
    struct world_message *message = node ? container_of(node, struct world_message, node) : NULL;

    if (message)
        message->deliver(world, message);
    check_report(world);
    return message != NULL;
}

static inline void world_deliver_all(struct world *world)
{
    bool is_any;

    do {
        is_any = false;
        for (size_t way = 0; way < WAYS; way++)
            is_any = world_deliver(world, way) || is_any;
    } while (is_any);
}

static inline void world_free(struct world *world)
{
    world_deliver_all(world);
    for (size_t i = 0; i < world->connection_count; i++)
        world_close(world, &world->connection[i]);
    world_deliver_all(world);
    redelivery_free(world->redelivery);
    loop_free(world->loop);
    free(world);
}

#endif
