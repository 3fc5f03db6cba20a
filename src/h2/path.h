/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_PATH_H
#define H2_PATH_H
/*
 * The :path pseudo-header (RFC 9113 8.3.1) taken apart. Decoded exactly once; what could mean two
 * things (%2f, %5c, %00, control octets, ill-formed UTF-8) is refused, never passed on.
 */
#include <stddef.h>

struct buf;

enum h2_path_result {
    H2_PATH_OK,
    H2_PATH_NOT_ABSOLUTE, /* does not start with '/' ("*" of OPTIONS included) */
    H2_PATH_BAD_ESCAPE,   /* '%' without two hex digits */
    H2_PATH_FORBIDDEN,    /* an octet or escape that is refused */
    H2_PATH_ABOVE_ROOT,   /* ".." beyond the first segment */
};

/* Appends the decoded, dot-resolved path to *path; *query points into raw behind '?' or at its end.
 * "//" and a final "/" are kept as they are (they are other paths). raw is NUL-terminated. */
enum h2_path_result h2_path_parse(const char *raw, struct buf *path, const char **query);

/* A sentence for the client; "" for H2_PATH_OK. */
const char *h2_path_explain(enum h2_path_result result);

#endif
