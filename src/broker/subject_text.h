/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_SUBJECT_TEXT_H
#define BROKER_SUBJECT_TEXT_H
/* Whom a page's call is for, as the back end that handles it is told: JSON, which the caller frees.
 */
#include "broker/message.h"

struct sse_connection;

char *broker_text_of_user(const struct sse_user *user, const struct broker_telling *telling);
/* As `connections` shows it. */
char *broker_text_of_connection(const struct sse_connection *connection, const char *server_id,
                                const struct broker_telling *telling);

#endif
