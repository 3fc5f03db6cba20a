/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of lists of very many, whom two workers have. */
#include <stdio.h>
#include <string.h>

#include "broker/gather.h"
#include "broker/row.h"
#include "sse/connection.h"
#include "sse/registry.h"
#include "support/broker_team.h"
#include "support/fake_loop.h"
#include "support/test.h"

enum {
    PAGES = 24000, /* more than are ranked at once */
    USERS = 18000, /* a third of whom has two */
    SIZE = 10
};

struct crowd {
    struct team team;
    struct recording_sink *sinks;
    size_t total, count;
    char rows[SIZE][32]; /* users: "id connections"; else of connections the ids of their users */
    bool has_replied, is_done;
};

static int open_crowd(void **state)
{
    struct crowd *crowd = mem_zalloc(sizeof(*crowd));

    team_open(&crowd->team, 2);
    crowd->sinks = mem_zalloc(PAGES * sizeof(*crowd->sinks));
    for (unsigned i = 0; i < PAGES; i++) {
        struct team_worker *worker = &crowd->team.worker[i * 7 % 13 % 2];
        char id[8];

        snprintf(id, sizeof(id), "%05u", i % USERS);
        sse_env_connect(&worker->env, &crowd->sinks[i], &(struct sse_guest){.user = id});
        for (size_t j = 0; j < 2; j++)
            fake_loop_advance(crowd->team.worker[j].env.loop, 1);
    }
    *state = crowd;
    return 0;
}

static int close_crowd(void **state)
{
    struct crowd *crowd = *state;

    for (size_t i = 0; i < PAGES; i++)
        sse_env_leave(&crowd->sinks[i]);
    team_close(&crowd->team);
    free(crowd->sinks);
    free(crowd);
    return 0;
}

static const char *user_of(const struct crowd *crowd, const char *handle)
{
    for (size_t i = 0; i < crowd->team.workers; i++) {
        const struct sse_connection *connection =
            sse_registry_find(crowd->team.worker[i].env.service->registry, handle);

        if (connection)
            return connection->user->id;
    }
    fail();
    return NULL;
}

static void on_reply(const struct gather *gather)
{
    struct crowd *crowd = gather->context;

    crowd->has_replied = true;
    crowd->total = gather_count(gather, gather->listed);
    crowd->count = gather_rows(gather);
    for (size_t i = 0; i < crowd->count; i++) {
        const char *row = gather_row(gather, i);
        uint64_t connections;

        if (gather->has_user_rows) {
            char *key = row_user(row, &connections);

            snprintf(crowd->rows[i], sizeof(crowd->rows[i]), "%s %u", key, (unsigned)connections);
            free(key);
        } else {
            snprintf(crowd->rows[i], sizeof(crowd->rows[i]), "%s",
                     gather->listed == BROKER_USERS ? row : user_of(crowd, row_handle(row)));
        }
    }
}

static void on_done(void *context)
{
    ((struct crowd *)context)->is_done = true;
}

static void ask(struct crowd *crowd, enum broker_list list, struct broker_order order, size_t start,
                bool has_user_rows)
{
    struct gather *gather = gather_new(&crowd->team.worker[0].service);

    crowd->has_replied = crowd->is_done = false;
    gather->lists = 1u << list;
    gather->order = order;
    gather->start = start;
    gather->size = SIZE;
    gather->has_user_rows = has_user_rows;
    gather->reply = on_reply;
    gather->done = on_done;
    gather->context = crowd;
    gather_start(gather);
    while (!crowd->is_done)
        team_turn(&crowd->team);
    assert_true(crowd->has_replied);
}

/* Starts that are near, far, and at the end of so many. */
static const size_t starts[] = {0, 16380, 17000, 17995, 23997, 60000};

static size_t rows_at(size_t start, size_t total)
{
    const size_t left = start < total ? total - start : 0;

    return left < SIZE ? left : SIZE;
}

static void connections_by_age(void **state)
{
    struct crowd *crowd = *state;

    for (size_t i = 0; i < 2 * COUNT(starts); i++) {
        const size_t start = starts[i / 2];
        const struct broker_order order = {BROKER_SORT_CREATED, i % 2 == 1};

        ask(crowd, BROKER_CONNECTIONS, order, start, false);
        assert_int_equal(crowd->total, PAGES);
        assert_int_equal(crowd->count, rows_at(start, PAGES));
        for (size_t row = 0; row < crowd->count; row++) {
            const size_t at = order.is_descending ? PAGES - 1 - start - row : start + row;

            assert_int_equal(atoi(crowd->rows[row]), at % USERS);
        }
    }
}

static void users_by_id(void **state)
{
    struct crowd *crowd = *state;

    for (size_t i = 0; i < 2 * COUNT(starts); i++) {
        const size_t start = starts[i / 2];
        const struct broker_order order = {BROKER_SORT_KEY, i % 2 == 1};

        ask(crowd, BROKER_USERS, order, start, i % 3 == 0);
        assert_int_equal(crowd->total, USERS);
        assert_int_equal(crowd->count, rows_at(start, USERS));
        for (size_t row = 0; row < crowd->count; row++) {
            const size_t at = order.is_descending ? USERS - 1 - start - row : start + row;

            assert_int_equal(atoi(crowd->rows[row]), at);
        }
    }
}

/* Those with two come last, or first. */
static void users_by_connections(void **state)
{
    struct crowd *crowd = *state;
    const size_t with_two = PAGES - USERS, with_one = USERS - with_two;

    for (size_t i = 0; i < 2 * COUNT(starts); i++) {
        const size_t start = starts[i / 2];
        const struct broker_order order = {BROKER_SORT_CONNECTIONS, i % 2 == 1};

        ask(crowd, BROKER_USERS, order, start, true);
        assert_int_equal(crowd->count, rows_at(start, USERS));
        for (size_t row = 0; row < crowd->count; row++) {
            const size_t at = order.is_descending ? USERS - 1 - start - row : start + row;
            const size_t user = at < with_one ? with_two + at : at - with_one;
            char wanted[32];

            snprintf(wanted, sizeof(wanted), "%05zu %u", user, at < with_one ? 1 : 2);
            assert_string_equal(crowd->rows[row], wanted);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_by_age),
        cmocka_unit_test(users_by_id),
        cmocka_unit_test(users_by_connections),
    };

    return cmocka_run_group_tests(tests, open_crowd, close_crowd);
}
