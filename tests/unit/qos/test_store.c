/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "fake_repository.h"
#include "qos/store.h"
#include "support/test.h"

enum { AN_HOUR_MS = 3600 * 1000, MANY = 5000 };

/*
 * The disk, the store, and this thread's loop, which owns the store. Done jobs are counted, and
 * what they say is checked by what submitted them.
 */
struct shop {
    struct fake_disk disk;
    struct loop *loop;
    struct qos_store *store;
    struct qos_store_settings settings;
    sem_t gate;       /* holds the store's thread up in a job that asks for it */
    size_t done;      /* jobs */
    size_t expected;  /* the loop stops when so many are done */
    size_t failed;    /* of these */
    int status;       /* of the last one */
    char order[4096]; /* the words of those that are done */
};

struct work {
    struct qos_job job;
    struct shop *shop;
    const char *word; /* told to the disk's story when it runs */
    int result, fault;
    bool is_held_up;
    bool is_followed; /* by another one, which its done submits */
    bool is_next;     /* before those that wait */
    bool is_asked;
};

static void submit(struct shop *shop, struct work work);

static int run_work(struct qos_job *job, struct qos_repository *repository)
{
    struct work *work = container_of(job, struct work, job);

    (void)fake_disk_tell(&work->shop->disk, work->word, NULL);
    if (work->is_held_up)
        while (sem_wait(&work->shop->gate) != 0)
            ;
    repository->fault = work->fault;
    repository->totals.messages++;
    return work->fault != 0 ? work->fault : work->result;
}

static void work_done(struct qos_job *job)
{
    struct work *work = container_of(job, struct work, job);
    struct shop *shop = work->shop;
    const size_t length = strlen(shop->order);

    snprintf(shop->order + length, sizeof(shop->order) - length, "%s", work->word);
    shop->status = job->status;
    shop->failed += job->status != 0;
    shop->done++;
    if (work->is_followed)
        submit(shop, (struct work){.word = "follower"});
    if (shop->done == shop->expected)
        loop_stop(shop->loop);
    free(work);
}

static void submit(struct shop *shop, struct work work)
{
    struct work *submitted = mem_alloc(sizeof(*submitted));

    *submitted = work;
    submitted->shop = shop;
    submitted->job.run = run_work;
    submitted->job.done = work_done;
    submitted->job.is_asked = work.is_asked;
    if (work.is_next)
        qos_store_submit_next(shop->store, &submitted->job);
    else
        qos_store_submit(shop->store, &submitted->job);
}

static void wait_for(struct shop *shop, size_t jobs)
{
    shop->expected = shop->done + jobs;
    loop_run(shop->loop);
    assert_int_equal(shop->done, shop->expected);
}

/* What the next one gets, alone in its transaction. */
static int status_of(struct shop *shop, struct work work)
{
    submit(shop, work);
    wait_for(shop, 1);
    return shop->status;
}

static void assert_story(struct shop *shop, const char *expected)
{
    char story[FAKE_STORY_SIZE];

    fake_disk_story(&shop->disk, story);
    assert_string_equal(story, expected);
}

static struct qos_store_report report_of(struct shop *shop)
{
    struct qos_store_report report;

    qos_store_report(shop->store, &report);
    return report;
}

static void open_store(struct shop *shop)
{
    shop->store = qos_store_new(shop->loop, &shop->settings);
    assert_non_null(shop->store);
}

static int set_up(void **state)
{
    struct shop *shop = mem_zalloc(sizeof(*shop));

    fake_disk_init(&shop->disk);
    assert_int_equal(sem_init(&shop->gate, 0, 0), 0);
    shop->loop = loop_new();
    assert_non_null(shop->loop);
    shop->settings = (struct qos_store_settings){
        .service = "news",
        .open = fake_repository_open,
        .context = &shop->disk,
        .batch = 256,
    };
    *state = shop;
    return 0;
}

static int tear_down(void **state)
{
    struct shop *shop = *state;

    qos_store_free(shop->store);
    loop_free(shop->loop);
    sem_destroy(&shop->gate);
    fake_disk_release(&shop->disk);
    free(shop);
    return 0;
}

/* Keeps the thread busy until release_thread(), so that what is submitted meanwhile has come
 * together. */
static void hold_thread_up(struct shop *shop)
{
    submit(shop, (struct work){.word = "H", .is_held_up = true, .job.weight = 256});
}

