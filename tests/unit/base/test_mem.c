/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "support/test.h"

struct outer {
    int first;
    int inner;
};

static void zalloc_is_zeroed(void **state)
{
    char *memory = mem_zalloc(64);

    (void)state;
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(memory[i], 0);
    free(memory);
}

static void nothing_is_still_something(void **state)
{
    void *memory = mem_alloc(0);

    (void)state;
    assert_non_null(memory);
    memory = mem_realloc(memory, 0);
    assert_non_null(memory);
    free(memory);
}

static void strdup_copies_and_null_stays_null(void **state)
{
    char *copy = mem_strdup("text");

    (void)state;
    assert_string_equal(copy, "text");
    free(copy);
    assert_null(mem_strdup(NULL));
}

static void strndup_terminates(void **state)
{
    char *copy = mem_strndup("text", 2);

    (void)state;
    assert_string_equal(copy, "te");
    free(copy);
    copy = mem_strndup(NULL, 0);
    assert_string_equal(copy, "");
    free(copy);
}

static void container_of_finds_the_outer(void **state)
{
    struct outer outer = {1, 2};
    int *inner = &outer.inner;

    (void)state;
    assert_ptr_equal(container_of(inner, struct outer, inner), &outer);
}

/* The child asks for what cannot be; its standard error is what the test reads. */
static void out_of_memory_aborts_with_one_line(void **state)
{
    char said[256];
    ssize_t length;
    int ends[2], status;
    pid_t child;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        volatile size_t length_of_none = SIZE_MAX;

        (void)signal(SIGABRT, SIG_DFL);
        (void)dup2(ends[1], STDERR_FILENO);
        (void)mem_strndup("", length_of_none);
        _exit(0);
    }
    (void)close(ends[1]);
    length = read(ends[0], said, sizeof(said) - 1);
    assert_true(length > 0);
    said[length] = '\0';
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(said, "out of memory"));
    assert_ptr_equal(strchr(said, '\n'), said + length - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zalloc_is_zeroed),
        cmocka_unit_test(nothing_is_still_something),
        cmocka_unit_test(strdup_copies_and_null_stays_null),
        cmocka_unit_test(strndup_terminates),
        cmocka_unit_test(container_of_finds_the_outer),
        cmocka_unit_test(out_of_memory_aborts_with_one_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
