/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_ENDED_H
#define SSE_ENDED_H
/*
 * A service's connections that have ended, for some seconds, since a page's last calls come after
 * the end of its stream. When there are too many, the oldest is forgotten. Nothing else finds
 * them; each caller decides what they may still do.
 */
#include <stddef.h>
#include <stdint.h>

struct sse_connection;
struct sse_ended;
struct sse_service;
struct sse_target;

struct sse_ended *sse_ended_new(struct sse_service *service);
void sse_ended_free(struct sse_ended *ended); /* forgets all */

/* A connection that is in no registry any more. It is whole until sse_connection_forgotten(). */
void sse_ended_add(struct sse_ended *ended, struct sse_connection *connection);
/* The one whose page has shown this as its id, or NULL. */
struct sse_connection *sse_ended_find_own(const struct sse_ended *ended, const char *id);

/* sse_connection_send_away() for those that the target selects; how many of them it was not too
 * late for. */
size_t sse_ended_send_away(const struct sse_ended *ended, const struct sse_target *target,
                           const char *text);

uint64_t sse_ended_count(const struct sse_ended *ended);
/* Since start: forgotten early. */
uint64_t sse_ended_displaced(const struct sse_ended *ended);

#endif
