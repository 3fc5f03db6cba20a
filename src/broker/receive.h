/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_RECEIVE_H
#define BROKER_RECEIVE_H
/* What the owner of a service, and its shards, do with each kind of message that is no answer to
 * their own questions. */

struct broker_service;

/* Messages of the service are received from now on, until it is released. */
void broker_service_receive(struct broker_service *service);

#endif
