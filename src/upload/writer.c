/* SPDX-License-Identifier: Apache-2.0 */
#include "upload/writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/thread_pool.h"
#include "upload/quota.h"

/* Without a declared length room on the disk is taken in such steps. */
#define RESERVE_STEP UINT64_C(1048576)

/* Files that the uploads of one worker may have open, so that descriptors are left for clients. */
#define OPEN_FILES 512u

#define FAULT_SIZE 192u

/* What a job does, in this order; between the first two it writes what has come. */
enum writer_step {
    STEP_BEGIN = 1 << 0,
    STEP_END = 1 << 1,
    STEP_UNDO = 1 << 2,
    STEP_RELEASE = 1 << 3,
};

struct upload_writer {
    struct pool_job job;
    struct upload_writer_settings settings;
    struct list node;
    struct loop_task task; /* submits, at the end of the turn, */
    struct buf waiting;    /* what has come since the last job, */
    unsigned wanted;       /* and these steps */
    struct loop_timer timer;
    uint64_t since_ms; /* the disk has had the job; served time of the loop */
    bool is_begun, is_under_way, is_closed;

    /* Of the job, while one is under way: */
    struct buf data;
    unsigned steps;
    struct upload_parts *parts; /* NULL: released */
    struct upload_claim claim;
    uint64_t received;
    bool is_kept; /* the files have names, and are ours to remove */
    size_t kept;  /* bytes of what is known of the parts, after the latest job */
    int status;
    enum upload_limit limit; /* with -EDQUOT */
    char owner[UPLOAD_OWNER_SIZE];
    char fault[FAULT_SIZE];
};

/* ---- in a thread of the pool ---- */

static int take_file(void *context)
{
    struct upload_writer *writer = context;

    return upload_claim_file(&writer->claim);
}

/* All of its room where its length is declared. */
static int begin(struct upload_writer *writer)
{
    const struct upload_writer_settings *settings = &writer->settings;
    int rc = upload_claim_begin(&writer->claim, settings->quota, settings->service, writer->owner,
                                settings->directory);

    if (rc == 0 && settings->is_owned)
        upload_parts_own(writer->parts, writer->owner);
    if (rc == 0 && settings->length > 0)
        rc = upload_claim_bytes(&writer->claim, settings->directory, (uint64_t)settings->length);
    return rc;
}

/* Room for what comes, before it is written; where there is none for a step, for this alone. */
static int reserve(struct upload_writer *writer, size_t length)
{
    const int directory = writer->settings.directory;
    uint64_t wanted = writer->claim.reserved + RESERVE_STEP;
    int rc;

    writer->received += length;
    if (writer->received <= writer->claim.reserved)
        return 0;
    if (wanted > writer->settings.most_bytes)
        wanted = writer->settings.most_bytes;
    if (wanted < writer->received)
        wanted = writer->received;
    rc = upload_claim_bytes(&writer->claim, directory, wanted);
    if (rc < 0 && wanted > writer->received)
        rc = upload_claim_bytes(&writer->claim, directory, writer->received);
    return rc;
}

static int write_data(struct upload_writer *writer)
{
    int rc = reserve(writer, writer->data.length);

    if (rc == 0)
        rc = upload_parts_feed(writer->parts, writer->data.data, writer->data.length);
    upload_claim_wrote(&writer->claim, writer->data.length);
    return rc;
}

static int finish(struct upload_writer *writer)
{
    int rc = upload_parts_finish(writer->parts);
    uint64_t bytes;
    uint32_t files;

    if (rc < 0)
        return rc;
    upload_parts_measure(writer->parts, &bytes, &files);
    upload_claim_keep(&writer->claim, bytes, files);
    writer->is_kept = true;
    return 0;
}

static void release(struct upload_writer *writer)
{
    if (writer->parts && writer->is_kept)
        upload_parts_remove(writer->parts);
    upload_parts_free(writer->parts);
    writer->parts = NULL;
    writer->is_kept = false;
    upload_claim_release(&writer->claim);
}

