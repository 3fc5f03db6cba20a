/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_NOTIFICATIONS_H
#define BROKER_NOTIFICATIONS_H
/*
 * Presence events of a service, POSTed to a back end: in order for each
 * user (outbound/posts.h). At the owner of the service.
 */
#include <stdbool.h>

struct broker_service;
struct notification_settings;
struct notifications;
struct post_queue;

bool notifications_are_wanted(const struct notification_settings *settings);

/* Of the service, at its owner, where they are configured. */
void notifications_open(struct broker_service *service);
/* The service has other settings: what waits goes to where they say, signed as they say; or is
 * lost, which the log is told. */
void notifications_change(struct broker_service *service);
void notifications_close(struct broker_service *service);

/* The server stops: what waits, and what still comes, is tried at once and once. Settled: every
 * shard has told all, and nothing waits, or what was left is lost. */
void notifications_hurry(const struct broker_service *service);
void notifications_abandon(const struct broker_service *service);
bool notifications_are_settled(const struct broker_service *service);

const struct post_queue *notifications_queue(const struct notifications *notifications);

#endif
