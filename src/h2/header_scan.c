/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/header_scan.h"

#include <stdbool.h>
#include <string.h>

/* nghttp2 takes no longer string (NGHTTP2_HD_MAX_NV); with one the session is at its end. */
#define LONGEST_STRING 65536u

enum state {
    FIELD,  /* the first octet of a field */
    INDEX,  /* more octets of its integer */
    LENGTH, /* the first octet of a string's length */
    LENGTH_REST,
    STRING,
    BROKEN, /* nghttp2 gives up here, and so does the session */
};

void h2_header_scan_begin(struct h2_header_scan *scan)
{
    memset(scan, 0, sizeof(*scan));
}

static void string_ended(struct h2_header_scan *scan)
{
    scan->strings--;
    scan->state = scan->strings > 0 ? LENGTH : FIELD;
}

static void integer_ended(struct h2_header_scan *scan)
{
    if (scan->state == INDEX)
        scan->state = scan->strings > 0 ? LENGTH : FIELD;
    else if (scan->integer > LONGEST_STRING)
        scan->state = BROKEN;
    else if (scan->integer > 0)
        scan->state = STRING;
    else
        string_ended(scan);
}

/* RFC 7541 5.1: the low bits of the first octet, and the octets that follow when all are set. */
static void begin_integer(struct h2_header_scan *scan, enum state state, uint8_t octet,
                          unsigned bits)
{
    uint32_t most = (1u << bits) - 1;

    scan->state = state;
    scan->shift = 0;
    scan->integer = octet & most;
    if (scan->integer < most)
        integer_ended(scan);
}

static void continue_integer(struct h2_header_scan *scan, uint8_t octet)
{
    uint64_t value = scan->integer;

    if (scan->shift < 32)
        value += (uint64_t)(octet & 0x7f) << scan->shift;
    if (scan->shift >= 32 || value > UINT32_MAX) {
        scan->state = BROKEN;
        return;
    }
    scan->integer = (uint32_t)value;
    scan->shift = (uint8_t)(scan->shift + 7);
    if (!(octet & 0x80))
        integer_ended(scan);
}

static void begin_field(struct h2_header_scan *scan, uint8_t octet)
{
    unsigned bits = octet & 0x80 ? 7 : octet & 0x40 ? 6 : octet & 0x20 ? 5 : 4;
    bool is_literal = bits == 6 || bits == 4;

    scan->strings = 0;
    if (is_literal)
        scan->strings = (octet & ((1u << bits) - 1)) == 0 ? 2 : 1; /* 0: the name is new */
    begin_integer(scan, INDEX, octet, bits);
}

static size_t skip_string(struct h2_header_scan *scan, size_t length)
{
    size_t step = length < scan->integer ? length : scan->integer;

    scan->integer -= (uint32_t)step;
    if (scan->integer == 0)
        string_ended(scan);
    return step;
}

size_t h2_header_scan_take(struct h2_header_scan *scan, uint32_t most, const uint8_t *data,
                           size_t length)
{
    for (size_t at = 0; at < length;) {
        if (scan->state == STRING) {
            at += skip_string(scan, length - at);
            continue;
        }
        if (scan->state == BROKEN)
            return length;
        if (scan->state == FIELD && scan->fields++ >= most)
            return at;
        if (scan->state == FIELD)
            begin_field(scan, data[at]);
        else if (scan->state == LENGTH)
            begin_integer(scan, LENGTH_REST, data[at], 7);
        else
            continue_integer(scan, data[at]);
        at++;
    }
    return length;
}
