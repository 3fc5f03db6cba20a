/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CONFIG_NAMES_H
#define SERVER_CONFIG_NAMES_H
/* Settings that name other things of the configuration, or words of a fixed set. */
#include <stdint.h>

#include "base/words.h"

struct config;
struct config_subject;

/* A bit for each of the named services; all bits when words is "". Stops at a word that names none,
 * which is *unknown then; else that is left alone. */
uint64_t config_services_named(const struct config *config, const char *words,
                               struct word *unknown);

/* 0, or -EINVAL when a word of the key "services" names none. */
int config_check_services(const struct config_subject *subject, const char *words);

/* -EINVAL with the nearest of names, which end with NULL. */
int config_fail_unknown(const struct config_subject *subject, const char *key,
                        const struct word *unknown, const char *const *names);

#endif
