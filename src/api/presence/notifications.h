/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_NOTIFICATIONS_H
#define API_NOTIFICATIONS_H
/*
 * Presence events of a service, POSTed to a back end: the notification queue
 * (api/presence/notification_queue.h), and the sending. At the owner of the service.
 */
#include <stdbool.h>
#include <stdint.h>

#include "api/presence/presence_event.h"

struct api_service;
struct bytes;
struct notification_queue;
struct notifications;

/* Of the service, at its owner, where they are configured. */
void notifications_open(struct api_service *service);
/* The service has other settings: what waits goes to where they say, signed as they say; or is
 * lost, which the log is told. */
void notifications_change(struct api_service *service);
void notifications_close(struct api_service *service);

/* Whether a service tells anyone. */
bool notifications_are_wanted(const struct api_service *service);

/* The server stops: what waits, and what still comes, is tried at once and once. Settled: every
 * shard has told all, and nothing waits, or what was left is lost. */
void notifications_hurry(const struct api_service *service);
void notifications_abandon(const struct api_service *service);
bool notifications_are_settled(const struct api_service *service);

const struct notification_queue *notifications_queue(const struct notifications *notifications);

#endif
