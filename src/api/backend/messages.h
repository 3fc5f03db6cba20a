/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_BACKEND_MESSAGES_H
#define API_BACKEND_MESSAGES_H
/*
 * The body of a send: one message, or an array of them. As much as possible is done when it is
 * read, which for a large one is done by a thread (api/body_reading.h): a message may have 10,000
 * recipients.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/batch.h"
#include "sse/message.h"

#define MESSAGES_MOST 1000u

extern const struct body_kind messages_kind;

/* When its targets bear their names. Its data is forgotten, unless there is no memory for the text:
 * then that has no JSON. */
void message_text_write(struct broker_stored_text *text, struct sse_message *message);

struct messages_item {
    struct sse_message *message;    /* a reference */
    struct broker_stored_text text; /* of one that is stored */
};

/* The "made" of a reading. */
struct messages {
    bool is_array, is_other; /* neither an array nor an object */
    size_t count;            /* in the body: above MESSAGES_MOST none was read */
    size_t read;             /* the first so many are items */
    int status; /* 0; or why the next one was not read: as sse_message_from_json(), with a sentence.
                 * -EACCES: the last one is not for the tenants. */
    char fault[400];
    struct messages_item items[];
};

#endif
