/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CONFIG_FAULT_H
#define SERVER_CONFIG_FAULT_H
/* What is wrong with the settings, and how those who find it say so. */
#include <stddef.h>

struct config;

struct config_fault {
    char message[512]; /* "sse-server.yaml:12: services[0].queueBytes: …; use …" */
};

/* Sets *fault to a formatted sentence and returns error. */
int config_fail(struct config_fault *fault, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

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

/* 0, or the same when this user may not read that PEM file. */
int config_check_readable(const struct config_subject *subject, const char *key, const char *path);

#endif
