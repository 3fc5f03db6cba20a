/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that are stored, in a randomized world: the real owner and shards over inboxes of which
 * a random one is read next, real redelivery, and an engine that is slow, fails, and says now and
 * then that another node owns a queue. Pages come, read, acknowledge or do not, come back, and go.
 * Nothing that was taken is lost, nothing that was refused is written; each user's pages see new
 * messages in order, and none is written again while another page of the user has just got it.
 * SEED=n runs that one, SEEDS=n so many; TRACE=1 tells what happens.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "broker/attach.h"
#include "broker/publishing.h"
#include "broker/redelivery/redelivery.h"
#include "broker/stored/settings.h"
#include "broker/stored/stored.h"
#include "broker/subscriber.h"
#include "support/broker_team.h"
#include "support/message_print.h"
#include "support/slow_engine.h"
#include "support/sse_message.h"
#include "support/worlds.h"

enum {
    SEEDS = 200,
    STEPS = 400,
    PAGES = 10,
    MESSAGES = 150,
    BATCH = 3,
    USERS = 2,
    RED = USERS, /* the channel's queue */
    QUEUES,
    TAKEOVER_MS = 10000,
    HOPS_MS = 6000, /* nothing is under way for longer */
    CALM_MS = 5000,
    CALM_MOST = 1000
};

static const struct qos_recipient queues[QUEUES] = {
    {SSE_BY_USER, "ann", ""}, {SSE_BY_USER, "bob", ""}, {SSE_BY_CHANNEL, "red", ""}};

struct world;

struct page {
    struct world *world;
    struct broker_attaching attaching;
    bool is_attaching;
    struct recording_sink sink;
    size_t worker;
    unsigned user, instance;
    uint64_t opened; /* which one it was */
    bool acknowledges, is_slow;
    char last_id[SSE_MESSAGE_ID_SIZE];
    uint64_t had_at[MESSAGES]; /* 0: it has not */
    bool is_acked[MESSAGES];
    uint64_t last_first; /* the greatest number that it has got */
};

struct message {
    char id[SSE_MESSAGE_ID_SIZE];
    unsigned queues; /* a mask; 0: it is not stored */
    uint64_t number;
    bool is_refused;
    bool is_acked[USERS];
    uint64_t acked_at[USERS];
    uint64_t had_at[USERS]; /* by any page of the user, the last time; 0: not known */
    uint64_t had_by;        /* a mask of the first instances of pages */
};

struct sending {
    struct broker_publishing publishing;
    struct world *world;
    unsigned first, count;
};

struct acknowledging {
    struct broker_request request;
    struct page *page;
    struct world *world;
    unsigned messages[MESSAGES];
    unsigned count;
    uint64_t opened;
};

/* Tells the owner of the connections of a worker, which keep no slots. */
struct attach_observer {
    struct sse_observer observer;
    struct broker_service *service;
};

struct world {
    uint64_t seed, state;
    struct team team;
    struct stored_shared shared;
    struct stored_settings settings;
    struct attach_observer attach_observers[TEAM_WORKERS];
    struct page pages[PAGES];
    struct message messages[MESSAGES];
    unsigned count;
    uint64_t opened;
    uint64_t again_at[USERS]; /* when all of a user's messages could come again; 0: never */
    size_t open;              /* requests without an answer */
    bool has_slow;            /* some pages read late */
    bool is_traced;
};

static struct stored_messages *stored_of(const struct world *world)
{
    return world->team.worker[0].service.stored;
}

static uint64_t draw(struct world *world, uint64_t below)
{
    return draw_below(&world->state, below);
}

static void check_that(const struct world *world, bool is_so, const char *what)
{
    if (!is_so)
        fail_msg("world %" PRIu64 ": %s", world->seed, what);
}

/* What has happened, at a time of the owner's. */
__attribute__((format(printf, 2, 3))) static void trace(const struct world *world,
                                                        const char *format, ...)
{
    va_list arguments;

    if (!world->is_traced)
        return;
    printf("%7" PRIu64 " ", loop_now_ms(world->team.worker[0].env.loop));
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
}

static uint64_t now_of(const struct world *world)
{
    return loop_now_ms(world->team.worker[0].env.loop);
}

static struct message *message_of(struct world *world, const char *id)
{
    for (unsigned i = 0; i < world->count; i++) {
        if (strcmp(world->messages[i].id, id) == 0)
            return &world->messages[i];
    }
    return NULL;
}

