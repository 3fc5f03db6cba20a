/* SPDX-License-Identifier: Apache-2.0 */
/* What a shard answers to queries: one worker asks itself, as it would ask another one. */
#include <stdio.h>
#include <string.h>

#include "broker/gather.h"
#include "broker/row.h"
#include "broker/texts.h"
#include "sse/connection.h"
#include "sse/presence.h"
#include "support/broker_team.h"
#include "support/fake_loop.h"
#include "support/test.h"

enum { MOST_PAGES = 600 };

struct shard {
    struct team team; /* of one worker: */
    struct team_worker *worker;
    struct recording_sink sinks[MOST_PAGES];
    size_t pages;
    struct broker_request request;
    struct broker_message *answer; /* NULL: it has not come */
};

static void on_answer(struct broker_request *request, const struct broker_message *answer)
{
    struct shard *shard = container_of(request, struct shard, request);

    shard->answer = broker_message_keep(answer);
}

static int open_shard(void **state)
{
    struct shard *shard = mem_zalloc(sizeof(*shard));

    team_open(&shard->team, 1);
    shard->worker = &shard->team.worker[0];
    shard->worker->service.settings.server_id = "server-1";
    shard->request.on_answer = on_answer;
    *state = shard;
    return 0;
}

static int close_shard(void **state)
{
    struct shard *shard = *state;

    for (size_t i = 0; i < shard->pages; i++)
        sse_env_leave(&shard->sinks[i]);
    broker_message_free(shard->answer);
    team_close(&shard->team);
    free(shard);
    return 0;
}

static struct sse_connection *come(struct shard *shard, const struct sse_guest *guest)
{
    return sse_env_connect(&shard->worker->env, &shard->sinks[shard->pages++], guest);
}

static void three_come(struct shard *shard)
{
    come(shard,
         &(struct sse_guest){.user = "bob", .tenant = "north", .token = "b", .channel = "red"});
    come(shard,
         &(struct sse_guest){.user = "ann", .tenant = "south", .token = "a", .channel = "red"});
    come(shard, &(struct sse_guest){.user = "ann", .tenant = "south", .token = "a"});
}

static void leaves_for_a_moment(struct shard *shard, const char *id, const char *tenant)
{
    struct sse_presence *presence = shard->worker->service.online.presence;
    struct sse_user *user = sse_user_new(&(struct sse_user_fields){.id = id, .tenant_id = tenant});

    sse_presence_join(presence, id, NULL);
    sse_presence_leave(presence, id, NULL);
    sse_presence_remember(presence, user);
    sse_user_unref(user);
}

/* The answer is lent until the next question. */
static const struct broker_message *ask(struct shard *shard, struct broker_message *question)
{
    if (shard->answer)
        broker_message_free(shard->answer);
    shard->answer = NULL;
    broker_ask(shard->worker->broker, 0, question, &shard->request);
    return shard->answer;
}

static struct broker_message *query_of(unsigned lists, size_t most)
{
    struct broker_message *question = broker_message_new(BROKER_QUERY, 0, 64);

    question->query.lists = lists;
    question->query.choice.limit = most;
    return question;
}

static size_t count_of(const struct broker_message *answer, enum broker_list list)
{
    return answer->rows.lists[list].table.count;
}

static void each_list_has_what_is_asked_for(void **state)
{
    struct shard *shard = *state;
    const struct broker_message *answer;

    three_come(shard);
    answer = ask(shard, query_of(1u << BROKER_USERS | 1u << BROKER_CHANNELS, 0));
    assert_int_equal(answer->kind, BROKER_ROWS);
    assert_int_equal(answer->rows.connections, 3);
    assert_int_equal(answer->rows.passed, 3);
    assert_int_equal(count_of(answer, BROKER_USERS), 2);
    assert_int_equal(count_of(answer, BROKER_CHANNELS), 1);
    assert_int_equal(count_of(answer, BROKER_TENANTS), 0);
    assert_int_equal(answer->rows.first->count, 0);
}

static void filters_hold_together(void **state)
{
    struct shard *shard = *state;
    struct broker_message *question = query_of(1u << BROKER_TOKENS, 0);
    const struct broker_message *answer;

    three_come(shard);
    question->query.filter.by[BROKER_BY_CHANNEL] = broker_message_text(question, "red");
    question->query.filter.by[BROKER_BY_TENANT] = broker_message_text(question, "south");
    answer = ask(shard, question);
    assert_int_equal(answer->rows.connections, 3);
    assert_int_equal(answer->rows.passed, 1);
    assert_int_equal(count_of(answer, BROKER_TOKENS), 1);
}

static void who_is_away_counts_where_that_is_asked_for(void **state)
{
    struct shard *shard = *state;
    struct broker_message *question = query_of(1u << BROKER_USERS, 0);

    three_come(shard);
    leaves_for_a_moment(shard, "cid", "north");
    leaves_for_a_moment(shard, "dot", "south");
    assert_int_equal(count_of(ask(shard, question), BROKER_USERS), 2);
    question = query_of(1u << BROKER_USERS, 0);
    question->query.has_away = true;
    question->query.filter.by[BROKER_BY_TENANT] = broker_message_text(question, "north");
    assert_int_equal(count_of(ask(shard, question), BROKER_USERS), 2);
}

