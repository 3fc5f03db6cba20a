/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "support/test.h"

#ifdef SSE_SERVER_FAULTS
enum { HAS_FAULTS = 1 };
#else
enum { HAS_FAULTS = 0 };
#endif

enum { THREADS = 4, PASSES = 1000 };

/* How a child ends that has this in its environment; if it lives on, it exits with 0. */
static int end_of_child(const char *value, void (*run)(void))
{
    const pid_t child = fork();
    int status = 0;

    assert_true(child >= 0);
    if (child == 0) {
        if (value)
            setenv("FAULT_POINT", value, 1);
        else
            unsetenv("FAULT_POINT");
        run();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void assert_killed_by(int status, int signal)
{
    if (HAS_FAULTS) {
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), signal);
    } else {
        assert_int_equal(status, 0);
    }
}

static void pass_three_times(void)
{
    fault_point("store.committed");
    fault_point("store.committed");
    fault_point("store.committed");
}

/* Exits with 1 when it lived to see what follows the second pass. */
static void pass_and_tell(void)
{
    fault_point("a");
    fault_point("a");
    _exit(1);
}

static void the_pass_that_was_asked_for_kills(void **state)
{
    (void)state;
    assert_killed_by(end_of_child("store.committed:1", pass_three_times), SIGKILL);
    assert_killed_by(end_of_child("store.committed:3", pass_three_times), SIGKILL);
    assert_int_equal(end_of_child("store.committed:4", pass_three_times), 0);
}

static void nothing_runs_behind_it(void **state)
{
    int status = end_of_child("a:2", pass_and_tell);

    (void)state;
    assert_int_equal(WIFEXITED(status), !HAS_FAULTS);
    status = end_of_child("a:3", pass_and_tell);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
}

static void other_points_do_not(void **state)
{
    (void)state;
    assert_int_equal(end_of_child(NULL, pass_three_times), 0);
    assert_int_equal(end_of_child("store.commit:1", pass_three_times), 0);
    assert_int_equal(end_of_child("store.committed.late:1", pass_three_times), 0);
    assert_int_equal(end_of_child("batch.written:1", pass_three_times), 0);
}

static void what_cannot_be_read_is_not_passed_over(void **state)
{
    const char *const values[] = {"",
                                  "store.committed",
                                  ":1",
                                  "store.committed:",
                                  "store.committed:0",
                                  "a",
                                  "store.committed:1x",
                                  "store.committed:one"};

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        assert_killed_by(end_of_child(values[i], pass_three_times), SIGABRT);
}

static void *pass_often(void *argument)
{
    for (int i = 0; i < PASSES; i++)
        fault_point("a");
    return argument;
}

static void pass_in_threads(void)
{
    pthread_t threads[THREADS];

    for (size_t i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, pass_often, NULL) != 0)
            _exit(2);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void threads_count_together(void **state)
{
    (void)state;
    assert_int_equal(THREADS * PASSES, 4000);
    assert_killed_by(end_of_child("a:4000", pass_in_threads), SIGKILL);
    assert_int_equal(end_of_child("a:4001", pass_in_threads), 0);
}

/* What the child that mapped the file has seen of its allocations, and refused. */
static void allocate_five_times(void)
{
    unsigned refused = 0;

    for (unsigned i = 0; i < 5; i++)
        refused |= (fault_allocation(FAULT_STORE) ? 1u : 0u) << i;
    _exit(fault_allocation(FAULT_TLS) ? 99 : (int)refused);
}

static void allocations_are_refused_where_the_file_says(void **state)
{
    char path[] = "/tmp/test_fault.XXXXXX";
    const int file = mkstemp(path);
    uint64_t areas[FAULT_AREAS][3] = {[FAULT_STORE] = {0, 1, 3}};
    int status;

    (void)state;
    assert_true(file >= 0);
    assert_int_equal(write(file, areas, sizeof(areas)), sizeof(areas));
    setenv("FAULT_MEMORY", path, 1);
    status = end_of_child(NULL, allocate_five_times);
    unsetenv("FAULT_MEMORY");
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), HAS_FAULTS ? 6 : 0);
    assert_int_equal(pread(file, areas, sizeof(areas), 0), sizeof(areas));
    assert_int_equal(areas[FAULT_STORE][0], HAS_FAULTS ? 5 : 0);
    close(file);
    unlink(path);
}

/* A bit for each pass that has failed. */
static void fail_three_times(void)
{
    char path[64];
    int failed = fault_failure("here");

    snprintf(path, sizeof(path), "%s/here", getenv("FAULT_FAILURES"));
    close(open(path, O_CREAT | O_WRONLY, 0600));
    failed |= (int)fault_failure("here") << 1 | (int)fault_failure("there") << 2;
    unlink(path);
    _exit(failed | (int)fault_failure("here") << 3);
}

static void operations_fail_while_the_file_is_there(void **state)
{
    char directory[] = "/tmp/test_fault.XXXXXX";
    int status;

    (void)state;
    assert_false(fault_failure("here"));
    assert_non_null(mkdtemp(directory));
    setenv("FAULT_FAILURES", directory, 1);
    status = end_of_child(NULL, fail_three_times);
    unsetenv("FAULT_FAILURES");
    rmdir(directory);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), HAS_FAULTS ? 1 << 1 : 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pass_that_was_asked_for_kills),
        cmocka_unit_test(nothing_runs_behind_it),
        cmocka_unit_test(other_points_do_not),
        cmocka_unit_test(what_cannot_be_read_is_not_passed_over),
        cmocka_unit_test(threads_count_together),
        cmocka_unit_test(allocations_are_refused_where_the_file_says),
        cmocka_unit_test(operations_fail_while_the_file_is_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
