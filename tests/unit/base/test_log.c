/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/test_clock.h"
#include "base/text.h"
#include "support/test.h"

enum { THREADS = 4, LINES_EACH = 500 };

static int ends[2];
static char said[1 << 20];

static int open_pipe(void **state)
{
    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    return 0;
}

static int close_pipe(void **state)
{
    (void)state;
    (void)close(ends[0]);
    (void)close(ends[1]);
    return 0;
}

/* What the log has written so far. */
static const char *heard(void)
{
    ssize_t length = read(ends[0], said, sizeof(said) - 1);

    said[length > 0 ? length : 0] = '\0';
    return said;
}

static const char *format(enum log_format how, const char *message, const struct log_field *fields,
                          size_t count)
{
    static char text[LOG_LINE_MAX + 1];
    const struct log_event event = {1795341600123, LOG_INFO_LEVEL, message, fields, count, 0};
    struct log_line line;

    log_line_format(&line, how, &event);
    assert_true(line.length <= LOG_LINE_MAX);
    memcpy(text, line.text, line.length);
    text[line.length] = '\0';
    assert_int_equal(strlen(text), line.length);
    assert_ptr_equal(strchr(text, '\n'), text + line.length - 1);
    assert_true(utf8_is_valid(text, line.length));
    return text;
}

/* The text behind "value=" in a line with that one field. */
static const char *text_of(const char *value)
{
    const struct log_field field = LOG_STR("value", value);
    char *text = strstr(format(LOG_FORMAT_TEXT, "m", &field, 1), "value=");

    assert_non_null(text);
    text[strlen(text) - 1] = '\0';
    return text + strlen("value=");
}

static json_t *json_of(const struct log_field *fields, size_t count)
{
    const char *line = format(LOG_FORMAT_PLAIN_JSON, "message", fields, count);
    json_error_t error;
    json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, &error);

    if (object == NULL)
        fail_msg("%s: %s", error.text, line);
    return object;
}

static void assert_json_value(const char *value, const char *expected)
{
    const struct log_field field = LOG_STR("value", value);
    json_t *object = json_of(&field, 1);

    assert_string_equal(json_string_value(json_object_get(object, "value")), expected);
    json_decref(object);
}

static void text_lines_have_pairs(void **state)
{
    const struct log_field fields[] = {LOG_STR("address", "[::1]:8443"), LOG_INT("port", -8443),
                                       LOG_STR("nothing", (const char *)NULL)};

    (void)state;
    assert_string_equal(
        format(LOG_FORMAT_TEXT, "listening on", fields, 3),
        "2026-11-22T10:00:00.123Z info listening on address=[::1]:8443 port=-8443 nothing=\"\"\n");
    assert_string_equal(format(LOG_FORMAT_TEXT, "plain", NULL, 0),
                        "2026-11-22T10:00:00.123Z info plain\n");
}

static void logfmt_lines_are_pairs(void **state)
{
    const struct log_field fields[] = {LOG_STR("address", "::1"), LOG_STR("path", "/a \"b\"")};

    (void)state;
    assert_string_equal(format(LOG_FORMAT_LOGFMT, "listening on", fields, 2),
                        "time=2026-11-22T10:00:00.123Z level=info msg=\"listening on\" "
                        "address=::1 path=\"/a \\\"b\\\"\"\n");
    assert_string_equal(format(LOG_FORMAT_LOGFMT, "a\nlevel=error", NULL, 0),
                        "time=2026-11-22T10:00:00.123Z level=info msg=\"a\\nlevel=error\"\n");
}

static void json_lines_are_objects(void **state)
{
    const struct log_field fields[] = {LOG_STR("address", "::1"), LOG_INT("port", INT64_MIN)};

    (void)state;
    assert_string_equal(format(LOG_FORMAT_PLAIN_JSON, "listening on", fields, 2),
                        "{\"time\":\"2026-11-22T10:00:00.123Z\",\"level\":\"info\","
                        "\"message\":\"listening on\",\"address\":\"::1\","
                        "\"port\":-9223372036854775808}\n");
}

