/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/loop.h"
#include "base/thread_pool.h"
#include "support/test.h"
#include "upload/quota.h"
#include "upload/writer.h"

#define TYPE    "multipart/form-data; boundary=b"
#define FILE_OF "--b\r\ncontent-disposition: form-data; name=f; filename=f\r\n\r\n"
#define END     "\r\n--b--"
#define OWNER   "0123456789abcdef"

/* A disk that hangs when a file is to get its name, while somebody wants it to. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t change;
    bool is_hung;
    unsigned held;
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER, .change = PTHREAD_COND_INITIALIZER};

static void hang(bool is_hung)
{
    pthread_mutex_lock(&disk.lock);
    disk.is_hung = is_hung;
    pthread_cond_broadcast(&disk.change);
    pthread_mutex_unlock(&disk.lock);
}

static void wait_until_held(void)
{
    pthread_mutex_lock(&disk.lock);
    while (disk.held == 0)
        pthread_cond_wait(&disk.change, &disk.lock);
    pthread_mutex_unlock(&disk.lock);
}

/* Instead of the system's. */
int linkat(int from_directory, const char *from, int directory, const char *to, int flags)
{
    pthread_mutex_lock(&disk.lock);
    disk.held++;
    pthread_cond_broadcast(&disk.change);
    while (disk.is_hung)
        pthread_cond_wait(&disk.change, &disk.lock);
    disk.held--;
    pthread_mutex_unlock(&disk.lock);
    return (int)syscall(SYS_linkat, from_directory, from, directory, to, flags);
}

struct place {
    struct loop *loop;
    struct upload_writers writers;
    struct thread_pool *pool;
    struct upload_quota *quota;
    struct upload_limits limits;
    struct upload_quota_service service;
    char path[64];
    int directory;
    unsigned open; /* uploads that are not over */
};

struct upload {
    struct place *place;
    struct upload_writer *writer;
    size_t written;
    int status;
    bool is_over;
};

static void open_place(struct place *place, size_t threads, size_t waiting)
{
    char path[] = "/tmp/sse-server-writer-XXXXXX";

    *place = (struct place){.loop = loop_new()};
    assert_non_null(mkdtemp(path));
    snprintf(place->path, sizeof(place->path), "%s", path);
    place->directory = directory_open(place->path);
    place->service = (struct upload_quota_service){&place->limits, place->path, 0};
    place->quota = upload_quota_new(&place->service, 1, 1000);
    place->pool = thread_pool_new("disk", threads, waiting);
    upload_writers_init(&place->writers, place->loop);
}

static uint64_t used_bytes(const struct place *place)
{
    uint64_t bytes, files;

    upload_quota_usage(place->quota, 0, &bytes, &files);
    return bytes;
}

/* So many files, which all begin with this text. They are removed. */
static void expect_files(const struct place *place, size_t count, const char *text)
{
    DIR *directory = opendir(place->path);
    const struct dirent *entry;

    assert_non_null(directory);
    while ((entry = readdir(directory))) {
        char content[64] = "";
        int fd;

        if (entry->d_name[0] == '.')
            continue;
        assert_true(count-- > 0);
        fd = openat(place->directory, entry->d_name, O_RDONLY);
        assert_true(read(fd, content, sizeof(content) - 1) >= 0);
        assert_memory_equal(content, text, strlen(text));
        close(fd);
        assert_int_equal(unlinkat(place->directory, entry->d_name, 0), 0);
    }
    closedir(directory);
    assert_int_equal(count, 0);
}

static void close_place(struct place *place)
{
    assert_true(upload_writers_release(&place->writers, 30000));
    assert_true(thread_pool_free(place->pool, 30000));
    assert_int_equal(atomic_load(&place->writers.open_files), 0);
    upload_quota_free(place->quota);
    close(place->directory);
    assert_int_equal(rmdir(place->path), 0);
    loop_free(place->loop);
}

static void on_progress(void *context, const struct upload_progress *progress)
{
    struct upload *upload = context;

    assert_false(upload->is_over && progress->status == 0);
    upload->written += progress->written;
    if (!progress->is_over)
        return;
    upload->is_over = true;
    upload->status = progress->status;
    if (--upload->place->open == 0)
        loop_stop(upload->place->loop);
}

