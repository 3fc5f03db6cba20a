/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_REFUSAL_H
#define API_REFUSAL_H
/* Whoever is refused is told of to the log, a few of a kind, and recorded in the service's trace
 * (broker/trace.h). */

struct api;
struct api_exchange;
struct api_service;
struct h2_stream;

/* The request is answered with this status, for this reason; exchange->rule names the rule. */
void refusal_tell(struct api_exchange *exchange, int status, const char *reason);
/* The same where there may be no exchange. service: NULL: of none, or not known. */
void refusal_tell_stream(const struct api *api, const struct h2_stream *stream,
                         struct api_service *service, int status, const char *reason);

/* To the log alone: the request goes on. */
void refusal_log(struct api_exchange *exchange, int status, const char *reason);
/* A page of another origin is answered as the service's settings say, and its browser keeps the
 * answer from it. */
void refusal_log_origin(const struct api *api, const struct h2_stream *stream);

#endif
