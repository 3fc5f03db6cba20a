/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_ANNOUNCE_H
#define SERVER_ANNOUNCE_H
/* What a start says to the person in front of it: where to click, what to type. */
#include <stddef.h>

struct config;
struct h2_bound;

/* Log lines for operators; for the demo also a few plain lines on standard output. */
void announce(const struct config *config, const struct h2_bound *bound, size_t workers);

#endif