static void begin(struct upload *upload, struct place *place, uint32_t timeout_ms)
{
    const struct upload_writer_settings settings = {
        .all = &place->writers,
        .pool = place->pool,
        .directory = place->directory,
        .quota = place->quota,
        .most_bytes = 1u << 20,
        .length = -1,
        .timeout_ms = timeout_ms,
        .parts = 4,
        .field_bytes = 1000,
        .progress = on_progress,
        .context = upload,
    };
    const char *fault = NULL;

    *upload = (struct upload){.place = place};
    upload->writer = upload_writer_new(TYPE, &settings, &fault);
    assert_non_null(upload->writer);
    upload_writer_begin(upload->writer, OWNER);
    place->open++;
}

static void take(struct upload *upload, const char *text)
{
    upload_writer_take(upload->writer, text, strlen(text));
}

static void what_came_is_kept(void **state)
{
    struct upload upload;
    struct place place;

    (void)state;
    open_place(&place, 2, 10);
    begin(&upload, &place, 30000);
    take(&upload, FILE_OF "he");
    take(&upload, "llo" END);
    upload_writer_end(upload.writer);
    loop_run(place.loop);
    assert_int_equal(upload.status, 0);
    assert_int_equal(upload.written, strlen(FILE_OF "hello" END));
    upload_writer_leave(upload.writer, true);
    upload_writer_close(upload.writer);
    assert_int_equal(used_bytes(&place), 5);
    expect_files(&place, 1, "hello");
    close_place(&place);
}

static void what_is_wrong_is_told_once_all_is_gone(void **state)
{
    struct upload upload;
    struct place place;

    (void)state;
    open_place(&place, 2, 10);
    begin(&upload, &place, 30000);
    take(&upload, FILE_OF "half");
    upload_writer_end(upload.writer);
    loop_run(place.loop);
    assert_int_equal(upload.status, -EPROTO);
    assert_true(upload_writer_fault(upload.writer)[0] != '\0');
    assert_int_equal(used_bytes(&place), 0);
    assert_int_equal(atomic_load(&place.writers.open_files), 0);
    upload_writer_close(upload.writer);
    expect_files(&place, 0, "");
    close_place(&place);
}

static void what_was_kept_is_taken_back(void **state)
{
    struct upload upload;
    struct place place;

    (void)state;
    open_place(&place, 2, 10);
    begin(&upload, &place, 30000);
    take(&upload, FILE_OF "x" END);
    upload_writer_end(upload.writer);
    loop_run(place.loop);
    upload.is_over = false;
    place.open++;
    upload_writer_undo(upload.writer);
    loop_run(place.loop);
    assert_int_equal(upload.status, 0);
    expect_files(&place, 0, "");
    assert_int_equal(used_bytes(&place), 0);
    upload_writer_close(upload.writer);
    close_place(&place);
}

/* Its owner leaves while the disk hangs, or gives up: then the file goes when it has its name. */
static void whoever_does_not_wait_leaves_nothing(void **state)
{
    struct upload upload, waits;
    struct place place;

    (void)state;
    open_place(&place, 1, 10);
    hang(true);
    begin(&upload, &place, 100);
    take(&upload, FILE_OF "x" END);
    upload_writer_end(upload.writer);
    begin(&waits, &place, 30000); /* and has not begun when its owner leaves */
    take(&waits, FILE_OF "y" END);
    place.open = 1;
    loop_run(place.loop);
    assert_int_equal(upload.status, -ETIMEDOUT);
    wait_until_held();
    upload_writer_close(upload.writer);
    upload_writer_close(waits.writer);
    assert_false(waits.is_over);
    hang(false);
    assert_true(upload_writers_release(&place.writers, 30000));
    expect_files(&place, 0, "");
    assert_int_equal(used_bytes(&place), 0);
    upload_writers_init(&place.writers, place.loop);
    close_place(&place);
}

static void who_waits_is_told_of_the_end(void **state)
{
    struct upload upload;
    struct place place;

    (void)state;
    open_place(&place, 1, 10);
    hang(true);
    begin(&upload, &place, 30000);
    take(&upload, FILE_OF "x" END);
    upload_writer_end(upload.writer);
    loop_settle(place.loop);
    wait_until_held();
    upload_writers_abandon(&place.writers);
    assert_int_equal(upload.status, -ESHUTDOWN);
    upload_writer_close(upload.writer);
    hang(false);
    close_place(&place);
}

