/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CONFIG_CHECK_H
#define SERVER_CONFIG_CHECK_H
/* How the checks between settings (config_check() and its parts) say what is wrong. */
#include <stddef.h>

struct config;
struct config_fault;

/* What a fault is about: a file and line where there are any, and a key. */
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

#endif