static int run_steps(struct upload_writer *writer)
{
    int rc = writer->steps & STEP_BEGIN ? begin(writer) : 0;

    if (rc == 0 && writer->data.length > 0)
        rc = write_data(writer);
    if (rc == 0 && writer->steps & STEP_END)
        rc = finish(writer);
    return rc;
}

static void run(struct pool_job *job)
{
    struct upload_writer *writer = container_of(job, struct upload_writer, job);

    writer->status = run_steps(writer);
    if (writer->status < 0) {
        writer->limit = writer->claim.limit;
        snprintf(writer->fault, sizeof(writer->fault), "%s", upload_parts_fault(writer->parts));
    }
    writer->kept = writer->parts ? upload_parts_kept(writer->parts) : 0;
    if (writer->status < 0 || writer->steps & (STEP_UNDO | STEP_RELEASE))
        release(writer);
}

/* ---- in the loop ---- */

static void free_writer(struct upload_writer *writer)
{
    loop_timer_stop(&writer->timer);
    loop_cancel(&writer->task);
    list_remove(&writer->node);
    buf_release(&writer->waiting);
    buf_release(&writer->data);
    upload_parts_free(writer->parts); /* no file of it is open */
    free(writer);
}

static void start_timer(struct upload_writer *writer, uint64_t ms)
{
    loop_timer_start(writer->settings.all->loop, &writer->timer, ms);
}

static int submit(struct upload_writer *writer, unsigned steps)
{
    struct upload_writers *all = writer->settings.all;
    int rc;

    if (steps & STEP_BEGIN && thread_pool_is_full(writer->settings.pool))
        return -EAGAIN;
    writer->steps = steps;
    rc = thread_pool_submit(writer->settings.pool, all->client, &writer->job);
    if (rc < 0)
        return rc;
    writer->is_under_way = true;
    writer->since_ms = loop_served_ms(all->loop);
    if (!writer->is_closed)
        start_timer(writer, writer->settings.timeout_ms);
    return 0;
}

static void tell(const struct upload_writer *writer, int status)
{
    const struct upload_progress progress = {.status = status, .is_over = true};

    writer->settings.progress(writer->settings.context, &progress);
}

/* All that has come goes with one job. */
static int submit_waiting(struct upload_writer *writer)
{
    const struct buf data = writer->data;
    const unsigned steps = writer->wanted;

    if (writer->waiting.length == 0 && steps == 0)
        return 0;
    writer->data = writer->waiting;
    writer->waiting = data;
    writer->wanted = 0;
    return submit(writer, steps);
}

static void on_task(struct loop_task *task)
{
    struct upload_writer *writer = container_of(task, struct upload_writer, task);
    int rc = submit_waiting(writer);

    if (rc < 0)
        tell(writer, rc);
}

/* Not at once: more may have come in the same turn. */
static void want(struct upload_writer *writer, unsigned steps)
{
    writer->wanted |= steps;
    if (!writer->is_under_way && writer->is_begun)
        loop_defer(writer->settings.all->loop, &writer->task);
}

/* What has files, or a claim, goes by the disk's thread: closing and removing may take long. */
static void end_closed(struct upload_writer *writer)
{
    if (writer->is_under_way)
        return;
    if (!writer->claim.quota || submit(writer, STEP_RELEASE) < 0) {
        release(writer);
        free_writer(writer);
    }
}

static void on_done(struct pool_job *job)
{
    struct upload_writer *writer = container_of(job, struct upload_writer, job);
    struct upload_progress progress = {
        .written = writer->data.length,
        .kept = writer->kept,
        .status = writer->status,
        .is_over = (writer->steps & (STEP_END | STEP_UNDO)) != 0,
    };

    writer->is_under_way = false;
    loop_timer_stop(&writer->timer);
    buf_clear(&writer->data);
    if (writer->is_closed) {
        end_closed(writer);
        return;
    }
    if (progress.status == 0 && !progress.is_over)
        progress.status = submit_waiting(writer);
    progress.is_over = progress.is_over || progress.status < 0;
    writer->settings.progress(writer->settings.context, &progress);
}