/* ---- what pages get ---- */

/* Its page has opened another one, too: which is the newer one the owner may see otherwise. */
static bool has_other(const struct page *page)
{
    for (size_t i = 0; i < PAGES; i++) {
        const struct page *other = &page->world->pages[i];

        if (other != page && other->instance == page->instance)
            return true;
    }
    return false;
}

static void note_event(struct page *page, const char *id)
{
    struct world *world = page->world;
    struct message *message = message_of(world, id);
    const size_t index = message ? (size_t)(message - world->messages) : 0;
    const uint64_t bit = page->instance < 64 ? UINT64_C(1) << page->instance : 0;

    if (!message || message->queues == 0)
        return;
    trace(world, "page %" PRIu64 " of %u has m%zu, number %" PRIu64, page->opened, page->user,
          index, message->number);
    check_that(world, !message->is_refused && message->number > 0, "it was refused, and came");
    /* What another page has acknowledged comes from the history; so does what is done without,
     * while something before it, which its page has had, is stored still: its end has failed. */
    if (page->had_at[index] == 0 && !(message->had_by & bit) &&
        message->queues & 1u << page->user && !message->is_acked[page->user]) {
        check_that(world, message->number > page->last_first, "a message came out of order");
        page->last_first = message->number;
    }
    message->had_by |= bit;
    page->had_at[index] = message->had_at[page->user] = now_of(world);
    page->is_acked[index] = false;
    memcpy(page->last_id, message->id, sizeof(page->last_id));
}

static void read_page(struct page *page)
{
    const char *line;
    const char *end;
    char id[SSE_MESSAGE_ID_SIZE];

    recording_sink_drain(&page->sink, 0);
    for (line = buf_str(&page->sink.received); (end = strchr(line, '\n')); line = end + 1) {
        if (strncmp(line, "id:", 3) != 0 || (size_t)(end - line) >= sizeof(id))
            continue;
        snprintf(id, sizeof(id), "%.*s", (int)(end - line - 3), line + 3);
        note_event(page, id);
    }
    buf_clear(&page->sink.received);
}

/* It has it from just now, and its page is still there. */
static bool is_on_its_way(const struct page *page, size_t index)
{
    const struct message *message = &page->world->messages[index];

    return page->sink.connection && page->sink.connection->service && page->acknowledges &&
           !page->is_slow && !has_other(page) && page->had_at[index] > 0 &&
           !message->is_acked[page->user] &&
           page->had_at[index] + TAKEOVER_MS > now_of(page->world) + HOPS_MS;
}

static struct page *page_of(struct world *world, const char *handle)
{
    for (size_t i = 0; i < PAGES; i++) {
        const struct sse_connection *connection = world->pages[i].sink.connection;

        if (connection && strcmp(connection->handle, handle) == 0)
            return &world->pages[i];
    }
    return NULL;
}

/* Whether it has not ended yet, as the owner may see it. */
static bool is_stored(const struct world *world, const struct message *message, unsigned user)
{
    return !message->is_acked[user] || message->acked_at[user] + HOPS_MS > now_of(world);
}

/* When the oldest has been left alone for long enough all may come again, one after the other. */
static bool is_time(struct world *world, unsigned user)
{
    for (unsigned i = 0; i < world->count; i++) {
        const struct message *message = &world->messages[i];

        if (message->queues & 1u << user && message->had_at[user] > 0 &&
            is_stored(world, message, user) &&
            message->had_at[user] + TAKEOVER_MS <= now_of(world) + HOPS_MS)
            world->again_at[user] = now_of(world);
    }
    return world->again_at[user] > 0 && world->again_at[user] + HOPS_MS > now_of(world);
}

static void check_redeliver(struct world *world, const struct broker_redeliver *redeliver)
{
    const struct page *to = page_of(world, redeliver->handle);

    for (size_t i = 0; to && i < redeliver->count; i++) {
        const struct message *message = message_of(world, redeliver->lines[i].id);

        check_that(world, message != NULL && !message->is_refused, "who has sent this?");
        if (world->has_slow || !message || !(message->queues & 1u << to->user) ||
            is_time(world, to->user))
            continue;
        for (size_t j = 0; j < PAGES; j++)
            check_that(world,
                       world->pages[j].user != to->user ||
                           !is_on_its_way(&world->pages[j], (size_t)(message - world->messages)),
                       "a message came again that somebody has just got");
    }
}

