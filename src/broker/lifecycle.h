/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_LIFECYCLE_H
#define BROKER_LIFECYCLE_H
/* A service at work, on one worker: all its parts, from their start to the server's stop. */
#include <stdbool.h>

#include "broker/stored/settings.h"
#include "broker/stored/stored.h"

struct broker_service;
struct broker_settings;

/* Behind broker_service_init(), with its outbound and its revoker set. */
void broker_service_start(struct broker_service *service, const struct stored_settings *stored,
                          const struct stored_place *place);
/* The service has other settings. */
void broker_service_restart(struct broker_service *service, const struct broker_settings *settings,
                            const struct stored_settings *stored);
/* The server stops: what waits to be posted is tried at once, and once, and event streams end. A
 * service is settled when all shards have told that theirs have, and nothing waits, or what was
 * left is lost. */
void broker_service_finish(struct broker_service *service);
void broker_service_abandon(struct broker_service *service);
bool broker_service_is_settled(const struct broker_service *service);
/* When the broker has stopped: releases it. */
void broker_service_stop(struct broker_service *service);

#endif
