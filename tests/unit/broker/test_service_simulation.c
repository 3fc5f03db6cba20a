/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service whose pages come, change what they want, and go, while others publish to them: the real
 * owner and shards over inboxes of which a random one is read next, and an engine that answers
 * late. What is sent after a page has come, listened or subscribed reaches it; each answer counts
 * those who have got the event; nobody gets one twice. What would bring shards too far behind
 * waits, or is refused. Pages that come back get all that they have missed, in the owner's order.
 * Then all stop, in the midst of it. SEED=n runs that one, SEEDS=n so many.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "broker/attach.h"
#include "broker/publish.h"
#include "broker/publishing.h"
#include "broker/receive.h"
#include "broker/service.h"
#include "sse/connection.h"
#include "sse/log.h"
#include "sse/message.h"
#include "sse/presence.h"
#include "sse/registry.h"
#include "support/inbox.h"
#include "support/slow_engine.h"
#include "support/sse_env.h"
#include "support/test.h"
#include "support/worlds.h"

enum {
    SEEDS = 300,
    STEPS = 360,
    MOST_WORKERS = 8,
    PAGES = 24,
    USERS = 4,
    CHANNELS = 3,
    NAMES = 2,
    MOST_ITEMS = 3,
    MOST_EVENTS = STEPS * MOST_ITEMS,
    SERVICE = 3
};

static const char *const channels[CHANNELS] = {"red", "green", "blue"};
static const char *const names[NAMES] = {"news", "weather"};

enum state { PAGE_AWAY, PAGE_ASKS, PAGE_IS_OPEN };

struct world;

struct page {
    struct world *world;
    struct broker_attaching attaching;
    enum state state;
    size_t worker;
    unsigned user;
    bool has_channel[CHANNELS], listens[NAMES];
    bool leaves_early;
    unsigned version; /* another one with each change */
    struct recording_sink sink;
    size_t read; /* of what the sink has received */
    char last_id[80];
    uint64_t first;              /* the position that it began at, the first time */
    uint8_t seen[MOST_EVENTS];   /* how often it has got each event, */
    unsigned order[MOST_EVENTS]; /* and in which order */
    size_t seen_count;
};

struct worker {
    struct world *world;
    struct sse_env env;
    struct broker *broker;
    struct broker_service service;
    struct sse_observer observer;
    struct inbox inbox;
    bool is_stopping, is_stopped;
};

/* What somebody has published, and who has to get it if nothing changes meanwhile. */
struct sending {
    struct broker_publishing publishing;
    struct world *world;
    struct broker_batch *batch;
    unsigned numbers[MOST_ITEMS];
    bool is_due[MOST_ITEMS][PAGES];
    unsigned versions[PAGES];
    unsigned answers;
};

struct world {
    uint64_t seed, state;
    size_t workers;
    bool is_lagging;    /* shards are too far behind now and then */
    bool has_returning; /* pages come back with the id of the last event that they have */
    struct broker_settings settings;
    struct sse_log *log;
    struct worker worker[MOST_WORKERS];
    struct inbox *inboxes[MOST_WORKERS];
    struct page pages[PAGES];
    struct sending sendings[STEPS];
    size_t sending_count;
    unsigned number; /* of the next event */
    size_t kicked, closed;
};

static uint64_t draw(struct world *world, uint64_t below)
{
    return draw_below(&world->state, below > 0 ? below : 1);
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

static size_t owner_of(const struct world *world)
{
    return broker_service_owner(&world->worker[0].service);
}

/* ---- what pages get ---- */

static void note_event(struct page *page, unsigned number)
{
    if (number >= MOST_EVENTS || page->seen[number]++ > 0)
        fail_msg("world %" PRIu64 ": event %u has come twice", page->world->seed, number);
    page->order[page->seen_count++] = number;
}

/* Lines that are whole. */
static void read_page(struct page *page)
{
    const char *line = buf_str(&page->sink.received) + page->read;
    const char *end;

    for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        if (strncmp(line, "id:", 3) == 0)
            snprintf(page->last_id, sizeof(page->last_id), "%.*s", (int)(end - line - 3), line + 3);
        if (strncmp(line, "data:#", 6) == 0)
            note_event(page, (unsigned)strtoul(line + 6, NULL, 10));
        else if (strncmp(line, "event:sse-gap", 13) == 0)
            fail_msg("world %" PRIu64 ": a gap", page->world->seed);
    }
    page->read = (size_t)(line - buf_str(&page->sink.received));
}