static void json_lines_have_the_names_of_ecs(void **state)
{
    const struct log_field fields[] = {
        LOG_STR("address", "::1"),
        LOG_STR("request", "a1"),
        LOG_STR("user", "7\n\"x\":1,"),
        LOG_STR("path", "/a"),
        LOG_INT("status", 404),
        LOG_INT("duration_us", 1500),
        LOG_INT("count", 2),
        {.key = "address", .text = "b", .ecs = "server.address"},
    };

    (void)state;
    assert_string_equal(format(LOG_FORMAT_JSON, "refused", fields, 8),
                        "{\"@timestamp\":\"2026-11-22T10:00:00.123Z\",\"log.level\":\"info\","
                        "\"message\":\"refused\",\"client.address\":\"::1\","
                        "\"http.request.id\":\"a1\",\"user.id\":\"7\\n\\\"x\\\":1,\","
                        "\"url.path\":\"/a\",\"http.response.status_code\":404,"
                        "\"event.duration\":1500000,\"sse_server.count\":2,"
                        "\"server.address\":\"b\",\"ecs.version\":\"8.11.0\"}\n");
}

static void combined_lines_are_as_apache_writes_them(void **state)
{
    const struct log_field fields[] = {
        LOG_STR("address", "::1"),
        LOG_STR("user", "a b\"\n"),
        LOG_STR("method", "GET"),
        LOG_STR("path", "/a b\"\xC3\xA4"),
        LOG_STR("query", "x=1"),
        LOG_STR("protocol", "HTTP/2"),
        LOG_INT("status", 200),
        LOG_INT("bytes", 12),
        LOG_STR("referer", "http://a/ \"x"),
        LOG_STR("user_agent", "b\n c\\"),
    };

    (void)state;
    assert_string_equal(format(LOG_FORMAT_COMBINED, "request", fields, 10),
                        "::1 - a\\x20b\\x22\\x0a [22/Nov/2026:10:00:00 +0000] "
                        "\"GET /a\\x20b\\x22\\xc3\\xa4?x=1 HTTP/2\" 200 12 "
                        "\"http://a/ \\x22x\" \"b\\x0a c\\x5c\"\n");
    assert_string_equal(format(LOG_FORMAT_COMBINED, "request", NULL, 0),
                        "- - - [22/Nov/2026:10:00:00 +0000] \"- - -\" - - \"-\" \"-\"\n");
}

