/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sse-crowd: broadcasts to very many connections beside unicasts, without sockets. Workers, owner,
 * log, dispatch and mailboxes are the server's; a connection's client is a buffer that takes all
 * there is at the end of each turn. It prints how long unicasts took from the sender to the
 * client's buffer, without and beside the broadcasts, how far shards were behind the log, and the
 * memory.
 */
#include <ev.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <unistd.h>

#include "base/list.h"
#include "base/loop.h"
#include "base/mem.h"
#include "broker/attach.h"
#include "broker/mailboxes.h"
#include "broker/publish.h"
#include "broker/publishing.h"
#include "broker/receive.h"
#include "broker/service.h"
#include "crowd_lists.h"
#include "load_measure.h"
#include "sse/log.h"
#include "sse/message.h"
#include "sse/service.h"
#include "sse/user.h"

#define WORKERS_MOST 16u
#define READERS      100u /* who get the unicasts */
#define PERIOD_MS    1    /* from one unicast to the next */
#define BROADCAST_MS 100  /* from one broadcast to the next */
#define NAME_SIZE    32u
#define CHANNELS     100u
#define BOTS         1000u
#define DATA                                                                                       \
    "{\"text\":\"two hundred bytes or so are what an event of most systems has: a kind, "          \
    "an id or two, a name, a time, and that something is new, which the page asks for by "         \
    "itself if it has to.\"}"

struct client {
    struct sse_connection *connection;
    struct worker *worker;
    struct list node; /* of those with something to take */
    int reader;       /* its number; -1: one of the crowd */
};

struct worker {
    struct crowd *crowd;
    size_t index;
    struct loop *loop;
    struct broker *broker;
    struct sse_service *core;
    struct broker_service service;
    struct sse_observer observer;
    struct loop_hook flush;
    struct list ready;
    struct client *clients;
    uint64_t taken; /* bytes */
    thrd_t thread;
};

struct unicast {
    struct broker_publishing publishing;
};

struct crowd {
    size_t workers, connections;
    struct worker worker[WORKERS_MOST];
    struct loop *loops[WORKERS_MOST];
    struct sse_service_settings settings;
    struct sse_log *log;
    struct mailboxes *mailboxes;
    _Atomic uint64_t sent_at[READERS];
    atomic_size_t open; /* workers whose connections are open */
    atomic_int phase;   /* 0: unicasts alone, 1: broadcasts as well */
    struct load_histogram latencies[2][WORKERS_MOST];
    size_t broadcasts, reached, skipped, next;
    uint64_t lag_most, broadcast_at;
    struct broker_publishing broadcast;
    bool is_under_way;
    bool asks_lists; /* instead of sending */
    atomic_bool is_done;
    struct ev_timer tick;
};

/* ---- clients ---- */

static void on_wake(void *context)
{
    struct client *client = context;

    if (!list_is_linked(&client->node))
        list_append(&client->worker->ready, &client->node);
}

static void on_close(void *context)
{
    (void)context;
    abort(); /* nobody is to be too slow */
}

static const struct sse_sink sink = {on_wake, on_close};

static void take_all(struct client *client)
{
    struct crowd *crowd = client->worker->crowd;
    static _Thread_local char bytes[16384];
    bool is_last;
    size_t ready;

    while ((ready = sse_connection_ready(client->connection, &is_last)) > 0) {
        const size_t piece = ready < sizeof(bytes) ? ready : sizeof(bytes);

        sse_connection_take(client->connection, bytes, piece);
        client->worker->taken += piece;
    }
    if (client->reader >= 0) {
        const uint64_t sent = atomic_exchange(&crowd->sent_at[client->reader], 0);

        if (sent)
            load_histogram_add(&crowd->latencies[atomic_load(&crowd->phase)][client->worker->index],
                               sent, load_now());
    }
}

static bool on_flush(struct loop_hook *hook)
{
    struct worker *worker = container_of(hook, struct worker, flush);
    struct list *node;

    while ((node = list_take_first(&worker->ready)))
        take_all(container_of(node, struct client, node));
    return false;
}

/* ---- senders, at the first worker, which owns the service ---- */

static struct broker_batch *batch_new(struct sse_target *target)
{
    struct broker_batch *batch = broker_batch_new(1);

    batch->items[0].message = sse_message_new("news", target, DATA);
    return batch;
}

static void on_unicast(struct broker_publishing *publishing, const struct broker_results *published)
{
    if (published->status != 0 || published->items[0].count != 1)
        abort();
    free(container_of(publishing, struct unicast, publishing));
}

