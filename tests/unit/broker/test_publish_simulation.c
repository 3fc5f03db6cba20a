/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several workers publish batches, some from within an answer, and the owner of their service
 * writes them, some item by item, while others pass: the real owner and shards over inboxes of
 * which a random one is read next. Every page gets events in the order of the log, all of those
 * before it was sent away, and none behind that; each batch is answered once, and what its answer
 * says of each item is what connections have got. SEED=n runs that one, SEEDS=n so many.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/attach.h"
#include "broker/publish.h"
#include "broker/publishing.h"
#include "broker/receive.h"
#include "broker/service.h"
#include "sse/connection.h"
#include "sse/history.h"
#include "sse/message.h"
#include "support/inbox.h"
#include "support/sse_env.h"
#include "support/test.h"
#include "support/worlds.h"

enum { SEEDS = 200, STEPS = 200, MOST_WORKERS = 6, PAGES = 20, USERS = 5, MOST_BATCHES = STEPS };

struct world;

struct worker {
    struct world *world;
    struct sse_env env;
    struct broker *broker;
    struct broker_service service;
    struct sse_observer observer;
    struct inbox inbox;
};

/* That somebody has published. */
struct sending {
    struct broker_publishing publishing;
    struct world *world;
    struct broker_batch *batch;
    unsigned answers;
};

/* A publication that the owner writes item by item. */
struct stepping {
    struct publication *publication;
    size_t next; /* item */
    bool is_due;
};

/* Who was sent away, by which record of the log. */
struct kick {
    const struct sse_target *target;
    uint64_t position;
};

struct world {
    uint64_t seed, state;
    size_t workers;
    struct broker_settings settings;
    struct sse_log *log;
    struct worker worker[MOST_WORKERS];
    struct inbox *inboxes[MOST_WORKERS];
    struct recording_sink pages[PAGES];
    struct sending sendings[MOST_BATCHES];
    size_t sending_count, answered, closed;
    struct stepping stepping;
    unsigned users[PAGES];
    struct kick kicks[MOST_BATCHES * 4];
    size_t kick_count;
};

static uint64_t draw(struct world *world, uint64_t below)
{
    return draw_below(&world->state, below);
}

/* ---- the transport ---- */

static size_t under_way(const struct world *world)
{
    size_t count = 0;

    for (size_t i = 0; i < world->workers; i++) {
        const struct broker_traffic *traffic = broker_traffic(world->worker[i].broker);

        count += traffic->open + (size_t)(traffic->sent - traffic->received);
    }
    return count;
}

static bool receive(struct worker *worker)
{
    return inbox_read(&worker->inbox, worker->broker);
}

/* ---- the owner ---- */

static void go_on(struct stepping *stepping)
{
    const struct broker_item *from = &stepping->publication->batch->items[stepping->next++];
    struct broker_batch *round = broker_batch_new(1);

    round->items[0].message = sse_message_ref(from->message);
    round->items[0].wants_reached = from->wants_reached;
    round->items[0].shown_most = from->shown_most;
    stepping->is_due = false;
    publication_advance(stepping->publication, round, stepping->next - 1);
}

static bool on_round_end(struct publication *publication)
{
    struct stepping *stepping = publication->context;

    stepping->is_due = stepping->next < publication->batch->count;
    if (!stepping->is_due)
        stepping->publication = NULL;
    return !stepping->is_due;
}

/* Each has its position between the messages. */
static void note_kicks(struct world *world, const struct broker_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->items[i].command)
            world->kicks[world->kick_count++] = (struct kick){broker_item_target(&batch->items[i]),
                                                              sse_log_last(world->log) + 1 + i};
    }
}

static bool has_close(const struct broker_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        if (!batch->items[i].message)
            return true;
    }
    return false;
}

static void on_publish(void *context, const struct broker_message *message)
{
    struct worker *worker = context;
    struct stepping *stepping = &worker->world->stepping;
    struct publication *publication = publication_new(&worker->service.publisher, message);

    assert_int_equal(message->kind, BROKER_PUBLISH);
    if (draw(worker->world, 8) == 0) {
        publication_fail(publication, -5, 0);
    } else if (stepping->publication || draw(worker->world, 3) > 0 ||
               has_close(publication->batch)) {
        note_kicks(worker->world, publication->batch);
        publication_advance(publication, NULL, 0);
    } else {
        publication->context = stepping;
        publication->end = on_round_end;
        *stepping = (struct stepping){.publication = publication, .is_due = true};
    }
}

/* ---- who publishes ---- */

static struct sse_target random_target(struct world *world)
{
    struct sse_target target;
    json_t *object = draw(world, 3) == 0 ? json_pack("{s:b}", "all", 1)
                                         : json_pack("{s:[i,i]}", "userId", (int)draw(world, USERS),
                                                     USERS + (int)draw(world, USERS));
    char fault[200];

