/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "qos/sqlite_file.h"
#include "support/test.h"

static const char *const steps[] = {
    "CREATE TABLE one (a); INSERT INTO one VALUES (7);",
    "ALTER TABLE one ADD COLUMN b DEFAULT 8;",
    "CREATE TABLE three (c);",
};
static const char *const broken_steps[] = {
    "CREATE TABLE one (a);",
    "CREATE TABLE two (b);",
    "CREATE TABLE three (c); INSERT INTO nowhere VALUES (1);",
};

static const struct qos_sqlite_schema version_1 = {steps, 1};
static const struct qos_sqlite_schema version_3 = {steps, 3};
static const struct qos_sqlite_schema broken = {broken_steps, 3};

static int open_database(void **state)
{
    sqlite3 *database;

    if (sqlite3_open(":memory:", &database) != SQLITE_OK)
        return -1;
    *state = database;
    return 0;
}

static int close_database(void **state)
{
    return sqlite3_close(*state);
}

static int64_t number_of(sqlite3 *database, const char *query)
{
    sqlite3_int64 number = -1;

    assert_int_equal(qos_sqlite_number(database, query, &number), 0);
    return number;
}

static void run(sqlite3 *database, const char *sql)
{
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void makes_an_empty_file(void **state)
{
    int found = 9;

    assert_int_equal(qos_sqlite_upgrade(*state, &version_3, &found), 0);
    assert_int_equal(found, 0);
    assert_int_equal(number_of(*state, "PRAGMA user_version"), 3);
    assert_int_equal(number_of(*state, "SELECT a * 10 + b FROM one"), 78);
    assert_int_equal(number_of(*state, "SELECT count(*) FROM three"), 0);
}

static void brings_an_older_file_up_to_date(void **state)
{
    int found = 9;

    assert_int_equal(qos_sqlite_upgrade(*state, &version_1, &found), 0);
    run(*state, "UPDATE one SET a = 5");
    assert_int_equal(qos_sqlite_upgrade(*state, &version_3, &found), 0);
    assert_int_equal(found, 1);
    assert_int_equal(number_of(*state, "PRAGMA user_version"), 3);
    assert_int_equal(number_of(*state, "SELECT a * 10 + b FROM one"), 58);
    assert_int_equal(qos_sqlite_upgrade(*state, &version_3, &found), 0);
    assert_int_equal(found, 3);
}

static void refuses_a_newer_file(void **state)
{
    int found = 0;

    assert_int_equal(qos_sqlite_upgrade(*state, &version_3, &found), 0);
    assert_int_equal(qos_sqlite_upgrade(*state, &version_1, &found), -EPROTONOSUPPORT);
    assert_int_equal(found, 3);
    assert_int_equal(number_of(*state, "PRAGMA user_version"), 3);
}

static void refuses_the_file_of_another_program(void **state)
{
    int found = 0;

    run(*state, "CREATE TABLE theirs (a)");
    assert_int_equal(qos_sqlite_upgrade(*state, &version_1, &found), -EPROTONOSUPPORT);
    assert_int_equal(found, -1);
    run(*state, "DROP TABLE theirs; PRAGMA application_id = 1; PRAGMA user_version = 1");
    assert_int_equal(qos_sqlite_upgrade(*state, &version_1, &found), -EPROTONOSUPPORT);
    assert_int_equal(found, -1);
}

static void takes_all_steps_or_none(void **state)
{
    int found = 0;

    assert_int_equal(qos_sqlite_upgrade(*state, &broken, &found), -EIO);
    assert_int_equal(number_of(*state, "PRAGMA user_version"), 0);
    assert_int_equal(number_of(*state, "PRAGMA application_id"), 0);
    assert_int_equal(number_of(*state, "SELECT count(*) FROM sqlite_schema"), 0);
    assert_int_equal(qos_sqlite_upgrade(*state, &version_1, &found), 0);
}

static void says_what_a_code_amounts_to(void **state)
{
    static const struct {
        int code, error;
    } rows[] = {
        {SQLITE_OK, 0},
        {SQLITE_ROW, 0},
        {SQLITE_DONE, 0},
        {SQLITE_FULL, -ENOSPC},
        {SQLITE_IOERR_FSYNC, -EIO},
        {SQLITE_CORRUPT_INDEX, -EUCLEAN},
        {SQLITE_NOTADB, -EUCLEAN},
        {SQLITE_BUSY_RECOVERY, -EBUSY},
        {SQLITE_READONLY_DIRECTORY, -EROFS},
        {SQLITE_NOMEM, -ENOMEM},
        {SQLITE_MISUSE, -EIO},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(qos_sqlite_errno(*state, rows[i].code), rows[i].error);
}

static void wants_one_number(void **state)
{
    sqlite3_int64 number;

    assert_int_equal(qos_sqlite_number(*state, "SELECT 1 WHERE 0", &number), -EUCLEAN);
    assert_int_equal(qos_sqlite_number(*state, "SELECT a FROM nowhere", &number), -EIO);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, open_database, close_database)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(makes_an_empty_file),     CASE(brings_an_older_file_up_to_date),
        CASE(refuses_a_newer_file),    CASE(refuses_the_file_of_another_program),
        CASE(takes_all_steps_or_none), CASE(says_what_a_code_amounts_to),
        CASE(wants_one_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
