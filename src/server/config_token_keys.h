/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CONFIG_TOKEN_KEYS_H
#define SERVER_CONFIG_TOKEN_KEYS_H
/* Keys of access tokens, from what the settings say to what auth checks tokens with. */
#include <stdbool.h>
#include <stddef.h>

struct auth_jwt_key;
struct auth_jwt_keys;
struct config;
struct config_fault;
struct config_token_key;

/* A part of config_check(): also loads each key, to see whether it is one. 0, or -EINVAL with
 * *fault, which holds no part of a secret. */
int config_check_token_keys(const struct config *config, struct config_fault *fault);

/* The key, or NULL with a sentence when it cannot be loaded (any more). Not for JWK sets. */
struct auth_jwt_key *config_load_token_key(const struct config_token_key *key, char *fault,
                                           size_t fault_size);

/* Whether a key, or a JWK set, is for tokens of that service. */
bool config_token_key_is_for(const struct config *config, const struct config_token_key *key,
                             size_t service);

/* The index of the service with auth jwt that has this name, or (NULL) of the first. 0, or -EINVAL
 * with a sentence. */
int config_find_jwt_service(const struct config *config, const char *name, size_t *service,
                            char *fault, size_t fault_size);

/* Those of one service, without JWK sets. NULL with a sentence when one cannot be loaded. */
struct auth_jwt_keys *config_make_token_keys(const struct config *config, size_t service,
                                             char *fault, size_t fault_size);

#endif
