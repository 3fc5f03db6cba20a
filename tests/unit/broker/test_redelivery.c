/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "broker/receive.h"
#include "broker/redelivery.h"
#include "broker/service.h"
#include "sse/history.h"
#include "support/sse_room.h"
#include "support/test.h"

enum { WORKERS = 3 };

struct worker {
    struct sse_room room;
    struct broker *broker;
    struct broker_service service;
    struct letter *inbox, **inbox_end;
};

/* The owner is worker 0. */
struct team {
    size_t workers, under_way;
    struct worker worker[WORKERS];
    /* What the owner has been answered. */
    unsigned counts, writes;
    uint64_t question;
    struct qos_census census;
    size_t taken;
    bool is_gone;
};

static void post(void *context, size_t to, struct broker_message *message)
{
    struct worker *worker = &((struct team *)context)->worker[to];

    message->letter.next = NULL;
    *worker->inbox_end = &message->letter;
    worker->inbox_end = &message->letter.next;
}

static void begin(void *context)
{
    ((struct team *)context)->under_way++;
}

static void end(void *context)
{
    ((struct team *)context)->under_way--;
}

static void read_inbox(struct worker *worker)
{
    struct letter *letter;

    while ((letter = worker->inbox)) {
        worker->inbox = letter->next;
        if (!worker->inbox)
            worker->inbox_end = &worker->inbox;
        broker_receive(worker->broker, container_of(letter, struct broker_message, letter));
    }
}

/* All that is said in this turn of the other workers, then of the owner. */
static void turn(struct team *team)
{
    for (size_t i = 1; i <= team->workers; i++) {
        struct worker *worker = &team->worker[i % team->workers];

        read_inbox(worker);
        fake_loop_turn(worker->room.loop);
    }
}

static void team_open(struct team *team, size_t workers)
{
    static const struct broker_settings settings = {.client_connections = 0};
    const struct hash_key key = hash_key_new();
    const struct broker_transport transport = {post, begin, end, team};

    *team = (struct team){.workers = workers};
    for (size_t i = 0; i < workers; i++) {
        struct worker *worker = &team->worker[i];

        worker->inbox_end = &worker->inbox;
        sse_room_open(&worker->room);
        worker->room.service->shard = (struct sse_shard){(uint32_t)i, key};
        worker->broker = broker_new(i, workers, &key, &transport);
        broker_service_init(&worker->service, worker->broker, 0, worker->room.service, &settings);
        broker_service_receive(&worker->service);
    }
}

static void team_close(struct team *team)
{
    assert_int_equal(team->under_way, 0);
    for (size_t i = 0; i < team->workers; i++) {
        struct worker *worker = &team->worker[i];

        broker_service_release(&worker->service);
        broker_free(worker->broker);
        sse_room_close(&worker->room);
    }
}

static void counted(void *context, uint64_t question, const struct qos_census *census)
{
    struct team *team = context;

    team->counts++;
    team->question = question;
    team->census = *census;
}

static void written(void *context, uint64_t question, size_t taken, bool is_gone)
{
    struct team *team = context;

    team->writes++;
    team->question = question;
    team->taken = taken;
    team->is_gone = is_gone;
}

static void count(struct team *team, enum sse_dimension dimension, const char *value,
                  uint64_t position)
{
    const struct redelivery_asker asker = {counted, written, team};

    redelivery_count(&team->worker[0].service, &asker, 7,
                     &(struct broker_count){{dimension, value, ""}, position, 0});
}

static void write_messages(struct team *team, const struct sse_connection *connection,
                           size_t worker)
{
    const struct redelivery_asker asker = {counted, written, team};
    const struct broker_line lines[] = {
        {"m1", "e", bytes_new("data: 1\n\n", 9), true},
        {"m2", "e", bytes_new("data: 2\n\n", 9), false},
    };
    struct qos_client client = {.worker = worker};

    memcpy(client.id, connection->handle, sizeof(client.id));
    redelivery_write(&team->worker[0].service, &asker, 9, &client, lines, 2);
}

static struct sse_connection *connect(struct team *team, size_t worker, struct recording_sink *sink,
                                      uint64_t joined)
{
    const struct sse_guest ann = {.user = "ann", .tenant = "t"};
    struct sse_connection *connection = sse_room_settle(&team->worker[worker].room, sink, &ann);

    connection->joined = joined;
    return connection;
}

/* ---- the liveness check ---- */

static void connections_are_counted_on_all_shards(void **state)
{
    struct recording_sink sinks[4] = {{0}};
    struct sse_connection *newest;
    struct team team;

    (void)state;
    team_open(&team, 3);
    (void)connect(&team, 0, &sinks[0], 5);
    connect(&team, 1, &sinks[1], 2)->acknowledges = true;
    newest = connect(&team, 2, &sinks[2], 8);
    (void)connect(&team, 2, &sinks[3], UINT64_MAX); /* behind its gate */
    count(&team, SSE_BY_USER, "ann", 6);
    assert_int_equal(team.counts, 0);
    turn(&team);
    turn(&team);
    assert_int_equal(team.counts, 1);
    assert_int_equal(team.question, 7);
    assert_int_equal(team.census.holders, 2);
    assert_true(team.census.is_anybody);
    assert_string_equal(team.census.newest.id, newest->handle);
    assert_int_equal(team.census.newest.worker, 2);
    assert_true(team.census.is_anybody_attentive);
    assert_string_equal(team.census.attentive.id, sinks[1].connection->handle);
    for (size_t i = 0; i < 4; i++)
        sse_room_leave(&sinks[i]);
    team_close(&team);
}

