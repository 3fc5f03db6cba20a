/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_MESSAGE_H
#define SSE_MESSAGE_H
/*
 * What + whom. The one JSON form of a message is what is POSTed to "send"; later the cluster
 * forwards it and the store keeps it. Immutable once made.
 */
#include <jansson.h>
#include <stddef.h>

#include "sse/target.h"

struct bytes;

struct sse_message {
    char *id;    /* the sender's, or made by sse_message_make_id */
    char *event; /* the event's name */
    struct sse_target target;
    struct bytes *wire; /* encoded once, here */
};

/* 0, or -EINVAL / -EMSGSIZE with a sentence in fault that names the field; then nothing is held.
 * Fields that no message has are refused. max_data bounds the encoded data in bytes. */
int sse_message_from_json(struct sse_message *message, const json_t *object, size_t max_data,
                          char *fault, size_t fault_size);
void sse_message_release(struct sse_message *message);

/* A fresh id: unique in this process and, through a random epoch, across restarts. Any thread. */
#define SSE_MESSAGE_ID_SIZE 40u
void sse_message_make_id(char id[SSE_MESSAGE_ID_SIZE]);

#endif
