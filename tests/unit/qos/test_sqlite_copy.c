/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of a file that is in use (qos/repository.h). */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "repository_env.h"

enum { SOME = 120, LONG = 10000 };

static void put_long(struct repository_env *env, int number)
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
    (void)env_put_message(env, message, &target);
    free(json);
}

static int copy_piece(struct repository_env *env, int *file)
{
    return env->repository->ops->copy(env->repository, file);
}

static void assert_alone(const struct repository_env *env)
{
    DIR *directory = opendir(env->directory);
    const struct dirent *entry;

    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL)
        if (entry->d_name[0] != '.' && strncmp(entry->d_name, "qos.sqlite", 10) == 0)
            assert_true(entry->d_name[10] == '\0' || strcmp(entry->d_name + 10, "-wal") == 0);
    closedir(directory);
}

/* Opens it in the place of the room's own file. */
static void restore(struct repository_env *env, int file)
{
    struct stat status;
    int to;

    assert_int_equal(fstat(file, &status), 0);
    assert_int_equal(status.st_nlink, 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    env_close(env);
    to = open(env->path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(to >= 0);
    assert_int_equal(sendfile(to, file, NULL, (size_t)status.st_size), status.st_size);
    close(to);
    close(file);
    env_reopen(env); /* which checks it */
}

static void limit_files(rlim_t bytes)
{
    const struct rlimit limit = {bytes, RLIM_INFINITY};

    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void has_what_is_committed_meanwhile(void **state)
{
    struct repository_env *env = *state;
    int file = -1, number = 0, result;

    while (number < SOME)
        put_long(env, number++);
    while ((result = copy_piece(env, &file)) == -EAGAIN) {
        if (number < SOME + 5)
            put_long(env, number++);
        else if (number++ < SOME + 10) /* from the beginning of the file, which is copied */
            env_end_user(env, (uint64_t)(number - SOME), "alice", 500);
        assert_alone(env);
    }
    assert_int_equal(result, 0);
    assert_true(number > SOME + 10);
    put_long(env, -1); /* too late */
    restore(env, file);
    assert_int_equal(env->repository->totals.copies, SOME);
    assert_int_equal(env->repository->totals.ended, 5);
}

static void has_nothing_that_was_rolled_back(void **state)
{
    struct repository_env *env = *state;
    int file = -1, result;

    for (int number = 0; number < SOME; number++)
        put_long(env, number);
    assert_int_equal(copy_piece(env, &file), -EAGAIN);
    env_begin(env);
    assert_int_equal(env->repository->ops->end(env->repository, 1,
                                               &(struct qos_recipient){SSE_BY_USER, "alice", ""},
                                               QOS_ACKNOWLEDGED, 500, 1),
                     0);
    env->repository->ops->rollback(env->repository);
    while ((result = copy_piece(env, &file)) == -EAGAIN)
        continue;
    assert_int_equal(result, 0);
    restore(env, file);
    assert_int_equal(env->repository->totals.copies, SOME);
}

static void is_left_without_a_trace(void **state)
{
    struct repository_env *env = *state;
    int file = -1;

    for (int number = 0; number < SOME; number++)
        put_long(env, number);
    env->repository->ops->leave_copy(env->repository); /* none is under way */
    for (int round = 0; round < 3; round++) {
        assert_int_equal(copy_piece(env, &file), -EAGAIN);
        if (round == 0)
            env->repository->ops->leave_copy(env->repository);
        else
            env_reopen(env);
        assert_alone(env);
    }
}

static void a_fault_of_the_copy_is_not_the_stores(void **state)
{
    struct repository_env *env = *state;
    int file = -1, result;

    for (int number = 0; number < 4 * SOME; number++)
        put_long(env, number);
    limit_files((rlim_t)LONG * SOME);
    while ((result = copy_piece(env, &file)) == -EAGAIN)
        continue;
    assert_int_equal(result, -EIO);
    assert_int_equal(file, -1);
    limit_files(RLIM_INFINITY);
    assert_alone(env);
    put_long(env, 4 * SOME);
    while ((result = copy_piece(env, &file)) == -EAGAIN)
        continue;
    assert_int_equal(result, 0);
    restore(env, file);
    assert_int_equal(env->repository->totals.copies, 4 * SOME + 1);
}

#define CASE(function) ENV_CASE(function, env_set_up_sqlite)

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