    assert_int_equal(
        sse_target_from_json(&target, object, (1u << SSE_DIMENSIONS) - 1, fault, sizeof(fault)), 0);
    json_decref(object);
    return target;
}

static void make_item(struct world *world, struct broker_item *item)
{
    struct sse_target target = random_target(world);

    item->shown_most = (uint16_t)draw(world, 4);
    item->wants_reached = draw(world, 2) == 0;
    if (draw(world, 40) > 0) {
        item->message = sse_message_new("news", &target, "{}");
        return;
    }
    item->command = sse_command_new(SSE_RECORD_KICK);
    item->command->target = target;
    item->command->text = mem_strdup("go");
    item->command->reconnect_ms = 1000;
}

struct line {
    char text[80];
};

static struct line line_of(const char *id)
{
    struct line line;

    snprintf(line.text, sizeof(line.text), "id:%s\n", id);
    return line;
}

static size_t gotten(const struct world *world, const char *id)
{
    const struct line line = line_of(id);
    size_t count = 0;

    for (size_t i = 0; i < PAGES; i++)
        count += strstr(buf_str(&world->pages[i].received), line.text) != NULL;
    return count;
}

static void check_result(struct world *world, const struct broker_item *item,
                         const struct broker_result *result)
{
    size_t lines = 0, reached = 0;

    for (const char *at = result->shown; at && *at; at = strchr(at, '\n') + 1)
        lines++;
    assert_int_equal(lines, result->shown_count);
    assert_int_equal(lines, result->count < item->shown_most ? result->count : item->shown_most);
    if (!item->message)
        world->closed += result->count;
    else if (gotten(world, item->message->id) != result->count)
        fail_msg("world %" PRIu64 ": it is said to have reached %zu", world->seed, result->count);
    for (size_t i = 0; result->reached && i < broker_item_values(item); i++)
        reached += result->reached[i];
    if (item->wants_reached)
        assert_int_equal(reached, result->count);
    else
        assert_null(result->reached);
}

static void publish(struct world *world);

/* Now and then its sender goes on from within the answer. */
static void on_published(struct broker_publishing *publishing,
                         const struct broker_results *published)
{
    struct sending *sending = container_of(publishing, struct sending, publishing);

    sending->answers++;
    sending->world->answered++;
    assert_int_equal(published->count, sending->batch->count);
    for (size_t i = 0; published->status == 0 && i < published->count; i++)
        check_result(sending->world, &sending->batch->items[i], &published->items[i]);
    if (draw(sending->world, 4) == 0)
        publish(sending->world);
}

static void publish(struct world *world)
{
    struct worker *worker = &world->worker[draw(world, world->workers)];
    struct sending *sending = &world->sendings[world->sending_count];

    if (world->sending_count == MOST_BATCHES)
        return;
    world->sending_count++;
    sending->world = world;
    sending->batch = broker_batch_new(1 + draw(world, 4));
    for (size_t i = 0; i < sending->batch->count; i++)
        make_item(world, &sending->batch->items[i]);
    sending->publishing.done = on_published;
    broker_publish(&worker->service, &sending->publishing, sending->batch, 0, false);
}

/* ---- the world ---- */

static void connect(struct world *world, size_t index)
{
    struct recording_sink *page = &world->pages[index];
    char user[16];
    const struct sse_guest guest = {.user = user};

    world->users[index] = (unsigned)draw(world, (uint64_t)2 * USERS);
    snprintf(user, sizeof(user), "%u", world->users[index]);
    page->is_eager = true;
    sse_env_connect(&world->worker[draw(world, world->workers)].env, page, &guest);
    recording_sink_drain(page, 0);
}

/* The loops turn, and the owner works on. False: there is nothing to do. */
static bool work(struct world *world)
{
    bool is_more = false;

    for (size_t i = 0; i < world->workers; i++)
        is_more = fake_loop_turn(world->worker[i].env.loop) || is_more;
    if (!world->stepping.is_due)
        return is_more;
    go_on(&world->stepping);
    return true;
}

static void settle(struct world *world)
{
    bool is_more = true;

    while (is_more) {
        is_more = work(world);
        for (size_t i = 0; i < world->workers; i++)
            is_more = receive(&world->worker[i]) || is_more;
    }
    if (under_way(world) != 0 || world->answered != world->sending_count)
        fail_msg("world %" PRIu64 ": %zu are under way for ever", world->seed, under_way(world));
}

static void on_connect(struct sse_observer *observer, struct sse_connection *connection)
{
    struct worker *worker = container_of(observer, struct worker, observer);

    broker_tell_owner(&worker->service,
                      broker_opened_new(&worker->service, &(struct broker_keys){0}, connection));
}

