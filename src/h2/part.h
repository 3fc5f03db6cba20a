/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_PART_H
#define H2_PART_H
/*
 * The header fields of one part of a multipart/form-data body, read one by one (RFC 7578 4).
 * Names are taken as browsers and libraries write them. A text that is no UTF-8, or a transfer
 * encoding that would have to be undone, is refused, not guessed at.
 */
#include <stdbool.h>

#define H2_PART_MAX_FILE_NAME 255u

struct h2_part {
    char *name;
    char *file_name;
    char *content_type;
    bool has_disposition;
};

/* Reads a line without its CRLF, in place. NULL, or (static) what is wrong with it. */
const char *h2_part_read_header(struct h2_part *part, char *line);

/* NULL, or what is missing once all header fields were read. */
const char *h2_part_check(const struct h2_part *part);

void h2_part_release(struct h2_part *part); /* empty and ready for the next part after */

#endif
