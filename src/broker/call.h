/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_CALL_H
#define BROKER_CALL_H
/*
 * Calls of pages, at the worker that has their connection. Decides whether a request may speak for
 * a connection, and when it has its turn (broker/call_order.h).
 */
#include "broker/message.h"

struct broker_service;

/* BROKER_CALL or BROKER_PASS_CALL with copies of the call's texts; it takes over the user. */
struct broker_message *broker_call_new(enum broker_kind kind, size_t service,
                                       const struct broker_call *call);

/* BROKER_CALL: answers with BROKER_CALLED, now or when the call has had its turn. */
void broker_call_receive(struct broker_service *service, const struct broker_message *question);
/* BROKER_PASS_CALL */
void broker_call_pass(struct broker_service *service, const struct broker_call *call);

/* Whom a call is for, as the back end that handles it is told: JSON, which the caller frees. */
char *broker_text_of_user(const struct sse_user *user, const struct broker_telling *telling);

#endif
