/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_QUERY_H
#define BROKER_QUERY_H
/*
 * A shard's part of what back ends ask (broker/gather.h): which of its connections and users are
 * meant, and what is known of some of them.
 *
 * A shard looks at very many in slices, and answers when it has looked at all. A connection that
 * leaves meanwhile may make another one be looked at twice; none that stays is left out.
 */
struct broker_message;
struct broker_service;

/* BROKER_QUERY */
void broker_query_gather(struct broker_service *service, const struct broker_message *question);
/* BROKER_SHOW */
void broker_query_show(struct broker_service *service, const struct broker_message *question);
/* BROKER_IS_ONLINE */
void broker_query_online(struct broker_service *service, const struct broker_message *question);

#endif