static void on_wake(struct recording_sink *sink)
{
    read_page(container_of(sink, struct page, sink));
}

static bool has_stream(const struct page *page)
{
    return page->state == PAGE_IS_OPEN && page->sink.connection->service;
}

static bool is_selected(const struct page *page, const struct sse_target *target)
{
    bool is = target->dimension == SSE_ALL;

    for (size_t i = 0; i < target->count; i++) {
        const char *value = target->values[i];

        if (target->dimension == SSE_BY_USER)
            is = is || (unsigned)strtoul(value, NULL, 10) == page->user;
        for (size_t j = 0; target->dimension == SSE_BY_CHANNEL && j < CHANNELS; j++)
            is = is || (page->has_channel[j] && strcmp(value, channels[j]) == 0);
    }
    for (size_t j = 0; target->listening && j < NAMES; j++) {
        if (strcmp(target->listening, names[j]) == 0)
            is = is && page->listens[j];
    }
    return is;
}

/* ---- pages come and go ---- */

static void open_stream(struct page *page)
{
    struct worker *worker = &page->world->worker[page->worker];
    const struct sse_client_info info = {.user_agent = "test"};
    char name[16];
    const char *wanted[CHANNELS];
    struct sse_connection_options options = {
        .info = &info,
        .channels = wanted,
        .sink = &recording_sink,
        .sink_context = &page->sink,
        .hears_reasons = true,
        .last_id = page->last_id[0] != '\0' ? page->last_id : NULL,
        .resume = page->attaching.resume,
        .after = page->attaching.after,
    };

    snprintf(name, sizeof(name), "%u", page->user);
    options.user = sse_user_new(&(struct sse_user_fields){.id = name});
    for (size_t i = 0; i < CHANNELS; i++) {
        if (page->has_channel[i])
            wanted[options.channel_count++] = channels[i];
    }
    page->read = 0;
    page->sink = (struct recording_sink){.is_eager = true, .on_wake = on_wake};
    page->sink.connection = sse_connection_open(worker->env.service, &options);
    sse_user_unref(options.user);
    recording_sink_drain(&page->sink, 0);
    read_page(page);
    if (page->first == 0)
        page->first = strtoull(strstr(page->last_id, "-p") + 2, NULL, 16) + 1;
}

static void on_attached(struct broker_attaching *attaching, bool is_granted)
{
    struct page *page = container_of(attaching, struct page, attaching);

    page->version++;
    page->state = is_granted && !page->leaves_early ? PAGE_IS_OPEN : PAGE_AWAY;
    if (page->state == PAGE_IS_OPEN) {
        attaching->is_held = false; /* it is the connection's */
        open_stream(page);
        return;
    }
    if (is_granted)
        broker_attach_give(attaching);
    broker_attaching_release(attaching);
}

static struct broker_keys keys_of(const struct page *page)
{
    struct broker_keys keys = {.client = NULL};
    char key[16];

    snprintf(key, sizeof(key), "user-%u", page->user);
    keys.slots[BROKER_SLOT_OF_USER] = mem_strdup(key);
    return keys;
}

