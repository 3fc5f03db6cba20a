/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_HOLDING_H
#define H2_HOLDING_H
/*
 * What clients have sent and nobody has taken: bodies that are collected, that wait for a reader or
 * for a handler at work on them, and the requests themselves. All workers have one budget
 * (base/budget.h) for it, limits.inboundBytes. At its end the oldest give way: first bodies of
 * callers that are not known yet, and answers that nobody reads; for known callers, then, also the
 * bodies of others. Only what is incomplete goes: what a handler works on stays.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/budget.h"
#include "base/list.h"

struct h2_endpoint;
struct h2_session;
struct h2_stream;

enum h2_held_in { H2_HELD_NOWHERE, H2_HELD_STRANGERS, H2_HELD_CALLERS, H2_HELD_LISTS };

struct h2_holding {
    struct budget own; /* until there is one for all workers */
    struct budget_share share;
    struct list lists[H2_HELD_LISTS]; /* streams that may have to give way, the oldest first */
};

void h2_holding_init(struct h2_holding *holding, size_t most);

/* Counts what the stream holds now, and more bytes that it is about to. False: there is no room,
 * not even after others have given way; nothing has changed then. */
bool h2_holding_update(struct h2_stream *stream, size_t more);
/* The same for what is held in any case. */
void h2_holding_force(struct h2_stream *stream);
/* All that the client takes has left: answers that are still there are unread. */
void h2_holding_flushed(struct h2_session *session);
/* It holds nothing any more. */
void h2_holding_release(struct h2_stream *stream);

#endif
