/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/buf.h"
#include "broker/redelivery/ask_shards.h"
#include "sse/history.h"
#include "support/broker_team.h"

/* What the owner has been answered. */
struct owner {
    struct team team;
    unsigned counts, writes;
    uint64_t question;
    struct liveness living;
    size_t taken;
    bool is_gone;
};

static void owner_open(struct owner *owner, size_t workers)
{
    *owner = (struct owner){.counts = 0};
    team_open(&owner->team, workers);
}

static void counted(void *context, uint64_t question, const struct liveness *living)
{
    struct owner *owner = context;

    owner->counts++;
    owner->question = question;
    owner->living = *living;
}

static void written(void *context, uint64_t question, size_t taken, bool is_gone)
{
    struct owner *owner = context;

    owner->writes++;
    owner->question = question;
    owner->taken = taken;
    owner->is_gone = is_gone;
}

static void count(struct owner *owner, enum sse_dimension dimension, const char *value,
                  uint64_t position)
{
    const struct shards_asker asker = {counted, written, owner};

    shards_count_living(&owner->team.worker[0].service, &asker, 7,
                        &(struct broker_count){{dimension, value, ""}, position, 0});
}

static void write_messages(struct owner *owner, const struct sse_connection *connection,
                           size_t worker)
{
    const struct shards_asker asker = {counted, written, owner};
    const struct broker_line lines[] = {
        {"m1", "e", bytes_new("data: 1\n\n", 9), true},
        {"m2", "e", bytes_new("data: 2\n\n", 9), false},
    };
    struct consumer client = {.worker = worker};

    memcpy(client.id, connection->handle, sizeof(client.id));
    shards_write(&owner->team.worker[0].service, &asker, 9, &client, lines, 2);
}

static struct sse_connection *connect(struct owner *owner, size_t worker,
                                      struct recording_sink *sink, uint64_t joined)
{
    const struct sse_guest ann = {.user = "ann", .tenant = "t"};
    struct sse_connection *connection = sse_env_settle(&owner->team.worker[worker].env, sink, &ann);

    connection->joined = joined;
    return connection;
}

/* ---- the liveness check ---- */

static void connections_are_counted_on_all_shards(void **state)
{
    struct recording_sink sinks[4] = {{0}};
    struct sse_connection *newest;
    struct owner owner;

    (void)state;
    owner_open(&owner, 3);
    (void)connect(&owner, 0, &sinks[0], 5);
    connect(&owner, 1, &sinks[1], 2)->acknowledges = true;
    newest = connect(&owner, 2, &sinks[2], 8);
    (void)connect(&owner, 2, &sinks[3], UINT64_MAX); /* behind its barrier */
    count(&owner, SSE_BY_USER, "ann", 6);
    assert_int_equal(owner.counts, 0);
    team_turn(&owner.team);
    team_turn(&owner.team);
    assert_int_equal(owner.counts, 1);
    assert_int_equal(owner.question, 7);
    assert_int_equal(owner.living.having, 2);
    assert_true(owner.living.is_anybody);
    assert_string_equal(owner.living.newest.id, newest->handle);
    assert_int_equal(owner.living.newest.worker, 2);
    assert_true(owner.living.is_anybody_attentive);
    assert_string_equal(owner.living.attentive.id, sinks[1].connection->handle);
    for (size_t i = 0; i < 4; i++)
        sse_env_leave(&sinks[i]);
    team_close(&owner.team);
}

static void a_connection_is_asked_for_on_its_shard_alone(void **state)
{
    struct recording_sink sink = {0};
    const struct sse_connection *connection;
    struct owner owner;

    (void)state;
    owner_open(&owner, 3);
    connection = connect(&owner, 1, &sink, 1);
    count(&owner, SSE_BY_CONNECTION, connection->handle, 0);
    assert_non_null(owner.team.worker[1].inbox.first);
    assert_null(owner.team.worker[2].inbox.first);
    team_turn(&owner.team);
    assert_true(owner.living.is_anybody);
    assert_string_equal(owner.living.newest.id, connection->handle);
    count(&owner, SSE_BY_CONNECTION, "no name of any", 0);
    assert_null(owner.team.worker[1].inbox.first);
    assert_int_equal(owner.counts, 1);
    team_turn(&owner.team);
    assert_int_equal(owner.counts, 2);
    assert_false(owner.living.is_anybody);
    sse_env_leave(&sink);
    team_close(&owner.team);
}

