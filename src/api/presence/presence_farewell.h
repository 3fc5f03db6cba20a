/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_PRESENCE_FAREWELL_H
#define API_PRESENCE_FAREWELL_H
/*
 * When a server stops, a service's last events are on their way to its hub from all workers. Each
 * worker says farewell when its connections have been closed; what it has told is at the hub before
 * the farewell is.
 */
struct api_service;

/* Counts in the hub's farewells. */
void presence_farewell_start(struct api_service *service);

#endif
