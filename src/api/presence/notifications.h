/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_NOTIFICATIONS_H
#define API_NOTIFICATIONS_H
/*
 * Presence events of a service, POSTed to a back end: its hub's notification queue
 * (api/presence/notification_queue.h), and the sending. On the hub's worker.
 */
#include <stdbool.h>
#include <stdint.h>

#include "api/presence/presence_event.h"

struct api_service;
struct bytes;
struct notification_queue;
struct notifications;

/* NULL when none are configured. */
struct notifications *notifications_new(struct api_service *service);
/* The service has other settings, and still wants them: what waits goes to where they say, signed
 * as they say. */
void notifications_change(struct notifications *notifications);
/* What waits is lost, which the log is told. Accepts NULL. */
void notifications_end(struct notifications *notifications);
void notifications_free(struct notifications *notifications);

/* Whether a service tells anyone. */
bool notifications_are_wanted(const struct api_service *service);

void notifications_add(struct notifications *notifications, enum presence_kind kind,
                       const char *user_key, const char *id, struct bytes *json);

/* The server stops: what waits, and what still comes, is tried at once and once. */
void notifications_hurry(struct notifications *notifications);
/* What is left is lost. */
void notifications_abandon(struct notifications *notifications);
bool notifications_are_abandoned(const struct notifications *notifications);
bool notifications_are_empty(const struct notifications *notifications);

const struct notification_queue *notifications_queue(const struct notifications *notifications);

#endif
