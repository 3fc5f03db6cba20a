/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_BODY_LINES_H
#define API_BODY_LINES_H
/*
 * Requests whose bodies are worked on by a thread before they are handled, and those that their
 * sessions have sent behind them: each session's are handled in the order in which they came whole.
 * Of one worker; its thread calls all of these.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/thread_pool.h"

#define BODY_LINE_LISTS 64u

struct body_line;
struct loop;

struct body_lines {
    struct loop *loop;
    struct thread_pool *pool; /* borrowed; NULL: the work is done where it is asked for */
    struct pool_client *client;
    struct list lists[BODY_LINE_LISTS]; /* of lines, by session: few are long */
};

/* Embed it in what has a place in a line, zero-filled but for what is to be called. */
struct body_place {
    struct pool_job job;
    struct list node; /* in its line */
    struct body_line *line;
    bool is_ready;
    void (*work)(
        struct body_place *place); /* in a thread; has the place for itself. NULL: no work */
    void (*turn)(struct body_place *place); /* in the loop, behind those before it */
};

void body_lines_init(struct body_lines *lines, struct loop *loop, struct thread_pool *pool);
/* At the end, when all have had their turns. False: a thread hangs (pool_client_free()). */
bool body_lines_release(struct body_lines *lines, uint32_t most_ms);

/* Whether somebody of this session has yet to have a turn. */
bool body_lines_wait(const struct body_lines *lines, uint64_t session);
/* The place gets its turn later, never from inside this call. */
void body_lines_enter(struct body_lines *lines, uint64_t session, struct body_place *place);

/* Does this (zero-filled) in a thread, or here when there is none; nobody hears of its end. */
void body_lines_do(struct body_lines *lines, struct pool_job *job,
                   void (*work)(struct pool_job *job), void (*done)(struct pool_job *job));

#endif
