/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CROWD_LISTS_H
#define CROWD_LISTS_H
/* Pages of lists, asked for one after the other as back ends and the console do
 * (api/query/lists.c), but for HTTP. */

#include <stdbool.h>
#include <stddef.h>

struct broker_service;
struct loop;

/* In the service's worker. Prints how long each has taken, and how long turns of the loops were
 * meanwhile; done: they all have. */
void crowd_lists_start(struct broker_service *service, struct loop *const *loops, size_t count,
                       void (*done)(void *context), void *context);

#endif
