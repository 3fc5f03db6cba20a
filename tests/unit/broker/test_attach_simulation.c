/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several workers open and end streams and uploads, and the owner of their service counts them: the
 * real owner and shards over inboxes of which a random one is read next, and an engine that answers
 * late, or fails: then nobody holds anything. At any time no key holds
 * more slots than it may, and a user comes online and goes offline by turns. When all has arrived
 * no client has more connections than it may, and those are online who have one. Then all stop, in
 * the midst of what pages do: when nothing is under way any more, nobody holds anything, and nobody
 * is online. SEED=n runs that one, SEEDS=n so many.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/attach.h"
#include "broker/receive.h"
#include "broker/service.h"
#include "sse/clients.h"
#include "sse/connection.h"
#include "sse/presence.h"
#include "sse/registry.h"
#include "support/inbox.h"
#include "support/slow_engine.h"
#include "support/sse_env.h"
#include "support/test.h"
#include "support/worlds.h"

enum { SEEDS = 300, STEPS = 600, MOST_WORKERS = 8, PAGES = 40, USERS = 3, CLIENTS = 4 };

enum state { PAGE_AWAY, PAGE_ASKS, PAGE_IS_OPEN };

struct world;

/* Of a user and a client; opens a stream or an upload, over and over, on any worker. */
struct page {
    struct world *world;
    struct broker_attaching attaching;
    enum state state;
    enum broker_what what;
    size_t worker;
    unsigned user, client;
    bool leaves_early; /* it has gone when the answer comes */
    struct recording_sink sink;
};

struct worker {
    struct sse_env env;
    struct broker *broker;
    struct broker_service service;
    struct sse_observer observer;
    struct inbox inbox;
    bool is_stopping, is_stopped;
};

struct world {
    uint64_t seed, state;
    size_t workers;
    struct broker_settings settings;
    struct sse_log *log;
    struct worker worker[MOST_WORKERS];
    struct inbox *inboxes[MOST_WORKERS];
    struct page pages[PAGES];
    bool is_online[USERS]; /* as the owner has told last */
    unsigned refused, failed, evicted;
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

static void settle(struct world *world)
{
    bool is_more = true;

    while (is_more) {
        is_more = slow_engine_settle();
        for (size_t i = 0; i < world->workers; i++) {
            is_more = receive(&world->worker[i]) || is_more;
            (void)fake_loop_turn(world->worker[i].env.loop);
        }
    }
    if (under_way(world) != 0)
        fail_msg("world %" PRIu64 ": %zu are under way for ever", world->seed, under_way(world));
}

/* ---- pages ---- */

static char *text(const char *what, unsigned number)
{
    char name[32];

    snprintf(name, sizeof(name), "%s-%u", what, number);
    return mem_strdup(name);
}

static struct broker_keys keys_of(const struct page *page)
{
    struct broker_keys keys = {.client = NULL};

    keys.slots[BROKER_SLOT_OF_USER] = text("user", page->user);
    keys.slots[BROKER_SLOT_OF_ADDRESS] = text("address", page->client);
    if (page->what == BROKER_STREAM)
        keys.client = text("client", page->user * CLIENTS + page->client);
    return keys;
}

static void open_stream(struct page *page)
{
    struct worker *worker = &page->world->worker[page->worker];
    char name[16];
    const struct sse_guest guest = {.user = name};

    snprintf(name, sizeof(name), "%u", page->user);
    page->sink = (struct recording_sink){0};
    sse_env_connect(&worker->env, &page->sink, &guest);
}

static void on_attached(struct broker_attaching *attaching, bool is_granted)
{
    struct page *page = container_of(attaching, struct page, attaching);

    page->state = is_granted && !page->leaves_early ? PAGE_IS_OPEN : PAGE_AWAY;
    if (!is_granted) {
        page->world->refused += attaching->status == 0;
        page->world->failed += attaching->status < 0;
    } else if (page->leaves_early) {
        broker_attach_give(attaching);
    } else if (page->what == BROKER_STREAM) {
        attaching->is_held = false; /* it is the connection's */
        open_stream(page);
        return;
    }
    if (page->state == PAGE_AWAY)
        broker_attaching_release(attaching);
}

static void come(struct world *world, struct page *page)
{
    struct sse_subject subject = {.user = NULL};
    char name[16];

    page->what = draw(world, 4) == 0 ? BROKER_UPLOAD : BROKER_STREAM;
    page->user = (unsigned)draw(world, USERS);
    page->client = (unsigned)draw(world, CLIENTS);
    page->leaves_early = draw(world, 5) == 0;
    page->state = PAGE_ASKS;
    page->attaching =
        (struct broker_attaching){.what = page->what, .keys = keys_of(page), .done = on_attached};
    snprintf(name, sizeof(name), "%u", page->user);
    subject.user = sse_user_new(&(struct sse_user_fields){.id = name});
    broker_attach_ask(&page->attaching, &world->worker[page->worker].service, NULL, &subject);
    sse_user_unref((struct sse_user *)(uintptr_t)subject.user);
}

static void go(struct page *page)
{
    if (page->state != PAGE_IS_OPEN)
        return;
    page->state = PAGE_AWAY;
    if (page->what == BROKER_STREAM) {
        sse_env_leave(&page->sink);
    } else {
        broker_attach_give(&page->attaching);
        broker_attaching_release(&page->attaching);
    }
}

/* ---- what a shard tells of its connections ---- */

static struct page *page_of(const struct sse_connection *connection)
{
    return container_of(connection->sink_context, struct page, sink);
}

static void on_connect(struct sse_observer *observer, struct sse_connection *connection)
{
    struct worker *worker = container_of(observer, struct worker, observer);

    broker_tell_owner(
        &worker->service,
        broker_opened_new(&worker->service, &page_of(connection)->attaching.keys, connection));
}

static void on_disconnect(struct sse_observer *observer, struct sse_connection *connection,
                          enum sse_close_reason reason, const char *why)
{
    struct worker *worker = container_of(observer, struct worker, observer);
    struct page *page = page_of(connection);

