/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_FAKE_REPOSITORY_H
#define TEST_FAKE_REPOSITORY_H
/*
 * A repository that stores nothing, but writes down what is asked of it, and fails when the test
 * wants it to. For qos/store.h; include it in one source file of a test program.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "qos/store.h"

enum { FAKE_STORY_SIZE = 16384, FAKE_FILE = 4711 };

/* Outlives the repositories that are opened with it. Shared by the two threads of the test. */
struct fake_disk {
    pthread_mutex_t lock;
    char story[FAKE_STORY_SIZE]; /* "open begin … commit"; "reopen": without a check */
    int open_error, begin_error, commit_error;
    bool is_unchecked; /* for now */
    int opened_after;  /* the error that the last one was opened with */
    size_t pieces;     /* that a copy has; of endless ones the story does not tell */
};

struct fake_repository {
    struct qos_repository repository;
    struct fake_disk *disk;
};

static inline void fake_disk_init(struct fake_disk *disk)
{
    memset(disk, 0, sizeof(*disk));
    pthread_mutex_init(&disk->lock, NULL);
}

static inline void fake_disk_release(struct fake_disk *disk)
{
    pthread_mutex_destroy(&disk->lock);
}

/* From now on; 0: it works. */
static inline void fake_disk_fail(struct fake_disk *disk, int *what, int error)
{
    pthread_mutex_lock(&disk->lock);
    *what = error;
    pthread_mutex_unlock(&disk->lock);
}

/* Adds the word to the story, and returns what is set. */
static inline int fake_disk_tell(struct fake_disk *disk, const char *word, const int *error)
{
    size_t length;
    int result;

    pthread_mutex_lock(&disk->lock);
    length = strlen(disk->story);
    snprintf(disk->story + length, sizeof(disk->story) - length, "%s%s", length > 0 ? " " : "",
             word);
    result = error ? *error : 0;
    pthread_mutex_unlock(&disk->lock);
    return result;
}

/* What happened since it was asked last. */
static inline void fake_disk_story(struct fake_disk *disk, char story[FAKE_STORY_SIZE])
{
    pthread_mutex_lock(&disk->lock);
    memcpy(story, disk->story, sizeof(disk->story));
    disk->story[0] = '\0';
    pthread_mutex_unlock(&disk->lock);
}

static inline struct fake_disk *fake_disk_of(struct qos_repository *repository)
{
    return container_of(repository, struct fake_repository, repository)->disk;
}

static int fake_begin(struct qos_repository *repository)
{
    struct fake_disk *disk = fake_disk_of(repository);

    return fake_disk_tell(disk, "begin", &disk->begin_error);
}

static int fake_commit(struct qos_repository *repository)
{
    struct fake_disk *disk = fake_disk_of(repository);

    repository->is_checked = !disk->is_unchecked;
    return fake_disk_tell(disk, "commit", &disk->commit_error);
}

static void fake_rollback(struct qos_repository *repository)
{
    (void)fake_disk_tell(fake_disk_of(repository), "rollback", NULL);
}

static int fake_copy(struct qos_repository *repository, int *file)
{
    struct fake_disk *disk = fake_disk_of(repository);

    if (disk->pieces == SIZE_MAX)
        return -EAGAIN;
    (void)fake_disk_tell(disk, "piece", NULL);
    *file = FAKE_FILE;
    return --disk->pieces > 0 ? -EAGAIN : 0;
}

static void fake_leave_copy(struct qos_repository *repository)
{
    (void)fake_disk_tell(fake_disk_of(repository), "leave", NULL);
}

static void fake_free(struct qos_repository *repository)
{
    (void)fake_disk_tell(fake_disk_of(repository), "free", NULL);
    free(container_of(repository, struct fake_repository, repository));
}

/* The open of the store's settings; the disk is its context. */
static inline struct qos_repository *fake_repository_open(void *context, int *error, char *fault,
                                                          size_t fault_size)
{
    static const struct qos_repository_ops ops = {
        .begin = fake_begin,
        .commit = fake_commit,
        .rollback = fake_rollback,
        .copy = fake_copy,
        .leave_copy = fake_leave_copy,
        .free = fake_free,
    };
    struct fake_disk *disk = context;
    struct fake_repository *fake;

    disk->opened_after = *error; /* read when the thread has done what comes next */
    *error = fake_disk_tell(disk, *error == -ENOSPC ? "reopen" : "open", &disk->open_error);
    if (*error != 0) {
        snprintf(fault, fault_size, "the fake disk says %s", strerrorname_np(-*error));
        return NULL;
    }
    fake = mem_zalloc(sizeof(*fake));
    fake->repository.ops = &ops;
    fake->repository.is_durable = true;
    fake->repository.is_checked = !disk->is_unchecked;
    fake->disk = disk;
    return &fake->repository;
}

#endif
