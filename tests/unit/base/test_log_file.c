/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/log_file.h"
#include "support/test.h"

static char directory[] = "/tmp/test_log_file.XXXXXX";
static char path[64], moved[64];

static int make_directory(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/log", directory);
    snprintf(moved, sizeof(moved), "%s/log.1", directory);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    (void)unlink(path);
    (void)unlink(moved);
    return rmdir(directory);
}

static struct log_file *open_log(const char *where, int standard, size_t most)
{
    const struct log_file_options options = {
        .name = "test log", .path = where, .standard = standard, .mode = 0640, .most_bytes = most};
    struct log_file *log = log_file_new(&options);

    assert_non_null(log);
    return log;
}

static void assert_text(const char *where, const char *expected)
{
    char *text = file_read(where, 4096, NULL);

    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

static void write_text(struct log_file *log, const char *text)
{
    log_file_write(log, text, strlen(text));
}

static void lines_are_added_in_order(void **state)
{
    struct log_file *log = open_log(path, -1, 4096);
    struct stat facts;

    (void)state;
    write_text(log, "one\n");
    write_text(log, "two\n");
    assert_int_equal(log_file_lost(log), 0);
    log_file_free(log);
    assert_text(path, "one\ntwo\n");
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0640);
    log = open_log(path, -1, 4096);
    write_text(log, "three\n");
    log_file_free(log);
    assert_text(path, "one\ntwo\nthree\n");
}

static void a_file_that_was_moved_is_made_anew(void **state)
{
    struct log_file *log;

    (void)state;
    (void)unlink(path);
    log = open_log(path, -1, 4096);
    assert_int_equal(rename(path, moved), 0);
    log_file_reopen(log);
    write_text(log, "later\n");
    log_file_free(log);
    assert_text(path, "later\n");
    assert_text(moved, "");
}

/* The thread waits for who reads the pipe, and nobody does. */
static void what_has_no_room_is_left_out_and_counted(void **state)
{
    char line[1024], read_back[1024];
    int ends[2];
    struct log_file *log;
    uint64_t lost;

    (void)state;
    memset(line, 'x', sizeof(line));
    line[sizeof(line) - 1] = '\n';
    assert_int_equal(pipe(ends), 0);
    log = open_log("-", ends[1], 8192);
    for (int i = 0; i < 1000; i++)
        log_file_write(log, line, sizeof(line));
    lost = log_file_lost(log);
    assert_true(lost > 0);
    log_file_leave_out(log);
    assert_int_equal(log_file_lost(log), lost + 1);
    for (uint64_t got = 0; got < (1000 - lost) * sizeof(line);) {
        const ssize_t length = read(ends[0], read_back, sizeof(read_back));

        assert_true(length > 0);
        got += (uint64_t)length;
    }
    log_file_free(log);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void what_cannot_be_opened_is_counted(void **state)
{
    struct log_file *log;

    (void)state;
    log_open(LOG_ERROR_LEVEL, LOG_FORMAT_TEXT, STDERR_FILENO);
    log = open_log("/proc/no/such/file", -1, 4096);
    write_text(log, "lost\n");
    log_file_reopen(log);
    log_file_free(log);
    log_file_free(NULL);
    log_file_reopen(NULL);
    assert_int_equal(log_file_lost(NULL), 0);
}

static void a_pipe_is_not_waited_for(void **state)
{
    char text[8] = "";
    struct log_file *log;
    int reader;

    (void)state;
    (void)unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    log = open_log(path, -1, 4096); /* nobody reads */
    reader = open(path, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    write_text(log, "one\n");
    log_file_free(log);
    assert_int_equal(read(reader, text, sizeof(text) - 1), 4);
    assert_string_equal(text, "one\n");
    close(reader);
    (void)unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_added_in_order),
        cmocka_unit_test(a_file_that_was_moved_is_made_anew),
        cmocka_unit_test(what_has_no_room_is_left_out_and_counted),
        cmocka_unit_test(what_cannot_be_opened_is_counted),
        cmocka_unit_test(a_pipe_is_not_waited_for),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
