/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_REQUEST_LOG_H
#define API_REQUEST_LOG_H
/*
 * What the log says of requests. Who was refused, and why: of a client that is information; of a
 * back end that has shown who it is, and of what failed here, a warning. Whose answer was slow:
 * a warning. At debug each answer, and each event stream that opens and ends.
 */
struct api;
struct api_exchange;
struct h2_response;
struct h2_stream;
struct sse_connection;

#define REFUSAL_REASON_SIZE 256u
/* The reason as it may be shown: what the JSON parser has found may be a secret. */
void refusal_write_reason(char to[REFUSAL_REASON_SIZE], const char *reason);

/* status: of the answer; 0: its browser keeps the answer from a page. A stream that has closed is
 * not told of. */
void request_log_refused(const struct api *api, const struct h2_stream *stream, int status,
                         const char *reason);

/* The stream, which is open, is being answered. */
void answer_tell(const struct api *api, const struct h2_stream *stream,
                 const struct h2_response *response);

/* The same, to the access log, which there is. Of an event stream that is when it begins. */
void access_log_write(const struct api *api, const struct h2_stream *stream,
                      const struct h2_response *response);

/* An event stream is open, or has ended and is about to go. */
void connection_tell_opened(const struct api_exchange *exchange,
                            const struct sse_connection *connection);
void connection_tell_ended(const struct sse_connection *connection);

#endif
