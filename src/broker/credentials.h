/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_CREDENTIALS_H
#define BROKER_CREDENTIALS_H
/* What connections were opened with, so that it can be revoked. */
#include "broker/message.h"

struct broker_service;

/* Of BROKER_CREDENTIALS or BROKER_REVOKE, with copies of these. */
struct broker_message *broker_message_of_credentials(enum broker_kind kind, size_t service,
                                                     const struct broker_credential *items,
                                                     size_t count);

/* BROKER_FIND_CREDENTIALS: answers with what those of the connections that live here have shown. */
void broker_find_credentials(const struct broker_service *service,
                             const struct broker_message *message);

#endif
