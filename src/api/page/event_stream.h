/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_EVENT_STREAM_H
#define API_EVENT_STREAM_H
/*
 * Joins a connection to the HTTP/2 stream that it is heard on: the connection's sink on one side,
 * the body of the stream's answer on the other. Ends with the stream.
 */
#include <stddef.h>

struct api_exchange;
struct h2_response;
struct sse_connection_options;

/* Opens the connection (sink and its context are filled in here) and answers with its events.
 * response has status and fields. */
void api_event_stream_open(struct api_exchange *exchange, struct sse_connection_options *options,
                           struct h2_response *response);

#endif
