/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The owner of a service asks its shards at random moments: which connections exist, and to write
 * batches to one of them. Connections come, read, and go meanwhile, and a random worker is next to
 * read a message or to end its turn. Each question has exactly one answer, never from within
 * something; and what a batch says was taken is what its page has, in order. SEED=n runs that one,
 * SEEDS=n so many.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "broker/redelivery/ask_shards.h"
#include "support/broker_team.h"
#include "support/worlds.h"

enum { SEEDS = 300, STEPS = 600, PAGES = 12, BATCH = 6, MOST_QUESTIONS = STEPS + 1 };

struct world;

/* Of one user; it has one connection after the other, each on some worker. */
struct page {
    struct world *world;
    struct recording_sink sink;
    struct sse_connection *connection; /* NULL: it is away */
    size_t worker;
    char handle[SSE_HANDLE_SIZE]; /* of its connection, now or before */
    uint64_t batch;               /* the question that is not answered; 0: none is */
    unsigned written, taken;      /* lines to this connection, as numbers from 1 on */
};

struct world {
    struct team team;
    uint64_t seed, state;
    struct page pages[PAGES];
    bool is_inside; /* something is going on: no answer may come */
    uint64_t questions, answers;
    struct page *asked_for[MOST_QUESTIONS]; /* by question; NULL: a liveness check, */
    bool is_answered[MOST_QUESTIONS];
};

static uint64_t draw(struct world *world, uint64_t below)
{
    return draw_below(&world->state, below);
}

static void check_that(const struct world *world, bool is_so, const char *what)
{
    if (!is_so)
        fail_msg("world %" PRIu64 ": %s", world->seed, what);
}

/* ---- answers ---- */

static void note_answer(struct world *world, uint64_t question)
{
    check_that(world, !world->is_inside, "an answer came from within");
    check_that(world, question <= world->questions && !world->is_answered[question],
               "an answer came twice");
    world->is_answered[question] = true;
    world->answers++;
}

static void counted(void *context, uint64_t question, const struct liveness *living)
{
    struct world *world = context;

    note_answer(world, question);
    check_that(world, !living->is_anybody || living->newest.id[0] != '\0', "nobody was found");
}

static void written(void *context, uint64_t question, size_t taken, bool is_gone)
{
    struct world *world = context;
    struct page *page = world->asked_for[question];

    note_answer(world, question);
    if (page->batch != question)
        return; /* of a former connection */
    page->batch = 0;
    page->taken += (unsigned)taken;
    page->written = page->taken;
    check_that(world, !is_gone || !page->connection, "a connection is gone that is there");
}

static uint64_t question_new(struct world *world, struct page *page)
{
    world->questions++;
    world->asked_for[world->questions] = page;
    return world->questions;
}

/* ---- what happens ---- */

static void come(struct world *world, struct page *page)
{
    const struct sse_guest ann = {.user = "ann"};

    page->worker = draw(world, world->team.workers);
    page->connection = sse_env_settle(&world->team.worker[page->worker].env, &page->sink, &ann);
    page->connection->acknowledges = draw(world, 2) == 0;
    page->written = page->taken = 0;
    page->batch = 0;
    memcpy(page->handle, page->connection->handle, sizeof(page->handle));
}

/* What it has read is what was written, from the first on, without a gap. */
static unsigned read_lines(const struct page *page)
{
    const char *at = page->sink.received.length > 0 ? page->sink.received.data : "";
    unsigned count = 0;
    char line[32];

    for (; *at != '\0'; at += strlen(line)) {
        snprintf(line, sizeof(line), "data: %u\n\n", ++count);
        check_that(page->world, strncmp(at, line, strlen(line)) == 0, "lines are out of order");
    }
    return count;
}

static void go(struct world *world, struct page *page)
{
    check_that(world, read_lines(page) >= page->taken || page->connection->queue.count > 0,
               "lines were taken and are not there");
    sse_connection_close(page->connection, SSE_CLOSE_KICKED, NULL, 0);
    sse_env_leave(&page->sink);
    page->connection = NULL;
}

static void ask(struct world *world)
{
    static const enum sse_dimension dimensions[] = {SSE_ALL, SSE_BY_USER, SSE_BY_CONNECTION};
    const struct shards_asker asker = {counted, written, world};
    const size_t kind = draw(world, 3);
    const char *values[] = {"", "ann", world->pages[draw(world, PAGES)].handle};
    const struct broker_count count = {{dimensions[kind], values[kind], ""}, draw(world, 3), 0};

    shards_count_living(&world->team.worker[0].service, &asker, question_new(world, NULL), &count);
}

static void write_batch(struct world *world, struct page *page)
{
    const struct shards_asker asker = {counted, written, world};
    struct consumer client = {.worker = page->worker};
    const size_t count = 1 + draw(world, BATCH);
    struct broker_line lines[BATCH];

    for (size_t i = 0; i < count; i++) {
        char text[32];
        const int length = snprintf(text, sizeof(text), "data: %u\n\n", ++page->written);

        lines[i] = (struct broker_line){"m", "e", bytes_new(text, (size_t)length), false};
    }
    memcpy(client.id, page->handle, sizeof(client.id));
    page->batch = question_new(world, page);
    shards_write(&world->team.worker[0].service, &asker, page->batch, &client, lines, count);
}

static void step(struct world *world)
{
    struct page *page = &world->pages[draw(world, PAGES)];

    world->is_inside = true;
    if (draw(world, 6) == 0)
        ask(world);
    else if (!page->connection)
        come(world, page);
    else if (page->batch == 0)
        write_batch(world, page);
    else if (draw(world, 8) == 0)
        go(world, page);
    else
        recording_sink_drain(&page->sink, 0);
    world->is_inside = false;
}

static void move_on(struct world *world)
{
    struct team_worker *worker = &world->team.worker[draw(world, world->team.workers)];

    if (draw(world, 3) == 0)
        fake_loop_turn(worker->env.loop);
    else
        (void)team_read_one(worker);
}

/* ---- the world ---- */

static void world_open(struct world *world, uint64_t seed)
{
    *world = (struct world){.seed = seed, .state = seed};
    team_open(&world->team, 1 + draw(world, TEAM_WORKERS));
    for (size_t i = 0; i < world->team.workers; i++)
        world->team.worker[i].env.settings.queue_events = 4 + (uint32_t)draw(world, 8);
    for (size_t i = 0; i < PAGES; i++)
        world->pages[i].world = world;
}

static void settle(struct world *world)
{
    for (unsigned turn = 0; turn < 20; turn++) {
        for (size_t i = 0; i < PAGES; i++) {
            if (world->pages[i].connection)
                recording_sink_drain(&world->pages[i].sink, 0);
        }
        team_turn(&world->team);
    }
}

static void play(uint64_t seed)
{
    static struct world world;

    world_open(&world, seed);
    for (unsigned i = 0; i < STEPS; i++) {
        if (draw(&world, 3) == 0)
            step(&world);
        else
            move_on(&world);
    }
    settle(&world);
    check_that(&world, world.answers == world.questions, "a question has no answer");
    for (size_t i = 0; i < PAGES; i++) {
        struct page *page = &world.pages[i];

        if (!page->connection)
            continue;
        check_that(&world, read_lines(page) == page->taken, "not all that was taken is there");
        go(&world, page);
    }
    settle(&world);
    team_close(&world.team);
}

static void test_worlds(void **state)
{
    (void)state;
    play_worlds(play, SEEDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_worlds)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
