/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_INDIVIDUALS_H
#define API_INDIVIDUALS_H
/* Commands that are for individuals: users, tokens or connections. */
#include <jansson.h>
#include <stdbool.h>

struct api_exchange;
struct buf;
struct delivery;
struct delivery_item;

/* A delivery with one item whose target is those whom the body selects; NULL: it has answered.
 * Takes over the reference to the body. */
struct delivery *individuals_select(struct api_exchange *exchange, json_t *body);

/* What both commands take besides: "connections":true, which asks for those that were meant, and
 * "duration" and "sessionDuration" in seconds. False: it has answered. */
bool individuals_read(struct api_exchange *exchange, const json_t *body,
                      struct delivery_item *item);

/* Appends ,"connections":[…] where they were asked for. */
void individuals_append_shown(struct buf *text, const struct delivery_item *item);

#endif
