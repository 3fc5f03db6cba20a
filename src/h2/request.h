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
#include "base/text.h"

struct h2_limits;
struct h2_request_builder;

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

/* The text without the spaces around it; and the same cut where it lies. */
struct word h2_request_word(const char *text, size_t length);
char *h2_request_trim(char *text);

/* Reads a field such as Content-Type or Content-Disposition, `form-data; name="a"; filename=b`,
 * whose first word is to be that one, and takes it apart where it lies. values[i], NULL at first,
 * becomes the value of the parameter names[i], without its quotes. 0; -ENOMSG: another first word;
 * -EEXIST: one of them comes twice; -EINVAL: it is no list of parameters. In a quoted value a
 * backslash counts only before a quote that does not have to close it: browsers send others as they
 * are. */
int h2_request_read_field(char *text, const char *first, const char *const *names, char **values,
                          size_t count);

/* Makes a request of the header fields as they are decoded, and enforces our limits while they come
 * in: nghttp2 leaves that to us, and a kilobyte on the wire may decode to megabytes. Once a limit
 * is exceeded nothing more is copied. Trailers are held to the same limits. */
struct h2_request_builder *h2_request_builder_new(const struct h2_limits *limits);
void h2_request_builder_free(struct h2_request_builder *builder); /* accepts NULL */

void h2_request_builder_add(struct h2_request_builder *builder, const uint8_t *name,
                            size_t name_length, const uint8_t *value, size_t value_length);

/* The fields go so far beyond their limits that not even decoding the rest is bearable. */
bool h2_request_builder_is_flooded(const struct h2_request_builder *builder);
/* It has to be refused for what its fields do not show. Unless it has to be already. text is
 * borrowed. */
void h2_request_builder_refuse(struct h2_request_builder *builder, int status, const char *text);
/* Nothing more of the block will come: it is refused at any rate. */
void h2_request_builder_stop(struct h2_request_builder *builder);

/* The status with which the fields so far have to be refused, and why; 0: none. */
int h2_request_builder_fault(const struct h2_request_builder *builder, const char **text);

/* The request, with fault and fault_text set when it has to be refused. Frees the builder. */
struct h2_request *h2_request_builder_finish(struct h2_request_builder *builder);

void h2_request_free(struct h2_request *request); /* accepts NULL */

#endif
