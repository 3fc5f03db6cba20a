/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/loop.h"
#include "base/thread_pool.h"
#include "support/test.h"

struct place {
    struct loop *loop;
    struct file_readers readers;
    char path[40];
    char text[16]; /* that was read */
    int error;
    unsigned reads;
};

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    int fd;

    strcpy(place->path, "/tmp/sse-server-reading-XXXXXX");
    fd = mkstemp(place->path);
    assert_int_equal(write(fd, "text", 4), 4);
    close(fd);
    place->loop = loop_new();
    place->readers =
        (struct file_readers){thread_pool_new("disk", 1, 1), pool_client_new(place->loop)};
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;

    assert_true(pool_client_free(place->readers.client, 30000));
    assert_true(thread_pool_free(place->readers.pool, 30000));
    loop_free(place->loop);
    unlink(place->path);
    free(place);
    return 0;
}

static void on_read(void *context, const char *text, size_t length, int error)
{
    struct place *place = context;

    assert_true((text != NULL) == (error == 0));
    if (text)
        memcpy(place->text, text, length + 1);
    place->error = error;
    place->reads++;
    loop_stop(place->loop);
}

static struct file_reading *start(struct place *place, const char *path, size_t most)
{
    return file_reading_start(&place->readers, path, most, on_read, place);
}

static void what_is_there_is_read(void **state)
{
    struct place *place = *state;

    assert_non_null(start(place, place->path, 4));
    assert_int_equal(place->reads, 0);
    loop_run(place->loop);
    assert_string_equal(place->text, "text");
}

static void what_cannot_be_read_is_told(void **state)
{
    struct place *place = *state;

    assert_non_null(start(place, place->path, 3));
    loop_run(place->loop);
    assert_int_equal(place->error, EFBIG);
    assert_non_null(start(place, "/nowhere/at/all", 3));
    loop_run(place->loop);
    assert_int_equal(place->error, ENOENT);
}

struct stuck {
    struct pool_job job;
    sem_t begins, ends;
};

static void run(struct pool_job *job)
{
    struct stuck *stuck = container_of(job, struct stuck, job);

    sem_post(&stuck->begins);
    sem_wait(&stuck->ends);
}

static void on_done(struct pool_job *job)
{
    (void)job;
}

static void who_does_not_wait_is_not_told(void **state)
{
    struct stuck stuck = {.job = {.run = run, .done = on_done}};
    struct place *place = *state;
    struct file_reading *waits;

    sem_init(&stuck.begins, 0, 0);
    sem_init(&stuck.ends, 0, 0);
    assert_int_equal(thread_pool_submit(place->readers.pool, place->readers.client, &stuck.job), 0);
    sem_wait(&stuck.begins);
    waits = start(place, place->path, 4);
    assert_non_null(waits);
    assert_null(start(place, place->path, 4));
    assert_int_equal(errno, EAGAIN);
    file_reading_cancel(waits);
    waits = start(place, place->path, 4);
    assert_non_null(waits);
    sem_post(&stuck.ends);
    loop_run(place->loop);
    assert_int_equal(place->reads, 1);
    file_reading_cancel(start(place, place->path, 4)); /* perhaps while it is read */
    file_reading_cancel(NULL);
    assert_non_null(start(place, place->path, 4));
    loop_run(place->loop);
    assert_int_equal(place->reads, 2);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_there_is_read),
        TEST(what_cannot_be_read_is_told),
        TEST(who_does_not_wait_is_not_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
