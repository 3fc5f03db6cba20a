/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "support/test.h"
#include "upload/parts.h"

#define TYPE "multipart/form-data; boundary=b"

static atomic_size_t open_files;
static const struct upload_parts_limits limits = {
    .parts = 3,
    .field_bytes = 16,
    .open_files = 2,
    .open_count = &open_files,
};

struct place {
    char path[64];
    int directory;
};

static int setup(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    char parent[] = "/tmp/sse-server-upload-XXXXXX";

    assert_non_null(mkdtemp(parent));
    snprintf(place->path, sizeof(place->path), "%s/below", parent);
    place->directory = directory_open(place->path);
    assert_true(place->directory >= 0);
    *state = place;
    return 0;
}

/* Calls on_file for each file of the directory; their number. */
static size_t each_file(const struct place *place, void (*on_file)(int directory, const char *name))
{
    DIR *directory = opendir(place->path);
    struct dirent *entry;
    size_t count = 0;

    assert_non_null(directory);
    while ((entry = readdir(directory))) {
        if (entry->d_name[0] == '.')
            continue;
        count++;
        if (on_file)
            on_file(place->directory, entry->d_name);
    }
    closedir(directory);
    return count;
}

static void remove_file(int directory, const char *name)
{
    assert_int_equal(unlinkat(directory, name, 0), 0);
}

static int teardown(void **state)
{
    struct place *place = *state;

    assert_int_equal(open_files, 0);
    each_file(place, remove_file);
    close(place->directory);
    assert_int_equal(rmdir(place->path), 0);
    *strrchr(place->path, '/') = '\0';
    assert_int_equal(rmdir(place->path), 0);
    free(place);
    return 0;
}

static struct upload_parts *open_parts(const struct place *place)
{
    const char *fault = NULL;
    struct upload_parts *parts = upload_parts_new(TYPE, &limits, place->directory, &fault);

    assert_non_null(parts);
    return parts;
}

static int feed(struct upload_parts *parts, const char *text)
{
    return upload_parts_feed(parts, text, strlen(text));
}

#define FILE_PART "--b\r\ncontent-disposition: form-data; name=f; filename=\"../x.txt\"\r\n\r\n"
#define FIELD     "--b\r\ncontent-disposition: form-data; name=\"t\"\r\n\r\n"

static void check_content(int directory, const char *name)
{
    char content[8] = "";
    struct stat facts;
    int fd = openat(directory, name, O_RDONLY);

    assert_true(fd >= 0);
    assert_int_equal(read(fd, content, sizeof(content)), 3);
    assert_string_equal(content, "abc");
    assert_int_equal(fstat(fd, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    close(fd);
}

static void test_files_are_kept_and_described(void **state)
{
    struct upload_parts *parts = open_parts(*state);
    struct buf text = BUF_INIT;
    json_t *list;
    const char *name, *file_name, *sha256;
    json_int_t size;

    assert_int_equal(feed(parts, FILE_PART "a"), 0);
    assert_int_equal(feed(parts, "bc\r\n" FIELD "hello\r\n--b--\r\n"), 0);
    assert_int_equal(each_file(*state, NULL), 0);
    assert_int_equal(upload_parts_finish(parts), 0);
    assert_int_equal(each_file(*state, check_content), 1);
    upload_parts_describe(parts, NULL, &text);
    upload_parts_free(parts);
    assert_int_equal(each_file(*state, NULL), 1);

    list = json_loads(buf_str(&text), 0, NULL);
    assert_int_equal(json_array_size(list), 2);
    assert_int_equal(json_unpack(list, "[{s:s,s:s,s:I,s:s}]", "name", &name, "fileName", &file_name,
                                 "size", &size, "sha256", &sha256),
                     0);
    assert_string_equal(name, "f");
    assert_string_equal(file_name, "x.txt");
    assert_int_equal(size, 3);
    assert_string_equal(sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_true(json_is_null(json_object_get(json_array_get(list, 1), "fileName")));
    assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 1), "size")), 5);
    json_decref(list);
    buf_release(&text);
}

static void test_a_broken_upload_leaves_nothing(void **state)
{
    struct upload_parts *parts = open_parts(*state);

    assert_int_equal(feed(parts, FILE_PART "abc\r\n" FILE_PART "half of"), 0);
    assert_int_equal(upload_parts_finish(parts), -EPROTO);
    assert_true(upload_parts_fault(parts)[0] != '\0');
    upload_parts_free(parts);
    assert_int_equal(each_file(*state, NULL), 0);
}

static void test_an_upload_that_nobody_finishes_leaves_nothing(void **state)
{
    struct upload_parts *parts = open_parts(*state);

    assert_int_equal(feed(parts, FILE_PART "abc"), 0);
    upload_parts_free(parts);
    assert_int_equal(each_file(*state, NULL), 0);
}

static void test_limits_are_named(void **state)
{
    struct upload_parts *parts = open_parts(*state);

    assert_int_equal(feed(parts, FIELD "0123456789abcdefg\r\n"), -E2BIG);
    assert_non_null(strstr(upload_parts_fault(parts), "part 1"));
    upload_parts_free(parts);
    parts = open_parts(*state);
    assert_int_equal(feed(parts, FIELD "\r\n" FIELD "\r\n" FIELD "\r\n" FIELD "\r\n--b--"), -E2BIG);
    upload_parts_free(parts);
}

static void test_uploads_share_the_files_that_may_be_open(void **state)
{
    struct upload_parts *first = open_parts(*state);
    struct upload_parts *second = open_parts(*state);

    assert_int_equal(feed(first, FILE_PART "abc\r\n" FIELD "\r\n--b--"), 0);
    assert_int_equal(feed(second, FILE_PART "abc\r\n" FILE_PART "abc"), -EBUSY);
    assert_non_null(strstr(upload_parts_fault(second), "2 files"));
    upload_parts_free(second);
    assert_int_equal(open_files, 1);
    assert_int_equal(upload_parts_finish(first), 0);
    upload_parts_free(first);
}

static void test_a_directory_that_takes_no_files_is_told(void **state)
{
    const struct place *place = *state;
    const char *fault = NULL;
    int nowhere = open("/proc/self", O_RDONLY | O_DIRECTORY);
    struct upload_parts *parts = upload_parts_new(TYPE, &limits, nowhere, &fault);

    assert_true(feed(parts, FILE_PART "abc") < 0);
    upload_parts_free(parts);
    close(nowhere);
    assert_int_equal(each_file(place, NULL), 0);
}

static void test_other_types_are_refused(void **state)
{
    const struct place *place = *state;
    const char *fault = NULL;

    assert_null(upload_parts_new("text/plain", &limits, place->directory, &fault));
    assert_non_null(fault);
    assert_null(upload_parts_new("multipart/form-data", &limits, place->directory, &fault));
}

static void test_directories_that_cannot_be(void **state)
{
    (void)state;
    assert_int_equal(directory_open(""), -ENOENT);
    assert_int_equal(directory_open(NULL), -ENOENT);
    assert_int_equal(directory_open("/dev/null/below"), -ENOTDIR);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_files_are_kept_and_described),
        TEST(test_a_broken_upload_leaves_nothing),
        TEST(test_an_upload_that_nobody_finishes_leaves_nothing),
        TEST(test_limits_are_named),
        TEST(test_uploads_share_the_files_that_may_be_open),
        TEST(test_a_directory_that_takes_no_files_is_told),
        TEST(test_other_types_are_refused),
        cmocka_unit_test(test_directories_that_cannot_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