/* ---- pages ---- */

static const char *const red = "red";

static struct sse_user *user_of(const struct page *page)
{
    return sse_user_new(&(struct sse_user_fields){.id = queues[page->user].value});
}

/* So that the engine is asked. */
static struct broker_keys keys_of(const struct page *page)
{
    return (struct broker_keys){.slots[BROKER_SLOT_OF_USER] = mem_strdup(queues[page->user].value)};
}

static void on_attached(struct broker_attaching *attaching, bool is_granted)
{
    struct page *page = container_of(attaching, struct page, attaching);
    struct sse_env *env = &page->world->team.worker[page->worker].env;
    struct sse_user *user = user_of(page);
    char instance[16];
    const struct sse_client_info info = {.client_id = "c", .client_instance_id = instance};

    page->is_attaching = false;
    broker_attaching_release(attaching);
    if (!is_granted) {
        check_that(page->world, attaching->status < 0, "there are slots for all");
        sse_user_unref(user);
        return;
    }
    snprintf(instance, sizeof(instance), "%u", page->instance);
    attaching->is_held = false; /* it is the connection's */
    page->sink.connection = sse_connection_open(
        env->service,
        &(struct sse_connection_options){.user = user,
                                         .info = &info,
                                         .channels = &red,
                                         .channel_count = 1,
                                         .sink = &recording_sink,
                                         .sink_context = &page->sink,
                                         .offers_acknowledgement = page->acknowledges,
                                         .last_id = page->last_id[0] ? page->last_id : NULL,
                                         .resume = attaching->resume,
                                         .after = attaching->after});
    sse_user_unref(user);
    trace(page->world, "page %" PRIu64 " of %u is at %zu: %s, instance %u, %s, last id %s",
          page->opened, page->user, page->worker, page->sink.connection->handle, page->instance,
          page->acknowledges ? "acknowledges" : "is silent", page->last_id);
}

static void attach(struct page *page)
{
    struct sse_user *user = user_of(page);
    const struct sse_subject subject = {.user = user, .channels = &red, .channel_count = 1};

    page->attaching = (struct broker_attaching){
        .what = BROKER_STREAM, .keys = keys_of(page), .done = on_attached};
    page->is_attaching = true;
    broker_attach_ask(&page->attaching, &page->world->team.worker[page->worker].service,
                      page->last_id[0] ? page->last_id : NULL, &subject);
    sse_user_unref(user);
}

static void come(struct world *world, struct page *page)
{
    const struct page *former = &world->pages[draw(world, PAGES)];

    *page = (struct page){.world = world,
                          .worker = draw(world, world->team.workers),
                          .user = (unsigned)draw(world, USERS),
                          .instance = (unsigned)(++world->opened),
                          .opened = world->opened,
                          .acknowledges = draw(world, 4) > 0,
                          .is_slow = world->has_slow && draw(world, 4) == 0};
    if (former != page && former->opened > 0 && draw(world, 2) == 0) {
        page->user = former->user;
        page->instance = former->instance;
        if (!former->is_slow && former->acknowledges && draw(world, 2) == 0)
            memcpy(page->last_id, former->last_id, sizeof(page->last_id));
    }
    attach(page);
}

static void tell(struct sse_observer *observer, const struct sse_connection *connection,
                 struct broker_message *(*make)(const struct broker_service *service,
                                                const struct broker_keys *keys,
                                                const struct sse_connection *connection))
{
    const struct attach_observer *own = container_of(observer, struct attach_observer, observer);
    struct broker_keys keys = keys_of(container_of(connection->sink_context, struct page, sink));

    broker_tell_owner(own->service, make(own->service, &keys, connection));
    broker_keys_release(&keys);
}

static void on_connect(struct sse_observer *observer, struct sse_connection *connection)
{
    tell(observer, connection, broker_opened_new);
}

static void on_disconnect(struct sse_observer *observer, struct sse_connection *connection,
                          enum sse_close_reason reason, const char *why)
{
    (void)reason;
    (void)why;
    tell(observer, connection, broker_ended_new);
}

static void go(struct page *page)
{
    trace(page->world, "page %" PRIu64 " goes", page->opened);
    sse_env_leave(&page->sink);
}

