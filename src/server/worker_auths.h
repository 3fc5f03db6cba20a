/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_WORKER_AUTHS_H
#define SERVER_WORKER_AUTHS_H
/* The auth backends of one worker: one for each service, and the JWK sets that they share. */

#include "base/file.h"

struct auth;
struct auth_jwt_keys;
struct config;
struct loop;
struct outbound_http;
struct outbound_http_counters;
struct outbound_http_settings;
struct worker_auths;

/* What they are made of; all of it is borrowed, and must live as long. */
struct worker_auths_parts {
    const struct config *config;
    struct auth_jwt_keys *const *token_keys; /* of each service, NULL where its auth needs none */
    struct loop *loop;
    struct outbound_http *http; /* the worker's, for JWK sets */
    /* Of the connections that services with auth webhook have to themselves, but for the bounds. */
    const struct outbound_http_settings *outbound;
    struct file_readers files; /* for JWK sets */
};

/* NULL when libcurl refuses. */
struct worker_auths *worker_auths_new(const struct worker_auths_parts *parts);
/* Other settings and keys, of the same services with the same kinds of auth; loop and http stay.
 * JWK sets are read anew. The old parts must live until it returns. */
void worker_auths_change(struct worker_auths *auths, const struct worker_auths_parts *parts);
/* Nobody waits any more for those who know users: who is asked about now stays unknown. */
void worker_auths_abandon(struct worker_auths *auths);
void worker_auths_free(struct worker_auths *auths);

/* Adds what its connections to those who know users have counted. */
void worker_auths_count(const struct worker_auths *auths, struct outbound_http_counters *sum);

/* One for each service. */
struct auth *const *worker_auths_list(const struct worker_auths *auths);

#endif
