/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_LOG_H
#define SSE_LOG_H
/*
 * A service's log: all that it does in one order, in memory that all workers read. A record is a
 * message, or a command (sse/command.h). A position is the number of a record, from 1 on.
 *
 * The service's owner appends at the tail, and tells the readers for which there is something. What
 * they were told of, and all behind it, is kept until they have written it. Messages are kept
 * besides, as the history says, for those who come back: the owner drops them at the head, and they
 * are freed when nobody reads any more who began before. Commands are of no use to who comes back:
 * they are freed as soon as they are carried out, and so is a segment that had nothing else.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sse/command.h"
#include "sse/own_id.h"

struct sse_log;
struct sse_message;
struct sse_id_entry;
struct sse_subject;

struct sse_log_record {
    union {
        struct sse_message *message; /* a reference, as is: */
        struct sse_command *command; /* NULL once all have carried it out */
    };
    uint8_t kind; /* enum sse_record_kind */
    /* What is asked of those who write it (broker/batch.h). */
    bool wants_reached;
    uint16_t shown_most;
    uint32_t cost; /* bytes, about */
    /* The owner alone looks at these. */
    uint64_t next; /* position of a message with the same id, or of a command; 0: none */
    /* Of the history (sse/history.h). */
    struct sse_id_entry *id_entry;
    uint64_t at; /* loop ms */
};

/* readers: workers, numbered from 0. events: about as many are kept. One reference. */
struct sse_log *sse_log_new(size_t readers, size_t events);
struct sse_log *sse_log_ref(struct sse_log *log);
void sse_log_unref(struct sse_log *log); /* accepts NULL */

/* ---- any worker ---- */

uint64_t sse_log_last(const struct sse_log *log); /* 0: there was none yet */
/* The first message that is still kept; last + 1 when none is. */
uint64_t sse_log_first(const struct sse_log *log);
/* Whether something for the subject that came behind this position may not be kept any more. */
bool sse_log_has_lost(const struct sse_log *log, const struct sse_subject *subject, uint64_t after);

/* Between these two the reader may look at records: not for longer than a turn takes. */
void sse_log_begin(struct sse_log *log, size_t reader);
void sse_log_end(struct sse_log *log, size_t reader);
/* The message at a position, NULL when it is not kept (any more). Borrowed. The owner needs no
 * sse_log_begin(). */
struct sse_message *sse_log_at(const struct sse_log *log, uint64_t position);
/* The first position from this one, which is kept, up to a last one that has no command; else the
 * one behind the last. */
uint64_t sse_log_skip(const struct sse_log *log, uint64_t position, uint64_t last);
/* A message that is kept, or a record that the reader was told of and has not written. */
struct sse_log_record *sse_log_record(const struct sse_log *log, uint64_t position);

/* Of what the reader was told of it has written all up to this position. Whether somebody waits for
 * it to get on, who has to be told: once. */
bool sse_log_note_written(struct sse_log *log, size_t reader, uint64_t position);

/* The id that names a position, "<epoch>-p<number>": the epoch is the log's. */
void sse_log_id(const struct sse_log *log, uint64_t position, char id[SSE_OWN_ID_SIZE]);
/* Whether an id that names a position was made by this log. */
bool sse_log_has_made(const struct sse_log *log, const char *id);

/* ---- the owner ---- */

/* How many bytes were appended since the first record that the reader was told of and has not
 * written. */
uint64_t sse_log_unwritten(const struct sse_log *log, size_t reader);
/* It is waited for. */
void sse_log_await(struct sse_log *log, size_t reader);
/* Takes the record's reference over. Returns its position. */
uint64_t sse_log_append(struct sse_log *log, const struct sse_log_record *record);
/* What is appended between these two is freed by neither, for readers are told of it meanwhile. */
void sse_log_hold(struct sse_log *log);
void sse_log_tell(struct sse_log *log, size_t reader);
void sse_log_release(struct sse_log *log);
/* The first one, which there is, is not kept any more. */
void sse_log_drop(struct sse_log *log);
/* What commands take between messages that are kept. */
size_t sse_log_command_bytes(const struct sse_log *log);

#endif