/* The first ones are those that came first, since the users have no names. */
static void the_first_connections_are_listed(void **state)
{
    struct shard *shard = *state;
    const struct sse_connection *first;
    const struct broker_message *answer;

    first = come(shard, &(struct sse_guest){.user = "bob"});
    fake_loop_advance(shard->worker->env.loop, 1);
    come(shard, &(struct sse_guest){.user = "ann"});
    answer = ask(shard, query_of(1u << BROKER_CONNECTIONS, 1));
    assert_int_equal(answer->rows.passed, 2);
    assert_int_equal(answer->rows.first->count, 1);
    assert_string_equal(row_handle(ranking_at(answer->rows.first, 0)), first->handle);
}

/* The question goes, and connections come and go, while the shard still looks. */
static void a_busy_shard_answers_later(void **state)
{
    struct shard *shard = *state;
    struct broker_message *question = query_of(1u << BROKER_USERS, 0);

    for (unsigned i = 0; i < MOST_PAGES; i++) {
        char id[16];

        snprintf(id, sizeof(id), "%u", i);
        come(shard, &(struct sse_guest){.user = id, .tenant = "north"});
    }
    question->query.filter.by[BROKER_BY_TENANT] = broker_message_text(question, "north");
    shard->worker->env.loop->is_busy = true;
    assert_null(ask(shard, question));
    sse_env_leave(&shard->sinks[0]);
    while (fake_loop_turn(shard->worker->env.loop) || !shard->answer)
        continue;
    assert_int_equal(count_of(shard->answer, BROKER_USERS), MOST_PAGES - 1);
}

static struct broker_message *show_of(const char *name, bool is_of_users, enum broker_form form)
{
    struct broker_message *question = broker_message_new(BROKER_SHOW, 0, 128);

    question->show.is_of_users = is_of_users;
    question->show.form = form;
    question->show.names = broker_message_block(question, sizeof(char *));
    question->show.names[question->show.count++] = broker_message_text(question, name);
    return question;
}

static void assert_shown(struct shard *shard, struct broker_message *question, const char *part)
{
    const struct broker_message *answer = ask(shard, question);

    assert_int_equal(answer->kind, BROKER_SHOWN);
    assert_int_equal(answer->shown.count, 1);
    if (part)
        assert_non_null(strstr(answer->shown.texts[0], part));
    else
        assert_null(answer->shown.texts[0]);
}

static void users_and_connections_are_shown(void **state)
{
    struct shard *shard = *state;
    const char *handle;

    three_come(shard);
    handle = shard->sinks[0].connection->handle;
    leaves_for_a_moment(shard, "cid", "north");
    assert_shown(shard, show_of("ann", true, BROKER_FORM_OWN), "\"tenantId\":\"south\"");
    assert_shown(shard, show_of("cid", true, BROKER_FORM_OWN), "\"grace\":true");
    assert_shown(shard, show_of("cid", true, BROKER_FORM_JAVA), NULL);
    assert_shown(shard, show_of("nobody", true, BROKER_FORM_OWN), NULL);
    assert_shown(shard, show_of(handle, false, BROKER_FORM_OWN), "\"serverId\":\"server-1\"");
    assert_shown(shard, show_of(handle, false, BROKER_FORM_JAVA), handle);
    assert_shown(shard, show_of("nobody", false, BROKER_FORM_OWN), NULL);
}

/* In the Java system's form to back ends, where the service shows secrets. */
static void secrets_are_shown_where_the_service_does(void **state)
{
    struct shard *shard = *state;

    shard->worker->env.settings.show_secrets = true;
    come(shard, &(struct sse_guest){.user = "ann", .token = "a-long-secret-token"});
    assert_shown(shard, show_of("ann", true, BROKER_FORM_JAVA), "a-long-secret-token");
    assert_shown(shard, show_of("ann", true, BROKER_FORM_JAVA_MASKED), "accessToken");
    assert_null(strstr(shard->answer->shown.texts[0], "a-long-secret-token"));
}

static enum broker_online online(struct shard *shard, const char *user_key)
{
    struct broker_message *question = broker_message_new(BROKER_IS_ONLINE, 0, 16);

    question->user_key = broker_message_text(question, user_key);
    return ask(shard, question)->online;
}

static void a_user_is_here_or_away_or_neither(void **state)
{
    struct shard *shard = *state;

    three_come(shard);
    leaves_for_a_moment(shard, "cid", "north");
    assert_int_equal(online(shard, "ann"), BROKER_IS_HERE);
    assert_int_equal(online(shard, "cid"), BROKER_IS_AWAY);
    assert_int_equal(online(shard, "nobody"), BROKER_IS_OFFLINE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_shard, close_shard)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_list_has_what_is_asked_for),
        TEST(filters_hold_together),
        TEST(who_is_away_counts_where_that_is_asked_for),
        TEST(the_first_connections_are_listed),
        TEST(a_busy_shard_answers_later),
        TEST(users_and_connections_are_shown),
        TEST(secrets_are_shown_where_the_service_does),
        TEST(a_user_is_here_or_away_or_neither),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