/* Who asks is in the middle of something, and a connection that ends is still in the registry. */
static void no_answer_comes_from_within(void **state)
{
    struct recording_sink sink = {0};
    struct sse_connection *connection;
    struct owner owner;

    (void)state;
    owner_open(&owner, 1);
    connection = connect(&owner, 0, &sink, 1);
    for (size_t i = 0; i < 3; i++) {
        const enum sse_dimension dimensions[] = {SSE_ALL, SSE_BY_USER, SSE_BY_CONNECTION};
        const char *values[] = {"", "ann", connection->handle};

        count(&owner, dimensions[i], values[i], 0);
        assert_int_equal(owner.counts, i);
        team_turn(&owner.team);
        assert_int_equal(owner.counts, i + 1);
        assert_true(owner.living.is_anybody);
    }
    write_messages(&owner, connection, 0);
    assert_int_equal(owner.writes, 0);
    sse_connection_close(connection, SSE_CLOSE_KICKED, NULL, 0);
    assert_int_equal(owner.writes, 0);
    team_turn(&owner.team);
    assert_int_equal(owner.writes, 1);
    assert_int_equal(owner.taken, 2);
    assert_true(owner.is_gone);
    write_messages(&owner, connection, 0);
    assert_int_equal(owner.writes, 1);
    team_turn(&owner.team);
    assert_int_equal(owner.writes, 2);
    assert_int_equal(owner.taken, 0);
    assert_true(owner.is_gone);
    sse_env_leave(&sink);
    team_close(&owner.team);
}

/* ---- batches ---- */

static enum sse_resume resume(const struct owner *owner, const char *id, const char *name,
                              uint64_t *after)
{
    struct sse_user *user = sse_user_new(&(struct sse_user_fields){.id = name, .tenant_id = "t"});
    const struct sse_subject subject = {.user = user};
    const enum sse_resume found =
        sse_history_find(owner->team.worker[0].env.service->history, id, &subject, 1000, after);

    sse_user_unref(user);
    return found;
}

static void a_batch_is_answered_when_there_is_room(void **state)
{
    struct recording_sink sink = {0};
    struct sse_connection *connection;
    struct owner owner;
    uint64_t after;

    (void)state;
    owner_open(&owner, 2);
    owner.team.worker[1].env.settings.queue_events = 4; /* there is room again below a quarter */
    connection = connect(&owner, 1, &sink, 1);
    write_messages(&owner, connection, 1);
    team_read(&owner.team.worker[1]);
    team_read(&owner.team.worker[0]);
    /* The owner knows where its page goes on before it can have seen any of them. */
    assert_int_equal(resume(&owner, "m1", "ann", &after), SSE_RESUMED);
    assert_int_equal(after, 0);
    assert_int_equal(resume(&owner, "m2", "ann", &after), SSE_RESUME_TOO_OLD);
    assert_int_equal(resume(&owner, "m3", "ann", &after), SSE_RESUME_UNKNOWN);
    team_turn(&owner.team);
    assert_int_equal(owner.writes, 0);
    recording_sink_drain(&sink, 0);
    assert_string_equal(buf_str(&sink.received), "data: 1\n\ndata: 2\n\n");
    team_turn(&owner.team);
    assert_int_equal(owner.writes, 1);
    assert_int_equal(owner.question, 9);
    assert_int_equal(owner.taken, 2);
    assert_false(owner.is_gone);
    sse_env_leave(&sink);
    team_close(&owner.team);
}

/* ---- the barrier ---- */

static void a_barrier_is_lifted(void **state)
{
    struct recording_sink sink = {0};
    struct broker_message *message = broker_message_new(BROKER_LIFT_BARRIER, 0, 0);
    struct sse_connection *connection;
    struct owner owner;

    (void)state;
    owner_open(&owner, 2);
    connection = connect(&owner, 1, &sink, UINT64_MAX);
    sse_connection_raise_barrier(connection);
    memcpy(message->barrier.handle, connection->handle, sizeof(message->barrier.handle));
    message->barrier.joined = 3;
    broker_send(owner.team.worker[0].broker, 1, message);
    team_read(&owner.team.worker[1]);
    assert_int_equal(connection->joined, 3);
    assert_int_not_equal(connection->barrier_mark, UINT64_MAX);
    sse_env_leave(&sink);
    team_close(&owner.team);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_are_counted_on_all_shards),
        cmocka_unit_test(a_connection_is_asked_for_on_its_shard_alone),
        cmocka_unit_test(no_answer_comes_from_within),
        cmocka_unit_test(a_batch_is_answered_when_there_is_room),
        cmocka_unit_test(a_barrier_is_lifted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
