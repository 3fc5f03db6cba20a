/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_QOS_TEXT_H
#define API_QOS_TEXT_H
/* Stored messages and their copies, as back ends are shown them. */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "qos/repository.h"

struct buf;

/* The message whose JSON was read last: its copies come one after the other. Zero-filled is none.
 */
struct qos_text {
    uint64_t number; /* 0: none */
    json_t *object;
    bool lacks_memory; /* for something that was asked for: what was appended is not all */
};

/* Appends what a member of the message's JSON holds; null when it is not known (any more). */
void qos_text_member(struct qos_text *text, struct buf *to, const struct qos_message *message,
                     const char *key);
/* The same of its data, which is JSON as its sender wrote it. */
void qos_text_data(struct qos_text *text, struct buf *to, const struct qos_message *message);
void qos_text_release(struct qos_text *text);

/* ,"cause":"damaged row" of a copy that cannot be read; nothing of others. */
void qos_text_cause(struct buf *to, const struct qos_copy *copy);

/* ,"endTime": and when that was; null while it has not. */
void qos_text_end(struct buf *to, const struct qos_copy *copy);

/* Why the store could not do it, behind "since": "its disk is full", say. */
const char *qos_text_fault(int status);

/* One member: "userId":"7", or "all":true. */
void qos_text_recipient(struct buf *to, const struct qos_recipient *recipient, bool is_token_whole);

#endif
