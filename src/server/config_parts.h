/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CONFIG_PARTS_H
#define SERVER_CONFIG_PARTS_H
/* What is made of parts of the settings, and what must be true of them. */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "server/config.h"
#include "server/config_value.h"

struct auth_api_keys;
struct auth_jwt_key;
struct auth_jwt_keys;
struct config_key;
struct h2_tls_files;

/* ---- config_check.c ---- */

/* 0 when the settings can be used; or -EINVAL with *fault, which holds no part of a secret. */
int config_check(const struct config *config, struct config_fault *fault);

/* What a check is about: a file and line where there are any, and a key. All checks return 0, or
 * -EINVAL with the subject's fault. */
struct config_subject {
    const struct config *config;
    unsigned line;
    const char *list; /* "services", or "" */
    size_t index;
    struct config_fault *fault;
};

/* -EINVAL, with place, key and sentence in the subject's fault. */
int config_check_fail(const struct config_subject *subject, const char *key, const char *format,
                      ...) __attribute__((format(printf, 3, 4)));

/* Whether this user may read that PEM file. */
int config_check_readable(const struct config_subject *subject, const char *key, const char *path);
int config_check_networks(const struct config_subject *subject, const char *key, const char *text);

/* ---- config_services.c, config_listeners.c, config_credentials.c: of an item ---- */

int config_check_service(const struct config_subject *subject, const void *item);
/* Also loads what is named. */
int config_check_listener(const struct config_subject *subject, const void *item);
int config_check_tickets(const struct config_subject *subject);
int config_check_api_key(const struct config_subject *subject, const void *item);
/* Also loads it, to see whether it is one. */
int config_check_token_key(const struct config_subject *subject, const void *item);
/* Whether the service has the keys that its auth needs. */
int config_check_service_keys(const struct config_subject *subject, const void *item);

#define CONFIG_MAX_TLS_FILES (CONFIG_MAX_CERTIFICATES + 1)

/* Those of a listener with TLS, the default first; borrowed from the config. How many; 0: it shows
 * the development certificate. */
size_t config_tls_files(const struct config_listener *listener,
                        struct h2_tls_files files[CONFIG_MAX_TLS_FILES]);

/* Gives the file of a unix socket the mode and group that the settings say. 0, or a negative errno
 * with a sentence. */
int config_set_socket_rights(const struct config_listener *listener, char *fault, size_t size);

/* Of settings that were checked; lives no longer than they do. */
struct auth_api_keys *config_make_api_keys(const struct config *config);

/* The key, or NULL with *fault when it cannot be loaded (any more). Not for JWK sets. */
struct auth_jwt_key *config_load_token_key(const struct config_token_key *key,
                                           struct config_fault *fault);

/* Whether a key, or a JWK set, is for tokens of that service. */
bool config_token_key_is_for(const struct config *config, const struct config_token_key *key,
                             size_t service);

/* The index of the service with auth jwt that has this name, or (NULL) of the first. 0, or -EINVAL
 * with *fault. */
int config_find_jwt_service(const struct config *config, const char *name, size_t *service,
                            struct config_fault *fault);

/* Those of one service, without JWK sets. NULL with *fault when one cannot be loaded. */
struct auth_jwt_keys *config_make_token_keys(const struct config *config, size_t service,
                                             struct config_fault *fault);

/* ---- config_pairs.c ---- */

/* A key, and its value as a file would say it. */
struct config_compat_row {
    const char *key;
    const char *value;
};

extern const struct config_compat_row config_compat_java[];
extern const size_t config_compat_java_count;

/* Sets what nobody has given (config_is_given()); after all sources were read. */
void config_compat_apply(struct config *config);

/* Whether the key has its value from the table. index: of the service; 0 for the process's. */
bool config_compat_sets(const struct config *config, const struct config_key *key, size_t index);

/* What the word sets, a line for each key, with what the settings say instead; nothing where no
 * service has it. */
void config_compat_print(const struct config *config, FILE *to);

/* Those of the process, or (with the subject's list "services") of that service. */
int config_check_pairs(const struct config_subject *subject);

/* A line for each thing that is allowed, and hardly meant. */
void config_warn(const struct config *config, FILE *to);

#endif
