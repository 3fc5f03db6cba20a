/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_HEADER_SCAN_H
#define H2_HEADER_SCAN_H
/*
 * Counts the fields of a header block (RFC 7541 6) before anything is decoded. nghttp2 decodes
 * whole blocks, those that it ignores too, and tells nobody of the latter; an octet may name a
 * table entry of 4 KiB. Finding where a field begins takes its integers and lengths, neither tables
 * nor Huffman.
 */
#include <stddef.h>
#include <stdint.h>

struct h2_header_scan {
    uint32_t fields;  /* begun in this block; table size updates count too */
    uint32_t integer; /* as far as it has come; then the octets left of a string */
    uint8_t shift;
    uint8_t state;
    uint8_t strings; /* of this field, still to come */
};

/* A block begins. */
void h2_header_scan_begin(struct h2_header_scan *scan);

/* Takes the next octets of the block, in pieces of any size. Returns how many: fewer than length
 * when a field begins there that is more than most. */
size_t h2_header_scan_take(struct h2_header_scan *scan, uint32_t most, const uint8_t *data,
                           size_t length);

#endif
