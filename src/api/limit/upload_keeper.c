/* SPDX-License-Identifier: Apache-2.0 */
#include "api/limit/upload_keeper.h"

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

#include "api/limit/upload_quota.h"
#include "api/page/upload_file.h"
#include "base/log.h"
#include "base/mem.h"

/* With an age: ten times within it, but neither all the time nor less than hourly. */
#define LOOKS_PER_AGE 10u
#define OFTEN_MS      1000u
#define SELDOM_MS     3600000u

#define STACK_BYTES ((size_t)1024 * 1024)

struct upload_keeper {
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

static void look_at(struct look *look, const char *name)
{
    char owner[UPLOAD_OWNER_SIZE];
    struct stat facts;

    if (!upload_file_owner(name, owner) ||
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

static void count(struct upload_quota *quota, size_t service)
{
    const char *directory = upload_quota_directory(quota, service);
    struct look look = {
        .quota = quota, .service = service, .age_ms = upload_quota_age_ms(quota, service)};
    struct timespec now;

    upload_quota_count_begin(quota, service);
    clock_gettime(CLOCK_REALTIME_COARSE, &now); /* the clock of files */
    look.began = milliseconds(now);
    look_through(&look, directory);
    upload_quota_count_end(quota, service);
    if (look.removed > 0)
        log_info("uploads were removed for their age", LOG_STR("directory", directory),
                 LOG_INT("files", look.removed));
}

static uint32_t time_between(struct upload_quota *quota)
{
    uint32_t least = 0;

    for (size_t i = 0; i < upload_quota_services(quota); i++) {
        uint32_t age = upload_quota_age_ms(quota, i);

        if (age > 0 && (least == 0 || age < least))
            least = age;
    }
    if (least == 0)
        return 0;
    least /= LOOKS_PER_AGE;
    if (least < OFTEN_MS)
        return OFTEN_MS;
    return least < SELDOM_MS ? least : SELDOM_MS;
}

static void *run(void *context)
{
    struct upload_keeper *keeper = context;
    struct upload_quota *quota = keeper->quota;

    (void)pthread_setname_np(pthread_self(), "uploads");
    do {
        for (size_t i = 0; i < upload_quota_services(quota); i++)
            count(quota, i);
    } while (upload_quota_wait(quota, time_between(quota)));
    (void)sem_post(&keeper->ended);
    return NULL;
}

struct upload_keeper *upload_keeper_start(struct upload_quota *quota)
{
    struct upload_keeper *keeper = mem_zalloc(sizeof(*keeper));
    pthread_attr_t attributes;
    int rc;

    keeper->quota = quota;
    (void)sem_init(&keeper->ended, 0, 0);
    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
    rc = pthread_create(&keeper->thread, &attributes, run, keeper);
    (void)pthread_attr_destroy(&attributes);
    if (rc == 0)
        return keeper;
    log_error("uploads that are kept are not counted", LOG_STR("reason", strerror(rc)));
    (void)sem_destroy(&keeper->ended);
    free(keeper);
    return NULL;
}

bool upload_keeper_stop(struct upload_keeper *keeper, uint32_t most_ms)
{
    struct timespec until;

    if (!keeper)
        return true;
    upload_quota_stop(keeper->quota);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (most_ms + 999) / 1000;
    while (sem_clockwait(&keeper->ended, CLOCK_MONOTONIC, &until) != 0) {
        if (errno != EINTR)
            return false;
    }
    (void)pthread_join(keeper->thread, NULL);
    (void)sem_destroy(&keeper->ended);
    free(keeper);
    return true;
}
