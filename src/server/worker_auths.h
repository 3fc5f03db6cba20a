/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_WORKER_AUTHS_H
#define SERVER_WORKER_AUTHS_H
/* The auth backends of one worker: one for each service, and the JWK sets that they share. */

struct auth;
struct auth_jwt_keys;
struct config;
struct loop;
struct outbound_http;
struct worker_auths;

/* token_keys: of each service, NULL where its auth needs none. All of it is borrowed. */
struct worker_auths *worker_auths_new(const struct config *config,
                                      struct auth_jwt_keys *const *token_keys, struct loop *loop,
                                      struct outbound_http *http);
void worker_auths_free(struct worker_auths *auths);

/* One for each service. */
struct auth *const *worker_auths_list(const struct worker_auths *auths);

#endif
