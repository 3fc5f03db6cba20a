/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_RECEIVE_H
#define BROKER_RECEIVE_H
/* Hands what comes for a service to its owner's or its shard's part here. */
struct broker_service;

/* Messages of the service are received from now on, until it is released. */
void broker_service_receive(struct broker_service *service);

#endif
