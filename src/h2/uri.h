/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_URI_H
#define H2_URI_H
/*
 * The texts of a URI (RFC 3986): its path and its query; and the bodies of forms, which are like
 * queries. All are percent-encoded (2.1), and decoded exactly once.
 */
#include <stddef.h>

#include "base/buf.h"

/* The octet that the "%XX" at text stands for, or -1 when two hex digits do not follow. */
int h2_escape_value(const char *text, size_t length);

/* Of the :path pseudo-header (RFC 9113 8.3.1): what could mean two things (%2f, %5c, %00, control
 * octets, ill-formed UTF-8) is refused, never passed on. */
/* Appends the decoded, dot-resolved path to *path; *query points into raw behind '?' or at its end.
 * "//" and a final "/" are kept as they are (they are other paths). raw is NUL-terminated. NULL, or
 * a sentence for the client (static). */
const char *h2_path_parse(const char *raw, struct buf *path, const char **query);

/* Names and values of a query string or an application/x-www-form-urlencoded body (WHATWG URL,
 * "urlencoded parsing"): '+' is a space. Bounded, order kept, first one wins. */
#define H2_FORM_MAX_FIELDS 100u

struct h2_form_field {
    const char *name;
    const char *value; /* "" when there is no '=' */
};

struct h2_form {
    struct h2_form_field *fields;
    size_t count;
    char *storage;
};

/* 0; or -EINVAL (malformed escape, NUL or ill-formed UTF-8) or -E2BIG (too many fields), then
 * *at is the offset of the fault in text and the form is empty. Zero-filled is empty and valid. */
int h2_form_parse(struct h2_form *form, const char *text, size_t length, size_t *at);
void h2_form_release(struct h2_form *form);

/* Makes one of names and values that come in another form. Zero-filled is empty and valid. */
struct h2_form_maker {
    struct buf texts; /* name, NUL, value, NUL, … */
    size_t count;
};

void h2_form_add(struct h2_form_maker *maker, const char *name, const char *value);
/* What was added is released: 0, or -E2BIG (too many fields). */
int h2_form_make(struct h2_form *form, struct h2_form_maker *maker);

/* The first value of that name, or NULL. */
const char *h2_form_get(const struct h2_form *form, const char *name);

#endif
