/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of a file that is in use (qos/sqlite_copy.h). */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "repository_room.h"

enum { SOME = 120, LONG = 10000 };

static void put_long(struct repository_room *room, int number)
{
    char *values[] = {(char *)"alice"};
    const struct sse_target target = {SSE_BY_USER, values, 1, NULL};
    struct qos_message message;
    char id[16];
    char *json = mem_alloc(LONG);

    snprintf(id, sizeof(id), "%d", number);
    message = message_of(id);
    memset(json, 'j', LONG);
    message.json = json;
    message.length = LONG;
    (void)room_put_message(room, message, &target);
    free(json);
}

static int copy_piece(struct repository_room *room, int *file)
{
    return room->repository->ops->copy(room->repository, file);
}

static void assert_alone(const struct repository_room *room)
{
    DIR *directory = opendir(room->directory);
    const struct dirent *entry;

    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL)
        if (entry->d_name[0] != '.' && strncmp(entry->d_name, "qos.sqlite", 10) == 0)
            assert_true(entry->d_name[10] == '\0' || strcmp(entry->d_name + 10, "-wal") == 0);
    closedir(directory);
}

/* Opens it in the place of the room's own file. */
static void restore(struct repository_room *room, int file)
{
    struct stat status;
    int to;

    assert_int_equal(fstat(file, &status), 0);
    assert_int_equal(status.st_nlink, 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    room_close(room);
    to = open(room->path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(to >= 0);
    assert_int_equal(sendfile(to, file, NULL, (size_t)status.st_size), status.st_size);
    close(to);
    close(file);
    room_reopen(room); /* which checks it */
}

static void limit_files(rlim_t bytes)
{
    const struct rlimit limit = {bytes, RLIM_INFINITY};

    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void has_what_is_committed_meanwhile(void **state)
{
    struct repository_room *room = *state;
    int file = -1, number = 0, result;

    while (number < SOME)
        put_long(room, number++);
    while ((result = copy_piece(room, &file)) == -EAGAIN) {
        if (number < SOME + 5)
            put_long(room, number++);
        else if (number++ < SOME + 10) /* from the beginning of the file, which is copied */
            room_end_user(room, (uint64_t)(number - SOME), "alice", 500);
        assert_alone(room);
    }
    assert_int_equal(result, 0);
    assert_true(number > SOME + 10);
    put_long(room, -1); /* too late */
    restore(room, file);
    assert_int_equal(room->repository->totals.copies, SOME);
    assert_int_equal(room->repository->totals.ended, 5);
}

static void has_nothing_that_was_rolled_back(void **state)
{
    struct repository_room *room = *state;
    int file = -1, result;

    for (int number = 0; number < SOME; number++)
        put_long(room, number);
    assert_int_equal(copy_piece(room, &file), -EAGAIN);
    room_begin(room);
    assert_int_equal(room->repository->ops->end(room->repository, 1,
                                                &(struct qos_recipient){SSE_BY_USER, "alice", ""},
                                                QOS_ACKNOWLEDGED, 500, 1),
                     0);
    room->repository->ops->rollback(room->repository);
    while ((result = copy_piece(room, &file)) == -EAGAIN)
        continue;
    assert_int_equal(result, 0);
    restore(room, file);
    assert_int_equal(room->repository->totals.copies, SOME);
}

static void is_left_without_a_trace(void **state)
{
    struct repository_room *room = *state;
    int file = -1;

    for (int number = 0; number < SOME; number++)
        put_long(room, number);
    room->repository->ops->leave_copy(room->repository); /* none is under way */
    for (int round = 0; round < 3; round++) {
        assert_int_equal(copy_piece(room, &file), -EAGAIN);
        if (round == 0)
            room->repository->ops->leave_copy(room->repository);
        else
            room_reopen(room);
        assert_alone(room);
    }
}

static void a_fault_of_the_copy_is_not_the_stores(void **state)
{
    struct repository_room *room = *state;
    int file = -1, result;

    for (int number = 0; number < 4 * SOME; number++)
        put_long(room, number);
    limit_files((rlim_t)LONG * SOME);
    while ((result = copy_piece(room, &file)) == -EAGAIN)
        continue;
    assert_int_equal(result, -EIO);
    assert_int_equal(file, -1);
    limit_files(RLIM_INFINITY);
    assert_alone(room);
    put_long(room, 4 * SOME);
    while ((result = copy_piece(room, &file)) == -EAGAIN)
        continue;
    assert_int_equal(result, 0);
    restore(room, file);
    assert_int_equal(room->repository->totals.copies, 4 * SOME + 1);
}

#define CASE(function) ROOM_CASE(function, room_set_up_sqlite)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(has_what_is_committed_meanwhile),
        CASE(has_nothing_that_was_rolled_back),
        CASE(is_left_without_a_trace),
        CASE(a_fault_of_the_copy_is_not_the_stores),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
