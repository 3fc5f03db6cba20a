/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_BACKLOGS_H
#define SSE_BACKLOGS_H
/* The backlogs of a service that have room: they are worked on at the end of a turn, in slices of
 * about a millisecond for all, so that a thousand pages that come back at once keep nobody waiting.
 */
struct loop;
struct sse_backlog;
struct sse_backlogs;

struct sse_backlogs *sse_backlogs_new(struct loop *loop);
void sse_backlogs_free(struct sse_backlogs *backlogs); /* every connection must be gone */

/* Has its turn, if it is not waiting for it already. */
void sse_backlogs_rouse(struct sse_backlogs *backlogs, struct sse_backlog *backlog);

#endif