static void on_acknowledged(struct broker_request *request, const struct broker_message *answer)
{
    struct acknowledging *acknowledging = container_of(request, struct acknowledging, request);
    struct page *page = acknowledging->page;

    acknowledging->world->open--;
    for (unsigned i = 0; answer->done.status < 0 && i < acknowledging->count; i++) {
        if (page->opened == acknowledging->opened) /* its page says it again */
            page->is_acked[acknowledging->messages[i]] = false;
    }
    free(acknowledging);
}

static void acknowledge(struct world *world, struct page *page, bool is_all)
{
    struct acknowledging *acknowledging = mem_zalloc(sizeof(*acknowledging));
    const char *ids[MESSAGES];
    struct broker_message *message;

    for (unsigned i = 0; i < world->count; i++) {
        if (page->had_at[i] == 0 || page->is_acked[i] || (!is_all && draw(world, 2) == 0))
            continue;
        page->is_acked[i] = true;
        if (!world->messages[i].is_acked[page->user])
            world->messages[i].acked_at[page->user] = now_of(world);
        world->messages[i].is_acked[page->user] = true;
        ids[acknowledging->count] = world->messages[i].id;
        acknowledging->messages[acknowledging->count++] = i;
    }
    if (acknowledging->count == 0) {
        free(acknowledging);
        return;
    }
    acknowledging->page = page;
    acknowledging->world = world;
    acknowledging->opened = page->opened;
    acknowledging->request.on_answer = on_acknowledged;
    message = broker_message_new(BROKER_ACKNOWLEDGE, 0,
                                 broker_identity_size(page->sink.connection) +
                                     broker_list_size(ids, acknowledging->count));
    broker_identity_write(message, &message->acknowledge.identity, page->sink.connection);
    message->acknowledge.ids = broker_message_list(message, ids, acknowledging->count);
    message->acknowledge.count = acknowledging->count;
    world->open++;
    broker_ask_owner(&world->team.worker[page->worker].service, message, &acknowledging->request);
}

/* ---- who sends ---- */

static void on_published(struct broker_publishing *publishing,
                         const struct broker_results *published)
{
    struct sending *sending = container_of(publishing, struct sending, publishing);
    struct world *world = sending->world;

    world->open--;
    for (unsigned i = 0; i < sending->count; i++) {
        struct message *message = &world->messages[sending->first + i];

        message->is_refused = published->status < 0;
        check_that(world, message->is_refused || message->queues == 0 || message->number > 0,
                   "it was taken, and is not stored");
    }
    free(sending);
}

static void on_put(void *context, const struct qos_put *put)
{
    struct world *world = context;

    for (size_t i = 0; i < put->count; i++)
        message_of(world, put->items[i].message.id)->number = put->items[i].message.number;
    trace(world, "%zu messages are stored, up to %" PRIu64, put->count,
          put->items[put->count - 1].message.number);
}

static void make_item(struct world *world, struct broker_item *item)
{
    static const char *const targets[] = {"\"userId\":\"ann\"", "\"userId\":\"bob\"",
                                          "\"channel\":\"red\"", "\"userId\":[\"ann\",\"bob\"]"};
    static const unsigned masks[] = {1, 2, 4, 3};
    const size_t target = draw(world, 4);
    const bool is_stored = draw(world, 5) > 0;
    struct message *message = &world->messages[world->count++];
    char json[200];

    snprintf(json, sizeof(json), "%s,\"event\":\"e\",\"data\":1,\"qos\":%d", targets[target],
             is_stored);
    item->message = sse_message_of(json);
    item->wants_reached = true;
    *message = (struct message){.queues = is_stored ? masks[target] : 0};
    snprintf(message->id, sizeof(message->id), "%s", item->message->id);
    if (is_stored)
        item->stored_as.json =
            sse_message_to_json(item->message, &item->stored_as.length, &item->stored_as.digest);
}

static void publish(struct world *world)
{
    const struct broker_service *service =
        &world->team.worker[draw(world, world->team.workers)].service;
    struct sending *sending = mem_zalloc(sizeof(*sending));
    const size_t commands = draw(world, 8) == 0; /* before the messages */
    struct broker_batch *batch = broker_batch_new(commands + 1 + draw(world, BATCH));
    bool is_stored = false;

    sending->world = world;
    sending->first = world->count;
    sending->count = (unsigned)(batch->count - commands);
    sending->publishing.done = on_published;
    if (commands > 0) {
        batch->items[0].command = sse_command_new(SSE_RECORD_DURATION);
        batch->items[0].command->target.dimension = SSE_ALL;
    }
    for (size_t i = commands; i < batch->count; i++) {
        make_item(world, &batch->items[i]);
        is_stored |= batch->items[i].message->is_stored;
    }
    world->open++;
    broker_publish(service, &sending->publishing, batch, 1 + draw(world, 3), is_stored);
    broker_batch_unref(batch);
}