static void send_unicast(struct crowd *crowd)
{
    const size_t reader = crowd->next++ % READERS;
    struct unicast *unicast = mem_zalloc(sizeof(*unicast));
    struct sse_target target = {.dimension = SSE_BY_USER, .count = 1};
    struct broker_batch *batch;
    char *text;

    if (atomic_load(&crowd->sent_at[reader]) != 0) { /* the one before is not there yet */
        crowd->skipped++;
        free(unicast);
        return;
    }
    atomic_store(&crowd->sent_at[reader], load_now());
    target.values = mem_zalloc(sizeof(char *) + NAME_SIZE);
    text = (char *)(target.values + 1);
    snprintf(text, NAME_SIZE, "reader%zu", reader);
    target.values[0] = text;
    batch = batch_new(&target);
    unicast->publishing.done = on_unicast;
    broker_publish(&crowd->worker[0].service, &unicast->publishing, batch, 1, false);
    broker_batch_unref(batch);
}

static void on_broadcast(struct broker_publishing *publishing,
                         const struct broker_results *published)
{
    struct crowd *crowd = container_of(publishing, struct crowd, broadcast);

    if (published->status != 0)
        abort();
    crowd->broadcasts++;
    crowd->reached += published->items[0].count;
    crowd->is_under_way = false;
}

static void send_broadcast(struct crowd *crowd)
{
    struct sse_target target = {.dimension = SSE_ALL};
    struct broker_batch *batch = batch_new(&target);

    crowd->is_under_way = true;
    crowd->broadcast_at = load_now();
    crowd->broadcast = (struct broker_publishing){.done = on_broadcast};
    broker_publish(&crowd->worker[0].service, &crowd->broadcast, batch, 2, false);
    broker_batch_unref(batch);
}

static void on_listed(void *context)
{
    struct crowd *crowd = context;

    atomic_store(&crowd->is_done, true);
}

static void on_tick(struct ev_loop *ev, struct ev_timer *timer, int events)
{
    struct crowd *crowd = timer->data;

    (void)events;
    if (atomic_load(&crowd->open) < crowd->workers)
        return;
    if (crowd->asks_lists) {
        ev_timer_stop(ev, timer);
        crowd_lists_start(&crowd->worker[0].service, crowd->loops, crowd->workers, on_listed,
                          crowd);
        loop_wake(crowd->worker[0].loop, LOOP_WORK);
        return;
    }
    for (size_t i = 0; i < crowd->workers; i++) {
        const uint64_t lag = sse_log_unwritten(crowd->log, i);

        crowd->lag_most = lag > crowd->lag_most ? lag : crowd->lag_most;
    }
    send_unicast(crowd);
    if (atomic_load(&crowd->phase) == 1 && !crowd->is_under_way &&
        load_now() - crowd->broadcast_at >= BROADCAST_MS * UINT64_C(1000000))
        send_broadcast(crowd);
    loop_wake(crowd->worker[0].loop, LOOP_WORK);
}

/* ---- workers ---- */

static void on_publish(void *context, const struct broker_message *message)
{
    struct worker *worker = context;

    if (message->kind != BROKER_PUBLISH)
        abort();
    publication_advance(publication_new(&worker->service.publisher, message), NULL, 0);
}

static void on_connect(struct sse_observer *observer, struct sse_connection *connection)
{
    const struct worker *worker = container_of(observer, struct worker, observer);

    broker_tell_owner(&worker->service,
                      broker_opened_new(&worker->service, &(struct broker_keys){0}, connection));
}

/* Of the others one in ten is of a user with many. */
static void user_id(char id[NAME_SIZE], size_t number)
{
    if (number < READERS)
        snprintf(id, NAME_SIZE, "reader%zu", number);
    else if (number % 10 == 0)
        snprintf(id, NAME_SIZE, "bot%zu", number * 7919 % 1000003 % BOTS);
    else
        snprintf(id, NAME_SIZE, "page%zu", number);
}

static void open_client(struct worker *worker, struct client *client, size_t number)
{
    static const struct sse_client_info info = {.user_agent = "crowd"};
    static const char *const listeners[] = {"news"};
    char id[NAME_SIZE], name[NAME_SIZE], channel[NAME_SIZE];
    const char *const channels[] = {channel};
    struct sse_user *user;

    *client = (struct client){.worker = worker, .reader = number < READERS ? (int)number : -1};
    user_id(id, number);
    snprintf(name, sizeof(name), "Person %06zu", number * 7919 % 1000003);
    snprintf(channel, sizeof(channel), "room%zu", number % CHANNELS);
    user = sse_user_new(&(struct sse_user_fields){.id = id, .name = name});
    client->connection = sse_connection_open(
        worker->core, &(struct sse_connection_options){.user = user,
                                                       .info = &info,
                                                       .listeners = listeners,
                                                       .listener_count = 1,
                                                       .channels = channels,
                                                       .channel_count = 1,
                                                       .sink = &sink,
                                                       .sink_context = client,
                                                       .session_number = number + 1});
    sse_user_unref(user);
}