/* For a page that comes back: the same user, and the channels that it had. */
static void come(struct page *page)
{
    struct world *world = page->world;
    struct worker *worker = &world->worker[page->worker];
    char name[16];
    const char *wanted[CHANNELS];
    struct sse_subject subject = {.channels = wanted};

    snprintf(name, sizeof(name), "%u", page->user);
    subject.user = sse_user_new(&(struct sse_user_fields){.id = name});
    for (size_t i = 0; i < CHANNELS; i++) {
        if (page->has_channel[i])
            wanted[subject.channel_count++] = channels[i];
    }
    page->leaves_early = draw(world, 6) == 0;
    page->state = PAGE_ASKS;
    page->attaching = (struct broker_attaching){
        .what = BROKER_STREAM, .keys = keys_of(page), .done = on_attached};
    broker_attach_ask(&page->attaching, &worker->service,
                      page->last_id[0] != '\0' ? page->last_id : NULL, &subject);
    sse_user_unref((struct sse_user *)(uintptr_t)subject.user);
}

static void begin(struct world *world, struct page *page)
{
    page->worker = draw(world, world->workers);
    if (world->worker[page->worker].is_stopping)
        return;
    if (!world->has_returning) {
        page->user = (unsigned)draw(world, USERS);
        page->last_id[0] = '\0';
        for (size_t i = 0; i < CHANNELS; i++)
            page->has_channel[i] = draw(world, 3) == 0;
    }
    memset(page->listens, 0, sizeof(page->listens));
    come(page);
}

static void go(struct page *page)
{
    if (page->state != PAGE_IS_OPEN)
        return;
    page->state = PAGE_AWAY;
    page->version++;
    read_page(page);
    sse_env_leave(&page->sink);
}