static void wait_until_held_up(struct shop *shop)
{
    bool is_held_up = false;

    loop_settle(shop->loop); /* the thread is woken at the end of the turn */
    while (!is_held_up) {
        pthread_mutex_lock(&shop->disk.lock);
        is_held_up = strstr(shop->disk.story, "H") != NULL;
        pthread_mutex_unlock(&shop->disk.lock);
        sched_yield();
    }
}

static void release_thread(struct shop *shop)
{
    assert_int_equal(sem_post(&shop->gate), 0);
}

static void one_job_can_be_next(void **state)
{
    struct shop *shop = *state;

    open_store(shop);
    submit(shop, (struct work){.word = "a", .is_next = true}); /* of none */
    wait_for(shop, 1);
    hold_thread_up(shop);
    wait_until_held_up(shop);
    submit(shop, (struct work){.word = "b"});
    submit(shop, (struct work){.word = "c", .is_next = true});
    submit(shop, (struct work){.word = "d"});
    release_thread(shop);
    wait_for(shop, 4);
    submit(shop, (struct work){.word = "e"});
    wait_for(shop, 1);
    assert_string_equal(strchr(shop->order, 'H'), "Hcbde");
}

static void what_comes_together_is_one_transaction(void **state)
{
    struct shop *shop = *state;

    open_store(shop);
    hold_thread_up(shop);
    submit(shop, (struct work){.word = "a"});
    submit(shop, (struct work){.word = "b"});
    submit(shop, (struct work){.word = "c"});
    assert_int_equal(report_of(shop).waiting, 4);
    release_thread(shop);
    wait_for(shop, 4);
    assert_story(shop, "open begin H commit begin a b c commit");
    assert_string_equal(shop->order, "Habc");
}

static void a_transaction_is_bounded_by_weight(void **state)
{
    struct shop *shop = *state;

    shop->settings.batch = 4;
    open_store(shop);
    hold_thread_up(shop);
    submit(shop, (struct work){.word = "a", .job.weight = 2});
    submit(shop, (struct work){.word = "b", .job.weight = 2});
    submit(shop, (struct work){.word = "c"}); /* 0 counts as 1 */
    submit(shop, (struct work){.word = "d", .job.weight = 3});
    submit(shop, (struct work){.word = "e", .job.weight = 9});
    submit(shop, (struct work){.word = "f"});
    release_thread(shop);
    wait_for(shop, 7);
    assert_story(shop, "open begin H commit begin a b commit begin c d commit begin e commit "
                       "begin f commit");
    assert_string_equal(shop->order, "Habcdef");
}

/* A stop that waits for no disk: what has begun is committed all the same. */
static void what_has_not_begun_can_be_abandoned(void **state)
{
    struct shop *shop = *state;

    open_store(shop);
    hold_thread_up(shop);
    wait_until_held_up(shop);
    submit(shop, (struct work){.word = "a"});
    submit(shop, (struct work){.word = "b"});
    qos_store_abandon(shop->store);
    wait_for(shop, 2);
    assert_string_equal(shop->order, "ab"); /* they have failed */
    submit(shop, (struct work){.word = "c"});
    wait_for(shop, 1);
    assert_int_equal(report_of(shop).waiting, 1);
    release_thread(shop);
    wait_for(shop, 1);
    assert_string_equal(shop->order, "abcH");
}

static void a_job_may_fail_alone(void **state)
{
    struct shop *shop = *state;

    open_store(shop);
    assert_int_equal(status_of(shop, (struct work){.word = "a", .result = -EEXIST}), -EEXIST);
    assert_int_equal(status_of(shop, (struct work){.word = "b"}), 0);
    assert_story(shop, "open begin a commit begin b commit");
    assert_int_equal(report_of(shop).faults, 0);
}

static void a_fault_is_everybodys(void **state)
{
    struct shop *shop = *state;

    open_store(shop);
    hold_thread_up(shop);
    submit(shop, (struct work){.word = "a", .result = -EEXIST});
    submit(shop, (struct work){.word = "b", .fault = -ENOSPC});
    submit(shop, (struct work){.word = "c"});
    release_thread(shop);
    wait_for(shop, 4);
    assert_int_equal(shop->failed, 3);
    assert_int_equal(shop->status, -ENOSPC);
    /* What follows a fault is not tried in the same transaction. */
    assert_story(shop, "open begin H commit begin a b rollback free");
    assert_int_equal(status_of(shop, (struct work){.word = "d"}), 0);
    /* To be full does a file no harm. */
    assert_story(shop, "reopen begin d commit");
    assert_int_equal(status_of(shop, (struct work){.word = "e", .fault = -EIO}), -EIO);
    assert_int_equal(status_of(shop, (struct work){.word = "f", .fault = -ENOSPC}), -ENOSPC);
    assert_int_equal(status_of(shop, (struct work){.word = "g"}), 0);
    assert_story(shop, "begin e rollback free open begin f rollback free reopen begin g commit");
}

