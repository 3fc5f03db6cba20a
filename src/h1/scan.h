/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H1_SCAN_H
#define H1_SCAN_H
/*
 * The octets between the data: request line, fields, chunk lines, and where each ends (RFC 9112 2.1
 * and 7.1), read before the parser library sees them. What could end a line or a field elsewhere
 * than we think is refused here: bare CR and LF, NUL and other control characters, a space before a
 * colon, folded lines, a second space in the request line.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum h1_scan_state {
    H1_SCAN_START, /* of a request line; one blank line may come before it */
    H1_SCAN_START_LF,
    H1_SCAN_METHOD_FIRST,
    H1_SCAN_METHOD,
    H1_SCAN_TARGET_FIRST,
    H1_SCAN_TARGET,
    H1_SCAN_VERSION,
    H1_SCAN_VERSION_CR,
    H1_SCAN_LINE_LF, /* of the request line or of a field */
    H1_SCAN_FIELD,   /* the first octet of a line: a field, or the end of all */
    H1_SCAN_NAME,
    H1_SCAN_VALUE,
    H1_SCAN_LAST_LF,
    H1_SCAN_SIZE_FIRST, /* of a chunk */
    H1_SCAN_SIZE,
    H1_SCAN_EXTENSION,
    H1_SCAN_DATA_CR, /* behind a chunk's data */
    H1_SCAN_DATA_LF,
    H1_SCAN_DONE
};

/* Zero-filled is the start of a request. */
struct h1_scan {
    enum h1_scan_state state;
    unsigned position; /* in the version, or digits of a chunk's size */
    size_t octets;     /* of the head, of the trailers, or of all chunk lines' extensions */
    size_t most;       /* of these */
    int fault;         /* the status that answers it; 0: none so far */
    const char *text;  /* what is wrong, and what would be right */
};

/* What comes next. The octets of all extensions of a body count together. */
void h1_scan_expect_request(struct h1_scan *scan, size_t most);
void h1_scan_expect_chunk(struct h1_scan *scan, size_t most_extensions, bool is_first);
void h1_scan_expect_data_end(struct h1_scan *scan);
void h1_scan_expect_trailers(struct h1_scan *scan, size_t most);

/* Takes octets until the part is complete (H1_SCAN_DONE) or one is refused (fault): how many were
 * fine. */
size_t h1_scan_take(struct h1_scan *scan, const char *data, size_t length);

/* Whether an octet of the next request has come. */
bool h1_scan_has_begun(const struct h1_scan *scan);

#endif
