/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_CHOICE_H
#define BROKER_CHOICE_H
/* Messages that choose stored messages. */
#include "broker/message.h"

/* kind: one with a broker_choice. id may be NULL; it is copied, and so is the filter. */
struct broker_message *broker_choice_new(enum broker_kind kind, size_t service, const char *id,
                                         const struct qos_filter *filter);

#endif
