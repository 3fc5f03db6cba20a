/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages that are cut off at any byte and come back, in a randomized simulation: short histories and
 * queues, every policy, ids that senders give twice. What a page does not get it must be told of.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "support/event_stream.h"
#include "support/sse_env.h"
#include "support/sse_message.h"
#include "support/test.h"
#include "support/worlds.h"

enum { PAGES = 4, STEPS = 400, WORLDS = 100, MOST = 4096, GIVEN_IDS = 8 };

struct page {
    struct sse_guest guest;
    struct recording_sink sink;
    char last_id[SSE_EVENT_MAX_ID + 1];
    unsigned due[MOST];     /* the numbers that are for it, since it was here first */
    size_t due_count, seen; /* seen: so many of them it has, or knows that it has not */
    bool is_told;           /* that something is missing before the next one */
};

struct world {
    struct sse_env env;
    uint64_t seed, state;
    struct page pages[PAGES];
    unsigned number;
};

static uint64_t chance(struct world *world, uint64_t below)
{
    return draw_below(&world->state, below);
}

static void note_tick(struct world *world, struct page *page, unsigned number)
{
    size_t at = 0;

    while (at < page->due_count && page->due[at] != number)
        at++;
    if (at == page->due_count)
        fail_msg("world %" PRIu64 ": %u is not for this page", world->seed, number);
    if (at > page->seen && !page->is_told)
        fail_msg("world %" PRIu64 ": %u follows %u in silence", world->seed, number,
                 page->seen > 0 ? page->due[page->seen - 1] : 0);
    if (at >= page->seen) {
        page->seen = at + 1;
        page->is_told = false;
    }
}

/* What has come over this connection, as far as the events are whole. */
static void read_page(struct world *world, struct page *page)
{
    struct event_stream stream = {0};

    event_stream_parse(&stream, buf_str(&page->sink.received), page->sink.received.length);
    assert_true(stream.count < EVENT_STREAM_MAX);
    for (size_t i = 0; i < stream.count; i++) {
        const struct stream_event *event = &stream.events[i];

        if (event->id[0] != '\0')
            snprintf(page->last_id, sizeof(page->last_id), "%s", event->id);
        if (strcmp(event->name, "sse-gap") == 0)
            page->is_told = true;
        else if (strncmp(event->name, "tick", 4) == 0)
            note_tick(world, page, (unsigned)strtoul(event->data, NULL, 10));
    }
    event_stream_release(&stream);
}

static void take(struct page *page, size_t most)
{
    char bytes[512];
    bool is_last;
    size_t length = sse_connection_ready(page->sink.connection, &is_last);

    length = length < most ? length : most;
    length = length < sizeof(bytes) ? length : sizeof(bytes);
    sse_connection_take(page->sink.connection, bytes, length);
    buf_append(&page->sink.received, bytes, length);
}

static void cut(struct world *world, struct page *page)
{
    if (!page->sink.connection)
        return;
    read_page(world, page);
    sse_env_leave(&page->sink);
    page->sink = (struct recording_sink){0};
}

static void come_back(struct world *world, struct page *page)
{
    const char *last_id = page->last_id[0] != '\0' ? page->last_id : NULL;

    cut(world, page);
    if (!last_id) /* it begins now */
        page->seen = page->due_count;
    sse_env_return(&world->env, &page->sink, &page->guest, last_id);
}

static void send_tick(struct world *world)
{
    static const char *const targets[] = {"\"userId\":\"ann\"", "\"userId\":\"bob\"",
                                          "\"userId\":[\"bob\",\"ann\"]", "\"all\":true"};
    const uint64_t target = chance(world, 4);
    char json[200], id[32] = "", name[24] = "tick";

    world->number++;
    if (chance(world, 3) == 0)
        snprintf(id, sizeof(id), ",\"id\":\"s%" PRIu64 "\"", chance(world, GIVEN_IDS));
    /* Of each name the newest is kept, and what that replaces is not told of. */
    if (world->env.settings.slow_policy == SSE_SLOW_LATEST)
        snprintf(name, sizeof(name), "tick%u", world->number);
    snprintf(json, sizeof(json), "\"event\":\"%s\",%s,\"data\":%u%s", name, targets[target],
             world->number, id);
    for (size_t i = 0; i < PAGES; i++) {
        struct page *page = &world->pages[i];

        if (target >= 2 || (target == 0) == (strcmp(page->guest.user, "ann") == 0))
            page->due[page->due_count++] = world->number;
    }
    (void)sse_env_send(&world->env, json);
}

static void step(struct world *world)
{
    struct page *page = &world->pages[chance(world, PAGES)];

    switch (chance(world, 16)) {
    case 0:
        cut(world, page);
        break;
    case 1:
    case 2:
        come_back(world, page);
        break;
    case 3:
    case 4:
    case 5:
    case 6:
        if (page->sink.connection)
            take(page, chance(world, 200));
        break;
    case 7:
    case 8:
        (void)fake_loop_turn(world->env.loop);
        break;
    case 9:
        fake_loop_advance(world->env.loop, chance(world, 100));
        break;
    default:
        send_tick(world);
    }
}

/* Once more all come, stay, and read everything. */
static void settle(struct world *world)
{
    for (size_t i = 0; i < PAGES; i++) {
        struct page *page = &world->pages[i];

        come_back(world, page);
        for (unsigned turn = 0; turn < 200; turn++) {
            (void)fake_loop_turn(world->env.loop);
            take(page, SIZE_MAX);
        }
        read_page(world, page);
        if (page->seen < page->due_count && !page->is_told)
            fail_msg("world %" PRIu64 ": the last %zu are missing in silence", world->seed,
                     page->due_count - page->seen);
        sse_env_leave(&page->sink);
    }
}

static void play(uint64_t seed)
{
    static const enum sse_slow_policy policies[] = {SSE_SLOW_DISCONNECT, SSE_SLOW_DROP_OLDEST,
                                                    SSE_SLOW_LATEST};
    struct world *world = mem_zalloc(sizeof(*world));

    world->seed = seed;
    world->state = seed;
    sse_env_open(&world->env);
    world->env.settings.slow_policy = policies[chance(world, 3)];
    world->env.settings.queue_events = (uint32_t)(2 + chance(world, 8));
    /* As many ids are remembered when their events have gone. */
    world->env.settings.history.events = (uint32_t)(GIVEN_IDS + chance(world, 30));
    world->env.settings.history.keep_ms = 500;
    for (size_t i = 0; i < PAGES; i++)
        world->pages[i].guest = (struct sse_guest){.user = i < PAGES / 2 ? "ann" : "bob"};
    for (unsigned i = 0; i < STEPS; i++)
        step(world);
    settle(world);
    assert_int_equal(world->env.service->queued_bytes, 0);
    sse_env_close(&world->env);
    free(world);
}

static void test_nothing_is_missed_in_silence(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++)
        play(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_missed_in_silence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