    (void)why;
    page->world->evicted += reason == SSE_CLOSE_EVICTED;
    broker_tell_owner(&worker->service,
                      broker_ended_new(&worker->service, &page->attaching.keys, connection));
    broker_attaching_release(&page->attaching);
}

/* ---- what must hold ---- */

static struct bytes *on_user(void *context, bool is_online, const char *user_key,
                             struct bytes *about)
{
    struct world *world = context;
    const unsigned user = (unsigned)strtoul(user_key, NULL, 10);

    (void)about;
    if (user >= USERS || world->is_online[user] == is_online)
        fail_msg("world %" PRIu64 ": user %s is told twice", world->seed, user_key);
    world->is_online[user] = is_online;
    return NULL;
}

static bool has_stream(const struct page *page)
{
    return page->state == PAGE_IS_OPEN && page->what == BROKER_STREAM && page->sink.connection &&
           page->sink.connection->service;
}

/* When all has arrived: those who have a stream, on any worker. */
static void check_presence(const struct world *world)
{
    for (unsigned user = 0; user < USERS; user++) {
        size_t streams = 0;

        for (size_t i = 0; i < PAGES; i++)
            streams += world->pages[i].user == user && has_stream(&world->pages[i]);
        if (world->is_online[user] != (streams > 0))
            fail_msg("world %" PRIu64 ": user %u with %zu streams is %s", world->seed, user,
                     streams, world->is_online[user] ? "online" : "offline");
    }
}

static size_t owner_of(const struct world *world)
{
    return broker_service_owner(&world->worker[0].service);
}

/* What the owner knows can only be more than what is open: questions and goodbyes are on their way.
 * What it may let a user have beyond its slots is one stream for each client that is full. */
static void check_bounds(const struct world *world)
{
    for (unsigned user = 0; user < USERS; user++) {
        size_t uploads = 0;

        for (size_t i = 0; i < PAGES; i++) {
            const struct page *page = &world->pages[i];

            uploads +=
                page->user == user && page->state == PAGE_IS_OPEN && page->what == BROKER_UPLOAD;
        }
        if (uploads > world->settings.limits.slots[BROKER_UPLOAD][BROKER_SLOT_OF_USER])
            fail_msg("world %" PRIu64 ": user %u has %zu uploads", world->seed, user, uploads);
    }
}

/* When all has arrived, each client has as many as it may. */
static void check_clients(const struct world *world)
{
    for (unsigned key = 0; key < USERS * CLIENTS; key++) {
        size_t open = 0;

        for (size_t i = 0; i < PAGES; i++) {
            const struct page *page = &world->pages[i];

            open += page->user * CLIENTS + page->client == key && has_stream(page);
        }
        if (open > world->settings.client_connections)
            fail_msg("world %" PRIu64 ": client %u has %zu streams", world->seed, key, open);
    }
}

static void check_empty(struct world *world)
{
    const struct broker_service *owner = &world->worker[owner_of(world)].service;
    const struct tables *tables = &slow_engine.tables;

    for (size_t what = 0; what < BROKER_WHATS; what++) {
        for (size_t slot = 0; slot < BROKER_SLOTS; slot++)
            if (tables->slots[what][slot].table.count != 0)
                fail_msg("world %" PRIu64 ": slots are held by nobody", world->seed);
    }
    if (owner->directory.groups.count != 0)
        fail_msg("world %" PRIu64 ": groups are left of nobody", world->seed);
    if (sse_clients_count(tables->clients) != 0)
        fail_msg("world %" PRIu64 ": a client has connections that are gone", world->seed);
    if (sse_presence_online(owner->online.presence) != 0)
        fail_msg("world %" PRIu64 ": somebody is online who has gone", world->seed);
}

/* ---- the world ---- */

static void world_open(struct world *world, uint64_t seed)
{
    const struct hash_key key = hash_key_new();
    const struct broker_transport transport = {inboxes_post, inboxes_is_empty, world->inboxes};

    *world = (struct world){.seed = seed, .state = seed};
    world->workers = 1 + draw(world, MOST_WORKERS);
    world->settings = (struct broker_settings){
        .limits.slots = {{2 + (uint32_t)draw(world, 6), 2 + (uint32_t)draw(world, 8)},
                         {1 + (uint32_t)draw(world, 3), 1 + (uint32_t)draw(world, 3)}},
        .presence = {.history = 10, .history_bytes = 10000, .watchers = 1},
        .trace = {.bytes = 1u << 20},
        .client_connections = 1 + (uint32_t)draw(world, 2),
    };
    world->log = sse_env_log(world->workers);
    for (size_t i = 0; i < world->workers; i++) {
        struct worker *worker = &world->worker[i];

        inbox_init(&worker->inbox);
        world->inboxes[i] = &worker->inbox;
        worker->is_stopping = worker->is_stopped = false;
        sse_env_open_part(&worker->env, world->log);
        worker->env.settings.offline_grace_ms = 0;
        worker->env.service->shard = (struct sse_shard){(uint32_t)i, key};
        worker->broker = broker_new(i, world->workers, &key, &transport);
        broker_service_init(&worker->service, worker->broker, 3, worker->env.service,
                            &world->settings);
        broker_service_receive(&worker->service);
        worker->observer =
            (struct sse_observer){.on_connect = on_connect, .on_disconnect = on_disconnect};
        list_append(&worker->env.service->observers, &worker->observer.node);
    }
    slow_engine_open(&world->worker[owner_of(world)].service);
    world->worker[owner_of(world)].service.online.handler =
        (struct online_handler){.on_user = on_user, .context = world};
    for (size_t i = 0; i < PAGES; i++)
        world->pages[i].world = world;
}

static void world_close(struct world *world)
{
    broker_service_close_engine(&world->worker[owner_of(world)].service);
    for (size_t i = 0; i < world->workers; i++) {
        struct worker *worker = &world->worker[i];

        broker_service_release(&worker->service);
        broker_free(worker->broker);
        list_remove(&worker->observer.node);
        sse_env_close(&worker->env);
    }
    sse_log_unref(world->log);
}

static void act(struct world *world)
{
    struct page *page = &world->pages[draw(world, PAGES)];

    if (page->state == PAGE_AWAY) {
        page->worker = draw(world, world->workers);
        if (!world->worker[page->worker].is_stopping)
            come(world, page);
    } else if (draw(world, 2) == 0) {
        go(page);
    }
}

static void work(struct world *world)
{
    if (draw(world, 3) == 0)
        slow_engine_work(1 + draw(world, 4), draw(world, 8) == 0 ? SLOW_IS_CLOSED : SLOW_WORKS);
    else
        (void)slow_engine_answer();
}

/* Its streams are closed, and its uploads end. */
static void begin_stop(struct world *world, size_t number)
{
    world->worker[number].is_stopping = true;
    for (size_t i = 0; i < PAGES; i++) {
        if (world->pages[i].worker == number)
            go(&world->pages[i]);
    }
}

/* What is opened by an answer that was still on its way is closed, too. */
static void stop_on(struct world *world, size_t number)
{
    struct worker *worker = &world->worker[number];

    (void)receive(worker);
    work(world);
    (void)fake_loop_turn(worker->env.loop);
    if (!worker->is_stopping && draw(world, 8) == 0)
        worker->is_stopping = true;
    if (!worker->is_stopping || worker->is_stopped)
        return;
    begin_stop(world, number);
    if (!slow_engine.done.first) /* as a loop that has nothing to do */
        worker->is_stopped = broker_stop(worker->broker);
}

static bool are_all_stopped(const struct world *world)
{
    for (size_t i = 0; i < world->workers; i++) {
        if (!world->worker[i].is_stopped)
            return false;
    }
    return true;
}

static void stop(struct world *world)
{
    for (unsigned steps = 0; !are_all_stopped(world); steps++) {
        stop_on(world, draw(world, world->workers));
        if (draw(world, 4) == 0)
            act(world);
        if (steps > 1000000)
            fail_msg("world %" PRIu64 ": it does not stop", world->seed);
    }
    if (under_way(world) != 0)
        fail_msg("world %" PRIu64 ": stopped with %zu under way", world->seed, under_way(world));
}

static void play(uint64_t seed)
{
    static struct world world;

    world_open(&world, seed);
    for (unsigned step = 0; step < STEPS; step++) {
        const uint64_t what = draw(&world, 10);

        if (what < 5)
            (void)receive(&world.worker[draw(&world, world.workers)]);
        else if (what < 8)
            work(&world);
        else
            act(&world);
        check_bounds(&world);
        if (step == STEPS / 2) {
            settle(&world);
            check_clients(&world);
            check_presence(&world);
        }
    }
    stop(&world);
    check_empty(&world);
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