static void a_connection_is_asked_for_on_its_shard_alone(void **state)
{
    struct recording_sink sink = {0};
    const struct sse_connection *connection;
    struct team team;

    (void)state;
    team_open(&team, 3);
    connection = connect(&team, 1, &sink, 1);
    count(&team, SSE_BY_CONNECTION, connection->handle, 0);
    assert_non_null(team.worker[1].inbox);
    assert_null(team.worker[2].inbox);
    turn(&team);
    assert_true(team.census.is_anybody);
    assert_string_equal(team.census.newest.id, connection->handle);
    count(&team, SSE_BY_CONNECTION, "no name of any", 0);
    assert_null(team.worker[1].inbox);
    assert_int_equal(team.counts, 1);
    turn(&team);
    assert_int_equal(team.counts, 2);
    assert_false(team.census.is_anybody);
    sse_room_leave(&sink);
    team_close(&team);
}

/* Who asks is in the middle of something, and a connection that ends is still in the registry. */
static void no_answer_comes_from_within(void **state)
{
    struct recording_sink sink = {0};
    struct sse_connection *connection;
    struct team team;

    (void)state;
    team_open(&team, 1);
    connection = connect(&team, 0, &sink, 1);
    for (size_t i = 0; i < 3; i++) {
        const enum sse_dimension dimensions[] = {SSE_ALL, SSE_BY_USER, SSE_BY_CONNECTION};
        const char *values[] = {"", "ann", connection->handle};

        count(&team, dimensions[i], values[i], 0);
        assert_int_equal(team.counts, i);
        turn(&team);
        assert_int_equal(team.counts, i + 1);
        assert_true(team.census.is_anybody);
    }
    write_messages(&team, connection, 0);
    assert_int_equal(team.writes, 0);
    sse_connection_close(connection, SSE_CLOSE_KICKED, NULL, 0);
    assert_int_equal(team.writes, 0);
    turn(&team);
    assert_int_equal(team.writes, 1);
    assert_int_equal(team.taken, 2);
    assert_true(team.is_gone);
    write_messages(&team, connection, 0);
    assert_int_equal(team.writes, 1);
    turn(&team);
    assert_int_equal(team.writes, 2);
    assert_int_equal(team.taken, 0);
    assert_true(team.is_gone);
    sse_room_leave(&sink);
    team_close(&team);
}

/* ---- batches ---- */

static enum sse_resume resume(const struct team *team, const char *id, const char *name,
                              uint64_t *after)
{
    struct sse_user *user = sse_user_new(&(struct sse_user_fields){.id = name, .tenant_id = "t"});
    const struct sse_subject subject = {.user = user};
    const enum sse_resume found =
        sse_history_find(team->worker[0].room.service->history, id, &subject, 1000, after);

    sse_user_unref(user);
    return found;
}

static void a_batch_is_answered_when_there_is_room(void **state)
{
    struct recording_sink sink = {0};
    struct sse_connection *connection;
    struct team team;
    uint64_t after;

    (void)state;
    team_open(&team, 2);
    team.worker[1].room.settings.queue_events = 4; /* there is room again below a quarter */
    connection = connect(&team, 1, &sink, 1);
    write_messages(&team, connection, 1);
    read_inbox(&team.worker[1]);
    read_inbox(&team.worker[0]);
    /* The owner knows where its page goes on before it can have seen any of them. */
    assert_int_equal(resume(&team, "m1", "ann", &after), SSE_RESUMED);
    assert_int_equal(after, 0);
    assert_int_equal(resume(&team, "m2", "ann", &after), SSE_RESUME_TOO_OLD);
    assert_int_equal(resume(&team, "m3", "ann", &after), SSE_RESUME_UNKNOWN);
    turn(&team);
    assert_int_equal(team.writes, 0);
    recording_sink_drain(&sink, 0);
    assert_string_equal(buf_str(&sink.received), "data: 1\n\ndata: 2\n\n");
    turn(&team);
    assert_int_equal(team.writes, 1);
    assert_int_equal(team.question, 9);
    assert_int_equal(team.taken, 2);
    assert_false(team.is_gone);
    sse_room_leave(&sink);
    team_close(&team);
}

/* ---- the gate ---- */

static void a_gate_is_opened(void **state)
{
    struct recording_sink sink = {0};
    struct broker_message *message = broker_message_new(BROKER_OPEN_GATE, 0, 0);
    struct sse_connection *connection;
    struct team team;

    (void)state;
    team_open(&team, 2);
    connection = connect(&team, 1, &sink, UINT64_MAX);
    sse_connection_gate(connection);
    memcpy(message->gate.handle, connection->handle, sizeof(message->gate.handle));
    message->gate.joined = 3;
    broker_send(team.worker[0].broker, 1, message);
    read_inbox(&team.worker[1]);
    assert_int_equal(connection->joined, 3);
    assert_int_not_equal(connection->gate_mark, UINT64_MAX);
    sse_room_leave(&sink);
    team_close(&team);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_are_counted_on_all_shards),
        cmocka_unit_test(a_connection_is_asked_for_on_its_shard_alone),
        cmocka_unit_test(no_answer_comes_from_within),
        cmocka_unit_test(a_batch_is_answered_when_there_is_room),
        cmocka_unit_test(a_gate_is_opened),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
