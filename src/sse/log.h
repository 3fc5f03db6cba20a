/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_LOG_H
#define SSE_LOG_H
/*
 * A service's log: its messages in the one order in which they are written, in memory that all
 * workers read. The service's owner appends at the tail and drops at the head. What it has dropped
 * is freed when nobody reads any more who began before: so a reader has to take a reference to what
 * it needs for longer. A position is the number of a record, from 1 on.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sse/own_id.h"

struct sse_log;
struct sse_message;
struct sse_id_entry;
struct sse_subject;
struct sse_target;

struct sse_log_record {
    struct sse_message *message; /* a reference */
    /* Of the history (sse/history.h): the owner alone looks at these. */
    struct sse_id_entry *id_entry;
    uint64_t next; /* the next position with the same id; 0: none */
    uint64_t at;   /* loop ms */
    size_t cost;
};

/* readers: workers, numbered from 0. events: about as many are kept. One reference. */
struct sse_log *sse_log_new(size_t readers, size_t events);
struct sse_log *sse_log_ref(struct sse_log *log);
void sse_log_unref(struct sse_log *log); /* accepts NULL */

/* ---- any worker ---- */

uint64_t sse_log_last(const struct sse_log *log); /* 0: there was none yet */
/* The first position that is still kept; last + 1 when none is. */
uint64_t sse_log_first(const struct sse_log *log);
/* Whether something for the subject that came behind this position may not be kept any more. */
bool sse_log_has_lost(const struct sse_log *log, const struct sse_subject *subject, uint64_t after);

/* Between these two the reader may look at records: not for longer than a turn takes. */
void sse_log_begin(struct sse_log *log, size_t reader);
void sse_log_end(struct sse_log *log, size_t reader);
/* The message at a position, NULL when it is not kept (any more). Borrowed. The owner needs no
 * sse_log_begin(). */
struct sse_message *sse_log_at(const struct sse_log *log, uint64_t position);

/* How many bytes of messages a worker has been told to write and has written, in all; and whether
 * somebody waits for it to get on, who has to be told: once. */
bool sse_log_note_written(struct sse_log *log, size_t reader, size_t bytes);

/* The id that names a position, "<epoch>-p<number>": the epoch is the log's. */
void sse_log_id(const struct sse_log *log, uint64_t position, char id[SSE_OWN_ID_SIZE]);
/* Whether an id that names a position was made by this log. */
bool sse_log_has_made(const struct sse_log *log, const char *id);

/* ---- the owner ---- */

uint64_t sse_log_written(const struct sse_log *log, size_t reader);
/* It is waited for. */
void sse_log_await(struct sse_log *log, size_t reader);
/* Takes the record's reference over. Returns its position. */
uint64_t sse_log_append(struct sse_log *log, const struct sse_log_record *record);
/* The first one, which there is, is not kept any more. */
void sse_log_drop(struct sse_log *log);
/* One that is kept. */
struct sse_log_record *sse_log_record(const struct sse_log *log, uint64_t position);

#endif
