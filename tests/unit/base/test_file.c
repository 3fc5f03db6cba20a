/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "support/test.h"

static void test_a_whole_file(void **state)
{
    char path[] = "/tmp/sse-server-file-XXXXXX";
    int fd = mkstemp(path);
    size_t length = 0;
    char *text;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "a\0bc\n", 5), 5);
    close(fd);
    text = file_read(path, 5, &length);
    assert_int_equal(length, 5);
    assert_memory_equal(text, "a\0bc\n", 6);
    free(text);
    assert_null(file_read(path, 4, &length));
    assert_int_equal(errno, EFBIG);
    unlink(path);
}

static void test_what_cannot_be_read(void **state)
{
    size_t length = 7;

    (void)state;
    assert_null(file_read("/nowhere/at/all", 100, &length));
    assert_int_equal(errno, ENOENT);
    assert_null(file_read("/tmp", 100, &length));
    assert_int_equal(errno, EISDIR);
    assert_int_equal(length, 7);
}

static void test_an_empty_file(void **state)
{
    size_t length = 7;
    char *text = file_read("/dev/null", 0, &length);

    (void)state;
    assert_string_equal(text, "");
    assert_int_equal(length, 0);
    free(text);
}

static void test_a_pipe(void **state)
{
    char directory[] = "/tmp/sse-server-pipe-XXXXXX", path[64];
    size_t length = 7;
    char *text;
    int writer;

    (void)state;
    assert_non_null(mkdtemp(directory));
    (void)snprintf(path, sizeof(path), "%s/pipe", directory);
    assert_int_equal(mkfifo(path, 0600), 0);
    text = file_read(path, 10, &length); /* nobody writes */
    assert_string_equal(text, "");
    assert_int_equal(length, 0);
    free(text);
    writer = open(path, O_RDWR);
    assert_int_equal(write(writer, "abc", 3), 3);
    assert_null(file_read(path, 2, &length));
    assert_int_equal(errno, EFBIG);
    close(writer);
    unlink(path);
    rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_file),
        cmocka_unit_test(test_what_cannot_be_read),
        cmocka_unit_test(test_an_empty_file),
        cmocka_unit_test(test_a_pipe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
