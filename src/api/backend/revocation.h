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
struct api_service;
struct broker_message;
struct delivery;

/* Answers: so many connections were closed; shown: as individuals_shown(). status: 0, or a negative
 * errno when a restart would forget what was revoked. */
typedef void (*revocation_done)(struct api_exchange *exchange, size_t count, const char *shown,
                                int status);

/* Starts a delivery of one item for individuals, that revokes before it closes. Its done and
 * context are not the caller's. */
void revocation_start(struct delivery *delivery, revocation_done done);

/* BROKER_REVOKE */
void revocation_receive(const struct api_service *service, const struct broker_message *message);

#endif