static void on_disconnect(struct sse_observer *observer, struct sse_connection *connection,
                          enum sse_close_reason reason, const char *why)
{
    struct worker *worker = container_of(observer, struct worker, observer);

    (void)reason;
    (void)why;
    broker_tell_owner(&worker->service,
                      broker_ended_new(&worker->service, &(struct broker_keys){0}, connection));
}

static void world_open(struct world *world, uint64_t seed)
{
    const struct hash_key key = hash_key_new();
    const struct broker_transport transport = {inboxes_post, inboxes_is_empty, world->inboxes};

    *world = (struct world){.seed = seed, .state = seed};
    world->workers = 1 + draw(world, MOST_WORKERS);
    world->settings = (struct broker_settings){
        .presence = {.history = 10, .history_bytes = 10000, .watchers = 1},
        .trace = {.bytes = 1u << 20},
        .server_id = "server",
    };
    world->log = sse_env_log(world->workers);
    for (size_t i = 0; i < world->workers; i++) {
        struct worker *worker = &world->worker[i];

        worker->world = world;
        inbox_init(&worker->inbox);
        world->inboxes[i] = &worker->inbox;
        sse_env_open_part(&worker->env, world->log);
        worker->env.service->shard = (struct sse_shard){(uint32_t)i, key};
        worker->broker = broker_new(i, world->workers, &key, &transport);
        broker_service_init(&worker->service, worker->broker, 3, worker->env.service,
                            &world->settings);
        worker->service.guest = (struct broker_receiver){on_publish, worker};
        broker_service_receive(&worker->service);
        worker->observer =
            (struct sse_observer){.on_connect = on_connect, .on_disconnect = on_disconnect};
        list_append(&worker->env.service->observers, &worker->observer.node);
    }
    for (size_t i = 0; i < PAGES; i++)
        connect(world, i);
    settle(world);
}

static bool is_for(const struct world *world, size_t page, const struct sse_target *target)
{
    for (size_t i = 0; i < target->count; i++) {
        if (strtoul(target->values[i], NULL, 10) == world->users[page])
            return true;
    }
    return target->dimension == SSE_ALL;
}

/* The position behind which the page was sent away. */
static uint64_t end_of(const struct world *world, size_t page)
{
    uint64_t end = UINT64_MAX;

    for (size_t i = 0; i < world->kick_count; i++) {
        const struct kick *kick = &world->kicks[i];

        if (kick->position < end && is_for(world, page, kick->target))
            end = kick->position;
    }
    return end;
}

/* Each page has what was for it until its end, in the order of the log. */
static void check_order(const struct world *world)
{
    for (size_t i = 0; i < PAGES; i++) {
        const char *received = buf_str(&world->pages[i].received);
        const uint64_t end = end_of(world, i);

        for (uint64_t at = 1; at <= sse_log_last(world->log); at++) {
            const struct sse_message *message = sse_log_at(world->log, at);
            const char *event;

            if (!message)
                continue;
            event = strstr(buf_str(&world->pages[i].received), line_of(message->id).text);

            if (event && event < received)
                fail_msg("world %" PRIu64 ": another order", world->seed);
            if ((event != NULL) != (at <= end && is_for(world, i, &message->target)))
                fail_msg("world %" PRIu64 ": page %zu %s event %" PRIu64, world->seed, i,
                         event ? "has got" : "has missed", at);
            received = event ? event : received;
        }
    }
}

static void check_sendings(struct world *world)
{
    size_t ended = 0;

    for (size_t i = 0; i < PAGES; i++)
        ended += world->pages[i].is_ended;
    assert_int_equal(ended, world->closed);
    for (size_t i = 0; i < world->sending_count; i++) {
        assert_int_equal(world->sendings[i].answers, 1);
        assert_int_equal(atomic_load(&world->sendings[i].batch->refs), 1);
        broker_batch_unref(world->sendings[i].batch);
    }
}

static void world_close(struct world *world)
{
    for (size_t i = 0; i < PAGES; i++)
        sse_env_leave(&world->pages[i]);
    settle(world);
    for (size_t i = 0; i < world->workers; i++) {
        struct worker *worker = &world->worker[i];

        list_remove(&worker->observer.node);
        broker_service_release(&worker->service);
        broker_free(worker->broker);
        sse_env_close(&worker->env);
    }
    sse_log_unref(world->log);
}

static void play(uint64_t seed)
{
    static struct world world;

    world_open(&world, seed);
    for (unsigned step = 0; step < STEPS; step++) {
        const uint64_t what = draw(&world, 8);

        if (what == 0)
            publish(&world);
        else if (what == 1)
            (void)work(&world);
        else
            (void)receive(&world.worker[draw(&world, world.workers)]);
    }
    settle(&world);
    check_order(&world);
    check_sendings(&world);
    world_close(&world);
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
