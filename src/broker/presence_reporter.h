/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_PRESENCE_REPORTER_H
#define BROKER_PRESENCE_REPORTER_H
/*
 * Tells the owner of the service what becomes of this worker's connections
 * (broker/online_users.h), with the text that back ends get of it. At the owner it makes the
 * events of users.
 */

struct broker_service;

/* From here on it hears of every connection of the service's core. */
void presence_reporter_open(struct broker_service *service);
void presence_reporter_close(struct broker_service *service);

#endif
