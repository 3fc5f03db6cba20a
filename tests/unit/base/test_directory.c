/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "support/test.h"

static char root[] = "/tmp/test_directory.XXXXXX";

static void path_of(char *path, size_t size, const char *below)
{
    snprintf(path, size, "%s/%s", root, below);
}

static void makes_parents_closed_to_others(void **state)
{
    char path[256];
    struct stat status;

    (void)state;
    path_of(path, sizeof(path), "a/b/c");
    assert_int_equal(directory_make(path), 0);
    assert_int_equal(directory_make(path), 0);
    assert_int_equal(stat(path, &status), 0);
    assert_true(S_ISDIR(status.st_mode));
    assert_int_equal(status.st_mode & 0777, 0700);
}

static void opens_what_it_makes(void **state)
{
    char path[256];
    int fd;

    (void)state;
    path_of(path, sizeof(path), "opened/");
    fd = directory_open(path);
    assert_true(fd >= 0);
    close(fd);
}

static void says_what_is_in_the_way(void **state)
{
    char path[256];
    FILE *file;

    (void)state;
    path_of(path, sizeof(path), "file");
    file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(directory_open(path), -ENOTDIR);
    path_of(path, sizeof(path), "file/below");
    assert_int_equal(directory_make(path), -ENOTDIR);
    assert_int_equal(directory_make(""), -ENOENT);
    assert_int_equal(directory_open(NULL), -ENOENT);
}

static int make_root(void **state)
{
    (void)state;
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
    static const char *const made[] = {"a/b/c", "a/b", "a", "opened", "file", ""};
    char path[256];

    (void)state;
    for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
        path_of(path, sizeof(path), made[i]);
        (void)remove(path);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_parents_closed_to_others),
        cmocka_unit_test(opens_what_it_makes),
        cmocka_unit_test(says_what_is_in_the_way),
    };

    return cmocka_run_group_tests(tests, make_root, remove_root);
}