static void a_commit_or_a_beginning_that_fails_is_a_fault(void **state)
{
    struct shop *shop = *state;

    open_store(shop);
    fake_disk_fail(&shop->disk, &shop->disk.commit_error, -EIO);
    assert_int_equal(status_of(shop, (struct work){.word = "a"}), -EIO);
    fake_disk_fail(&shop->disk, &shop->disk.commit_error, 0);
    fake_disk_fail(&shop->disk, &shop->disk.begin_error, -EBUSY);
    assert_int_equal(status_of(shop, (struct work){.word = "b"}), -EBUSY);
    fake_disk_fail(&shop->disk, &shop->disk.begin_error, 0);
    assert_int_equal(status_of(shop, (struct work){.word = "c"}), 0);
    assert_story(shop, "open begin a commit rollback free open begin rollback free "
                       "open begin c commit");
}

static void it_is_opened_anew_with_the_next_job(void **state)
{
    struct shop *shop = *state;

    fake_disk_fail(&shop->disk, &shop->disk.open_error, -EUCLEAN);
    open_store(shop);
    assert_int_equal(status_of(shop, (struct work){.word = "a"}), -EUCLEAN);
    fake_disk_fail(&shop->disk, &shop->disk.open_error, -EACCES);
    assert_int_equal(status_of(shop, (struct work){.word = "b"}), -EACCES);
    assert_false(report_of(shop).is_open);
    fake_disk_fail(&shop->disk, &shop->disk.open_error, 0);
    assert_int_equal(status_of(shop, (struct work){.word = "c"}), 0);
    assert_true(report_of(shop).is_open);
    assert_story(shop, "open open open open begin c commit");
}

/* Its damage may have been found long after it was opened. */
static void what_was_damaged_is_checked_before_it_is_open_again(void **state)
{
    struct shop *shop = *state;

    open_store(shop);
    assert_int_equal(status_of(shop, (struct work){.word = "a", .fault = -EUCLEAN}), -EUCLEAN);
    assert_int_equal(shop->disk.opened_after, 0);
    assert_int_equal(status_of(shop, (struct work){.word = "b"}), 0);
    assert_int_equal(shop->disk.opened_after, -EUCLEAN);
    assert_int_equal(status_of(shop, (struct work){.word = "c", .fault = -EIO}), -EIO);
    assert_int_equal(status_of(shop, (struct work){.word = "d"}), 0);
    assert_int_equal(shop->disk.opened_after, 0);
}

/* Where there was no room before its check was over, this begins anew. */
static void it_is_sound_only_when_it_has_been_checked(void **state)
{
    struct shop *shop = *state;

    shop->disk.is_unchecked = true;
    open_store(shop);
    assert_int_equal(status_of(shop, (struct work){.word = "a"}), 0);
    assert_int_equal(status_of(shop, (struct work){.word = "b", .fault = -ENOSPC}), -ENOSPC);
    assert_int_equal(status_of(shop, (struct work){.word = "c"}), 0);
    shop->disk.is_unchecked = false;
    assert_int_equal(status_of(shop, (struct work){.word = "d"}), 0);
    assert_int_equal(status_of(shop, (struct work){.word = "e", .fault = -ENOSPC}), -ENOSPC);
    assert_int_equal(status_of(shop, (struct work){.word = "f"}), 0);
    assert_story(shop, "open begin a commit begin b rollback free open begin c commit "
                       "begin d commit begin e rollback free reopen begin f commit");
}

static void it_is_not_opened_too_often(void **state)
{
    struct shop *shop = *state;

    shop->settings.retry_ms = AN_HOUR_MS;
    open_store(shop);
    assert_int_equal(status_of(shop, (struct work){.word = "a"}), 0);
    assert_int_equal(status_of(shop, (struct work){.word = "b", .fault = -EIO}), -EIO);
    for (int i = 0; i < 10; i++)
        assert_int_equal(status_of(shop, (struct work){.word = "c"}), -EIO);
    assert_story(shop, "open begin a commit begin b rollback free");
    assert_int_equal(report_of(shop).faults, 1);
}

