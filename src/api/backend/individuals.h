/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_INDIVIDUALS_H
#define API_INDIVIDUALS_H
/* Commands that are for individuals: users, tokens or connections. */
#include <jansson.h>
#include <stdbool.h>

struct api_exchange;
struct broker_results;
struct buf;
struct delivery;

/* A delivery with one item whose target is those whom the body selects; NULL: it has answered. */
struct delivery *individuals_select(struct api_exchange *exchange, const json_t *body);

/* What both commands take besides: "connections":true, which asks for those that were meant, and
 * "duration" and "sessionDuration" in seconds. False: it has answered. */
bool individuals_read(struct api_exchange *exchange, const json_t *body, struct delivery *delivery);

/* The connections that were meant, a line of JSON for each; NULL: they were not asked for. */
const char *individuals_shown(const struct delivery *delivery,
                              const struct broker_results *published);
/* Appends ,"connections":[…] of such lines; of NULL nothing. */
void individuals_append_shown(struct buf *text, const char *shown);

#endif
