/* SPDX-License-Identifier: Apache-2.0 */
/* What only a repository in a file has: tests/unit/qos/test_repository.c has the rest. */
#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "qos/end.h"
#include "repository_room.h"

#define PAGE 4096ul

static const struct qos_recipient alice = {SSE_BY_USER, "alice", ""};

static void assert_refused(const char *path, int expected, const char *words)
{
    char fault[256];
    int error = 0;

    assert_null(qos_sqlite_new(path, &error, fault, sizeof(fault)));
    assert_int_equal(error, expected);
    assert_non_null(strstr(fault, path));
    if (!strstr(fault, words))
        fail_msg("\"%s\" does not say \"%s\"", fault, words);
}

/* With a connection of our own, as an operator would have. */
static void run(const struct repository_room *room, const char *sql)
{
    sqlite3 *database;

    assert_int_equal(sqlite3_open(room->path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

static off_t file_size(const struct repository_room *room)
{
    struct stat status;

    assert_int_equal(stat(room->path, &status), 0);
    return status.st_size;
}

static void fill(struct repository_room *room, int count)
{
    char *json = mem_alloc(10000);
    char *values[] = {(char *)"alice"};
    const struct sse_target target = {SSE_BY_USER, values, 1, NULL};

    memset(json, 'j', 10000);
    room_begin(room);
    for (int i = 0; i < count; i++) {
        char id[24];
        struct qos_message message = message_of(id);

        snprintf(id, sizeof(id), "%d", i);
        message.json = json;
        message.length = 10000;
        assert_int_equal(room->repository->ops->put(room->repository, &message, &target), 0);
    }
    room_commit(room);
    free(json);
}

static void write_at(const struct repository_room *room, size_t offset, size_t size)
{
    char *bytes = mem_alloc(size);
    const int file = open(room->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_true(file >= 0);
    memset(bytes, 0x5a, size);
    assert_int_equal(pwrite(file, bytes, size, (off_t)offset), size);
    assert_int_equal(close(file), 0);
    free(bytes);
}

static void makes_its_directory_and_keeps_the_file_to_itself(void **state)
{
    struct repository_room *room = *state;
    char path[128], wal[136], directory[112];
    char fault[256];
    struct stat status;
    struct qos_repository *repository;
    int error = 0;

    snprintf(directory, sizeof(directory), "%s/below", room->directory);
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
    struct repository_room *room = *state;
    char below[128];

    snprintf(below, sizeof(below), "%s/below", room->path);
    assert_refused(below, -ENOTDIR, "Not a directory");
    assert_refused(room->directory, -EISDIR, "cannot be opened");
}

static void takes_an_empty_file(void **state)
{
    struct repository_room *room = *state;

    room_close(room);
    assert_int_equal(truncate(room->path, 0), 0);
    room_reopen(room);
    (void)room_put(room, "1", "alice");
    assert_totals(room, 1, 1);
}

static void is_of_one_process(void **state)
{
    struct repository_room *room = *state;

    assert_refused(room->path, -EBUSY, "another process");
    (void)room_put(room, "1", "alice");
    room_reopen(room);
    assert_totals(room, 1, 1);
}

static void refuses_a_damaged_file(void **state)
{
    struct repository_room *room = *state;

    fill(room, 50);
    room_close(room);
    write_at(room, 4 * PAGE, 20 * PAGE);
    assert_refused(room->path, -EUCLEAN, "move it and its -wal file away");
    assert_int_equal(unlink(room->path), 0);
    room_reopen(room);
    assert_totals(room, 0, 0);
}

static void refuses_what_is_no_database(void **state)
{
    struct repository_room *room = *state;

    room_close(room);
    assert_int_equal(unlink(room->path), 0);
    write_at(room, 0, 5000);
    assert_refused(room->path, -EUCLEAN, "damaged");
}

static void refuses_a_newer_version(void **state)
{
    struct repository_room *room = *state;

    room_close(room);
    run(room, "PRAGMA user_version = 999");
    assert_refused(room->path, -EPROTONOSUPPORT, "999");
    run(room, "PRAGMA user_version = 3");
    room_reopen(room);
}

static void refuses_the_file_of_another_program(void **state)
{
    struct repository_room *room = *state;

    room_close(room);
    run(room, "PRAGMA application_id = 1");
    assert_refused(room->path, -EPROTONOSUPPORT, "another program");
}

/* What is wrong with the first of two messages, in its row or in one beside it; and whether its
 * queue still has it. */
static const struct damage {
    const char *sql;
    bool is_in_queue;
    const char *states; /* of the message, shown by its number */
} damages[] = {
    {"UPDATE copy SET dimension = 77 WHERE number = 1", false, "1:alice/=unreadable"},
    {"UPDATE copy SET dimension = -1 WHERE number = 1", false, "1:alice/=unreadable"},
    {"UPDATE copy SET state = 77 WHERE number = 1", false, "1:alice/=unreadable"},
    {"UPDATE message SET length = 1 WHERE number = 1", true, "1:alice/=unreadable"},
    {"UPDATE message SET length = -1 WHERE number = 1", true, "1:alice/=unreadable"},
    {"UPDATE body SET json = 'x' WHERE number = 1", true, "1:alice/=unreadable"},
    {"DELETE FROM body WHERE number = 1", true, "1:alice/=unreadable"},
    {"DELETE FROM message WHERE number = 1", true, NULL},
};

static void assert_shown(struct repository_room *room, const struct damage *damage)
{
    const struct qos_recipient queue = user("alice");
    struct shown shown = {.text = ""};
    const char *ids = damage->states ? "1" : ""; /* the id is in the message */
    char expected[64];
    struct qos_message message;

    snprintf(expected, sizeof(expected), "%s:alice/=unreadable 2:alice/=stored", ids);
    assert_read(room, &queue, 0, 9, damage->is_in_queue ? expected : "2:alice/=stored");
    assert_int_equal(
        room->repository->ops->queues(room->repository, SSE_BY_USER, "alice", shown_visit, &shown),
        0);
    assert_int_equal(shown.count, 1);
    if (!damage->states)
        return;
    shown = (struct shown){.text = ""};
    assert_int_equal(room->repository->ops->find(room->repository, "1", &message), 0);
    assert_int_equal(
        room->repository->ops->states(room->repository, message.number, shown_visit, &shown), 0);
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
    struct repository_room *room = *state;

    for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
        const struct qos_recipient queue = user("alice");
        uint64_t third;

        (void)room_put(room, "1", "alice");
        (void)room_put(room, "2", "alice");
        room_close(room);
        run(room, wrongs[i]);
        room_reopen(room);
        assert_in_range(room->repository->totals.bytes, 1, 1000);
        third = room_put(room, "3", "alice");
        assert_in_range(third, 3, 10000);
        assert_read(room, &queue, 1, 9, "2:alice/=stored 3:alice/=stored");
        assert_int_equal(room_set_aside(room, 1, "alice", QOS_BAD_ROW), 0);
        assert_int_equal(room_end(room, third, &queue, 200), 0);
        assert_in_range(room->repository->totals.bytes, 1, 1000);
        room_close(room);
        assert_int_equal(unlink(room->path), 0);
        room_reopen(room);
    }
}

static void forgets_no_message_with_a_copy_that_is_stored(void **state)
{
    struct repository_room *room = *state;
    const struct qos_recipient queue = user("alice");
    size_t forgotten;

    (void)room_put(room, "1", "alice");
    (void)room_put(room, "2", "alice");
    assert_int_equal(room_end(room, 2, &queue, 200), 0);
    room_close(room);
    run(room, "UPDATE message SET ended = 100 WHERE number = 1");
    room_reopen(room);
    room_begin(room);
    assert_int_equal(room->repository->ops->forget(room->repository, 5000, 0, 9, &forgotten), 0);
    room_commit(room);
    assert_int_equal(forgotten, 1);
    assert_read(room, &queue, 0, 9, "1:alice/=stored");
}

/* A single damaged row is nobody else's fault: the transaction goes on, and the queue behind it. */
static void shows_rows_that_nobody_has_written(void **state)
{
    struct repository_room *room = *state;

    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        const struct qos_recipient queue = user("alice");
        struct shown shown = {.text = ""};

        assert_int_equal(room_put(room, "1", "alice"), 1);
        (void)room_put(room, "2", "alice");
        room_close(room);
        run(room, damages[i].sql);
        room_reopen(room);
        room_begin(room);
        assert_shown(room, &damages[i]);
        assert_int_equal(room->repository->ops->scan(room->repository, 0, 9, shown_visit, &shown),
                         0);
        shown = (struct shown){.text = ""};
        assert_int_equal(
            room->repository->ops->expired(room->repository, 5000, 9, shown_visit, &shown), 0);
        assert_non_null(strstr(shown.text, "2:alice/=stored"));
        room_commit(room);
        assert_int_equal(room_set_aside(room, 1, "alice", QOS_BAD_ROW),
                         strstr(damages[i].sql, "state = 77") ? -ENOENT : 0);
        assert_read(room, &queue, 0, 9, "2:alice/=stored");
        room_close(room);
        assert_int_equal(unlink(room->path), 0);
        room_reopen(room);
    }
}

/* What no query by state would find: neither lost nor written again while nobody knows. */
static void sets_aside_what_has_an_unknown_state(void **state)
{
    static const int unknown[] = {6, 77, -1};
    struct repository_room *room = *state;
    const struct qos_recipient queue = user("alice");

    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        char sql[96];

        (void)room_put(room, "1", "alice,bob");
        (void)room_put(room, "2", "alice");
        (void)room_put(room, "3", "alice");
        assert_int_equal(room_end(room, 3, &queue, 200), 0);
        room_close(room);
        snprintf(sql, sizeof(sql), "UPDATE copy SET state = %d WHERE value = 'alice'", unknown[i]);
        run(room, sql);
        room_reopen(room);
        assert_totals(room, 1, 2);
        assert_int_equal(room->repository->totals.aside, 2);
        assert_aside(room, 0, 9, "1:alice/=unreadable 2:alice/=unreadable");
        room_begin(room);
        assert_int_equal(room->repository->ops->take_back(room->repository, 1, "alice"), 0);
        room_commit(room);
        assert_read(room, &queue, 0, 9, "1:alice/=stored");
        assert_int_equal(room_end(room, 1, &queue, 300), 0);
        room_end_user(room, 1, "bob", 300);
        assert_totals(room, 0, 1);
        room_close(room);
        assert_int_equal(unlink(room->path), 0);
        room_reopen(room);
    }
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
static uint64_t put_too_much(struct repository_room *room)
{
    const struct qos_repository_ops *ops = room->repository->ops;
    char *values[] = {(char *)"alice", (char *)"bob"};
    const struct sse_target target = {SSE_BY_USER, values, 2, NULL};
    struct qos_message message = message_of("too much");
    size_t forgotten;

    room_begin(room);
    assert_int_equal(ops->put(room->repository, &message, &target), 0);
    assert_int_equal(ops->end(room->repository, 1, &alice, QOS_ACKNOWLEDGED, 500, 1), 0);
    assert_int_equal(room_count(room, &alice), 1);
    limit_files(4096);
    assert_int_equal(ops->commit(room->repository), -EIO);
    limit_files(RLIM_INFINITY);
    assert_int_equal(room->repository->fault, -EIO);
    /* Nothing may be done now that would be committed by itself. */
    assert_int_equal(ops->put(room->repository, &message, &target), -EIO);
    assert_int_equal(ops->find(room->repository, "1", &message), -EIO);
    assert_int_equal(ops->forget(room->repository, 0, 0, 9, &forgotten), -EIO);
    assert_int_equal(forgotten, 0);
    ops->rollback(room->repository);
    assert_int_equal(room->repository->fault, 0);
    return message.number;
}

static void is_as_before_after_a_fault(void **state)
{
    struct repository_room *room = *state;
    const uint64_t first = room_put(room, "1", "alice");
    struct qos_message message;
    uint64_t lost;

    assert_int_equal(first, 1);
    lost = put_too_much(room);
    for (int round = 0; round < 2; round++, room_reopen(room)) {
        assert_totals(room, 1, 1);
        assert_int_equal(room_count(room, &alice), 1);
        assert_read(room, &alice, 0, 9, "1:alice/=stored");
        assert_int_equal(room->repository->ops->find(room->repository, "too much", &message),
                         -ENOENT);
    }
    assert_true(room_put(room, "2", "alice") > lost);
    assert_totals(room, 2, 2);
}

static void goes_on_after_a_fault_without_reopening(void **state)
{
    struct repository_room *room = *state;
    uint64_t lost;

    (void)room_put(room, "1", "alice");
    lost = put_too_much(room);
    assert_true(room_put(room, "2", "alice") > lost);
    room_reopen(room);
    assert_read(room, &alice, 0, 9, "1:alice/=stored 2:alice/=stored");
    assert_true(room_put(room, "3", "alice") > lost + 1);
}

/* Commits one message, begins with another, and is killed. */
static void die_with_an_open_transaction(const struct repository_room *room)
{
    char *values[] = {(char *)"alice"};
    const struct sse_target target = {SSE_BY_USER, values, 1, NULL};
    struct qos_repository *repository = room_open_sqlite(room);
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
    struct repository_room *room = *state;
    int status;
    pid_t child;

    room_close(room);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        die_with_an_open_transaction(room);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    room_reopen(room);
    assert_read(room, &alice, 0, 9, "committed:alice/=stored");
    assert_totals(room, 1, 1);
}

/* How large the file was that is empty now. */
static off_t fill_and_forget(struct repository_room *room)
{
    struct qos_copies copies = {0};
    off_t full;

    fill(room, 1000);
    assert_int_equal(
        room->repository->ops->read(room->repository, &alice, 0, 1000, qos_copies_visit, &copies),
        0);
    assert_int_equal(copies.count, 1000);
    room_reopen(room);
    full = file_size(room);
    assert_true(full > (off_t)1000 * 10000);
    room_begin(room);
    for (size_t i = 0; i < copies.count; i++)
        assert_int_equal(room->repository->ops->end(room->repository,
                                                    copies.items[i].message->number, &alice,
                                                    QOS_ACKNOWLEDGED, 500, 1),
                         0);
    room_commit(room);
    while (room_forget(room, 501, 0, 100) > 0)
        continue;
    qos_copies_release(&copies);
    return full;
}

static void gives_back_the_room_of_what_is_forgotten(void **state)
{
    struct repository_room *room = *state;
    const off_t full = fill_and_forget(room);

    room_reopen(room);
    assert_int_equal(file_size(room), full); /* what comes may need it */
    while (room_shrink(room))
        continue;
    assert_true(file_size(room) < full / 5); /* at once: who is idle makes no checkpoint later */
    assert_false(room_shrink(room));
}

/* As .recover makes them: its pages cannot be given back one by one, and nobody tries for ever. */
static void keeps_the_room_of_a_file_that_was_recovered(void **state)
{
    struct repository_room *room = *state;
    sqlite3 *database;

    room_close(room);
    assert_int_equal(sqlite3_open(room->path, &database), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(database, "PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = NONE; VACUUM;",
                     NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
    room_reopen(room);
    (void)fill_and_forget(room);
    assert_false(room_shrink(room));
}

/* Puts as many as it ends. */
static void turn_over(struct repository_room *room, unsigned *next, unsigned count)
{
    const struct qos_repository_ops *ops = room->repository->ops;
    char *values[] = {(char *)"alice"};
    const struct sse_target target = {SSE_BY_USER, values, 1, NULL};
    const uint64_t ended = room->repository->totals.ended;

    room_begin(room);
    for (unsigned i = 0; i < count; i++) {
        char id[24];
        struct qos_message message = message_of(id);

        snprintf(id, sizeof(id), "message-%u", (*next)++ * 7919u); /* in no order */
        assert_int_equal(ops->put(room->repository, &message, &target), 0);
        assert_int_equal(
            ops->end(room->repository, message.number, &alice, QOS_ACKNOWLEDGED, 500, 1), 0);
    }
    qos_forget_surplus(room->repository, ended);
    room_commit(room);
}

/* Every transaction forgets what it has ended too many, so that nothing has to come in time. */
static void keeps_its_size_however_many_messages_end(void **state)
{
    struct repository_room *room = *state;
    unsigned next = 0;
    off_t full = 0;

    for (unsigned part = 0; part < 8; part++) {
        room->repository->remembered.is_known = true;
        room->repository->remembered.most = 500;
        for (unsigned round = 0; round < 10; round++) {
            turn_over(room, &next, 100);
            assert_true(room->repository->totals.ended <= 500);
        }
        room_reopen(room); /* before that some of it lies in the log */
        if (part == 0)
            full = file_size(room);
    }
    assert_int_equal(room->repository->totals.ended, 500);
    assert_true(file_size(room) <= full + full / 4);
}

#define CASE(function) ROOM_CASE(function, room_set_up_sqlite)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(makes_its_directory_and_keeps_the_file_to_itself),
        CASE(says_why_it_cannot_make_the_file),
        CASE(takes_an_empty_file),
        CASE(is_of_one_process),
        CASE(refuses_a_damaged_file),
        CASE(refuses_what_is_no_database),
        CASE(refuses_a_newer_version),
        CASE(refuses_the_file_of_another_program),
        CASE(shows_rows_that_nobody_has_written),
        CASE(takes_messages_beside_damaged_numbers),
        CASE(sets_aside_what_has_an_unknown_state),
        CASE(forgets_no_message_with_a_copy_that_is_stored),
        CASE(is_as_before_after_a_fault),
        CASE(goes_on_after_a_fault_without_reopening),
        CASE(keeps_what_was_committed_when_the_process_dies),
        CASE(gives_back_the_room_of_what_is_forgotten),
        CASE(keeps_the_room_of_a_file_that_was_recovered),
        CASE(keeps_its_size_however_many_messages_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
