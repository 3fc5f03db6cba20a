/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of pages on two workers: that of the request, and that of the connection. */
#include <string.h>

#include "broker/call.h"
#include "support/broker_team.h"

enum { ASKING, THERE, WORKERS };

struct world {
    struct team team;
    struct recording_sink sink;
    struct sse_connection *connection; /* ann's */
    char id[SSE_CONNECTION_ID_SIZE];
};

struct asked {
    struct broker_request request;
    struct broker_message *answer; /* NULL: it is not there yet */
};

static void settle(struct world *world)
{
    team_turn(&world->team);
    team_turn(&world->team);
}

static void open_connection(struct world *world)
{
    struct sse_env *env = &world->team.worker[THERE].env;
    const struct sse_guest guest = {
        .user = "ann", .tenant = "north", .channel = "news", .listeners = {"a"}};

    world->connection = sse_env_settle(env, &world->sink, &guest);
    sse_connection_id_write(world->connection, world->id);
}

static void setup(struct world *world)
{
    *world = (struct world){.connection = NULL};
    team_open(&world->team, WORKERS);
    for (size_t i = 0; i < WORKERS; i++) {
        struct team_worker *worker = &world->team.worker[i];

        worker->env.settings.listeners = 3;
        worker->env.settings.last_words_ms = 5000;
        worker->service.settings.channels.patterns = "news, blue/*";
        worker->service.settings.server_id = "s1";
    }
    open_connection(world);
}

/* The user of the connection may not ask any more. */
static void use_up(struct world *world)
{
    struct broker_service *service = &world->team.worker[THERE].service;
    struct limits_settings settings = {.user_requests = {.burst = 1}, .remembered = 10};

    limits_change(&service->limits, &settings);
    assert_true(limits_take_user_request(&service->limits, world->connection->user));
}

static void teardown(struct world *world)
{
    sse_env_leave(&world->sink);
    team_turn(&world->team);
    team_close(&world->team);
}

static void on_answer(struct broker_request *request, const struct broker_message *answer)
{
    container_of(request, struct asked, request)->answer = broker_message_keep(answer);
}

/* By the page, which shows no credential. */
static void start(struct world *world, struct asked *asked, const struct broker_call *call)
{
    struct broker *broker = world->team.worker[ASKING].broker;
    struct broker_call whole = *call;

    *asked = (struct asked){.request.on_answer = on_answer};
    if (!whole.id)
        whole.id = world->id;
    broker_ask(broker, broker_shard_of(broker, world->id), broker_call_new(BROKER_CALL, 0, &whole),
               &asked->request);
    settle(world);
}

static const struct broker_called *called_of(const struct asked *asked)
{
    if (!asked->answer)
        fail_msg("there is no answer");
    return &asked->answer->called;
}

static void expect(struct asked *asked, enum broker_call_outcome outcome)
{
    assert_int_equal(called_of(asked)->outcome, outcome);
    broker_message_free(asked->answer);
    asked->answer = NULL;
}

