/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_STORED_TEXT_H
#define BROKER_STORED_TEXT_H
/* Stored messages and their copies, as back ends are shown them. */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "qos/copies.h"
#include "qos/repository.h"

struct buf;

/* The message whose JSON was read last: its copies come one after the other. Zero-filled is none.
 */
struct stored_text {
    uint64_t number; /* 0: none */
    json_t *object;
    bool lacks_memory; /* for something that was asked for: what was appended is not all */
};

/* Appends what a member of the message's JSON holds; null when it is not known (any more). */
void stored_text_member(struct stored_text *text, struct buf *to, const struct qos_message *message,
                        const char *key);
/* The same of its data, which is JSON as its sender wrote it. */
void stored_text_data(struct stored_text *text, struct buf *to, const struct qos_message *message);
void stored_text_release(struct stored_text *text);

/* ,"cause":"damaged row" of a copy that cannot be read; nothing of others. */
void stored_text_cause(struct buf *to, const struct qos_copy *copy);

/* ,"endTime": and when that was; null while it has not. */
void stored_text_end(struct buf *to, const struct qos_copy *copy);

/* One member: "userId":"7", or "all":true. */
void stored_text_recipient(struct buf *to, const struct qos_recipient *recipient,
                           bool is_token_whole);

/* A message with what has become of each of its copies, which are all of one message; and one copy
 * with its message. */
void stored_text_message(struct buf *to, const struct qos_copies *copies, bool is_token_whole);
void stored_text_copy(struct stored_text *text, struct buf *to, const struct qos_copy *copy,
                      bool is_token_whole);

/* A message as repositoryMessages.json of the Java system lists it: a row for all whom it is still
 * kept for. copies: all of one message. */
void stored_java_text(struct buf *to, struct stored_text *text, const struct qos_copy *copies,
                      size_t count, bool is_token_whole);

#endif
