/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_PREFLIGHT_H
#define SERVER_PREFLIGHT_H
/*
 * What a start would find beyond its settings: asked without making or changing anything, and
 * beside a server that runs with them. Whether an address is taken is not asked, therefore. And
 * what the server says when it has started.
 */
#include <stddef.h>
#include <stdio.h>

struct buf;
struct config;
struct h2_bound;
struct tls_reloader;

/* Appends a line to faults for each thing that a start would complain about. reloader: of a server
 * that runs with such settings, or NULL. It uses its certificates already, and all places, which no
 * reload changes: what is wrong with them is no reason to refuse other settings, and goes to
 * warnings. */
void preflight(const struct config *config, struct tls_reloader *reloader, struct buf *faults,
               struct buf *warnings);

/* Whether a start could make a file of that path, with the directories above it. 0 or a negative
 * errno. */
int preflight_ask_parent(const char *path);

/* What the settings make of the server, with hints and warnings of what is hardly meant. */
void preflight_explain(const struct config *config, FILE *to);

/* Log lines for operators; for the demo also a few plain lines on standard output: which link to
 * open, which command to type. */
void announce(const struct config *config, const struct h2_bound *bound, size_t workers);

#endif
