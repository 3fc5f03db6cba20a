/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CONFIG_COMPAT_H
#define SERVER_CONFIG_COMPAT_H
/*
 * services[].compat: the word sets a table of keys to what pages and back ends of another system
 * are used to. They are defaults: what file, environment or flags say of a key wins. Keys that are
 * for the whole process change with the first service that has the word.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct config;
struct config_key;

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

#endif