static void on_timer(struct loop_timer *timer)
{
    struct upload_writer *writer = container_of(timer, struct upload_writer, timer);
    const uint64_t age = loop_served_ms(writer->settings.all->loop) - writer->since_ms;

    if (age < writer->settings.timeout_ms)
        start_timer(writer, writer->settings.timeout_ms - age);
    else
        tell(writer, -ETIMEDOUT);
}

void upload_writers_init(struct upload_writers *writers, struct loop *loop)
{
    writers->loop = loop;
    writers->client = pool_client_new(loop);
    list_init(&writers->under_way);
    atomic_init(&writers->open_files, 0);
}

bool upload_writers_release(struct upload_writers *writers, uint32_t most_ms)
{
    return pool_client_free(writers->client, most_ms);
}

void upload_writers_abandon(struct upload_writers *writers)
{
    struct list all;
    struct list *node;

    list_take_all(&all, &writers->under_way);
    while ((node = list_take_first(&all)))
        tell(container_of(node, struct upload_writer, node), -ESHUTDOWN);
}

struct upload_writer *upload_writer_new(const char *content_type,
                                        const struct upload_writer_settings *settings,
                                        const char **fault)
{
    struct upload_writer *writer = mem_zalloc(sizeof(*writer));
    const struct upload_parts_limits limits = {
        .parts = settings->parts,
        .field_bytes = settings->field_bytes,
        .kept_bytes = settings->kept_bytes,
        .open_files = OPEN_FILES,
        .open_count = &settings->all->open_files,
        .take_file = take_file,
        .context = writer,
    };

    writer->settings = *settings;
    writer->limit = UPLOAD_LIMITS;
    writer->job.run = run;
    writer->job.done = on_done;
    writer->task.run = on_task;
    writer->timer.on_fire = on_timer;
    writer->parts = upload_parts_new(content_type, &limits, settings->directory, fault);
    if (writer->parts)
        return writer;
    free(writer);
    return NULL;
}

void upload_writer_begin(struct upload_writer *writer, const char *owner)
{
    snprintf(writer->owner, sizeof(writer->owner), "%s", owner);
    list_append(&writer->settings.all->under_way, &writer->node);
    writer->is_begun = true;
    want(writer, STEP_BEGIN);
}

void upload_writer_take(struct upload_writer *writer, const char *data, size_t length)
{
    buf_append(&writer->waiting, data, length);
    want(writer, 0);
}

void upload_writer_end(struct upload_writer *writer)
{
    want(writer, STEP_END);
}

void upload_writer_undo(struct upload_writer *writer)
{
    want(writer, STEP_UNDO);
}

void upload_writer_leave(struct upload_writer *writer, bool counts)
{
    writer->is_kept = false;
    if (counts)
        upload_claim_leave(&writer->claim);
    else
        upload_claim_release(&writer->claim);
}

void upload_writer_close(struct upload_writer *writer)
{
    if (!writer)
        return;
    writer->is_closed = true;
    list_remove(&writer->node);
    loop_cancel(&writer->task);
    loop_timer_stop(&writer->timer);
    buf_release(&writer->waiting);
    if (writer->is_under_way && thread_pool_cancel(&writer->job)) {
        writer->is_under_way = false;
        buf_release(&writer->data);
    }
    end_closed(writer);
}

const struct upload_parts *upload_writer_parts(const struct upload_writer *writer)
{
    return writer->parts;
}

const char *upload_writer_fault(const struct upload_writer *writer)
{
    return writer->fault;
}

enum upload_limit upload_writer_limit(const struct upload_writer *writer)
{
    return writer->limit;
}
