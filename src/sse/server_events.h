/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_SERVER_EVENTS_H
#define SSE_SERVER_EVENTS_H
/* The events that the server itself says to a connection, first and last. One reference to each. */
#include <stdbool.h>
#include <stdint.h>

#include "sse/connection.h"

struct sse_event;

/* Queues, before anybody else says something, and wakes nobody: connect-finish, sse-left-out when
 * that is so, and sse-gap when the page misses something that is not to be had. The connection was
 * opened with the options. */
void sse_server_events_greet(struct sse_connection *connection,
                             const struct sse_connection_options *options,
                             const struct sse_arrival *arrival);

/* The page misses what is between the id that it has shown and that of a position, where its stream
 * goes on. An id that no event can have had is not repeated to it. */
struct sse_event *sse_server_events_gap(const char *from, const char *to, const char *reason);
/* It was too slow for so many events. */
struct sse_event *sse_server_events_dropped(uint64_t count);

/* The credential ends soon; the page may send another one. */
struct sse_event *sse_server_events_expiring(const struct sse_connection *connection);

/* What a connection that ends for this reason is told last; NULL: nothing. text and reconnect_ms as
 * in sse_connection_close(). Clients that do not hear reasons take any connect-close as "stay
 * away": where they are to come back it is a mere retry. */
struct sse_event *sse_server_events_last(const struct sse_connection *connection,
                                         enum sse_close_reason reason, const char *text,
                                         int64_t reconnect_ms);

#endif
