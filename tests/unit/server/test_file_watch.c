/* SPDX-License-Identifier: Apache-2.0 */
/* Of which changes one hears, and of which not. */
#include <ev.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "server/file_watch.h"
#include "support/test.h"

struct env {
    char directory[40];
    struct ev_loop *ev;
    struct file_watch *watch;
    unsigned changes;
};

static void on_change(void *context)
{
    ((struct env *)context)->changes++;
}

/* In the directory of the room; one of four texts, in turn. */
static const char *at(const struct env *env, const char *name)
{
    static char texts[4][128];
    static unsigned next;
    char *text = texts[next++ % 4];

    snprintf(text, sizeof(texts[0]), "%s/%s", env->directory, name);
    return text;
}

static void put(const struct env *env, const char *name, const char *content)
{
    FILE *file = fopen(at(env, name), "we");

    assert_non_null(file);
    fputs(content, file);
    assert_int_equal(fclose(file), 0);
}

static void make(const struct env *env, const char *name)
{
    assert_int_equal(mkdir(at(env, name), 0700), 0);
}

static void link_to(const struct env *env, const char *name, const char *target)
{
    assert_int_equal(symlink(target, at(env, name)), 0);
}

static void swap(const struct env *env, const char *from, const char *to)
{
    assert_int_equal(rename(at(env, from), at(env, to)), 0);
}

static int set_up(void **state)
{
    struct env *env = mem_zalloc(sizeof(*env));

    snprintf(env->directory, sizeof(env->directory), "/tmp/test-watch-XXXXXX");
    assert_non_null(mkdtemp(env->directory));
    env->ev = ev_loop_new(EVFLAG_AUTO);
    env->watch = file_watch_new(env->ev, on_change, env);
    *state = env;
    return 0;
}

static int tear_down(void **state)
{
    struct env *env = *state;
    char command[80];

    file_watch_free(env->watch);
    ev_loop_destroy(env->ev);
    snprintf(command, sizeof(command), "rm -r %s", env->directory);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c,concurrency-mt-unsafe) */
    free(env);
    return 0;
}

static void watch(struct env *env, const char *name)
{
    const char *path = at(env, name);

    assert_true(file_watch_set(env->watch, &path, 1));
    env->changes = 0;
}

/* Whether one has heard of something since; events are there when the call that made them is over.
 */
static bool heard(struct env *env)
{
    const unsigned before = env->changes;

    ev_run(env->ev, EVRUN_NOWAIT);
    return env->changes > before;
}

static void files_that_are_written(void **state)
{
    struct env *env = *state;

    put(env, "file", "1");
    watch(env, "file");
    assert_false(heard(env));
    put(env, "file", "2");
    assert_true(heard(env));
    put(env, "other", "1");
    assert_false(heard(env));
    put(env, "new", "3");
    swap(env, "new", "file");
    assert_true(heard(env));
    assert_int_equal(chmod(at(env, "file"), 0400), 0);
    assert_true(heard(env));
    assert_int_equal(unlink(at(env, "file")), 0);
    assert_true(heard(env));
    put(env, "file", "4");
    assert_true(heard(env));
}

static void links_that_are_replaced(void **state)
{
    struct env *env = *state;

    make(env, "..1");
    put(env, "..1/file", "1");
    link_to(env, "..data", "..1");
    link_to(env, "file", "..data/file");
    watch(env, "file");
    assert_false(heard(env));
    make(env, "..2");
    put(env, "..2/file", "2");
    link_to(env, "..data_tmp", "..2");
    assert_false(heard(env));
    swap(env, "..data_tmp", "..data");
    assert_true(heard(env));
    watch(env, "file"); /* it leads elsewhere now */
    put(env, "..1/file", "1a");
    assert_false(heard(env));
    put(env, "..2/file", "2a");
    assert_true(heard(env));
    watch(env, "..data/file"); /* by the link itself */
    link_to(env, "..data_tmp", "..1");
    swap(env, "..data_tmp", "..data");
    assert_true(heard(env));
}

static void targets_elsewhere(void **state)
{
    struct env *env = *state;
    char absolute[80];

    make(env, "live");
    make(env, "archive");
    put(env, "archive/file1", "1");
    snprintf(absolute, sizeof(absolute), "%s", at(env, "archive/file1"));
    link_to(env, "live/absolute", absolute);
    link_to(env, "live/relative", "../archive/file1");
    watch(env, "live/absolute");
    put(env, "archive/file1", "1a");
    assert_true(heard(env));
    watch(env, "live/./relative");
    put(env, "archive/file1", "1b");
    assert_true(heard(env));
    watch(env, "live/../live/relative");
    assert_int_equal(unlink(at(env, "live/relative")), 0);
    assert_true(heard(env));
}

static void what_is_not_there(void **state)
{
    struct env *env = *state;

    watch(env, "file");
    put(env, "file", "1");
    assert_true(heard(env));
    link_to(env, "circle", "circle");
    watch(env, "circle");
    assert_false(heard(env));
    watch(env, "later/file");
    make(env, "later");
    assert_true(heard(env));
}

static void a_directory_that_goes(void **state)
{
    struct env *env = *state;

    make(env, "directory");
    put(env, "directory/file", "1");
    watch(env, "directory/file");
    swap(env, "directory", "elsewhere");
    assert_true(heard(env));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_that_are_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(links_that_are_replaced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(targets_elsewhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_directory_that_goes, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
