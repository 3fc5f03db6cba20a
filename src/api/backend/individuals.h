/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_INDIVIDUALS_H
#define API_INDIVIDUALS_H
/* Commands that are for individuals: users, tokens or connections. */
#include <jansson.h>

struct api_exchange;
struct delivery;

/* A delivery with one item whose target is those whom the body selects; NULL: it has answered.
 * Takes over the reference to the body. */
struct delivery *individuals_select(struct api_exchange *exchange, json_t *body);

#endif
