/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_DESK_WORLD_PLAY_H
#define SUPPORT_DESK_WORLD_PLAY_H
/* The desk's questions, and the world's beginning, course and end. */
#include "support/desk_world_people.h"

static void on_read(struct world *world, struct letter *letter)
{
    struct qos_message messages[64];
    struct qos_copy copies[64];
    size_t count = 0;
    uint64_t number = letter->after + 1;

    for (; number <= world->copies && count < letter->count; number++) {
        const struct world_copy *copy = &world->copy[number];

        if (copy->queue != letter->queue || !copy->is_put || copy->is_ended)
            continue;
        messages[count] = (struct qos_message){.number = number, .id = copy->id};
        copies[count] = (struct qos_copy){.message = &messages[count],
                                          .recipient = world_recipients[letter->queue],
                                          .written = copy->written};
        count++;
    }
    if (world_random(world, 50) == 0 && !world->is_calm)
        qos_desk_read(world->desk, letter->question, -5, NULL, 0, false);
    else
        qos_desk_read(world->desk, letter->question, 0, copies, count, count < letter->count);
    free(letter);
}

static void op_read(void *context, uint64_t box, const struct qos_recipient *recipient,
                    uint64_t after, size_t limit)
{
    struct letter *letter = letter_new(on_read);

    assert_true(limit > 0 && limit <= 64);
    letter->question = box;
    letter->queue = queue_of(recipient);
    letter->after = after;
    letter->count = limit;
    post(context, WAY_STORE, letter);
}

static void op_census(void *context, uint64_t box, const struct qos_recipient *recipient,
                      uint64_t position, uint64_t instance)
{
    struct world *world = context;
    struct letter *round = letter_new(NULL);

    round->question = box;
    trace(world, "ask census of %zu: %u, %u", queue_of(recipient), (unsigned)position,
          (unsigned)instance);
    for (size_t worker = 0; worker < world->workers; worker++) {
        struct letter *letter = letter_new(on_census);

        letter->round = round;
        letter->worker = worker;
        letter->queue = queue_of(recipient);
        letter->position = position;
        letter->instance = instance;
        post(world, WAY_TO_WORKER + worker, letter);
    }
}

static void op_write_one(void *context, uint64_t box, const struct qos_client *client,
                         const struct qos_copy *copies, size_t count)
{
    struct letter *letter = letter_new(on_write);

    letter->question = box;
    letter->connection = (size_t)strtoul(client->id + 1, NULL, 10);
    letter->count = count;
    for (size_t i = 0; i < count; i++)
        letter->numbers[i] = copies[i].message->number;
    trace(context, "write m%u.. %zu to %s", (unsigned)letter->numbers[0], count, client->id);
    post(context, WAY_TO_WORKER + client->worker, letter);
}

static uint64_t op_write_all(void *context, const struct qos_copy *copy)
{
    return broadcast(context, copy->message->number);
}

static uint64_t op_position(void *context, const char *id)
{
    const struct world *world = context;

    return world->copy[strtoul(id + 1, NULL, 10)].position;
}

static void op_note(void *context, uint64_t number, const struct qos_recipient *recipient,
                    uint32_t written)
{
    struct world *world = context;

    assert_int_equal(world->copy[number].queue, queue_of(recipient));
    world->copy[number].written = written;
}

static void op_acknowledge(void *context, uint64_t number, const struct qos_recipient *recipient,
                           uint32_t written)
{
    struct world *world = context;

    (void)written;
    assert_int_equal(world->copy[number].queue, queue_of(recipient));
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
    world->ops = (struct qos_desk_ops){op_read,     op_census, op_write_one,  op_write_all,
                                       op_position, op_note,   op_acknowledge};
    world->settings = (struct qos_desk_settings){
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
    world->desk = qos_desk_new(world->loop, &world->settings, &world->ops, world);
    return world;
}

/* Delivers one letter of a way; false: there is none. */
static inline bool world_deliver(struct world *world, size_t way)
{
    struct list *node = list_take_first(&world->ways[way]);
    struct letter *letter = node ? container_of(node, struct letter, node) : NULL;

    if (letter)
        letter->deliver(world, letter);
    check_report(world);
    return letter != NULL;
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
    qos_desk_free(world->desk);
    loop_free(world->loop);
    free(world);
}

#endif