static void the_report_tells(void **state)
{
    struct shop *shop = *state;
    struct qos_store_report report;

    open_store(shop);
    assert_int_equal(status_of(shop, (struct work){.word = "a"}), 0);
    assert_int_equal(status_of(shop, (struct work){.word = "b", .result = -EEXIST}), -EEXIST);
    report = report_of(shop);
    assert_true(report.is_open);
    assert_int_equal(report.transactions, 2);
    assert_int_equal(report.jobs, 2);
    assert_int_equal(report.faults, 0);
    assert_int_equal(report.waiting, 0);
    assert_int_equal(report.totals.messages, 2);
    assert_true(report.commit_us_max <= report.commits.sum_us);
    assert_int_equal(status_of(shop, (struct work){.word = "c", .fault = -EIO}), -EIO);
    report = report_of(shop);
    assert_false(report.is_open);
    assert_int_equal(report.transactions, 2);
    assert_int_equal(report.jobs, 3);
    assert_int_equal(report.faults, 1);
    assert_int_equal(report.totals.messages, 2); /* not what was rolled back */
}

/* The log of an outage, read back from a file in memory. */
static void read_log(int fd, char *text, size_t size)
{
    const ssize_t length = pread(fd, text, size - 1, 0);

    assert_true(length >= 0);
    text[length] = '\0';
}

static size_t count_of(const char *text, const char *word)
{
    size_t count = 0;

    for (text = strstr(text, word); text; text = strstr(text + 1, word))
        count++;
    return count;
}

