/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OUTBOUND_EARLY_ANSWER_H
#define OUTBOUND_EARLY_ANSWER_H
/*
 * HTTP/2 answers that come before the request's body has left: from a back end that is near, and
 * has no need to read a body to refuse it. libcurl 7.88 sends on all the same, finds the stream
 * closed, and makes one of three things of it: an error after the whole answer, an error instead of
 * it, or nothing until the limit of time. And whatever the version, it does not end a call whose
 * body is paused, though the answer is there.
 */
#include "outbound/call.h"

enum outbound_early {
    OUTBOUND_EARLY_NOT,  /* the error is one */
    OUTBOUND_EARLY_READ, /* all of the answer has come */
    OUTBOUND_EARLY_LOST, /* libcurl threw it away: only asking again can tell */
};

/* Of a transfer that ended so. */
enum outbound_early outbound_early_answer_of(const struct outbound_call *call, CURLcode code);

/* For libcurl: a line of the answer's head. Starts the timer of the call where that is needed. */
size_t outbound_early_answer_on_head(char *data, size_t size, size_t count, void *context);

/* The timer: makes libcurl look at the stream, now and then until the call ends. */
void outbound_early_answer_look(struct loop_timer *timer);

#endif