static void open_worker(struct worker *worker)
{
    static const struct broker_settings settings = {.presence = {.history = 1},
                                                    .server_id = "crowd"};
    struct crowd *crowd = worker->crowd;

    crowd->loops[worker->index] = worker->loop = loop_new();
    worker->broker = mailboxes_broker_new(crowd->mailboxes, worker->index);
    worker->core = sse_service_new(worker->loop, &crowd->settings, crowd->log);
    worker->core->shard = (struct sse_shard){(uint32_t)worker->index, *broker_key(worker->broker)};
    broker_service_init(&worker->service, worker->broker, 0, worker->core, &settings);
    worker->service.guest = (struct broker_receiver){on_publish, worker};
    broker_service_receive(&worker->service);
    worker->observer = (struct sse_observer){.on_connect = on_connect};
    list_append(&worker->core->observers, &worker->observer.node);
    worker->flush.run = on_flush;
    list_init(&worker->ready);
    loop_hook_add(worker->loop, LOOP_FLUSH, &worker->flush);
    mailboxes_join(crowd->mailboxes, worker->index, worker->loop, worker->broker);
}

static int run_worker(void *context)
{
    struct worker *worker = context;
    struct crowd *crowd = worker->crowd;

    open_worker(worker);
    worker->clients = mem_zalloc((crowd->connections / crowd->workers + 1) * sizeof(struct client));
    for (size_t i = worker->index, n = 0; i < crowd->connections; i += crowd->workers, n++)
        open_client(worker, &worker->clients[n], i);
    if (worker->index == 0) {
        ev_timer_init(&crowd->tick, on_tick, PERIOD_MS / 1e3, PERIOD_MS / 1e3);
        crowd->tick.data = crowd;
        ev_timer_start(loop_ev(worker->loop), &crowd->tick);
    }
    atomic_fetch_add(&crowd->open, 1);
    loop_run(worker->loop);
    return 0;
}

/* ---- the run ---- */

static void print_latencies(struct crowd *crowd, int phase, const char *what)
{
    struct load_histogram *sum = mem_zalloc(sizeof(*sum));

    for (size_t i = 0; i < crowd->workers; i++) {
        const struct load_histogram *from = &crowd->latencies[phase][i];

        for (size_t j = 0; j < LOAD_HISTOGRAM_BUCKETS; j++)
            sum->counts[j] += from->counts[j];
        sum->total += from->total;
        sum->max = from->max > sum->max ? from->max : sum->max;
    }
    printf("%-22s p50 %.2f  p99 %.2f  max %.2f ms, of %lu\n", what, load_histogram_ms(sum, 0.5),
           load_histogram_ms(sum, 0.99), (double)sum->max / 1e6, (unsigned long)sum->total);
    free(sum);
}

static void print_memory(const char *when)
{
    const pid_t own = getpid();

    printf("%-22s %.1f MiB\n", when, (double)load_process_pss(&own, 1) / 1024);
}

static void start(struct crowd *crowd)
{
    crowd->settings = sse_service_settings_default;
    crowd->settings.name = "crowd";
    crowd->settings.version = "0";
    crowd->settings.lifetime_ms = 0;
    crowd->log = sse_log_new(crowd->workers, crowd->settings.history.events);
    crowd->mailboxes = mailboxes_new(crowd->workers);
    for (size_t i = 0; i < crowd->workers; i++) {
        crowd->worker[i] = (struct worker){.crowd = crowd, .index = i};
        if (thrd_create(&crowd->worker[i].thread, run_worker, &crowd->worker[i]) != thrd_success)
            abort();
    }
    while (atomic_load(&crowd->open) < crowd->workers)
        usleep(1000);
}

int main(int argc, char **argv)
{
    struct crowd *crowd = mem_zalloc(sizeof(*crowd));
    const unsigned seconds = argc > 3 ? (unsigned)atoi(argv[3]) : 5;

    crowd->workers = argc > 1 ? (size_t)atoi(argv[1]) : 2;
    crowd->connections = argc > 2 ? (size_t)atoi(argv[2]) : 100000;
    if (crowd->workers == 0 || crowd->workers > WORKERS_MOST || crowd->connections < READERS) {
        fprintf(stderr, "usage: sse-crowd [WORKERS [CONNECTIONS [SECONDS]]]: 1 to %u, %u or more\n",
                WORKERS_MOST, READERS);
        return 2;
    }
    crowd->asks_lists = seconds == 0;
    start(crowd);
    print_memory("memory, connections");
    if (crowd->asks_lists) {
        while (!atomic_load(&crowd->is_done))
            usleep(10000);
        _exit(0);
    }
    sleep(seconds);
    atomic_store(&crowd->phase, 1);
    sleep(seconds);
    print_latencies(crowd, 0, "unicasts, alone");
    print_latencies(crowd, 1, "beside broadcasts");
    printf("%-22s %.1f a second, %lu events in all\n", "broadcasts",
           (double)crowd->broadcasts / seconds, (unsigned long)crowd->reached);
    printf("%-22s %.2f MiB at the most\n", "behind the log", (double)crowd->lag_most / (1 << 20));
    printf("%-22s %lu\n", "unicasts left out", (unsigned long)crowd->skipped);
    print_memory("memory, at the end");
    fflush(stdout);
    _exit(0); /* the workers run on */
}