/* ---- what happens ---- */

static void trace_message(const struct world *world, const struct team_worker *worker,
                          const struct broker_message *message)
{
    struct buf text = BUF_INIT;

    broker_message_print(message, &text);
    trace(world, "%zu: %s", (size_t)(worker - world->team.worker), buf_str(&text));
    buf_release(&text);
}

static bool receive(struct world *world, struct team_worker *worker)
{
    const struct mailbox_item *first = worker->inbox.first;
    const struct broker_message *message =
        first ? container_of(first, struct broker_message, item) : NULL;

    if (message && world->is_traced)
        trace_message(world, worker, message);
    if (message && message->kind == BROKER_REDELIVER)
        check_redeliver(world, &message->redeliver);
    return team_read_one(worker);
}

static void read_pages(struct world *world, bool is_all)
{
    for (size_t i = 0; i < PAGES; i++) {
        struct page *page = &world->pages[i];

        if (page->sink.connection && (is_all || !page->is_slow))
            read_page(page);
        if (page->sink.closes > 0 || page->sink.is_ended)
            go(page);
    }
}

static bool settle_once(struct world *world)
{
    bool is_any = slow_engine_settle();

    for (size_t i = 0; i < world->team.workers; i++) {
        struct team_worker *worker = &world->team.worker[i];

        while (receive(world, worker))
            is_any = true;
        is_any = !list_is_empty(&worker->env.loop->tasks) || is_any;
        is_any = fake_loop_turn(worker->env.loop) || is_any;
    }
    return is_any;
}

static void settle(struct world *world)
{
    while (settle_once(world))
        read_pages(world, false);
    read_pages(world, false);
}

static void pass_time(struct world *world)
{
    const bool is_long = draw(world, 8) == 0;
    const uint64_t ms = draw(world, is_long ? 45000 : 300);

    if (is_long)
        settle(world);
    read_pages(world, false);
    for (size_t i = 0; i < world->team.workers; i++)
        fake_loop_advance(world->team.worker[i].env.loop, ms);
    slow_engine_sweep();
}

static void touch_page(struct world *world)
{
    struct page *page = &world->pages[draw(world, PAGES)];
    const uint64_t what = draw(world, 8);

    if (page->is_attaching)
        return;
    if (!page->sink.connection)
        come(world, page);
    else if (what == 0)
        go(page);
    else if (what < 4 && page->acknowledges)
        acknowledge(world, page, what == 1);
    else
        read_page(page);
}

static void work(struct world *world)
{
    const uint64_t way = draw(world, 12);

    slow_engine_work(1 + draw(world, 6),
                     way == 0 ? SLOW_IS_CLOSED : (way == 1 ? SLOW_FAILS : SLOW_WORKS));
}

static void own(const struct world *world, size_t queue, bool is_owned_here)
{
    trace(world, "queue %zu is owned %s", queue, is_owned_here ? "here" : "elsewhere");
    slow_engine.events.owned(slow_engine.events.context, &queues[queue], is_owned_here);
}

static void step(struct world *world)
{
    const uint64_t what = draw(world, 100);
    struct team_worker *worker = &world->team.worker[draw(world, world->team.workers)];

    if (what < 10 && world->count + BATCH < MESSAGES)
        publish(world);
    else if (what < 25)
        touch_page(world);
    else if (what < 33)
        pass_time(world);
    else if (what < 34)
        own(world, draw(world, QUEUES), draw(world, 2) == 0);
    else if (what < 48)
        work(world);
    else if (what < 62)
        (void)slow_engine_answer();
    else if (what < 74)
        (void)fake_loop_turn(worker->env.loop);
    else
        (void)receive(world, worker);
    read_pages(world, false);
}

static bool is_stuck(const struct world *world)
{
    struct stored_report report;

    stored_report(stored_of(world), &report);
    return report.store.totals.copies > 0 || report.redelivery.queues > 0 ||
           report.redelivery.in_flight > 0 || report.redelivery.standbys > 0 ||
           report.joining > 0 || world->open > 0;
}