static void more_than_may_wait_come_later(void **state)
{
    struct upload uploads[4];
    struct place place;

    (void)state;
    open_place(&place, 1, 2);
    hang(true);
    for (size_t i = 0; i < 4; i++) {
        begin(&uploads[i], &place, 30000);
        take(&uploads[i], FILE_OF "x" END);
        upload_writer_end(uploads[i].writer);
        loop_settle(place.loop);
        if (i == 0)
            wait_until_held();
        assert_int_equal(uploads[i].status, i < 3 ? 0 : -EAGAIN);
    }
    hang(false);
    loop_run(place.loop);
    for (size_t i = 0; i < 4; i++) {
        if (i < 3)
            upload_writer_leave(uploads[i].writer, false);
        upload_writer_close(uploads[i].writer);
    }
    assert_int_equal(used_bytes(&place), 0);
    expect_files(&place, 3, "x");
    close_place(&place);
}

/* By chance: pieces of any size, now and then a disk that hangs, and owners that leave. */
enum { UPLOADS = 60, NUMBERS = 400 };

struct player {
    struct upload upload; /* first */
    struct loop_task task;
    struct buf body;
    size_t fed;
    bool leaves;
};

static void feed(struct loop_task *task)
{
    struct player *player = container_of(task, struct player, task);
    struct upload *upload = &player->upload;
    const size_t left = player->body.length - player->fed;
    const size_t most = (size_t)rand() % 200;
    const size_t piece = most < left ? most : left;

    if (player->leaves && (size_t)rand() % NUMBERS > left / 4) {
        upload_writer_close(upload->writer);
        upload->writer = NULL;
        if (--upload->place->open == 0)
            loop_stop(upload->place->loop);
        return;
    }
    hang(rand() % 10 == 0 && piece < left); /* not for good */
    upload_writer_take(upload->writer, player->body.data + player->fed, piece);
    player->fed += piece;
    if (player->fed < player->body.length)
        loop_defer(upload->place->loop, task);
    else
        upload_writer_end(upload->writer);
}

static void play(struct player *player, struct place *place)
{
    *player = (struct player){.task.run = feed, .leaves = rand() % 4 == 0};
    begin(&player->upload, place, 30000);
    buf_append_str(&player->body, FILE_OF);
    for (unsigned i = 0; i < NUMBERS; i++)
        buf_printf(&player->body, "%u,", i);
    buf_append_str(&player->body, END);
    loop_defer(place->loop, &player->task);
}

static void pieces_stay_in_order(void **state)
{
    struct player players[UPLOADS];
    struct place place;
    size_t kept = 0;
    char expected[64] = "";

    (void)state;
    srand(11);
    for (unsigned i = 0; strlen(expected) < 60; i++)
        snprintf(expected + strlen(expected), sizeof(expected) - strlen(expected), "%u,", i);
    open_place(&place, 3, UPLOADS);
    for (size_t i = 0; i < UPLOADS; i++)
        play(&players[i], &place);
    loop_run(place.loop);
    for (size_t i = 0; i < UPLOADS; i++) {
        struct upload *upload = &players[i].upload;

        if (upload->writer) {
            assert_int_equal(upload->status, 0);
            assert_int_equal(upload->written, players[i].body.length);
            upload_writer_leave(upload->writer, true);
            upload_writer_close(upload->writer);
            kept++;
        }
        buf_release(&players[i].body);
    }
    assert_true(kept > 0 && kept < UPLOADS);
    assert_true(upload_writers_release(&place.writers, 30000));
    assert_int_equal(used_bytes(&place) % kept, 0);
    expect_files(&place, kept, expected);
    upload_writers_init(&place.writers, place.loop);
    close_place(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_came_is_kept),
        cmocka_unit_test(what_is_wrong_is_told_once_all_is_gone),
        cmocka_unit_test(what_was_kept_is_taken_back),
        cmocka_unit_test(whoever_does_not_wait_leaves_nothing),
        cmocka_unit_test(who_waits_is_told_of_the_end),
        cmocka_unit_test(more_than_may_wait_come_later),
        cmocka_unit_test(pieces_stay_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
