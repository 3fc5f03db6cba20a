/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UPLOAD_WRITER_H
#define UPLOAD_WRITER_H
/*
 * An upload on its way to the disk. What comes is parsed, hashed and written by a thread of the
 * directory's pool (base/thread_pool.h), in order and a piece at a time: all that has come while
 * the piece before it was written. The loop waits for no disk: a slow one slows its own uploads.
 *
 * Of one loop; its thread calls all of these.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "upload/parts.h"
#include "upload/quota.h"

struct loop;
struct pool_client;
struct thread_pool;
struct upload_writer;

/* Of one worker. */
struct upload_writers {
    struct loop *loop;
    struct pool_client *client;
    struct list under_way; /* that somebody waits for */
    atomic_size_t open_files;
};

/* What was asked for has come some way. Called last: the writer may be closed from there. */
struct upload_progress {
    size_t written; /* bytes that have left memory since the last call, */
    size_t kept;    /* and those that stay there until the upload ends */
    /* 0 or a negative errno, once: nothing is written any more, and all that was is gone. As
     * upload_parts_feed(), and: -EDQUOT: upload_writer_limit() is exceeded, if that is one;
     * -EAGAIN: the disk has too much to do; -ETIMEDOUT: it does not answer; -ESHUTDOWN. */
    int status;
    bool is_over; /* upload_writer_end() or _undo() is done, or it has failed */
};

struct upload_writer_settings {
    struct upload_writers *all;
    struct thread_pool *pool;
    int directory; /* borrowed, as the next */
    struct upload_quota *quota;
    size_t service; /* of the quota */
    uint64_t most_bytes;
    int64_t length;                        /* of the body; -1: unknown */
    uint32_t timeout_ms;                   /* that the disk has for a piece */
    size_t parts, field_bytes, kept_bytes; /* struct upload_parts_limits */
    bool is_owned;                         /* names of files tell whose they are */
    void (*progress)(void *context, const struct upload_progress *progress);
    void *context;
};

void upload_writers_init(struct upload_writers *writers, struct loop *loop);
/* At the end, when the loop has stopped. False: a disk still hangs (pool_client_free()). */
bool upload_writers_release(struct upload_writers *writers, uint32_t most_ms);
/* Who still waits for a disk waits no longer: -ESHUTDOWN. */
void upload_writers_abandon(struct upload_writers *writers);

/* NULL when content_type cannot be read; then *fault tells why (static). */
struct upload_writer *upload_writer_new(const char *content_type,
                                        const struct upload_writer_settings *settings,
                                        const char **fault);

/* Whose it is (upload_quota_owner()): from here on it is written. */
void upload_writer_begin(struct upload_writer *writer, const char *owner);
void upload_writer_take(struct upload_writer *writer, const char *data, size_t length);
/* The body is complete: the files get their names when all is written. */
void upload_writer_end(struct upload_writer *writer);
/* Takes back what was kept: removes the files. */
void upload_writer_undo(struct upload_writer *writer);
/* What was kept stays; as its user's, or as somebody's who does not count. */
void upload_writer_leave(struct upload_writer *writer, bool counts);
/* Nobody waits for it any more. What was not left is removed, when the disk can. Accepts NULL. */
void upload_writer_close(struct upload_writer *writer);

/* While nothing is being written. */
const struct upload_parts *upload_writer_parts(const struct upload_writer *writer);
const char *upload_writer_fault(const struct upload_writer *writer);
enum upload_limit upload_writer_limit(const struct upload_writer *writer);

#endif