/* A page of the user, perhaps one after the other, reads and acknowledges. */
static void stay(struct world *world, unsigned user)
{
    struct page *page = &world->pages[user];

    if (!page->sink.connection && !page->is_attaching) {
        *page = (struct page){.world = world,
                              .worker = draw(world, world->team.workers),
                              .user = user,
                              .instance = (unsigned)(++world->opened),
                              .opened = world->opened,
                              .acknowledges = true};
        attach(page);
    }
    settle(world);
    if (page->sink.connection)
        acknowledge(world, page, true);
}

/* All queues are owned here, and everybody has a page that acknowledges. */
static void calm_down(struct world *world)
{
    settle(world);
    for (size_t i = 0; i < QUEUES; i++)
        own(world, i, true);
    for (size_t i = 0; i < PAGES; i++) {
        if (world->pages[i].sink.connection)
            go(&world->pages[i]);
    }
    settle(world);
    for (unsigned round = 0; round < CALM_MOST && is_stuck(world); round++) {
        for (unsigned user = 0; user < USERS; user++)
            stay(world, user);
        settle(world);
        for (size_t i = 0; i < world->team.workers; i++)
            fake_loop_advance(world->team.worker[i].env.loop, CALM_MS);
        slow_engine_sweep();
    }
    check_that(world, !is_stuck(world), "something is stuck");
}

/* ---- the world ---- */

static void world_open(struct world *world, uint64_t seed)
{
    struct stored_place place = {.make_engine = slow_engine_new, .shared = &world->shared};
    struct broker_service *owner = &world->team.worker[0].service;

    *world = (struct world){.seed = seed, .state = seed, .is_traced = getenv("TRACE") != NULL};
    for (size_t i = 0; i < PAGES; i++)
        world->pages[i].world = world;
    team_open(&world->team, 1 + draw(world, TEAM_WORKERS));
    world->has_slow = draw(world, 2) == 0;
    stored_shared_init(&world->shared, "hr", true);
    world->settings = (struct stored_settings){
        .file = "",
        .ttl_ms = 1000000000,
        .queue = 10000,
        .messages = 10000,
        .bytes = 1000000,
        .waiting_bytes = draw(world, 3) == 0 ? 1000 : 1000000,
        .receipt_hosts = "",
        .receipt_secret = "",
        .redelivery = {.window = 1 + (uint32_t)draw(world, 12),
                       .ack_ms = 30000,
                       .ack_ms_most = 600000,
                       .takeover_ms = TAKEOVER_MS,
                       .batch = 1 + (uint32_t)draw(world, 8),
                       .ack_on_write = draw(world, 8) == 0},
    };
    for (size_t i = 0; i < world->team.workers; i++) {
        struct team_worker *worker = &world->team.worker[i];

        worker->env.settings.asks_acknowledgement = true;
        worker->env.settings.asks_who_offers = true;
        worker->env.settings.queue_events = draw(world, 2) == 0 ? 1000 : 8;
        world->attach_observers[i] = (struct attach_observer){
            .observer = {.on_connect = on_connect, .on_disconnect = on_disconnect},
            .service = &worker->service};
        list_append(&worker->env.service->observers, &world->attach_observers[i].observer.node);
        queue_observer_open(&worker->service, &world->shared);
    }
    owner->stored = stored_new(owner, &world->settings, &place);
    slow_engine.on_put = on_put;
    slow_engine.context = world;
}

static void world_close(struct world *world)
{
    for (size_t i = 0; i < PAGES; i++) {
        if (world->pages[i].sink.connection)
            go(&world->pages[i]);
    }
    settle(world);
    for (size_t i = 0; i < world->team.workers; i++) {
        queue_observer_close(&world->team.worker[i].service);
        list_remove(&world->attach_observers[i].observer.node);
    }
    stored_free(stored_of(world));
    stored_shared_release(&world->shared);
    team_close(&world->team);
}

static void play(uint64_t seed)
{
    static struct world world;

    world_open(&world, seed);
    for (unsigned i = 0; i < STEPS; i++)
        step(&world);
    calm_down(&world);
    world_close(&world);
}

static void test_nothing_is_lost_or_out_of_order(void **state)
{
    (void)state;
    play_worlds(play, SEEDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nothing_is_lost_or_out_of_order)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