/* However long its texts are, the line is whole. */
static void combined_lines_have_room_for_all(void **state)
{
    static const char *const keys[] = {"address",  "user",   "method",  "path",      "query",
                                       "protocol", "status", "referer", "user_agent"};
    struct log_field fields[sizeof(keys) / sizeof(keys[0])];
    char value[8192];
    const char *line;

    (void)state;
    memset(value, '"', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        fields[i] = LOG_STR(keys[i], i == 0 || i == 5 || i == 6 ? "x" : value);
    line = format(LOG_FORMAT_COMBINED, "request", fields, sizeof(keys) / sizeof(keys[0]));
    assert_non_null(strstr(line, "\" x - \""));
    assert_string_equal(line + strlen(line) - 6, "\\x22\"\n");
}

static void text_values_are_quoted_when_needed(void **state)
{
    (void)state;
    assert_string_equal(text_of("plain-1.5/x?y"), "plain-1.5/x?y");
    assert_string_equal(text_of("two words"), "\"two words\"");
    assert_string_equal(text_of("a=b"), "\"a=b\"");
    assert_string_equal(text_of("say \"hi\""), "\"say \\\"hi\\\"\"");
    assert_string_equal(text_of("back\\slash"), "\"back\\\\slash\"");
    assert_string_equal(text_of("gr\xC3\xBC\xC3\x9F"), "\"gr\xC3\xBC\xC3\x9F\"");
}

static void nothing_can_forge_a_line_or_reach_the_terminal(void **state)
{
    (void)state;
    assert_string_equal(text_of("a\nb\r\tc"), "\"a\\nb\\r\\tc\"");
    assert_string_equal(text_of("\x1b[31m\x7f\x01"), "\"\\x1b[31m\\x7f\\x01\"");
    assert_string_equal(text_of("\xC2\x9B"
                                "31m"),
                        "\"\\xc2\\x9b31m\"");
    assert_string_equal(text_of("\xFF\xC3"), "\"\\xff\\xc3\"");
    assert_json_value("a\n\x1b\"\\\x7f", "a\n\x1b\"\\\x7f");
    assert_json_value("\xC2\x9B", "\xC2\x9B");
    assert_json_value("a\xFF", "a\xEF\xBF\xBD");
}

static void messages_are_escaped_as_well(void **state)
{
    (void)state;
    assert_string_equal(format(LOG_FORMAT_TEXT, "a\nb", NULL, 0),
                        "2026-11-22T10:00:00.123Z info a\\nb\n");
}

static void values_are_cut_at_one_kib(void **state)
{
    size_t length = (size_t)1 << 20;
    char *value = malloc(length + 1);

    (void)state;
    assert_non_null(value);
    memset(value, 'x', length);
    value[length] = '\0';
    assert_int_equal(strlen(text_of(value)), LOG_VALUE_MAX);
    memset(value, '\x1b', length);
    assert_in_range(strlen(text_of(value)), LOG_VALUE_MAX - 8, LOG_VALUE_MAX + 2);
    for (size_t i = 0; i + 3 <= length; i += 3)
        memcpy(value + i, "\xE2\x82\xAC", 3);
    assert_in_range(strlen(text_of(value)), LOG_VALUE_MAX - 8, LOG_VALUE_MAX + 2);
    free(value);
}

static void what_has_no_room_is_left_out_and_told(void **state)
{
    char value[2000];
    struct log_field fields[6];

    (void)state;
    memset(value, '\x01', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    for (size_t i = 0; i < 6; i++)
        fields[i] = (struct log_field){.key = (const char *[]){"a", "b", "c", "d", "e", "f"}[i],
                                       .text = value};
    fields[5] = LOG_INT("number", 1);
    json_t *object = json_of(fields, 6);
    assert_true(json_is_true(json_object_get(object, "cut")));
    assert_non_null(json_object_get(object, "a"));
    json_decref(object);
    assert_non_null(strstr(format(LOG_FORMAT_TEXT, "m", fields, 6), " cut=true\n"));
    assert_null(strstr(format(LOG_FORMAT_TEXT, "m", fields, 1), "cut"));
}

/* Wherever the room ends, the line is well-formed. */
static void every_length_gives_a_whole_line(void **state)
{
    char value[1100];

    (void)state;
    for (size_t length = 0; length < sizeof(value); length++) {
        struct log_field fields[4];

        memset(value, length % 2 == 0 ? '"' : 'x', length);
        value[length] = '\0';
        for (size_t i = 0; i < 4; i++)
            fields[i] =
                (struct log_field){.key = (const char *[]){"a", "b", "c", "d"}[i], .text = value};
        json_decref(json_of(fields, 4));
        format(LOG_FORMAT_TEXT, value, fields, 4);
        format(LOG_FORMAT_LOGFMT, value, fields, 4);
        format(LOG_FORMAT_JSON, value, fields, 4);
    }
}

static void levels_below_are_not_written(void **state)
{
    (void)state;
    log_open(LOG_WARN_LEVEL, LOG_FORMAT_TEXT, ends[1]);
    log_info("quiet");
    log_write(LOG_UNLIMITED, LOG_INFO_LEVEL, "quiet too", NULL, 0);
    log_warn("loud", LOG_INT("n", 7));
    assert_false(log_is_on(LOG_INFO_LEVEL));
    assert_true(log_is_on(LOG_ERROR_LEVEL));
    assert_non_null(strstr(heard(), " warn loud n=7\n"));
    assert_null(strstr(said, "quiet"));
}

static void errno_survives(void **state)
{
    (void)state;
    log_open(LOG_INFO_LEVEL, LOG_FORMAT_TEXT, -1);
    errno = ECONNRESET;
    log_info("to nowhere");
    assert_int_equal(errno, ECONNRESET);
}

static void a_descriptor_that_fails_is_counted(void **state)
{
    uint64_t before = log_dropped();
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

    (void)state;
    log_open(LOG_INFO_LEVEL, LOG_FORMAT_TEXT, -1);
    log_info("closed");
    assert_int_equal(log_dropped(), before + 1);
    assert_true(full >= 0);
    log_open(LOG_INFO_LEVEL, LOG_FORMAT_TEXT, full);
    log_info("disk full");
    assert_int_equal(log_dropped(), before + 2);
    (void)close(full);
}

static void a_pipe_that_nobody_reads_does_not_block(void **state)
{
    uint64_t before = log_dropped();

    (void)state;
    log_open(LOG_INFO_LEVEL, LOG_FORMAT_TEXT, ends[1]);
    for (int i = 0; i < 10000; i++)
        log_info("nobody listens", LOG_INT("i", i));
    assert_true(log_dropped() > before);
    assert_non_null(strstr(heard(), "i=0\n"));
    log_info("heard again");
    assert_non_null(strstr(heard(), "heard again"));
}

static void a_pipe_without_a_reader_is_counted(void **state)
{
    uint64_t before = log_dropped();
    int broken[2];

    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(broken), 0);
    (void)close(broken[0]);
    log_open(LOG_INFO_LEVEL, LOG_FORMAT_TEXT, broken[1]);
    log_info("nobody is there");
    assert_int_equal(log_dropped(), before + 1);
    (void)close(broken[1]);
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;

    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

/* Ten a second; the loop may meet the border between two seconds, or three on a slow day. */
static void abuse_is_limited_and_counted(void **state)
{
    uint64_t before = log_dropped();
    size_t written;

    (void)state;
    log_open(LOG_INFO_LEVEL, LOG_FORMAT_TEXT, ends[1]);
    for (int i = 0; i < 1000; i++)
        log_abuse("bad input");
    written = count_lines(heard());
    assert_in_range(written, 10, 100);
    assert_int_equal(log_dropped() - before, 1000 - written);
}

static void the_next_line_says_how_many_were_left_out(void **state)
{
    uint64_t before = log_dropped();

    (void)state;
    test_clock_stop();
    log_open(LOG_INFO_LEVEL, LOG_FORMAT_TEXT, ends[1]);
    assert_false(log_is_wanted(LOG_OF_TURNS, LOG_DEBUG_LEVEL));
    (void)test_clock_advance(1000, 1000);
    for (int i = 0; i < 30; i++)
        LOG_LIMITED(LOG_OF_TURNS, LOG_INFO_LEVEL, "flood", LOG_INT("i", i));
    assert_false(log_is_wanted(LOG_OF_TURNS, LOG_INFO_LEVEL));
    assert_int_equal(count_lines(heard()), 10);
    assert_null(strstr(said, "left_out"));
    assert_int_equal(log_dropped() - before, 21);
    (void)test_clock_advance(1000, 1000);
    assert_true(log_is_wanted(LOG_OF_TURNS, LOG_INFO_LEVEL));
    for (int i = 0; i < 2; i++)
        LOG_LIMITED(LOG_OF_TURNS, LOG_INFO_LEVEL, "flood", LOG_INT("i", i));
    assert_non_null(strstr(heard(), " info flood i=0 left_out=21\n"));
    assert_non_null(strstr(said, " info flood i=1\n"));
    test_clock_go();
}

static void *write_many(void *name)
{
    for (int i = 0; i < LINES_EACH; i++)
        log_info("from a thread", LOG_STR("name", (const char *)name), LOG_INT("i", i));
    return NULL;
}

/* A file whose disk hangs until told otherwise; instead of the system's write(). */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t change;
    int fd;
    bool is_hung;
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER, .change = PTHREAD_COND_INITIALIZER, .fd = -1};

ssize_t write(int fd, const void *data, size_t length)
{
    pthread_mutex_lock(&disk.lock);
    while (fd == disk.fd && disk.is_hung)
        pthread_cond_wait(&disk.change, &disk.lock);
    pthread_mutex_unlock(&disk.lock);
    return syscall(SYS_write, fd, data, length);
}

static void hang(int fd, bool is_hung)
{
    pthread_mutex_lock(&disk.lock);
    disk.fd = fd;
    disk.is_hung = is_hung;
    pthread_cond_broadcast(&disk.change);
    pthread_mutex_unlock(&disk.lock);
}

static FILE *open_log_file(void)
{
    char path[] = "/tmp/test_log.XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "r");

    assert_non_null(file);
    (void)unlink(path);
    log_open(LOG_INFO_LEVEL, LOG_FORMAT_TEXT, fd);
    return file;
}

/* Lines that end with i=0, i=1, …, up to the first that does not. */
static int lines_in_order(FILE *file)
{
    char line[256];
    int i = 0;

    rewind(file);
    while (fgets(line, sizeof(line), file) && strstr(line, "i=") &&
           atoi(strstr(line, "i=") + 2) == i)
        i++;
    return i;
}

static void a_file_whose_disk_hangs_keeps_nobody_waiting(void **state)
{
    FILE *file = open_log_file();
    uint64_t before = log_dropped();

    (void)state;
    log_start();
    hang(fileno(file), true);
    for (int i = 0; i < LINES_EACH; i++)
        log_info("a", LOG_INT("i", i));
    assert_int_equal(log_dropped(), before);
    assert_int_equal(lines_in_order(file), 0);
    log_stop(1); /* it does not wait for ever, */
    for (int i = 0; i < 20 * LINES_EACH; i++)
        log_info("what is too much is dropped");
    assert_true(log_dropped() > before);
    hang(-1, false);
    log_stop(60000); /* nor forgets what has to come, */
    assert_int_equal(lines_in_order(file), LINES_EACH);
    before = log_dropped();
    log_info("and goes on without its thread");
    assert_int_equal(log_dropped(), before);
    (void)fclose(file);
}

static void the_thread_of_the_log_keeps_the_order(void **state)
{
    FILE *file = open_log_file();

    (void)state;
    log_start();
    for (int i = 0; i < LINES_EACH; i++)
        log_info("a", LOG_INT("i", i));
    log_stop(60000);
    assert_int_equal(lines_in_order(file), LINES_EACH);
    (void)fclose(file);
}

static void threads_do_not_mix_their_lines(void **state)
{
    char path[] = "/tmp/test_log.XXXXXX";
    int fd = mkstemp(path);
    pthread_t threads[THREADS];
    static char names[THREADS][2] = {"a", "b", "c", "d"};
    char line[256];
    size_t lines = 0;

    (void)state;
    assert_true(fd >= 0);
    (void)unlink(path);
    log_open(LOG_INFO_LEVEL, LOG_FORMAT_JSON, fd);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, names[i]), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    FILE *file = fdopen(fd, "r");
    assert_non_null(file);
    rewind(file);
    for (; fgets(line, sizeof(line), file) != NULL; lines++) {
        json_t *object = json_loads(line, 0, NULL);

        assert_non_null(object);
        json_decref(object);
    }
    assert_int_equal(lines, THREADS * LINES_EACH);
    (void)fclose(file);
}

