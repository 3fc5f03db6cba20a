/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_REQUEST_H
#define H2_REQUEST_H
/*
 * What a client asked: method, path, query and header fields, as nghttp2 delivered and we bounded
 * them. All texts are NUL-terminated, valid as long as the request, and free of NUL inside.
 * Owned by its stream, which drops it (h2_stream_forget_request) once a long-lived answer runs.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define H2_NO_CONTENT_LENGTH INT64_MIN

struct h2_header {
    const char *name; /* lower case */
    const char *value;
};

struct h2_request {
    const char *method;
    const char *scheme;
    const char *authority;     /* :authority, else host; "" when neither was sent */
    const char *path;          /* decoded once, dot segments resolved; always starts with '/' */
    const char *query;         /* raw, without '?'; "" when there is none */
    struct h2_header *headers; /* regular fields in order; cookie crumbs joined with "; " */
    size_t header_count;
    int64_t content_length; /* H2_NO_CONTENT_LENGTH when not announced */
    bool has_body;          /* END_STREAM was not on the HEADERS frame */
    int fault;              /* 0, or the status that answers this request: 400, 414, 431, ... */
    const char *fault_text; /* what is wrong and what would be right; set with fault */
    struct buf storage;     /* where the texts lie */
    struct buf told;        /* where fault_text does that names a limit's value */
};

/* The value of a field, or NULL; name in lower case. */
const char *h2_request_header(const struct h2_request *request, const char *name);

/* Copies the value of a cookie into buffer (cut never: too long is absent). NULL when absent. */
const char *h2_request_cookie(const struct h2_request *request, const char *name, char *buffer,
                              size_t size);

/* Whether content-type names this media type; parameters behind ';' and letter case are ignored. */
bool h2_request_is_type(const struct h2_request *request, const char *media_type);

#endif
