/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_SERVER_EVENTS_H
#define SSE_SERVER_EVENTS_H
/* The events that the server itself says to a connection, first and last. One reference each. */
#include <stdbool.h>
#include <stdint.h>

#include "sse/connection.h"

struct sse_event;

/* id: where the stream goes on from. The connection was opened with the options. */
struct sse_event *sse_server_events_finish(const struct sse_connection *connection, const char *id,
                                           const struct sse_connection_options *options);
/* The same that connect-finish says of it, for those who listen. */
struct sse_event *sse_server_events_left_out(json_t *left_out);

/* The page misses what is between the id that it has shown and a position, where its stream goes
 * on. An id that no event can have had is not repeated to it. */
struct sse_event *sse_server_events_gap(const char *from, uint64_t to, const char *reason);
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