/* It listens, subscribes, or the reverse. */
static void change(struct world *world, struct page *page)
{
    struct sse_connection *connection = page->sink.connection;
    const size_t channel = draw(world, CHANNELS), name = draw(world, NAMES);

    if (!has_stream(page))
        return;
    page->version++;
    if (draw(world, 2) == 0) {
        page->listens[name] = !page->listens[name];
        if (page->listens[name])
            sse_connection_add_names(connection, SSE_GROUP_LISTENER, &names[name], 1);
        else
            sse_connection_remove_names(connection, SSE_GROUP_LISTENER, &names[name], 1);
    } else if (!world->has_returning) {
        page->has_channel[channel] = !page->has_channel[channel];
        if (page->has_channel[channel])
            sse_connection_add_names(connection, SSE_GROUP_CHANNEL, &channels[channel], 1);
        else
            sse_connection_remove_names(connection, SSE_GROUP_CHANNEL, &channels[channel], 1);
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
    page->version++;
    page->world->closed += reason == SSE_CLOSE_KICKED;
    broker_tell_owner(&worker->service,
                      broker_ended_new(&worker->service, &page->attaching.keys, connection));
    broker_attaching_release(&page->attaching);
}

/* ---- the owner ---- */

/* It wants to know whom stored messages have reached before it answers. */
static bool on_round_end(struct publication *publication)
{
    (void)publication;
    return true;
}

static void on_publish(void *context, const struct broker_message *message)
{
    struct worker *worker = context;
    struct publication *publication = publication_new(&worker->service.publisher, message);

    assert_int_equal(message->kind, BROKER_PUBLISH);
    if (draw(worker->world, 3) == 0)
        publication->end = on_round_end;
    publication_advance(publication, NULL, 0);
}

/* ---- who publishes ---- */

static json_t *random_target(struct world *world, bool is_command)
{
    const uint64_t what = draw(world, 6);
    json_t *object = json_object();

    if (is_command || what < 3)
        json_object_set_new(object, "userId", json_pack("[i]", (int)draw(world, USERS)));
    else if (what == 3)
        json_object_set_new(object, "all", json_true());
    else
        json_object_set_new(object, "channel",
                            json_pack("[s,s]", channels[draw(world, CHANNELS)], "nobody"));
    return object;
}

static void make_item(struct sending *sending, size_t index)
{
    struct world *world = sending->world;
    struct broker_item *item = &sending->batch->items[index];
    const bool is_command = draw(world, world->has_returning ? 4 : 40) == 0;
    json_t *object = random_target(world, is_command);
    const char *name = names[draw(world, NAMES)];
    struct sse_target target;
    char fault[200], data[16];

    assert_int_equal(
        sse_target_from_json(&target, object, (1u << SSE_DIMENSIONS) - 1, fault, sizeof(fault)), 0);
    json_decref(object);
    item->wants_reached = draw(world, 2) == 0;
    sending->numbers[index] = world->number++;
    if (is_command) { /* who is to have all in the end is not sent away */
        item->command =
            sse_command_new(world->has_returning ? SSE_RECORD_DURATION : SSE_RECORD_KICK);
        item->command->target = target;
        return;
    }
    if (draw(world, 3) == 0)
        target.listening = mem_strdup(name);
    snprintf(data, sizeof(data), "#%u", sending->numbers[index]);
    item->message = sse_message_new(name, &target, data);
    for (size_t i = 0; i < PAGES; i++)
        sending->is_due[index][i] =
            has_stream(&world->pages[i]) && is_selected(&world->pages[i], broker_item_target(item));
}

static size_t gotten(const struct world *world, unsigned number)
{
    size_t count = 0;

    for (size_t i = 0; i < PAGES; i++)
        count += world->pages[i].seen[number];
    return count;
}

static void check_result(struct sending *sending, size_t index, const struct broker_result *result)
{
    struct world *world = sending->world;
    const unsigned number = sending->numbers[index];
    size_t reached = 0;

    if (sending->batch->items[index].command) {
        world->kicked += world->has_returning ? 0 : result->count;
        return;
    }
    if (!world->has_returning && gotten(world, number) != result->count)
        fail_msg("world %" PRIu64 ": event %u is said to have reached %zu, not %zu", world->seed,
                 number, result->count, gotten(world, number));
    for (size_t i = 0; result->reached && i < broker_item_values(&sending->batch->items[index]);
         i++)
        reached += result->reached[i];
    if (sending->batch->items[index].wants_reached && reached < result->count)
        fail_msg("world %" PRIu64 ": event %u has reached %zu, not %zu", world->seed, number,
                 reached, result->count);
    for (size_t i = 0; i < PAGES; i++) {
        const struct page *page = &world->pages[i];

        if (!sending->is_due[index][i] || page->version != sending->versions[i] ||
            (page->sink.connection && page->sink.connection->backlog))
            continue;
        if (page->seen[number] == 0)
            fail_msg("world %" PRIu64 ": event %u has not come", world->seed, number);
    }
}

static void on_published(struct broker_publishing *publishing,
                         const struct broker_results *published)
{
    struct sending *sending = container_of(publishing, struct sending, publishing);

    sending->answers++;
    assert_int_equal(published->count, sending->batch->count);
    for (size_t i = 0; i < published->count; i++) {
        if (published->status == 0)
            check_result(sending, i, &published->items[i]);
        else if (published->status != -ENOBUFS || !sending->world->is_lagging ||
                 gotten(sending->world, sending->numbers[i]) > 0)
            fail_msg("world %" PRIu64 ": status %d", sending->world->seed, published->status);
    }
}

static void publish(struct world *world)
{
    struct worker *worker = &world->worker[draw(world, world->workers)];
    struct sending *sending = &world->sendings[world->sending_count];

    if (worker->is_stopping || world->sending_count == STEPS)
        return;
    world->sending_count++;
    sending->world = world;
    sending->batch = broker_batch_new(1 + draw(world, MOST_ITEMS));
    for (size_t i = 0; i < PAGES; i++)
        sending->versions[i] = world->pages[i].version;
    for (size_t i = 0; i < sending->batch->count; i++)
        make_item(sending, i);
    sending->publishing.done = on_published;
    broker_publish(&worker->service, &sending->publishing, sending->batch, 0, false);
}

/* ---- the world ---- */

static void worker_open(struct world *world, size_t number, const struct hash_key *key)
{
    const struct broker_transport transport = {inboxes_post, inboxes_is_empty, world->inboxes};
    struct worker *worker = &world->worker[number];

    worker->world = world;
    inbox_init(&worker->inbox);
    world->inboxes[number] = &worker->inbox;
    sse_env_open_part(&worker->env, world->log);
    worker->env.settings.offline_grace_ms = 0;
    if (world->is_lagging)
        worker->env.settings.log_lag = 1500;
    worker->env.service->shard = (struct sse_shard){(uint32_t)number, *key};
    worker->broker = broker_new(number, world->workers, key, &transport);
    broker_service_init(&worker->service, worker->broker, SERVICE, worker->env.service,
                        &world->settings);
    worker->service.guest = (struct broker_receiver){on_publish, worker};
    broker_service_receive(&worker->service);
    worker->observer =
        (struct sse_observer){.on_connect = on_connect, .on_disconnect = on_disconnect};
    list_append(&worker->env.service->observers, &worker->observer.node);
}

static void world_open(struct world *world, uint64_t seed)
{
    const struct hash_key key = hash_key_new();

    *world = (struct world){.seed = seed, .state = seed};
    world->workers = 1 + draw(world, MOST_WORKERS);
    world->has_returning = draw(world, 2) == 0;
    world->is_lagging = draw(world, 3) == 0;
    world->settings = (struct broker_settings){
        .limits.slots = {{1 + (uint32_t)draw(world, 12), 0}},
        .presence = {.history = 10, .history_bytes = 10000, .watchers = 1},
        .trace = {.bytes = 1u << 20},
        .server_id = "server",
    };
    world->log = sse_env_log(world->workers);
    for (size_t i = 0; i < world->workers; i++)
        worker_open(world, i, &key);
    slow_engine_open(&world->worker[owner_of(world)].service);
    for (size_t i = 0; i < PAGES; i++) {
        struct page *page = &world->pages[i];

        page->world = world;
        page->user = (unsigned)draw(world, USERS);
        for (size_t j = 0; j < CHANNELS; j++)
            page->has_channel[j] = draw(world, 3) == 0;
    }
}

static bool turn(struct world *world)
{
    bool is_more = false;

    for (size_t i = 0; i < world->workers; i++)
        is_more = fake_loop_turn(world->worker[i].env.loop) || is_more;
    return is_more;
}

static void settle(struct world *world)
{
    bool is_more = true;

    while (is_more) {
        is_more = turn(world);
        is_more = slow_engine_settle() || is_more;
        for (size_t i = 0; i < world->workers; i++)
            is_more = receive(&world->worker[i]) || is_more;
    }
    if (under_way(world) != 0)
        fail_msg("world %" PRIu64 ": %zu are under way for ever", world->seed, under_way(world));
}

static const struct sse_target *target_of(const struct world *world, unsigned number)
{
    for (size_t i = 0; i < world->sending_count; i++) {
        const struct sending *sending = &world->sendings[i];

        for (size_t j = 0; j < sending->batch->count; j++) {
            if (sending->numbers[j] == number)
                return broker_item_target(&sending->batch->items[j]);
        }
    }
    return NULL;
}

static unsigned number_of(const struct sse_message *message)
{
    const char *data = strstr((const char *)message->wire->data, "data:#");

    return (unsigned)strtoul(data + 6, NULL, 10);
}

/* It has all that was for it since it came first, but what depends on what it listens to, in the
 * owner's order. */
static void check_returning(const struct world *world, const struct page *page)
{
    const struct sse_log *log = world->worker[owner_of(world)].env.service->log;
    size_t seen = 0;

    for (uint64_t at = page->first; page->first > 0 && at <= sse_log_last(log); at++) {
        const struct sse_message *message = sse_log_at(log, at);
        const unsigned number = message ? number_of(message) : 0;
        const struct sse_target *target = target_of(world, number);
        const bool has = message && seen < page->seen_count && page->order[seen] == number;

        seen += has;
        if (message && !has && !target->listening && is_selected(page, target))
            fail_msg("world %" PRIu64 ": event %u was missed", world->seed, number);
    }
    if (seen != page->seen_count)
        fail_msg("world %" PRIu64 ": events have come in another order", world->seed);
}

/* Those come back who were here, and have all then. */
static void check_all_returning(struct world *world)
{
    world->settings.limits.slots[BROKER_STREAM][BROKER_SLOT_OF_USER] = 0;
    for (size_t i = 0; i < world->workers; i++)
        broker_service_change(&world->worker[i].service, &world->settings);
    for (size_t i = 0; i < PAGES; i++) {
        go(&world->pages[i]);
        do {
            if (world->pages[i].state == PAGE_AWAY)
                begin(world, &world->pages[i]);
            settle(world);
        } while (world->pages[i].state != PAGE_IS_OPEN);
        check_returning(world, &world->pages[i]);
    }
}

static void act(struct world *world)
{
    struct page *page = &world->pages[draw(world, PAGES)];
    const uint64_t what = draw(world, 6);

    if (page->state == PAGE_AWAY)
        begin(world, page);
    else if (what == 0)
        go(page);
    else
        change(world, page);
}

static void work(struct world *world)
{
    if (draw(world, 2) == 0)
        slow_engine_work(1 + draw(world, 4), SLOW_WORKS);
    else
        (void)slow_engine_answer();
}

static void step(struct world *world)
{
    const uint64_t what = draw(world, 12);

    if (what == 0)
        publish(world);
    else if (what == 1)
        (void)turn(world);
    else if (what < 4)
        act(world);
    else if (what < 6)
        work(world);
    else
        (void)receive(&world->worker[draw(world, world->workers)]);
}

/* ---- the stop ---- */

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
    for (size_t i = 0; i < PAGES; i++) {
        if (world->pages[i].worker == number)
            go(&world->pages[i]);
    }
    if (!fake_loop_turn(worker->env.loop) && !slow_engine.done.first)
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
        if (draw(world, 8) == 0)
            publish(world);
        if (draw(world, 4) == 0)
            act(world);
        if (steps > 1000000)
            fail_msg("world %" PRIu64 ": it does not stop", world->seed);
    }
    if (under_way(world) != 0)
        fail_msg("world %" PRIu64 ": stopped with %zu under way", world->seed, under_way(world));
}

static void check_sendings(struct world *world)
{
    assert_int_equal(world->kicked, world->closed);
    for (size_t i = 0; i < world->sending_count; i++) {
        assert_int_equal(world->sendings[i].answers, 1);
        assert_int_equal(atomic_load(&world->sendings[i].batch->refs), 1);
        broker_batch_unref(world->sendings[i].batch);
    }
}

static void check_empty(const struct world *world)
{
    const struct broker_service *owner = &world->worker[owner_of(world)].service;

    if (slow_engine.tables.slots[BROKER_STREAM][BROKER_SLOT_OF_USER].table.count != 0)
        fail_msg("world %" PRIu64 ": slots are held by nobody", world->seed);
    if (owner->directory.groups.count != 0)
        fail_msg("world %" PRIu64 ": groups are left of nobody", world->seed);
    if (sse_presence_online(owner->online.presence) != 0)
        fail_msg("world %" PRIu64 ": somebody is online who has gone", world->seed);
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

static void play(uint64_t seed)
{
    static struct world world;

    world_open(&world, seed);
    for (unsigned i = 0; i < STEPS; i++)
        step(&world);
    settle(&world);
    if (world.has_returning)
        check_all_returning(&world);
    stop(&world);
    check_sendings(&world);
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
