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

struct room {
    char directory[40];
    struct ev_loop *ev;
    struct file_watch *watch;
    unsigned changes;
};

static void on_change(void *context)
{
    ((struct room *)context)->changes++;
}

/* In the directory of the room; one of four texts, in turn. */
static const char *at(const struct room *room, const char *name)
{
    static char texts[4][128];
    static unsigned next;
    char *text = texts[next++ % 4];

    snprintf(text, sizeof(texts[0]), "%s/%s", room->directory, name);
    return text;
}

static void put(const struct room *room, const char *name, const char *content)
{
    FILE *file = fopen(at(room, name), "we");

    assert_non_null(file);
    fputs(content, file);
    assert_int_equal(fclose(file), 0);
}

static void make(const struct room *room, const char *name)
{
    assert_int_equal(mkdir(at(room, name), 0700), 0);
}

static void link_to(const struct room *room, const char *name, const char *target)
{
    assert_int_equal(symlink(target, at(room, name)), 0);
}

static void swap(const struct room *room, const char *from, const char *to)
{
    assert_int_equal(rename(at(room, from), at(room, to)), 0);
}

static int set_up(void **state)
{
    struct room *room = mem_zalloc(sizeof(*room));

    snprintf(room->directory, sizeof(room->directory), "/tmp/test-watch-XXXXXX");
    assert_non_null(mkdtemp(room->directory));
    room->ev = ev_loop_new(EVFLAG_AUTO);
    room->watch = file_watch_new(room->ev, on_change, room);
    *state = room;
    return 0;
}

static int tear_down(void **state)
{
    struct room *room = *state;
    char command[80];

    file_watch_free(room->watch);
    ev_loop_destroy(room->ev);
    snprintf(command, sizeof(command), "rm -r %s", room->directory);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c,concurrency-mt-unsafe) */
    free(room);
    return 0;
}

static void watch(struct room *room, const char *name)
{
    const char *path = at(room, name);

    assert_true(file_watch_set(room->watch, &path, 1));
    room->changes = 0;
}

/* Whether one has heard of something since; events are there when the call that made them is over.
 */
static bool heard(struct room *room)
{
    const unsigned before = room->changes;

    ev_run(room->ev, EVRUN_NOWAIT);
    return room->changes > before;
}

static void files_that_are_written(void **state)
{
    struct room *room = *state;

    put(room, "file", "1");
    watch(room, "file");
    assert_false(heard(room));
    put(room, "file", "2");
    assert_true(heard(room));
    put(room, "other", "1");
    assert_false(heard(room));
    put(room, "new", "3");
    swap(room, "new", "file");
    assert_true(heard(room));
    assert_int_equal(chmod(at(room, "file"), 0400), 0);
    assert_true(heard(room));
    assert_int_equal(unlink(at(room, "file")), 0);
    assert_true(heard(room));
    put(room, "file", "4");
    assert_true(heard(room));
}

static void links_that_are_replaced(void **state)
{
    struct room *room = *state;

    make(room, "..1");
    put(room, "..1/file", "1");
    link_to(room, "..data", "..1");
    link_to(room, "file", "..data/file");
    watch(room, "file");
    assert_false(heard(room));
    make(room, "..2");
    put(room, "..2/file", "2");
    link_to(room, "..data_tmp", "..2");
    assert_false(heard(room));
    swap(room, "..data_tmp", "..data");
    assert_true(heard(room));
    watch(room, "file"); /* it leads elsewhere now */
    put(room, "..1/file", "1a");
    assert_false(heard(room));
    put(room, "..2/file", "2a");
    assert_true(heard(room));
    watch(room, "..data/file"); /* by the link itself */
    link_to(room, "..data_tmp", "..1");
    swap(room, "..data_tmp", "..data");
    assert_true(heard(room));
}

static void targets_elsewhere(void **state)
{
    struct room *room = *state;
    char absolute[80];

    make(room, "live");
    make(room, "archive");
    put(room, "archive/file1", "1");
    snprintf(absolute, sizeof(absolute), "%s", at(room, "archive/file1"));
    link_to(room, "live/absolute", absolute);
    link_to(room, "live/relative", "../archive/file1");
    watch(room, "live/absolute");
    put(room, "archive/file1", "1a");
    assert_true(heard(room));
    watch(room, "live/./relative");
    put(room, "archive/file1", "1b");
    assert_true(heard(room));
    watch(room, "live/../live/relative");
    assert_int_equal(unlink(at(room, "live/relative")), 0);
    assert_true(heard(room));
}

static void what_is_not_there(void **state)
{
    struct room *room = *state;

    watch(room, "file");
    put(room, "file", "1");
    assert_true(heard(room));
    link_to(room, "circle", "circle");
    watch(room, "circle");
    assert_false(heard(room));
    watch(room, "later/file");
    make(room, "later");
    assert_true(heard(room));
}

static void a_directory_that_goes(void **state)
{
    struct room *room = *state;

    make(room, "directory");
    put(room, "directory/file", "1");
    watch(room, "directory/file");
    swap(room, "directory", "elsewhere");
    assert_true(heard(room));
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
