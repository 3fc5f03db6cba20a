/* SPDX-License-Identifier: Apache-2.0 */
#include "api/body_lines.h"

#include <stdlib.h>

#include "base/loop.h"
#include "base/mem.h"

/* Exists while somebody is in it. */
struct body_line {
    struct list node;
    struct list places;
    struct loop_task task; /* gives the first one its turn */
    struct body_lines *lines;
    uint64_t session;
};

void body_lines_init(struct body_lines *lines, struct loop *loop, struct thread_pool *pool)
{
    *lines = (struct body_lines){.loop = loop, .pool = pool, .client = pool_client_new(loop)};
    for (size_t i = 0; i < BODY_LINE_LISTS; i++)
        list_init(&lines->lists[i]);
}

bool body_lines_release(struct body_lines *lines, uint32_t most_ms)
{
    return pool_client_free(lines->client, most_ms);
}

static struct body_line *find_line(const struct body_lines *lines, uint64_t session)
{
    list_for_each(node, &lines->lists[session % BODY_LINE_LISTS]) {
        struct body_line *line = container_of(node, struct body_line, node);

        if (line->session == session)
            return line;
    }
    return NULL;
}

static struct body_place *first_of(const struct body_line *line)
{
    return container_of(line->places.next, struct body_place, node);
}

/* One in a pass of the loop's tasks, which bounds what a turn of the loop does of them. */
static void run_first(struct loop_task *task)
{
    struct body_line *line = container_of(task, struct body_line, task);
    struct body_place *first = first_of(line);

    list_remove(&first->node);
    if (list_is_empty(&line->places)) {
        list_remove(&line->node);
        free(line);
    } else if (first_of(line)->is_ready) {
        loop_defer(line->lines->loop, task);
    }
    first->turn(first);
}

static struct body_line *add_line(struct body_lines *lines, uint64_t session)
{
    struct body_line *line = mem_zalloc(sizeof(*line));

    list_init(&line->places);
    line->task.run = run_first;
    line->lines = lines;
    line->session = session;
    list_append(&lines->lists[session % BODY_LINE_LISTS], &line->node);
    return line;
}

bool body_lines_wait(const struct body_lines *lines, uint64_t session)
{
    return find_line(lines, session) != NULL;
}

static void be_ready(struct body_place *place)
{
    struct body_line *line = place->line;

    place->is_ready = true;
    if (first_of(line) == place)
        loop_defer(line->lines->loop, &line->task);
}

static void run_work(struct pool_job *job)
{
    struct body_place *place = container_of(job, struct body_place, job);

    place->work(place);
}

static void on_worked(struct pool_job *job)
{
    be_ready(container_of(job, struct body_place, job));
}

void body_lines_do(struct body_lines *lines, struct pool_job *job,
                   void (*work)(struct pool_job *job), void (*done)(struct pool_job *job))
{
    job->run = work;
    job->done = done;
    if (lines->pool && thread_pool_submit(lines->pool, lines->client, job) == 0)
        return;
    work(job);
    done(job);
}

void body_lines_enter(struct body_lines *lines, uint64_t session, struct body_place *place)
{
    struct body_line *line = find_line(lines, session);

    if (!line)
        line = add_line(lines, session);
    place->line = line;
    place->is_ready = false;
    list_append(&line->places, &place->node);
    if (place->work)
        body_lines_do(lines, &place->job, run_work, on_worked);
    else
        be_ready(place);
}