#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, open_pipe, close_pipe)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_lines_have_pairs),
        cmocka_unit_test(logfmt_lines_are_pairs),
        cmocka_unit_test(json_lines_are_objects),
        cmocka_unit_test(json_lines_have_the_names_of_ecs),
        cmocka_unit_test(combined_lines_are_as_apache_writes_them),
        cmocka_unit_test(combined_lines_have_room_for_all),
        cmocka_unit_test(text_values_are_quoted_when_needed),
        cmocka_unit_test(nothing_can_forge_a_line_or_reach_the_terminal),
        cmocka_unit_test(messages_are_escaped_as_well),
        cmocka_unit_test(values_are_cut_at_one_kib),
        cmocka_unit_test(what_has_no_room_is_left_out_and_told),
        cmocka_unit_test(every_length_gives_a_whole_line),
        LOG_TEST(levels_below_are_not_written),
        LOG_TEST(errno_survives),
        LOG_TEST(a_descriptor_that_fails_is_counted),
        LOG_TEST(a_pipe_that_nobody_reads_does_not_block),
        LOG_TEST(a_pipe_without_a_reader_is_counted),
        LOG_TEST(abuse_is_limited_and_counted),
        LOG_TEST(the_next_line_says_how_many_were_left_out),
        LOG_TEST(threads_do_not_mix_their_lines),
        cmocka_unit_test(the_thread_of_the_log_keeps_the_order),
        cmocka_unit_test(a_file_whose_disk_hangs_keeps_nobody_waiting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
