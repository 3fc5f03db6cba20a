/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_PREFLIGHT_H
#define SERVER_PREFLIGHT_H
/*
 * What a start would find beyond its settings: asked without making or changing anything, and
 * beside a server that runs with them. Whether an address is taken is not asked, therefore.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct config;
struct config_service;
struct tls_keeper;

/* What a server that runs uses already: its certificates, and all places, which no reload changes.
 * What is wrong with them is no reason to refuse other settings: it is written to warnings, and
 * does not count. */
struct preflight_use {
    struct tls_keeper *keeper;
    FILE *warnings;
};

/* Writes a line for each thing that a start would complain about; how many there are. use: NULL
 * where there is no server. */
size_t preflight(const struct config *config, const struct preflight_use *use, FILE *to);

/* Whether an API key may send to the service, and whether its tokens may say that they may. */
bool preflight_can_send(const struct config *config, size_t service);
bool preflight_has_permissions(const struct config_service *service);

/* A line for each service to which no API key may send, and for each certificate that is not used
 * as is meant. */
void preflight_warn(const struct config *config, FILE *to);

#endif
