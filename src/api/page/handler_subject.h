/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_HANDLER_SUBJECT_H
#define API_HANDLER_SUBJECT_H
/*
 * Whom a page's request is for, as the back end that handles it is told: the connection as
 * `connections` shows it, and its user, both as the worker that has the connection has written
 * them.
 */
#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "broker/message.h"

struct api_exchange;
struct sse_user;

struct handler_subject {
    struct broker_telling telling; /* what its handler may know, to ask the connection for */
    struct broker_message *told;   /* what was told; NULL: no connection was named, */
    char *user;                    /* then this, JSON; NULL until noted */
};

/* What was told before is forgotten, unless nothing was asked for now. */
void handler_subject_note(struct handler_subject *subject, const struct broker_message *answer);
/* For a request that names no connection. */
void handler_subject_note_user(struct handler_subject *subject, const struct sse_user *user);
void handler_subject_release(struct handler_subject *subject);

/* {"type","service","path","time","user","connection": the caller appends what is particular to the
 * type, as further members, and the closing brace. */
void handler_subject_open(struct buf *text, const struct api_exchange *exchange, const char *type,
                          const struct handler_subject *subject);

/* The request's query as an object: without connectionId, and without what the service's
 * configuration calls a secret. A new reference. */
json_t *handler_subject_query(const struct api_exchange *exchange);

#endif
