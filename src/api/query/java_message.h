/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_JAVA_MESSAGE_H
#define API_JAVA_MESSAGE_H
/* A stored message as repositoryMessages.json of the Java system lists it: a row for all whom it is
 * still kept for. */
#include <stdbool.h>
#include <stddef.h>

struct buf;
struct qos_copy;
struct qos_text;

/* copies: all of one message. */
void java_message_append(struct buf *to, struct qos_text *text, const struct qos_copy *copies,
                         size_t count, bool is_token_whole);

#endif
