/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOAD_REQUESTER_H
#define LOAD_REQUESTER_H
/*
 * Small requests on the sessions that also receive events, one session after the other, at a fixed
 * rate whether or not the earlier ones are answered: a stall of the server is seen by all requests
 * that it delays. Uses the sessions of worker 0.
 */
#include <stdbool.h>
#include <stdint.h>

#include "load_statistics.h"

struct load_crew;
struct load_requester;

struct load_requester_report {
    uint64_t sent;
    uint64_t failed; /* no 2xx answer, or not sent because too many were open */
    struct load_histogram latency;
};

struct load_requester *load_requester_new(struct load_crew *crew);
void load_requester_free(struct load_requester *requester); /* after the crew's sessions */

void load_requester_start(struct load_requester *requester);
void load_requester_turn(struct load_requester *requester, uint64_t now, uint64_t *wake);
bool load_requester_is_done(const struct load_requester *requester);
const struct load_requester_report *load_requester_report(const struct load_requester *requester);

#endif