static void assert_names(const struct broker_names *names, const char *const *texts, size_t count)
{
    assert_int_equal(names->count, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(names->texts[i], texts[i]);
}

static struct broker_call numbered(enum broker_operation operation, uint64_t number,
                                   enum call_queue queue)
{
    return (struct broker_call){
        .operation = operation, .number = {.number = number}, .queue = queue};
}

static void names_come_and_go(void **state)
{
    const char *bc[] = {"b", "c"}, *d[] = {"d"}, *const abc[] = {"a", "b", "c"};
    struct asked asked;
    struct world world;

    (void)state;
    setup(&world);
    start(&world, &asked, &(struct broker_call){.operation = BROKER_LISTEN, .names = {bc, 2}});
    assert_names(&called_of(&asked)->names, abc, 3);
    expect(&asked, BROKER_CALL_DONE);
    start(&world, &asked, &(struct broker_call){.operation = BROKER_LISTEN, .names = {d, 1}});
    assert_true(called_of(&asked)->is_full);
    assert_names(&called_of(&asked)->names, abc, 3);
    expect(&asked, BROKER_CALL_DONE);
    start(&world, &asked, &(struct broker_call){.operation = BROKER_UNLISTEN, .names = {bc, 2}});
    assert_names(&called_of(&asked)->names, abc, 1);
    expect(&asked, BROKER_CALL_DONE);
    teardown(&world);
}

/* The credential of a call counts before the connection's; by a new one channels are lost. */
static void channels_are_the_users(void **state)
{
    const char *blue[] = {"blue/1"}, *red[] = {"red"}, *const all[] = {"news", "blue/1", "red"};
    const struct sse_user_fields with_red = {.id = "ann", .tenant_id = "north", .channels = "red"};
    const struct sse_user_fields without = {.id = "ann", .tenant_id = "north"};
    struct asked asked;
    struct world world;

    (void)state;
    setup(&world);
    start(&world, &asked, &(struct broker_call){.operation = BROKER_SUBSCRIBE, .names = {red, 1}});
    assert_string_equal(called_of(&asked)->refused, "red");
    expect(&asked, BROKER_CALL_DONE);
    start(&world, &asked, &(struct broker_call){.operation = BROKER_SUBSCRIBE, .names = {blue, 1}});
    assert_null(called_of(&asked)->refused);
    expect(&asked, BROKER_CALL_DONE);
    start(&world, &asked,
          &(struct broker_call){
              .operation = BROKER_SUBSCRIBE, .user = sse_user_new(&with_red), .names = {red, 1}});
    assert_names(&called_of(&asked)->names, all, 3);
    expect(&asked, BROKER_CALL_DONE);
    start(&world, &asked,
          &(struct broker_call){.operation = BROKER_REFRESH, .user = sse_user_new(&without)});
    assert_names(&called_of(&asked)->names, all, 2);
    assert_names(&called_of(&asked)->removed, (const char *const *)red, 1);
    expect(&asked, BROKER_CALL_DONE);
    teardown(&world);
}

static void only_its_own_page_finds_it(void **state)
{
    const struct sse_user_fields bob = {.id = "bob", .tenant_id = "north"};
    struct broker_call call = {.operation = BROKER_FIND};
    struct asked asked;
    struct world world;

    (void)state;
    setup(&world);
    start(&world, &asked, &call);
    expect(&asked, BROKER_CALL_DONE);
    call.user = sse_user_new(&bob);
    start(&world, &asked, &call);
    expect(&asked, BROKER_CALL_UNKNOWN);
    call = (struct broker_call){.id = world.connection->handle};
    start(&world, &asked, &call);
    expect(&asked, BROKER_CALL_UNKNOWN);
    call = (struct broker_call){.is_bound = true, .session_number = 7};
    start(&world, &asked, &call);
    expect(&asked, BROKER_CALL_UNKNOWN);
    use_up(&world);
    start(&world, &asked, &(struct broker_call){.operation = BROKER_FIND});
    expect(&asked, BROKER_CALL_TOO_OFTEN);
    start(&world, &asked, &(struct broker_call){.is_counted = true});
    expect(&asked, BROKER_CALL_DONE);
    teardown(&world);
}

/* The second message waits for the end of the first; listeners do not. */
static void calls_have_their_turn(void **state)
{
    const struct broker_call first = numbered(BROKER_ENTER, 1, CALL_QUEUE_MESSAGES);
    const struct broker_call second = numbered(BROKER_ENTER, 2, CALL_QUEUE_MESSAGES);
    const char *b[] = {"b"};
    struct broker_call change = numbered(BROKER_LISTEN, 2, CALL_QUEUE_CHANGES);
    struct asked one, two, three;
    struct broker_message *message;
    struct world world;

    (void)state;
    setup(&world);
    start(&world, &two, &second);
    start(&world, &one, &first);
    assert_string_equal(called_of(&one)->turn, world.connection->handle);
    assert_string_equal(called_of(&one)->user_id, "ann");
    assert_string_equal(called_of(&one)->tenant_id, "north");
    assert_null(called_of(&one)->user);
    expect(&one, BROKER_CALL_DONE);
    assert_null(two.answer);

    change.names = (struct broker_names){b, 1};
    start(&world, &three, &change);
    assert_null(three.answer);
    message =
        broker_call_new(BROKER_PASS_CALL, 0,
                        &(struct broker_call){
                            .id = world.id, .number = {.number = 1}, .queue = CALL_QUEUE_CHANGES});
    broker_send(world.team.worker[ASKING].broker, THERE, message);
    settle(&world);
    assert_int_equal(called_of(&three)->names.count, 2);
    expect(&three, BROKER_CALL_DONE);

    message = broker_message_new(BROKER_END_CALL, 0, 0);
    message->call_end.queue = CALL_QUEUE_MESSAGES;
    memcpy(message->call_end.handle, world.connection->handle, SSE_HANDLE_SIZE);
    broker_send(world.team.worker[ASKING].broker, THERE, message);
    settle(&world);
    expect(&two, BROKER_CALL_DONE);
    start(&world, &one, &first); /* its turn has passed, and it has none */
    assert_string_equal(called_of(&one)->turn, "");
    expect(&one, BROKER_CALL_DONE);
    teardown(&world);
}

static void its_end_ends_what_waits(void **state)
{
    struct broker_call late = numbered(BROKER_LISTEN, 3, CALL_QUEUE_CHANGES);
    struct asked asked, again;
    struct world world;

    (void)state;
    setup(&world);
    start(&world, &asked, &late);
    start(&world, &again, &late);
    expect(&asked, BROKER_CALL_REPLACED);
    sse_connection_close(world.connection, SSE_CLOSE_KICKED, NULL, -1);
    settle(&world);
    expect(&again, BROKER_CALL_UNKNOWN);
    teardown(&world);
}

/* What a page says, or asks, as it goes. */
static void ended_ones_are_found_for_last_words(void **state)
{
    const struct broker_call bye = {
        .operation = BROKER_DISCONNECT, .reason = "bye", .duration = 5, .session_duration = 20};
    const struct broker_call whose = {.operation = BROKER_IDENTIFY};
    struct asked asked;
    struct world world;

    (void)state;
    setup(&world);
    start(&world, &asked, &bye);
    assert_true(called_of(&asked)->is_heard);
    expect(&asked, BROKER_CALL_DONE);
    assert_int_equal(world.connection->session_duration, 25);
    start(&world, &asked, &bye);
    assert_false(called_of(&asked)->is_heard);
    expect(&asked, BROKER_CALL_DONE);
    start(&world, &asked, &whose);
    assert_string_equal(called_of(&asked)->identity.connection_id, world.connection->handle);
    assert_string_equal(called_of(&asked)->identity.user_key, "ann");
    assert_string_equal(called_of(&asked)->identity.tenant_id, "north");
    expect(&asked, BROKER_CALL_DONE);
    start(&world, &asked, &(struct broker_call){.operation = BROKER_COUNT_MESSAGE});
    expect(&asked, BROKER_CALL_UNKNOWN);
    teardown(&world);
}

static void handlers_are_told_what_they_may_know(void **state)
{
    const struct broker_call call = {.operation = BROKER_COUNT_UPLOAD,
                                     .telling = {true, true, true}};
    struct asked asked;
    struct world world;

    (void)state;
    setup(&world);
    start(&world, &asked, &call);
    assert_int_equal(world.connection->request_upload_count, 1);
    assert_non_null(strstr(called_of(&asked)->user, "\"id\":\"ann\""));
    assert_non_null(strstr(called_of(&asked)->connection, world.connection->handle));
    assert_null(strstr(called_of(&asked)->connection, world.connection->secret));
    assert_null(strstr(called_of(&asked)->connection, "httpHeaders"));
    expect(&asked, BROKER_CALL_DONE);
    teardown(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_come_and_go),
        cmocka_unit_test(channels_are_the_users),
        cmocka_unit_test(only_its_own_page_finds_it),
        cmocka_unit_test(calls_have_their_turn),
        cmocka_unit_test(its_end_ends_what_waits),
        cmocka_unit_test(ended_ones_are_found_for_last_words),
        cmocka_unit_test(handlers_are_told_what_they_may_know),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
