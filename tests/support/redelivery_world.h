/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_REDELIVERY_WORLD_H
#define SUPPORT_REDELIVERY_WORLD_H
/*
 * What is around a redelivery, in small: a store, workers with connections, pages that acknowledge,
 * and messages between all of them, each way in its order. A test program includes
 * redelivery_world_play.h, in one source file.
 */
#include <stdio.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "broker/redelivery/redelivery.h"
#include "support/fake_loop.h"
#include "support/test.h"

#define WORLD_QUEUES      3u
#define WORLD_WORKERS     3u
#define WORLD_COPIES      300u
#define WORLD_CONNECTIONS 60u
#define WORLD_HOPS_MS     5000u

enum world_way {
    WAY_STORE,
    WAY_TO_LOG, /* what is written to everybody, until it has a position */
    WAY_TO_WORKER,
    WAY_TO_OWNER = WAY_TO_WORKER + WORLD_WORKERS,
    WAYS = WAY_TO_OWNER + WORLD_WORKERS
};

struct world;

struct world_message {
    struct list node;
    void (*deliver)(struct world *world, struct world_message *message); /* owns the message */
    uint64_t question, number, after, position, instance;
    size_t queue, worker, connection, count, taken;
    struct liveness living;
    uint64_t attentive; /* those who acknowledge; or which of them has come last */
    size_t answers;     /* of a round of all workers, that have come */
    struct world_message *round;
    uint64_t numbers[64];
    bool is_true;
};

struct world_copy {
    size_t queue;
    uint64_t position; /* of the first write to everybody */
    struct redelivery_write write;
    uint32_t written;
    uint64_t ended_at;
    bool is_put, is_ended;
    char id[16];
};

struct world_connection {
    struct consumer client;
    size_t queue;
    uint64_t arrival;              /* which one it was, for the owner */
    uint64_t had_at[WORLD_COPIES]; /* by number; 0: never */
    uint64_t had[WORLD_COPIES];    /* the same, as a count of writes */
    bool is_replay[WORLD_COPIES];  /* from the history, which asks no redelivery */
    bool is_acked[WORLD_COPIES];
    uint64_t last_first; /* the greatest number it was ever written */
    uint64_t seen;       /* the last position that its page has seen */
    size_t unsent, env;
    bool is_living, is_paused, has_arrived, has_left, acknowledges;
    struct list held; /* answers that wait for room */
};

struct world {
    uint64_t random;
    struct loop *loop;
    struct redelivery *redelivery;
    struct redelivery_settings settings;
    struct redelivery_ops ops;
    struct list ways[WAYS];
    size_t workers, queues;
    bool is_inline; /* all is answered at once, when what has asked is done */
    bool is_calm;   /* nothing fails any more */
    bool is_traced; /* what happens is printed */
    bool is_told;   /* clients say whether they acknowledge */
    uint64_t position, copies, arrivals;
    size_t unwritten; /* on their way to the log */
    size_t connection_count;
    struct world_copy copy[WORLD_COPIES];
    struct world_connection connection[WORLD_CONNECTIONS];
    uint64_t writes;
    uint64_t round[WORLD_QUEUES]; /* the write when copies could begin to come again */
};

static const struct qos_recipient world_recipients[WORLD_QUEUES] = {
    {SSE_BY_USER, "ann", ""},
    {SSE_BY_TOKEN, "t", "news"},
    {SSE_BY_CHANNEL, "ann", ""},
};

static inline uint64_t world_random(struct world *world, uint64_t below)
{
    world->random ^= world->random << 13;
    world->random ^= world->random >> 7;
    world->random ^= world->random << 17;
    return world->random % below;
}

static inline bool world_is_group(size_t queue)
{
    return world_recipients[queue].dimension == SSE_BY_CHANNEL;
}

static size_t queue_of(const struct qos_recipient *recipient)
{
    size_t queue = 0;

    while (world_recipients[queue].dimension != recipient->dimension)
        queue++;
    assert_string_equal(world_recipients[queue].value, recipient->value);
    assert_string_equal(world_recipients[queue].listening, recipient->listening);
    return queue;
}

/* For who looks for the cause of a failure: SEED=n TRACE=1. */
__attribute__((format(printf, 2, 3))) static void trace(const struct world *world,
                                                        const char *format, ...)
{
    va_list arguments;

    if (!world->is_traced)
        return;
    va_start(arguments, format);
    printf("%7llu ", (unsigned long long)loop_now_ms(world->loop));
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
}

static struct world_message *world_message_new(void (*deliver)(struct world *,
                                                               struct world_message *))
{
    struct world_message *message = mem_zalloc(sizeof(*message));

    message->deliver = deliver;
    return message;
}

static void post(struct world *world, size_t way, struct world_message *message)
{
    list_append(&world->ways[way], &message->node);
}

#endif
