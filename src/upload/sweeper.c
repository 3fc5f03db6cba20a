/* SPDX-License-Identifier: Apache-2.0 */
#include "upload/sweeper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread_pool.h"
#include "upload/quota.h"

/* With an age: ten times within it, but neither all the time nor less than hourly. */
#define LOOKS_PER_AGE 10u
#define OFTEN_MS      1000u
#define SELDOM_MS     3600000u

struct upload_sweeper {
    struct upload_quota *quota;
    pthread_t thread;
    sem_t ended;
};

static uint64_t milliseconds(struct timespec time)
{
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

struct look {
    struct upload_quota *quota;
    size_t service;
    uint32_t age_ms;
    int directory;
    uint64_t began;   /* ms of the wall clock, as those of files */
    uint64_t removed; /* files */
};

static bool is_too_old(const struct look *look, const struct stat *facts)
{
    return look->age_ms > 0 && milliseconds(facts->st_mtim) + look->age_ms <= look->began;
}

/* True for the name of a file with an owner, which is copied. */
static bool has_owner(const char *name, char owner[UPLOAD_OWNER_SIZE])
{
    if (strlen(name) != UPLOAD_FILE_NAME_SIZE - 1 ||
        strspn(name, "0123456789abcdef") != UPLOAD_FILE_NAME_SIZE - 1)
        return false;
    memcpy(owner, name, UPLOAD_OWNER_SIZE - 1);
    owner[UPLOAD_OWNER_SIZE - 1] = '\0';
    return true;
}

static void look_at(struct look *look, const char *name)
{
    char owner[UPLOAD_OWNER_SIZE];
    struct stat facts;

    if (!has_owner(name, owner) ||
        fstatat(look->directory, name, &facts, AT_SYMLINK_NOFOLLOW) < 0 ||
        !S_ISREG(facts.st_mode) || facts.st_uid != geteuid())
        return;
    if (is_too_old(look, &facts) && unlinkat(look->directory, name, 0) == 0)
        look->removed++;
    else if (milliseconds(facts.st_ctim) < look->began) /* what is newer is added by itself */
        upload_quota_count_file(look->quota, look->service, owner, (uint64_t)facts.st_size);
}

static void look_through(struct look *look, const char *path)
{
    DIR *directory = opendir(path);
    const struct dirent *entry;

    if (!directory)
        return;
    look->directory = dirfd(directory);
    while ((entry = readdir(directory)))
        look_at(look, entry->d_name);
    (void)closedir(directory);
}

/* False: there is no such service. */
static bool count(struct upload_quota *quota, size_t service)
{
    struct look look = {.quota = quota, .service = service};
    const char *directory;
    struct timespec now;

    if (!upload_quota_look(quota, service, &directory, &look.age_ms))
        return false;
    upload_quota_count_begin(quota, service);
    clock_gettime(CLOCK_REALTIME_COARSE, &now); /* the clock of files */
    look.began = milliseconds(now);
    look_through(&look, directory);
    upload_quota_count_end(quota, service);
    if (look.removed > 0)
        log_info("uploads were removed for their age", LOG_STR("directory", directory),
                 LOG_INT("files", look.removed));
    return true;
}

static uint32_t time_between(struct upload_quota *quota)
{
    const char *directory;
    uint32_t least = 0, age;

    for (size_t i = 0; upload_quota_look(quota, i, &directory, &age); i++)
        if (age > 0 && (least == 0 || age < least))
            least = age;
    if (least == 0)
        return 0;
    least /= LOOKS_PER_AGE;
    if (least < OFTEN_MS)
        return OFTEN_MS;
    return least < SELDOM_MS ? least : SELDOM_MS;
}

static void *run(void *context)
{
    struct upload_sweeper *sweeper = context;
    struct upload_quota *quota = sweeper->quota;

    (void)pthread_setname_np(pthread_self(), "uploads");
    do {
        for (size_t i = 0; count(quota, i); i++)
            continue;
    } while (upload_quota_wait(quota, time_between(quota)));
    (void)sem_post(&sweeper->ended);
    return NULL;
}

struct upload_sweeper *upload_sweeper_start(struct upload_quota *quota)
{
    struct upload_sweeper *sweeper = mem_zalloc(sizeof(*sweeper));
    int rc;

    sweeper->quota = quota;
    (void)sem_init(&sweeper->ended, 0, 0);
    rc = thread_start(&sweeper->thread, run, sweeper);
    if (rc == 0)
        return sweeper;
    log_error("uploads that are kept are not counted", LOG_STR("reason", strerror(rc)));
    (void)sem_destroy(&sweeper->ended);
    free(sweeper);
    return NULL;
}

bool upload_sweeper_stop(struct upload_sweeper *sweeper, uint32_t most_ms)
{
    struct timespec until;

    if (!sweeper)
        return true;
    upload_quota_stop(sweeper->quota);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (most_ms + 999) / 1000;
    while (sem_clockwait(&sweeper->ended, CLOCK_MONOTONIC, &until) != 0) {
        if (errno != EINTR)
            return false;
    }
    (void)pthread_join(sweeper->thread, NULL);
    (void)sem_destroy(&sweeper->ended);
    free(sweeper);
    return true;
}
