/* SPDX-License-Identifier: Apache-2.0 */
/* What is recent of queues, and as SQL sees it. */
#include <stdio.h>

#include "qos/sqlite_recent.h"
#include "support/test.h"

struct fixture {
    struct qos_sqlite_recent recent;
    sqlite3 *database;
};

static const struct qos_recipient ann = {SSE_BY_USER, "ann", ""};
static const struct qos_recipient ann_listening = {SSE_BY_USER, "ann", "news"};
static const struct qos_recipient ann_token = {SSE_BY_TOKEN, "ann", ""};
static const struct qos_recipient bob = {SSE_BY_USER, "bob", ""};

static int open_fixture(void **state)
{
    static struct fixture fixture;

    qos_sqlite_recent_init(&fixture.recent);
    assert_int_equal(sqlite3_open(":memory:", &fixture.database), SQLITE_OK);
    assert_int_equal(qos_sqlite_recent_show(&fixture.recent, fixture.database), SQLITE_OK);
    qos_sqlite_recent_add(&fixture.recent, &bob, 1);
    qos_sqlite_recent_add(&fixture.recent, &ann, 2);
    qos_sqlite_recent_add(&fixture.recent, &ann_listening, 3);
    qos_sqlite_recent_add(&fixture.recent, &ann, 4);
    qos_sqlite_recent_add(&fixture.recent, &ann_token, 5);
    *state = &fixture;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(sqlite3_close(fixture->database), SQLITE_OK);
    qos_sqlite_recent_release(&fixture->recent);
    return 0;
}

/* What a query shows, row by row. */
static void assert_shown(const struct fixture *fixture, const char *query, const char *expected)
{
    char shown[500] = "";
    size_t length = 0;
    sqlite3_stmt *rows;

    assert_int_equal(sqlite3_prepare_v2(fixture->database, query, -1, &rows, NULL), SQLITE_OK);
    while (sqlite3_step(rows) == SQLITE_ROW)
        for (int i = 0; i < sqlite3_column_count(rows); i++)
            length += (size_t)snprintf(shown + length, sizeof(shown) - length, "%s%s",
                                       (const char *)sqlite3_column_text(rows, i),
                                       i + 1 < sqlite3_column_count(rows) ? " " : "; ");
    assert_int_equal(sqlite3_finalize(rows), SQLITE_OK);
    assert_string_equal(shown, expected);
}

static void is_a_table(void **state)
{
    const struct fixture *fixture = *state;

    assert_shown(fixture, "SELECT * FROM recent ORDER BY number",
                 "0 bob  1; 0 ann  2; 0 ann news 3; 0 ann  4; 1 ann  5; ");
    assert_shown(fixture,
                 "SELECT number FROM recent WHERE dimension = 0 AND value = 'ann'"
                 " AND listening = '' AND number > 2",
                 "4; ");
    assert_shown(fixture, "SELECT number FROM recent WHERE dimension = 0 AND value = 'ann'",
                 "2; 3; 4; ");
    assert_shown(fixture, "SELECT number FROM recent WHERE dimension = 0 AND value = 'eve'", "");
    assert_shown(fixture, "SELECT number FROM recent WHERE dimension = 77 AND value = 'ann'", "");
    assert_shown(fixture, "SELECT number FROM recent WHERE dimension = 0 AND value = NULL", "");
    assert_shown(fixture, "SELECT count(*) FROM recent WHERE dimension = 0", "4; ");
}

static void what_is_chosen_comes_by_its_keys(void **state)
{
    struct fixture *fixture = *state;

    qos_sqlite_recent_choose(&fixture->recent, 4, 3);
    assert_shown(fixture, "SELECT value, listening, number FROM recent WHERE moving = 1",
                 "ann  2; ann  4; ann news 3; ");
    assert_int_equal(qos_sqlite_recent_drop_chosen(&fixture->recent), 3);
    assert_shown(fixture, "SELECT number FROM recent WHERE moving = 1", "");
    assert_shown(fixture, "SELECT value, number FROM recent ORDER BY number", "bob 1; ann 5; ");
    qos_sqlite_recent_choose(&fixture->recent, 4, 3);
    assert_int_equal(qos_sqlite_recent_drop_chosen(&fixture->recent), 1);
    assert_int_equal(fixture->recent.count, 1);
}

static void what_is_removed_is_gone(void **state)
{
    struct fixture *fixture = *state;

    assert_false(qos_sqlite_recent_remove(&fixture->recent, &ann, 3));
    assert_true(qos_sqlite_recent_remove(&fixture->recent, &ann_listening, 3));
    assert_false(qos_sqlite_recent_remove(&fixture->recent, &ann_listening, 3));
    assert_true(qos_sqlite_recent_remove(&fixture->recent, &bob, 1));
    assert_false(qos_sqlite_recent_remove(&fixture->recent, &bob, 1));
    assert_int_equal(qos_sqlite_recent_remove_value(&fixture->recent, "ann", 5), 1);
    assert_int_equal(qos_sqlite_recent_remove_value(&fixture->recent, "ann", 1), 0);
    assert_shown(fixture, "SELECT value, number FROM recent ORDER BY number", "ann 2; ann 4; ");
    qos_sqlite_recent_clear(&fixture->recent);
    assert_int_equal(fixture->recent.count, 0);
    assert_shown(fixture, "SELECT * FROM recent", "");
}

#define with_fixture(test) cmocka_unit_test_setup_teardown(test, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_fixture(is_a_table),
        with_fixture(what_is_chosen_comes_by_its_keys),
        with_fixture(what_is_removed_is_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
