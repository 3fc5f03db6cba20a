/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_REVOCATION_H
#define API_REVOCATION_H
/*
 * What those showed who are sent away does not count any more, in no worker, and not after a
 * restart: who is named by a user or by a token loses that, connected or not; a connection's user
 * loses the token that it showed, or, without one, all that it was given.
 */
#include <stddef.h>

struct api_exchange;
struct delivery;
struct delivery_item;

/* Answers: those connections were closed, with the results of the item. status: 0, or a negative
 * errno when a restart would forget what was revoked. */
typedef void (*revocation_done)(struct api_exchange *exchange, const struct delivery_item *item,
                                int status);

/* Starts a delivery of one item for individuals, that revokes before it closes. Its prepare, done
 * and context are not the caller's. */
void revocation_start(struct delivery *delivery, revocation_done done);

#endif
