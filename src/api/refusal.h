/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_REFUSAL_H
#define API_REFUSAL_H
/*
 * Tells the log which request was refused, from where and why: one line at debug, so many of each
 * status as base/log.h allows. What the reason shows of the request the client was shown, too; the
 * query and what looks like a secret stay out.
 */
struct api_exchange;
struct h2_stream;

void refusal_tell(struct api_exchange *exchange, int status, const char *reason);
/* The same of a request that may not have come to an exchange. */
void refusal_tell_stream(const struct h2_stream *stream, int status, const char *reason);

/* A page of another origin is answered as the service's settings say, and its browser keeps the
 * answer from it. */
void refusal_tell_origin(const struct h2_stream *stream);

#endif
