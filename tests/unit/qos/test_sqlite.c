/* SPDX-License-Identifier: Apache-2.0 */
/* What only a repository in a file has: tests/unit/qos/test_repository.c has the rest. */
#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "qos/end.h"
#include "qos/sqlite_file.h"
#include "qos/sqlite_repository.h"
#include "repository_env.h"
#include "sse/user.h"

#define PAGE 4096ul

static const struct qos_recipient alice = {SSE_BY_USER, "alice", ""};

static void assert_refused(const char *path, int expected, const char *words)
{
    char fault[256];
    int error = -EUCLEAN; /* checked to the end */

    assert_null(qos_sqlite_new(path, &error, fault, sizeof(fault)));
    assert_int_equal(error, expected);
    assert_non_null(strstr(fault, path));
    if (!strstr(fault, words))
        fail_msg("\"%s\" does not say \"%s\"", fault, words);
}

/* With a connection of our own, as an operator would have. */
static void run(const struct repository_env *env, const char *sql)
{
    sqlite3 *database;

    assert_int_equal(sqlite3_open(env->path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

static off_t file_size(const struct repository_env *env)
{
    struct stat status;

    assert_int_equal(stat(env->path, &status), 0);
    return status.st_size;
}

static void fill(struct repository_env *env, int count)
{
    char *json = mem_alloc(10000);
    char *values[] = {(char *)"alice"};
    const struct sse_target target = {SSE_BY_USER, values, 1, NULL};

    memset(json, 'j', 10000);
    env_begin(env);
    for (int i = 0; i < count; i++) {
        char id[24];
        struct qos_message message = message_of(id);

        snprintf(id, sizeof(id), "%d", i);
        message.json = json;
        message.length = 10000;
        assert_int_equal(env->repository->ops->put(env->repository, &message, &target), 0);
    }
    env_commit(env);
    free(json);
}

static void write_at(const struct repository_env *env, size_t offset, size_t size)
{
    char *bytes = mem_alloc(size);
    const int file = open(env->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_true(file >= 0);
    memset(bytes, 0x5a, size);
    assert_int_equal(pwrite(file, bytes, size, (off_t)offset), size);
    assert_int_equal(close(file), 0);
    free(bytes);
}

static void makes_its_directory_and_keeps_the_file_to_itself(void **state)
{
    struct repository_env *env = *state;
    char path[128], wal[136], directory[112];
    char fault[256];
    struct stat status;
    struct qos_repository *repository;
    int error = 0;

    snprintf(directory, sizeof(directory), "%s/below", env->directory);
    snprintf(path, sizeof(path), "%s/x.sqlite", directory);
    snprintf(wal, sizeof(wal), "%s-wal", path);
    repository = qos_sqlite_new(path, &error, fault, sizeof(fault));
    assert_non_null(repository);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(stat(wal, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    repository->ops->free(repository);
    assert_int_equal(stat(wal, &status), -1);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(directory), 0);
}

static void says_why_it_cannot_make_the_file(void **state)
{
    struct repository_env *env = *state;
    char below[128];

    snprintf(below, sizeof(below), "%s/below", env->path);
    assert_refused(below, -ENOTDIR, "Not a directory");
    assert_refused(env->directory, -EISDIR, "cannot be opened");
}

static void takes_an_empty_file(void **state)
{
    struct repository_env *env = *state;

    env_close(env);
    assert_int_equal(truncate(env->path, 0), 0);
    env_reopen(env);
    (void)env_put(env, "1", "alice");
    assert_totals(env, 1, 1);
}

static void is_of_one_process(void **state)
{
    struct repository_env *env = *state;

    assert_refused(env->path, -EBUSY, "another process");
    (void)env_put(env, "1", "alice");
    env_reopen(env);
    assert_totals(env, 1, 1);
}

static void refuses_a_damaged_file(void **state)
{
    struct repository_env *env = *state;

    fill(env, 50);
    env_close(env);
    write_at(env, 4 * PAGE, 20 * PAGE);
    assert_refused(env->path, -EUCLEAN, "move it and its -wal file away");
    assert_int_equal(unlink(env->path), 0);
    env_reopen(env);
    assert_totals(env, 0, 0);
}

/* As of a large file, whose check goes on when it is open. */
static int begin_until_checked(struct qos_repository *repository)
{
    struct qos_sqlite *sqlite = qos_sqlite_of(repository);
    int result = 0;

    while (result == 0 && qos_sqlite_check_is_on(&sqlite->check)) {
        result = repository->ops->begin(repository);
        if (result == 0)
            assert_int_equal(repository->ops->commit(repository), 0);
    }
    return result;
}

static void finds_damage_beside_what_is_done(void **state)
{
    struct repository_env *env = *state;
    struct qos_sqlite *sqlite;
    char fault[256];
    int error = -EUCLEAN;

    fill(env, 50);
    env_reopen(env);
    sqlite = qos_sqlite_of(env->repository);
    qos_sqlite_check_release(&sqlite->check);
    assert_true(env->repository->is_checked);
    env->repository->is_checked = false;
    assert_int_equal(qos_sqlite_check_start(&sqlite->check, env->path), 0);
    assert_int_equal(begin_until_checked(env->repository), 0);
    assert_true(env->repository->is_checked);
    (void)env_put(env, "new", "alice");

    env_reopen(env);
    sqlite = qos_sqlite_of(env->repository);
    qos_sqlite_check_release(&sqlite->check);
    write_at(env, 5 * PAGE, 20 * PAGE);
    env->repository->is_checked = false;
    assert_int_equal(qos_sqlite_check_start(&sqlite->check, env->path), 0);
    assert_int_equal(begin_until_checked(env->repository), -EUCLEAN);
    assert_int_equal(env->repository->fault, -EUCLEAN);
    assert_false(env->repository->is_checked);
    env->repository->ops->rollback(env->repository);
    env_close(env);
    assert_null(qos_sqlite_new(env->path, &error, fault, sizeof(fault)));
    assert_int_equal(error, -EUCLEAN);
}

/* What has been committed meanwhile comes into the file when it is over, or closed. */
static void keeps_what_is_committed_beside_the_check(void **state)
{
    struct repository_env *env = *state;
    struct qos_sqlite *sqlite;

    fill(env, 200);
    env_reopen(env);
    sqlite = qos_sqlite_of(env->repository);
    qos_sqlite_check_release(&sqlite->check);
    assert_int_equal(qos_sqlite_check_start(&sqlite->check, env->path), 0);
    (void)env_put(env, "a", "alice");
    (void)env_put(env, "b", "alice");
    env_reopen(env);
    assert_int_equal(env->repository->totals.copies, 202);
}

static void refuses_what_is_no_database(void **state)
{
    struct repository_env *env = *state;

    env_close(env);
    assert_int_equal(unlink(env->path), 0);
    write_at(env, 0, 5000);
    assert_refused(env->path, -EUCLEAN, "damaged");
}

static void refuses_a_newer_version(void **state)
{
    struct repository_env *env = *state;

    env_close(env);
    run(env, "PRAGMA user_version = 999");
    assert_refused(env->path, -EPROTONOSUPPORT, "999");
    run(env, "PRAGMA user_version = 4");
    env_reopen(env);
}

static void refuses_the_file_of_another_program(void **state)
{
    struct repository_env *env = *state;

    env_close(env);
    run(env, "PRAGMA application_id = 1");
    assert_refused(env->path, -EPROTONOSUPPORT, "another program");
}

/* The plan that SQLite has for a statement, a line for each step. */
static void explain(struct repository_env *env, enum qos_sqlite_statement which, char *plan,
                    size_t size)
{
    struct qos_sqlite *sqlite = qos_sqlite_of(env->repository);
    sqlite3_stmt *steps;
    char *sql = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sqlite3_sql(sqlite->statements[which]));

    plan[0] = '\0';
    assert_int_equal(sqlite3_prepare_v2(sqlite->database, sql, -1, &steps, NULL), SQLITE_OK);
    while (sqlite3_step(steps) == SQLITE_ROW) {
        const size_t length = strlen(plan);

        snprintf(plan + length, size - length, "%s\n", (const char *)sqlite3_column_text(steps, 3));
    }
    assert_int_equal(sqlite3_finalize(steps), SQLITE_OK);
    sqlite3_free(sql);
}

/* What messages?userId= and the like ask, and what deliveries do: nothing goes through a table. */
static void finds_all_by_an_index(void **state)
{
    static const struct {
        enum qos_sqlite_statement which;
        const char *searches[4];
    } rows[] = {
        {QOS_SQLITE_READ_VALUE,
         {"SEARCH queue USING PRIMARY KEY (dimension=? AND value=?)",
          "SCAN recent VIRTUAL TABLE INDEX 1:value",
          "SEARCH copy USING COVERING INDEX copy_queue (dimension=? AND value=?)",
          "SEARCH m USING INTEGER PRIMARY KEY (rowid=?)"}},
        {QOS_SQLITE_READ,
         {"SEARCH queue USING PRIMARY KEY (dimension=? AND value=? AND listening=? AND number>?)",
          "SCAN recent VIRTUAL TABLE INDEX 1:value",
          "copy_queue (dimension=? AND value=? AND listening=? AND number>?)",
          "SEARCH b USING INTEGER PRIMARY KEY (rowid=?)"}},
        {QOS_SQLITE_NEXT_QUEUE, {"listening>?", "SEARCH c USING PRIMARY KEY"}},
        {QOS_SQLITE_COUNT, {"SEARCH copy USING COVERING INDEX copy_queue"}},
        {QOS_SQLITE_FIND, {"SEARCH message USING INDEX sqlite_autoindex_message_1 (id=?)"}},
        {QOS_SQLITE_STATES, {"SEARCH c USING PRIMARY KEY (number=?)"}},
        {QOS_SQLITE_DUE_BLOCK, {"SEARCH expiry USING COVERING INDEX expiry_earliest"}},
        {QOS_SQLITE_EXPIRED, {"SEARCH m USING INDEX message_expiry (expires<?)"}},
        {QOS_SQLITE_FIRST_ENDED, {"USING INDEX message_ended"}},
    };
    struct repository_env *env = *state;
    char plan[4096];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        explain(env, rows[i].which, plan, sizeof(plan));
        for (size_t j = 0; j < 4 && rows[i].searches[j]; j++)
            if (!strstr(plan, rows[i].searches[j]))
                fail_msg("no \"%s\" in:\n%s", rows[i].searches[j], plan);
        for (const char *table = plan; (table = strstr(table, "SCAN ")); table++)
            if (strstr(table, "SCAN k") != table && strstr(table, "SCAN (") != table &&
                strstr(table, "SCAN m USING INDEX") != table &&
                strstr(table, "SCAN recent VIRTUAL TABLE INDEX 1:") != table)
                fail_msg("a table is gone through:\n%s", plan);
    }
}

/* As programs before version 4 wrote them: "old-1" for alice, "old-2" for alice and bob, and
 * "old-3" for bob, who has had it. */
static const char old_rows[] =
    "INSERT INTO message VALUES (1, 'old-1', 0, 100, 1000, '', 25, 1, NULL),"
    " (2, 'old-2', 7, 100, 1000, '', 25, 2, NULL), (3, 'old-3', 0, 100, 1000, '', 25, 0, 600);"
    "INSERT INTO body VALUES (1, '{\"event\":\"e\",\"message\":1}'),"
    " (2, '{\"event\":\"e\",\"message\":1}');"
    "INSERT INTO copy VALUES (1, 'alice', 0, '', 0, 3, 0), (2, 'alice', 0, '', 0, 0, 0),"
    " (2, 'bob', 0, '', 0, 0, 0), (3, 'bob', 0, '', 1, 1, 600);"
    "UPDATE numbers SET reserved = 1000;";

static void make_old_file(const struct repository_env *env, int version)
{
    const struct qos_sqlite_schema old = {qos_sqlite_schema.steps, version};
    sqlite3 *database;
    int found;

    assert_int_equal(unlink(env->path), 0);
    assert_int_equal(sqlite3_open(env->path, &database), SQLITE_OK);
    assert_int_equal(qos_sqlite_upgrade(database, &old, &found), 0);
    assert_int_equal(sqlite3_exec(database, old_rows, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

static void assert_refused_by(const struct repository_env *env, int version)
{
    const struct qos_sqlite_schema old = {qos_sqlite_schema.steps, version};
    sqlite3 *database;
    int found;

    assert_int_equal(sqlite3_open(env->path, &database), SQLITE_OK);
    assert_int_equal(qos_sqlite_upgrade(database, &old, &found), -EPROTONOSUPPORT);
    assert_int_equal(found, 4);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

static void brings_an_older_file_up_to_date(void **state)
{
    struct repository_env *env = *state;
    const struct qos_recipient bob = user("bob");

    for (int version = 1; version < 4; version++) {
        struct qos_message message;
        uint64_t number;

        env_close(env);
        make_old_file(env, version);
        env_reopen(env);
        number = env_put(env, "new", "alice");
        assert_in_range(number, 1001, 3000);
        BEFORE_AND_AFTER_REOPENING(env)
        {
            assert_totals(env, 4, 3);
            assert_int_equal(env->repository->totals.ended, 1);
            assert_read(env, &alice, 0, 9,
                        "old-1:alice/=stored old-2:alice/=stored new:alice/=stored");
            assert_int_equal(env_count(env, &alice), 3);
            assert_scan(env, 0, 9,
                        "old-1:alice/=stored old-2:alice/=stored old-2:bob/=stored "
                        "new:alice/=stored");
            assert_expired(env, 1000, 9,
                           "new:alice/=stored old-1:alice/=stored "
                           "old-2:alice/=stored old-2:bob/=stored");
            assert_int_equal(env->repository->ops->find(env->repository, "old-3", &message), 0);
            assert_int_equal(message.number, 3);
        }
        env_end_user(env, 1, "alice", 700);
        env_end_user(env, 2, "alice", 700);
        env_end_user(env, number, "alice", 700);
        assert_int_equal(env_set_aside(env, 2, "bob", QOS_BAD_ROW), 0);
        assert_read(env, &bob, 0, 9, "");
        assert_int_equal(env_forget(env, 1000, 9, 9), 3);
        assert_totals(env, 0, 1);
        env_close(env);
        assert_refused_by(env, version);
    }
    env_reopen(env);
}

/* What is wrong with the first of two messages, in its row or in one beside it; whom that was for;
 * and whether its queue still has it. */
static const struct damage {
    const char *sql, *users;
    bool is_in_queue;
    const char *states; /* of the message, shown by its number */
} damages[] = {
    {"UPDATE message SET dimension = 77 WHERE number = 1", "alice", false, "1:alice/=unreadable"},
    {"UPDATE message SET dimension = -1 WHERE number = 1", "alice", false, "1:alice/=unreadable"},
    {"UPDATE message SET state = 77 WHERE number = 1", "alice", false, "1:alice/=unreadable"},
    {"UPDATE message SET length = 1 WHERE number = 1", "alice", true, "1:alice/=unreadable"},
    {"UPDATE message SET length = -1 WHERE number = 1", "alice", true, "1:alice/=unreadable"},
    {"UPDATE message SET json = 'x' WHERE number = 1", "alice", true, "1:alice/=unreadable"},
    {"UPDATE message SET json = x'' WHERE number = 1", "alice", true, "1:alice/=unreadable"},
    {"UPDATE message SET json = x'7b7d' WHERE number = 1", "alice", true, "1:alice/=unreadable"},
    {"UPDATE message SET json = x'7b01' WHERE number = 1", "alice", true, "1:alice/=unreadable"},
    {"UPDATE message SET json = NULL WHERE number = 1", "alice", true, "1:alice/=unreadable"},
    {"UPDATE copy SET dimension = 77 WHERE number = 1 AND value = 'alice'", "alice,zoe", false,
     "1:alice/=unreadable 1:zoe/=stored"},
    {"UPDATE copy SET dimension = -1 WHERE number = 1 AND value = 'alice'", "alice,zoe", false,
     "1:alice/=unreadable 1:zoe/=stored"},
    {"UPDATE copy SET state = 77 WHERE number = 1 AND value = 'alice'", "alice,zoe", false,
     "1:alice/=unreadable 1:zoe/=stored"},
    {"UPDATE message SET length = 1 WHERE number = 1", "alice,zoe", true,
     "1:alice/=unreadable 1:zoe/=unreadable"},
    {"UPDATE message SET length = -1 WHERE number = 1", "alice,zoe", true,
     "1:alice/=unreadable 1:zoe/=unreadable"},
    {"UPDATE body SET json = 'x' WHERE number = 1", "alice,zoe", true,
     "1:alice/=unreadable 1:zoe/=unreadable"},
    {"DELETE FROM body WHERE number = 1", "alice,zoe", true,
     "1:alice/=unreadable 1:zoe/=unreadable"},
    {"DELETE FROM message WHERE number = 1", "alice,zoe", true, NULL},
};

static void assert_shown(struct repository_env *env, const struct damage *damage)
{
    const struct qos_recipient queue = user("alice");
    struct shown shown = {.text = ""};
    const char *ids = damage->states ? "1" : ""; /* the id is in the message */
    char expected[64];
    struct qos_message message;

    snprintf(expected, sizeof(expected), "%s:alice/=unreadable 2:alice/=stored", ids);
    assert_read(env, &queue, 0, 9, damage->is_in_queue ? expected : "2:alice/=stored");
    assert_int_equal(
        env->repository->ops->queues(env->repository, SSE_BY_USER, "alice", shown_visit, &shown),
        0);
    assert_int_equal(shown.count, 1);
    if (!damage->states)
        return;
    shown = (struct shown){.text = ""};
    assert_int_equal(env->repository->ops->find(env->repository, "1", &message), 0);
    assert_int_equal(
        env->repository->ops->states(env->repository, message.number, shown_visit, &shown), 0);
    assert_string_equal(shown.text, damage->states);
}

/* One damaged row, beside one that is whole, keeps neither the file from being opened nor others
 * from being stored behind all that is there. */
static void takes_messages_beside_damaged_numbers(void **state)
{
    static const char *const wrongs[] = {
        "UPDATE message SET length = 9223372036854775807 WHERE number = 1",
        "UPDATE message SET length = 4000000000000 WHERE number = 1",
        "UPDATE message SET length = -4000000000000 WHERE number = 1",
        "UPDATE numbers SET reserved = 0",
        "UPDATE numbers SET reserved = -7",
        "UPDATE numbers SET reserved = 9223372036854775807",
        "DELETE FROM numbers",
        "INSERT INTO body VALUES (9223372036854775807, 'x')",
    };
    struct repository_env *env = *state;

    for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
        const struct qos_recipient queue = user("alice");
        uint64_t third;

        (void)env_put(env, "1", "alice");
        (void)env_put(env, "2", "alice");
        env_close(env);
        run(env, wrongs[i]);
        env_reopen(env);
        assert_in_range(env->repository->totals.bytes, 1, 1000);
        third = env_put(env, "3", "alice");
        assert_in_range(third, 3, 10000);
        assert_read(env, &queue, 1, 9, "2:alice/=stored 3:alice/=stored");
        assert_int_equal(env_set_aside(env, 1, "alice", QOS_BAD_ROW), 0);
        assert_int_equal(env_end(env, third, &queue, 200), 0);
        assert_in_range(env->repository->totals.bytes, 1, 1000);
        env_close(env);
        assert_int_equal(unlink(env->path), 0);
        env_reopen(env);
    }
}

static void forgets_no_message_with_a_copy_that_is_stored(void **state)
{
    struct repository_env *env = *state;
    const struct qos_recipient queue = user("alice");
    size_t forgotten;

    (void)env_put(env, "1", "alice");
    (void)env_put(env, "2", "alice");
    assert_int_equal(env_end(env, 2, &queue, 200), 0);
    env_close(env);
    run(env, "UPDATE message SET ended = 100 WHERE number = 1");
    env_reopen(env);
    env_begin(env);
    assert_int_equal(env->repository->ops->forget(env->repository, 5000, 0, 9, &forgotten), 0);
    env_commit(env);
    assert_int_equal(forgotten, 1);
    assert_read(env, &queue, 0, 9, "1:alice/=stored");
}

/* A single damaged row is nobody else's fault: the transaction goes on, and the queue behind it. */
static void shows_rows_that_nobody_has_written(void **state)
{
    struct repository_env *env = *state;

    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        const struct qos_recipient queue = user("alice");
        struct shown shown = {.text = ""};

        assert_int_equal(env_put(env, "1", damages[i].users), 1);
        (void)env_put(env, "2", "alice");
        env_close(env);
        run(env, damages[i].sql);
        env_reopen(env);
        env_begin(env);
        assert_shown(env, &damages[i]);
        assert_int_equal(env->repository->ops->scan(env->repository, 0, 9, shown_visit, &shown), 0);
        shown = (struct shown){.text = ""};
        assert_int_equal(
            env->repository->ops->expired(env->repository, 5000, 9, shown_visit, &shown), 0);
        assert_non_null(strstr(shown.text, "2:alice/=stored"));
        env_commit(env);
        assert_int_equal(env_set_aside(env, 1, "alice", QOS_BAD_ROW),
                         strstr(damages[i].sql, "state = 77") ? -ENOENT : 0);
        assert_read(env, &queue, 0, 9, "2:alice/=stored");
        env_close(env);
        assert_int_equal(unlink(env->path), 0);
        env_reopen(env);
    }
}

/* What no query by state would find: neither lost nor written again while nobody knows. */
static void sets_aside_what_has_an_unknown_state(void **state)
{
    static const int unknown[] = {6, 77, -1};
    struct repository_env *env = *state;
    const struct qos_recipient queue = user("alice");

    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        char sql[160];

        (void)env_put(env, "1", "alice,bob");
        (void)env_put(env, "2", "alice");
        (void)env_put(env, "3", "alice");
        assert_int_equal(env_end(env, 3, &queue, 200), 0);
        env_close(env);
        snprintf(sql, sizeof(sql),
                 "UPDATE copy SET state = %d WHERE value = 'alice';"
                 "UPDATE message SET state = %d WHERE value = 'alice'",
                 unknown[i], unknown[i]);
        run(env, sql);
        env_reopen(env);
        assert_totals(env, 1, 2);
        assert_int_equal(env->repository->totals.aside, 2);
        assert_aside(env, 0, 9, "1:alice/=unreadable 2:alice/=unreadable");
        env_begin(env);
        assert_int_equal(env->repository->ops->take_back(env->repository, 1, "alice"), 0);
        env_commit(env);
        assert_read(env, &queue, 0, 9, "1:alice/=stored");
        assert_int_equal(env_end(env, 1, &queue, 300), 0);
        env_end_user(env, 1, "bob", 300);
        assert_totals(env, 0, 1);
        env_close(env);
        assert_int_equal(unlink(env->path), 0);
        env_reopen(env);
    }
}

/* The first of two messages for alice lacks what every row of a single recipient has. */
static const struct {
    const char *sql, *value; /* by which it is known when it is aside */
} losses[] = {
    {"dimension = NULL", "alice"},
    {"value = NULL", ""},
    {"listening = NULL", "alice"},
    {"state = NULL", "alice"},
    {"dimension = NULL, value = NULL, listening = NULL", ""},
    {"dimension = NULL, value = NULL, listening = NULL, state = NULL", ""},
    {"value = NULL, json = x'7b7d02'", ""},
    {"dimension = NULL, json = x'7b7d02'", "alice"},
};

static void lose(struct repository_env *env, size_t loss)
{
    char sql[160];

    snprintf(sql, sizeof(sql), "UPDATE message SET %s WHERE number = 1", losses[loss].sql);
    assert_int_equal(sqlite3_exec(qos_sqlite_of(env->repository)->database, sql, NULL, NULL, NULL),
                     SQLITE_OK);
}

static void put_and_lose(struct repository_env *env, size_t loss, bool is_queued)
{
    (void)env_put(env, "1", "alice");
    (void)env_put(env, "2", "alice");
    if (is_queued)
        assert_int_equal(
            sqlite3_exec(
                qos_sqlite_of(env->repository)->database,
                "INSERT INTO queue VALUES (0, 'alice', '', 1); UPDATE numbers SET queued = 1", NULL,
                NULL, NULL),
            SQLITE_OK);
    lose(env, loss);
}

static void start_anew(struct repository_env *env)
{
    env_close(env);
    assert_int_equal(unlink(env->path), 0);
    env_reopen(env);
}

static int sweep_at(struct repository_env *env, int64_t now, struct shown *swept)
{
    struct qos_sweep sweep = {.now = now, .limit = 9, .remember_ms = 5000, .remembered_most = 9};
    int status;

    *swept = (struct shown){.text = ""};
    qos_sweep_init(&sweep);
    env_begin(env);
    status = sweep.job.run(&sweep.job, env->repository);
    env_commit(env);
    assert_true(sweep.is_all);
    for (size_t i = 0; i < sweep.ended.count; i++)
        (void)shown_visit(swept, &sweep.ended.items[i]);
    qos_copies_release(&sweep.ended);
    return status;
}

static void delete_message(struct repository_env *env, const char *id)
{
    struct qos_delete delete = {.id = id, .now = 5000};

    qos_delete_init(&delete);
    env_begin(env);
    assert_int_equal(delete.job.run(&delete.job, env->repository), 0);
    env_commit(env);
    assert_int_equal(delete.ended.count, 1);
    qos_copies_release(&delete.ended);
}

static void sets_aside_what_has_lost_a_column(void **state)
{
    struct repository_env *env = *state;
    const struct qos_recipient queue = user("alice");

    for (size_t i = 0; i < 2 * sizeof(losses) / sizeof(losses[0]); i++) {
        const char *value = losses[i / 2].value;
        char expected[64];
        struct shown swept;

        put_and_lose(env, i / 2, i % 2 > 0);
        snprintf(expected, sizeof(expected), "1:%s/=unreadable", value);
        env_reopen(env);
        BEFORE_AND_AFTER_REOPENING(env)
        {
            assert_totals(env, 1, 2);
            assert_int_equal(env->repository->totals.aside, 1);
            assert_aside(env, 0, 9, expected);
            assert_read(env, &queue, 0, 9, "2:alice/=stored");
            assert_int_equal(env_count(env, &queue), 1);
            assert_scan(env, 0, 9, "2:alice/=stored");
        }
        assert_int_equal(sweep_at(env, 5000, &swept), 0);
        assert_string_equal(swept.text, "2:alice/=expired");
        delete_message(env, "1");
        assert_totals(env, 0, 0);
        assert_int_equal(env->repository->totals.aside, 0);
        assert_int_equal(env->repository->totals.ended, 2);
        start_anew(env);
    }
}

/* Before a check has found them. */
static void lets_nothing_wait_behind_what_has_lost_a_column(void **state)
{
    struct repository_env *env = *state;

    for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
        struct shown swept;

        put_and_lose(env, i, false);
        for (int round = 0; round < 2; round++) {
            assert_int_equal(sweep_at(env, 5000, &swept), 0);
            assert_int_equal(strstr(swept.text, "2:alice/=expired") != NULL, round == 0);
        }
        env_reopen(env);
        assert_totals(env, 0, 1);
        assert_int_equal(env->repository->totals.aside, 1);
        start_anew(env);
    }
}

/* Although the transaction leaves all that is counted as it was. */
static void keeps_that_a_user_has_a_tenant(void **state)
{
    struct repository_env *env = *state;
    const struct qos_repository_ops *ops = env->repository->ops;
    char *values[] = {(char *)"acme" SSE_USER_KEY_SEPARATOR "alice"};
    const struct sse_target target = {SSE_BY_USER, values, 1, NULL};
    struct qos_message message = message_of("2");
    size_t forgotten;

    (void)env_put(env, "1", "alice");
    assert_false(env->repository->has_tenants);
    env_begin(env);
    assert_int_equal(ops->put(env->repository, &message, &target), 0);
    assert_int_equal(ops->end(env->repository, 1, &alice, QOS_ACKNOWLEDGED, 500, 1), 0);
    assert_int_equal(ops->forget(env->repository, 501, 0, 9, &forgotten), 0);
    assert_int_equal(forgotten, 1);
    env_commit(env);
    env_reopen(env);
    assert_totals(env, 1, 1);
    assert_true(env->repository->has_tenants);
}

/* The most that a file of this process may have. */
static void limit_files(rlim_t size)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size < limit.rlim_max ? size : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
}

/* Puts a message that the file has no room for any more, and fails with it at commit. */
static uint64_t put_too_much(struct repository_env *env)
{
    const struct qos_repository_ops *ops = env->repository->ops;
    char *values[] = {(char *)"alice", (char *)"bob"};
    const struct sse_target target = {SSE_BY_USER, values, 2, NULL};
    struct qos_message message = message_of("too much");
    size_t forgotten;

    env_begin(env);
    assert_int_equal(ops->put(env->repository, &message, &target), 0);
    assert_int_equal(ops->end(env->repository, 1, &alice, QOS_ACKNOWLEDGED, 500, 1), 0);
    assert_int_equal(env_count(env, &alice), 1);
    limit_files(4096);
    assert_int_equal(ops->commit(env->repository), -EIO);
    limit_files(RLIM_INFINITY);
    assert_int_equal(env->repository->fault, -EIO);
    /* Nothing may be done now that would be committed by itself. */
    assert_int_equal(ops->put(env->repository, &message, &target), -EIO);
    assert_int_equal(ops->find(env->repository, "1", &message), -EIO);
    assert_int_equal(ops->forget(env->repository, 0, 0, 9, &forgotten), -EIO);
    assert_int_equal(forgotten, 0);
    ops->rollback(env->repository);
    assert_int_equal(env->repository->fault, 0);
    return message.number;
}

static void is_as_before_after_a_fault(void **state)
{
    struct repository_env *env = *state;
    const uint64_t first = env_put(env, "1", "alice");
    struct qos_message message;
    uint64_t lost;

    assert_int_equal(first, 1);
    lost = put_too_much(env);
    for (int round = 0; round < 2; round++, env_reopen(env)) {
        assert_totals(env, 1, 1);
        assert_int_equal(env_count(env, &alice), 1);
        assert_read(env, &alice, 0, 9, "1:alice/=stored");
        assert_int_equal(env->repository->ops->find(env->repository, "too much", &message),
                         -ENOENT);
    }
    assert_true(env_put(env, "2", "alice") > lost);
    assert_totals(env, 2, 2);
}

static void goes_on_after_a_fault_without_reopening(void **state)
{
    struct repository_env *env = *state;
    uint64_t lost;

    (void)env_put(env, "1", "alice");
    lost = put_too_much(env);
    assert_true(env_put(env, "2", "alice") > lost);
    env_reopen(env);
    assert_read(env, &alice, 0, 9, "1:alice/=stored 2:alice/=stored");
    assert_true(env_put(env, "3", "alice") > lost + 1);
}

/* Commits one message, begins with another, and is killed. */
static void die_with_an_open_transaction(const struct repository_env *env)
{
    char *values[] = {(char *)"alice"};
    const struct sse_target target = {SSE_BY_USER, values, 1, NULL};
    struct qos_repository *repository = env_open_sqlite(env);
    struct qos_message committed = message_of("committed"), open = message_of("open");

    if (repository && repository->ops->begin(repository) == 0 &&
        repository->ops->put(repository, &committed, &target) == 0 &&
        repository->ops->commit(repository) == 0 && repository->ops->begin(repository) == 0 &&
        repository->ops->put(repository, &open, &target) == 0)
        (void)kill(getpid(), SIGKILL);
    _exit(1);
}

static void keeps_what_was_committed_when_the_process_dies(void **state)
{
    struct repository_env *env = *state;
    int status;
    pid_t child;

    env_close(env);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        die_with_an_open_transaction(env);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    env_reopen(env);
    assert_read(env, &alice, 0, 9, "committed:alice/=stored");
    assert_totals(env, 1, 1);
}

/* How large the file was that is empty now. */
static off_t fill_and_forget(struct repository_env *env)
{
    struct qos_copies copies = {0};
    off_t full;

    fill(env, 1000);
    assert_int_equal(
        env->repository->ops->read(env->repository, &alice, 0, 1000, qos_copies_visit, &copies), 0);
    assert_int_equal(copies.count, 1000);
    env_reopen(env);
    full = file_size(env);
    assert_true(full > (off_t)1000 * 10000);
    env_begin(env);
    for (size_t i = 0; i < copies.count; i++)
        assert_int_equal(env->repository->ops->end(env->repository, copies.items[i].message->number,
                                                   &alice, QOS_ACKNOWLEDGED, 500, 1),
                         0);
    env_commit(env);
    while (env_forget(env, 501, 0, 100) > 0)
        continue;
    qos_copies_release(&copies);
    return full;
}

static void gives_back_the_room_of_what_is_forgotten(void **state)
{
    struct repository_env *env = *state;
    const off_t full = fill_and_forget(env);

    env_reopen(env);
    assert_int_equal(file_size(env), full); /* what comes may need it */
    while (env_shrink(env))
        continue;
    assert_true(file_size(env) < full / 5); /* at once: who is idle makes no checkpoint later */
    assert_false(env_shrink(env));
}

/* As .recover makes them: its pages cannot be given back one by one, and nobody tries for ever. */
static void keeps_the_room_of_a_file_that_was_recovered(void **state)
{
    struct repository_env *env = *state;
    sqlite3 *database;

    env_close(env);
    assert_int_equal(sqlite3_open(env->path, &database), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(database, "PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = NONE; VACUUM;",
                     NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
    env_reopen(env);
    (void)fill_and_forget(env);
    assert_false(env_shrink(env));
}

/* A message as the server writes it, with 200 bytes of data, for one of 1000 users. */
static uint64_t put_usual(struct repository_env *env, unsigned index)
{
    char id[24], value[16], json[400];
    char *values[] = {value};
    const struct sse_target target = {SSE_BY_USER, values, 1, NULL};
    struct qos_message message = message_of("");

    snprintf(id, sizeof(id), "8ccd694438c39d5b-q%x", index);
    snprintf(value, sizeof(value), "user%u", index * 7919u % 1000u);
    message.id = id;
    message.json = json;
    message.digest = 0;
    message.length = (size_t)snprintf(json, sizeof(json),
                                      "{\"data\":\"%0200u\",\"event\":\"news\",\"userId\":[\"%s\"],"
                                      "\"qos\":1,\"id\":\"%s\"}",
                                      index, value, id);
    assert_int_equal(env->repository->ops->put(env->repository, &message, &target), 0);
    return message.length;
}

static void is_not_much_larger_than_its_messages(void **state)
{
    struct repository_env *env = *state;
    uint64_t bytes = 0;
    unsigned index = 0;

    while (index < 20000) {
        env_begin(env);
        for (unsigned i = 0; i < 100; i++)
            bytes += put_usual(env, ++index);
        env_commit(env);
    }
    env_reopen(env); /* before that some of it lies in the log */
    assert_int_equal(env->repository->totals.bytes, bytes);
    assert_true((uint64_t)file_size(env) * 10 <= bytes * 13);
}

static void gives_back_the_room_of_what_is_only_remembered(void **state)
{
    struct repository_env *env = *state;
    unsigned index = 0;
    off_t full;

    env_begin(env);
    while (index < 20000)
        (void)put_usual(env, ++index);
    env_commit(env);
    env_reopen(env);
    full = file_size(env);
    env_begin(env);
    for (; index > 0; index--) {
        char value[16];
        const struct qos_recipient recipient = {SSE_BY_USER, value, ""};

        snprintf(value, sizeof(value), "user%u", index * 7919u % 1000u);
        assert_int_equal(
            env->repository->ops->end(env->repository, index, &recipient, QOS_ACKNOWLEDGED, 500, 1),
            0);
    }
    env_commit(env);
    while (env_shrink(env))
        continue;
    assert_int_equal(env->repository->totals.ended, 20000);
    assert_true(file_size(env) < full / 4 * 3);
}

/* Puts as many as it ends. */
static void turn_over(struct repository_env *env, unsigned *next, unsigned count)
{
    const struct qos_repository_ops *ops = env->repository->ops;
    char *values[] = {(char *)"alice"};
    const struct sse_target target = {SSE_BY_USER, values, 1, NULL};
    const uint64_t ended = env->repository->totals.ended;

    env_begin(env);
    for (unsigned i = 0; i < count; i++) {
        char id[24];
        struct qos_message message = message_of(id);

        snprintf(id, sizeof(id), "message-%u", (*next)++ * 7919u); /* in no order */
        assert_int_equal(ops->put(env->repository, &message, &target), 0);
        assert_int_equal(
            ops->end(env->repository, message.number, &alice, QOS_ACKNOWLEDGED, 500, 1), 0);
    }
    qos_forget_surplus(env->repository, ended);
    env_commit(env);
}

/* Every transaction forgets what it has ended too many, so that nothing has to come in time. */
static void keeps_its_size_however_many_messages_end(void **state)
{
    struct repository_env *env = *state;
    unsigned next = 0;
    off_t full = 0;

    for (unsigned part = 0; part < 8; part++) {
        env->repository->remembered.is_known = true;
        env->repository->remembered.most = 500;
        for (unsigned round = 0; round < 10; round++) {
            turn_over(env, &next, 100);
            assert_true(env->repository->totals.ended <= 500);
        }
        env_reopen(env); /* before that some of it lies in the log */
        if (part == 0)
            full = file_size(env);
    }
    assert_int_equal(env->repository->totals.ended, 500);
    assert_true(file_size(env) <= full + full / 4);
}

#define CASE(function) ENV_CASE(function, env_set_up_sqlite)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(makes_its_directory_and_keeps_the_file_to_itself),
        CASE(says_why_it_cannot_make_the_file),
        CASE(takes_an_empty_file),
        CASE(is_of_one_process),
        CASE(refuses_a_damaged_file),
        CASE(finds_damage_beside_what_is_done),
        CASE(keeps_what_is_committed_beside_the_check),
        CASE(refuses_what_is_no_database),
        CASE(refuses_a_newer_version),
        CASE(finds_all_by_an_index),
        CASE(brings_an_older_file_up_to_date),
        CASE(refuses_the_file_of_another_program),
        CASE(shows_rows_that_nobody_has_written),
        CASE(takes_messages_beside_damaged_numbers),
        CASE(sets_aside_what_has_an_unknown_state),
        CASE(forgets_no_message_with_a_copy_that_is_stored),
        CASE(sets_aside_what_has_lost_a_column),
        CASE(lets_nothing_wait_behind_what_has_lost_a_column),
        CASE(keeps_that_a_user_has_a_tenant),
        CASE(is_as_before_after_a_fault),
        CASE(goes_on_after_a_fault_without_reopening),
        CASE(keeps_what_was_committed_when_the_process_dies),
        CASE(gives_back_the_room_of_what_is_forgotten),
        CASE(keeps_the_room_of_a_file_that_was_recovered),
        CASE(is_not_much_larger_than_its_messages),
        CASE(gives_back_the_room_of_what_is_only_remembered),
        CASE(keeps_its_size_however_many_messages_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
