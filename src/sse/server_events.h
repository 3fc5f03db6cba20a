/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_SERVER_EVENTS_H
#define SSE_SERVER_EVENTS_H
/* The events that the server itself says to a connection, first and last. One reference each. */
#include <stdbool.h>
#include <stdint.h>

#include "sse/connection.h"

struct sse_event;

/* padding as in sse_connection_options. */
struct sse_event *sse_server_events_finish(const struct sse_connection *connection, size_t padding);

/* The credential ends soon; the page may send another one. */
struct sse_event *sse_server_events_expiring(const struct sse_connection *connection);

/* Whether the page is told that a connection ends for this reason. */
bool sse_server_events_has_close(enum sse_close_reason reason);
/* text and reconnect_ms as in sse_connection_close(). */
struct sse_event *sse_server_events_close(const struct sse_connection *connection,
                                          enum sse_close_reason reason, const char *text,
                                          int64_t reconnect_ms);

#endif
