/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_HANDLER_SUBJECT_H
#define API_HANDLER_SUBJECT_H
/*
 * Whom a page's request is for, as the back end that handles it is told: the connection as
 * `connections` shows it, and its user. The connection may live in another worker than the request,
 * so both are noted there, as texts.
 */
#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"

struct api_exchange;
struct sse_connection;
struct sse_user;

struct handler_subject {
    bool has_token;   /* its handler may have the user's whole token */
    bool is_brief;    /* without the connection's header fields and parameters, for what has to fit
                         into a header field itself */
    char *connection; /* JSON; NULL: none was named */
    char *user;       /* JSON; NULL until noted */
};

/* In the worker that has the connection. */
void handler_subject_note(struct handler_subject *subject, const struct api_exchange *exchange,
                          const struct sse_connection *connection);
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
