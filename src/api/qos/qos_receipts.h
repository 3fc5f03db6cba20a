/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_QOS_RECEIPTS_H
#define API_QOS_RECEIPTS_H
/*
 * Tells senders what has become of their messages, copy by copy: those that asked ("receipt") hear
 * of every end, by the service's presence events and, where they gave an address, by a POST. That a
 * message has expired, or had to make room, is told to who watches in any case. On the hub's
 * worker.
 */
#include "api/qos/qos_posts.h"

struct api_service;
struct qos_copy;
struct qos_receipts;

struct qos_receipts *qos_receipts_new(struct api_service *service);
/* The service has other settings. */
void qos_receipts_change(struct qos_receipts *receipts);
void qos_receipts_free(struct qos_receipts *receipts);

/* The copy has ended. */
void qos_receipts_tell(struct qos_receipts *receipts, const struct qos_copy *copy);

/* The server stops: those that wait to be posted are tried at once, and once. */
void qos_receipts_hurry(struct qos_receipts *receipts);

const struct qos_posts *qos_receipts_posts(const struct qos_receipts *receipts);

#endif
