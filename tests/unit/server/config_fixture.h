/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CONFIG_FIXTURE_H
#define SERVER_CONFIG_FIXTURE_H
/* Loads settings from texts, as the program does from a file and its environment. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/config_load.h"
#include "support/test.h"

#define NOWHERE "STATE_DIRECTORY=/nowhere"

static char *const fixture_bare[] = {(char *)NOWHERE, NULL};
static char fixture_fault[sizeof(((struct config_fault *)0)->message)];

/* Of a file (NULL: the demo) and an environment, without flags. */
static inline int fixture_load_from(struct config *config, const char *path,
                                    char *const *environment, struct config_fault *fault)
{
    const struct config_sources sources = {.file = path, .environment = environment};

    return config_load_from(config, &sources, fault);
}

/* The text as the file "conf.yaml" of a fresh directory; what config_load_from() returns. */
static inline int fixture_load_bytes(struct config *config, const char *text, size_t length,
                                     char *const *environment)
{
    char directory[] = "/tmp/test-config-XXXXXX";
    char path[64];
    struct config_fault fault = {""};
    FILE *file = NULL;
    int rc = 0;

    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/conf.yaml", directory);
    file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    rc = fixture_load_from(config, path, environment, &fault);
    unlink(path);
    rmdir(directory);
    /* Without the directory, whose name is another each time. */
    snprintf(fixture_fault, sizeof(fixture_fault), "%s",
             strncmp(fault.message, directory, strlen(directory)) == 0
                 ? fault.message + strlen(directory) + 1
                 : fault.message);
    return rc;
}

static inline int fixture_load(struct config *config, const char *text)
{
    return fixture_load_bytes(config, text, strlen(text), fixture_bare);
}

/* The demo with one variable. */
static inline int fixture_load_variable(struct config *config, const char *variable)
{
    char *const environment[] = {(char *)NOWHERE, (char *)variable, NULL};
    struct config_fault fault = {""};
    int rc = fixture_load_from(config, NULL, environment, &fault);

    snprintf(fixture_fault, sizeof(fixture_fault), "%s", fault.message);
    return rc;
}

static inline void fixture_expect_fault(const char *text, const char *expected)
{
    struct config config;

    assert_int_not_equal(fixture_load(&config, text), 0);
    assert_string_equal(fixture_fault, expected);
}

#endif