static void the_log_has_one_line_for_each_change(void **state)
{
    struct shop *shop = *state;
    const int fd = memfd_create("log", MFD_CLOEXEC);
    char text[8192];

    assert_true(fd >= 0);
    log_open(LOG_INFO_LEVEL, LOG_FORMAT_TEXT, fd);
    fake_disk_fail(&shop->disk, &shop->disk.open_error, -EUCLEAN);
    open_store(shop);
    for (int i = 0; i < 5; i++)
        assert_int_equal(status_of(shop, (struct work){.word = "a"}), -EUCLEAN);
    fake_disk_fail(&shop->disk, &shop->disk.open_error, 0);
    fake_disk_fail(&shop->disk, &shop->disk.commit_error, -ENOSPC);
    for (int i = 0; i < 5; i++)
        assert_int_equal(status_of(shop, (struct work){.word = "b"}), -ENOSPC);
    read_log(fd, text, sizeof(text));
    assert_int_equal(count_of(text, "has failed"), 2);
    assert_int_equal(count_of(text, "the fake disk says EUCLEAN"), 1);
    assert_int_equal(count_of(text, "No space left on device"), 1);
    assert_int_equal(count_of(text, "service=news"), 2);
    assert_int_equal(count_of(text, "store of qos messages works again"), 0);
    fake_disk_fail(&shop->disk, &shop->disk.commit_error, 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(status_of(shop, (struct work){.word = "c"}), 0);
    read_log(fd, text, sizeof(text));
    assert_int_equal(count_of(text, "has failed"), 2);
    assert_int_equal(count_of(text, "store of qos messages works again"), 1);
    log_open(LOG_INFO_LEVEL, LOG_FORMAT_TEXT, STDERR_FILENO);
    close(fd);
}

static void freeing_finishes_what_was_submitted(void **state)
{
    struct shop *shop = *state;

    shop->settings.batch = 2;
    open_store(shop);
    hold_thread_up(shop);
    submit(shop, (struct work){.word = "a"});
    submit(shop, (struct work){.word = "b"});
    submit(shop, (struct work){.word = "c"});
    release_thread(shop);
    qos_store_free(shop->store);
    shop->store = NULL;
    assert_int_equal(shop->done, 4);
    assert_int_equal(shop->status, 0);
    assert_story(shop, "open begin H commit begin a b commit begin c commit free");
    assert_string_equal(shop->order, "Habc");
}

static void what_comes_after_the_end_fails(void **state)
{
    struct shop *shop = *state;

    open_store(shop);
    submit(shop, (struct work){.word = "a", .is_followed = true});
    qos_store_free(shop->store);
    shop->store = NULL;
    assert_string_equal(shop->order, "afollower");
    assert_int_equal(shop->status, -ESHUTDOWN);
    assert_story(shop, "open begin a commit free");
}

static void a_store_that_was_never_used_can_be_freed(void **state)
{
    struct shop *shop = *state;

    open_store(shop);
    qos_store_free(shop->store);
    shop->store = NULL;
    qos_store_free(NULL);
    assert_story(shop, "open free");
}

/* More than are given back in one turn; what nobody asked for, and what has begun, stays. */
/* ---- backups ---- */

struct keepsake {
    struct qos_backup backup;
    atomic_bool is_unwanted;
    sem_t is_done;
    int status, file;
};

static bool keepsake_is_wanted(struct qos_backup *backup)
{
    return !container_of(backup, struct keepsake, backup)->is_unwanted;
}

static void keepsake_done(struct qos_backup *backup, int status, int file)
{
    struct keepsake *keepsake = container_of(backup, struct keepsake, backup);

    keepsake->status = status;
    keepsake->file = file;
    sem_post(&keepsake->is_done);
}

static struct keepsake keepsake_new(void)
{
    struct keepsake keepsake = {.backup = {keepsake_is_wanted, keepsake_done}, .file = -1};

    sem_init(&keepsake.is_done, 0, 0);
    return keepsake;
}

static void await_keepsake(struct keepsake *keepsake, int status, int file)
{
    while (sem_wait(&keepsake->is_done) != 0)
        ;
    assert_int_equal(keepsake->status, status);
    assert_int_equal(keepsake->file, file);
    sem_destroy(&keepsake->is_done);
}

static void jobs_come_between_the_pieces_of_a_backup(void **state)
{
    struct shop *shop = *state;
    struct keepsake keepsake = keepsake_new();

    shop->disk.pieces = 3;
    open_store(shop);
    hold_thread_up(shop);
    wait_until_held_up(shop);
    submit(shop, (struct work){.word = "a"});
    assert_int_equal(qos_store_back_up(shop->store, &keepsake.backup), 0);
    assert_int_equal(qos_store_back_up(shop->store, &keepsake.backup), -EBUSY);
    release_thread(shop);
    await_keepsake(&keepsake, 0, FAKE_FILE);
    wait_for(shop, 2);
    assert_story(shop, "open begin H commit begin a commit piece piece piece");

    keepsake = keepsake_new();
    shop->disk.pieces = SIZE_MAX; /* it goes on until the job has been between */
    assert_int_equal(qos_store_back_up(shop->store, &keepsake.backup), 0);
    assert_int_equal(status_of(shop, (struct work){.word = "b"}), 0);
    keepsake.is_unwanted = true;
    await_keepsake(&keepsake, -ECANCELED, -1);
}

static void a_backup_ends_with_its_store(void **state)
{
    struct shop *shop = *state;
    struct keepsake keepsake = keepsake_new();

    shop->disk.pieces = SIZE_MAX;
    open_store(shop);
    assert_int_equal(qos_store_back_up(shop->store, &keepsake.backup), 0);
    qos_store_abandon(shop->store);
    await_keepsake(&keepsake, -ESHUTDOWN, -1);
    assert_int_equal(qos_store_back_up(shop->store, &keepsake.backup), -ESHUTDOWN);
}

static void a_store_that_is_closed_has_no_backup(void **state)
{
    struct shop *shop = *state;
    struct keepsake keepsake = keepsake_new();

    open_store(shop);
    assert_int_equal(status_of(shop, (struct work){.word = "a", .fault = -EIO}), -EIO);
    assert_int_equal(qos_store_back_up(shop->store, &keepsake.backup), 0);
    await_keepsake(&keepsake, -EIO, -1);
}

static void what_waits_too_long_is_given_back(void **state)
{
    struct shop *shop = *state;

    shop->settings.patience_ms = 1;
    open_store(shop);
    hold_thread_up(shop);
    submit(shop, (struct work){.word = "s"});
    for (int i = 0; i < 300; i++)
        submit(shop, (struct work){.word = "a", .is_asked = true});
    submit(shop, (struct work){.word = "t"});
    wait_for(shop, 300);
    assert_int_equal(shop->failed, 300);
    assert_int_equal(shop->status, -ETIMEDOUT);
    assert_int_equal(report_of(shop).waiting, 3);
    release_thread(shop);
    wait_for(shop, 3);
    assert_int_equal(shop->status, 0);
    assert_string_equal(shop->order + 300, "Hst");
    assert_story(shop, "open begin H commit begin s t commit");
}

/* Jobs of one owner are done in the order in which they were submitted, batches or not. */
struct numbered {
    struct qos_job job;
    struct shop *shop;
    size_t number;
};

static int run_numbered(struct qos_job *job, struct qos_repository *repository)
{
    (void)job;
    repository->totals.copies++;
    return 0;
}

static void numbered_done(struct qos_job *job)
{
    struct numbered *numbered = container_of(job, struct numbered, job);
    struct shop *shop = numbered->shop;

    assert_int_equal(job->status, 0);
    assert_int_equal(numbered->number, shop->done);
    assert_true(report_of(shop).totals.copies > shop->done);
    if (++shop->done == shop->expected)
        loop_stop(shop->loop);
    free(numbered);
}

static void many_jobs_are_done_in_order(void **state)
{
    struct shop *shop = *state;

    shop->settings.batch = 16;
    open_store(shop);
    for (size_t i = 0; i < MANY; i++) {
        struct numbered *numbered = mem_zalloc(sizeof(*numbered));

        *numbered = (struct numbered){
            .job = {.run = run_numbered, .done = numbered_done}, .shop = shop, .number = i};
        qos_store_submit(shop->store, &numbered->job);
    }
    wait_for(shop, MANY);
    assert_int_equal(report_of(shop).jobs, MANY);
    assert_int_equal(report_of(shop).waiting, 0);
    assert_true(report_of(shop).transactions >= MANY / 16);
}

#ifdef SSE_SERVER_FAULTS
enum { HAS_FAULTS = 1 };
#else
enum { HAS_FAULTS = 0 };
#endif

static void exit_with_one(struct qos_job *job)
{
    (void)job;
    _exit(1);
}

/* A child's way to a fault point; exits with 1 when it was answered. */
static _Noreturn void run_into(const char *point, int commit_error)
{
    struct work work = {.job.run = run_work, .job.done = exit_with_one, .word = "a"};
    struct shop *shop;
    void *state;

    setenv("FAULT_POINT", point, 1);
    set_up(&state);
    shop = state;
    shop->disk.commit_error = commit_error;
    work.shop = shop;
    open_store(shop);
    qos_store_submit(shop->store, &work.job);
    loop_run(shop->loop);
    _exit(2);
}

static void assert_end(const char *point, int commit_error, bool is_killed)
{
    const pid_t child = fork();
    int status = 0;

    assert_true(child >= 0);
    if (child == 0)
        run_into(point, commit_error);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (is_killed && HAS_FAULTS)
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    else
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

static void it_can_be_killed_around_a_commit(void **state)
{
    (void)state;
    assert_end("store.before-commit:1", 0, true);
    assert_end("store.before-commit:1", -EIO, true);
    assert_end("store.committed:1", 0, true);
    assert_end("store.committed:1", -EIO, false);
    assert_end("store.committed:2", 0, false);
}

#define SHOP_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_can_be_killed_around_a_commit), /* while there is no other thread */
        SHOP_TEST(one_job_can_be_next),
        SHOP_TEST(what_comes_together_is_one_transaction),
        SHOP_TEST(a_transaction_is_bounded_by_weight),
        SHOP_TEST(what_has_not_begun_can_be_abandoned),
        SHOP_TEST(a_job_may_fail_alone),
        SHOP_TEST(a_fault_is_everybodys),
        SHOP_TEST(a_commit_or_a_beginning_that_fails_is_a_fault),
        SHOP_TEST(it_is_opened_anew_with_the_next_job),
        SHOP_TEST(what_was_damaged_is_checked_before_it_is_open_again),
        SHOP_TEST(it_is_sound_only_when_it_has_been_checked),
        SHOP_TEST(it_is_not_opened_too_often),
        SHOP_TEST(the_report_tells),
        SHOP_TEST(the_log_has_one_line_for_each_change),
        SHOP_TEST(freeing_finishes_what_was_submitted),
        SHOP_TEST(what_comes_after_the_end_fails),
        SHOP_TEST(what_waits_too_long_is_given_back),
        SHOP_TEST(a_store_that_was_never_used_can_be_freed),
        SHOP_TEST(many_jobs_are_done_in_order),
        SHOP_TEST(jobs_come_between_the_pieces_of_a_backup),
        SHOP_TEST(a_backup_ends_with_its_store),
        SHOP_TEST(a_store_that_is_closed_has_no_backup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
