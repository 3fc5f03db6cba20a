/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_HISTORY_H
#define SSE_HISTORY_H
/*
 * The last events of a service, so that a page that was away gets what it has missed: the service's
 * log (sse/log.h), as its owner keeps it. Here is what the log holds, by count, bytes and age, and
 * where events with an id are.
 *
 * Where a page was is told by the id of the last event that it has seen: a message's, or one that
 * names a position ("<epoch>-p<number>"), which connect-finish and sse-gap bear. Several events may
 * bear one id: a page goes on behind the first that it may have seen. It is told of a gap where
 * something behind that is not kept that may have been for it (sse/log.h). Ids are remembered for
 * that, as many as events and until twice keep_ms after the event: one that a sender gives again
 * later than that counts as new. What is too old ends by the clock, also when nothing is sent.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct sse_history;
struct sse_log;
struct sse_log_record;
struct sse_subject;

struct sse_history_settings {
    uint32_t events;  /* 10000; 0: none are kept, but positions are counted all the same */
    size_t bytes;     /* 16 MiB */
    uint32_t keep_ms; /* 10 min */
};

/* settings are borrowed; a reference to the log is taken. */
struct sse_history *sse_history_new(struct loop *loop, const struct sse_history_settings *settings,
                                    struct sse_log *log);
/* Others, borrowed as well: what is beyond them goes at once. */
void sse_history_change(struct sse_history *history, const struct sse_history_settings *settings);
void sse_history_free(struct sse_history *history);

/* What is next in the log: takes a reference to the message or the command of the record. Its
 * position. A command is no event: it only takes some of the bytes. now: loop ms. */
uint64_t sse_history_add(struct sse_history *history, const struct sse_log_record *record,
                         uint64_t now);
size_t sse_history_bytes(const struct sse_history *history);
size_t sse_history_count(const struct sse_history *history);

/* Where the message with this id is; 0: it is not kept. */
uint64_t sse_history_position(const struct sse_history *history, const char *id);

/* A message was written outside of the order, to a user who had not seen it before: to come back
 * with its id is to come back to where the order was then, the first time. With
 * SSE_POSITION_UNKNOWN the user may have seen it before: nobody knows what was missed since. As
 * many positions of ids are kept as events, and as long as ids. */
#define SSE_POSITION_UNKNOWN UINT64_MAX
void sse_history_add_position(struct sse_history *history, const char *id, const char *user_key,
                              uint64_t position);

/* What a page that was here before can have. */
enum sse_resume {
    SSE_RESUME_NONE,    /* it showed no id: it begins now */
    SSE_RESUMED,        /* all that it has missed */
    SSE_RESUME_TOO_OLD, /* some of that is not kept any more: what is, it gets */
    SSE_RESUME_EPOCH,   /* its id is of another life of the server: it gets what this one has */
    SSE_RESUME_UNKNOWN, /* its id is none that we know: it begins now */
    SSE_RESUMES
};

extern const char *const sse_resume_words[SSE_RESUMES]; /* for sse-gap: "too-old" and so on */

/* Where a page goes on that shows this id (NULL, "": none). *after: the position behind which it
 * gets everything. Whom the event was for does not matter: its page may have been another user
 * then, or in another channel. But an id that a sender gave to other users alone is answered as one
 * that was never given. */
enum sse_resume sse_history_find(struct sse_history *history, const char *id,
                                 const struct sse_subject *subject, uint64_t now, uint64_t *after);

#endif
