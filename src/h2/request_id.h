/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_REQUEST_ID_H
#define H2_REQUEST_ID_H
/*
 * What tells a request apart in logs, traces and answers: its x-request-id, as a trusted proxy has
 * given it, or one of our own, which nobody can guess. An exchange keeps it.
 */
#include "h2/stream.h"

struct client_address_rule;
struct h2_request;
struct hash_key;

#define REQUEST_ID_MOST 64u /* visible ASCII characters; a proxy's longer one is not taken over */
#define REQUEST_ID_SIZE (REQUEST_ID_MOST + 1)

/* rule: which proxies may give it. key: what is made here cannot be guessed without it. The same
 * each time for one stream, as long as its request is known. The stream is open. */
void request_id_write(const struct client_address_rule *rule, const struct hash_key *key,
                      const struct h2_stream *stream, char id[REQUEST_ID_SIZE]);

/* The traceparent of a request, which is to be passed on to who is asked because of it; NULL: there
 * is none, or what there is is none. Borrowed from the request, which may be NULL. */
const char *request_traceparent(const struct h2_request *request);

#endif
