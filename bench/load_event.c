/* SPDX-License-Identifier: Apache-2.0 */
#include "load_event.h"

#include <string.h>

#define STAMP_BEGIN '~'
#define STAMP_END   '!'

/* Up to the padding of the structure: each half of an octet is a letter from 'a' on. */
#define STAMP_OCTETS (offsetof(struct load_stamp, publisher) + 1)
_Static_assert(LOAD_STAMP_LENGTH == 2 * STAMP_OCTETS + 2, "a letter for each half, and the ends");

void load_stamp_write(const struct load_stamp *stamp, char to[LOAD_STAMP_LENGTH])
{
    const unsigned char *octets = (const void *)stamp;

    *to++ = STAMP_BEGIN;
    for (size_t i = 0; i < STAMP_OCTETS; i++) {
        *to++ = (char)('a' + (octets[i] >> 4));
        *to++ = (char)('a' + (octets[i] & 15));
    }
    *to = STAMP_END;
}

static bool stamp_read(struct load_stamp *stamp, const char from[LOAD_STAMP_LENGTH])
{
    unsigned char *octets = (void *)stamp;

    for (size_t i = 0; i < STAMP_OCTETS; i++) {
        const unsigned high = (unsigned)from[2 * i + 1] - 'a';
        const unsigned low = (unsigned)from[2 * i + 2] - 'a';

        if ((high | low) > 15)
            return false;
        octets[i] = (unsigned char)(high << 4 | low);
    }
    return from[LOAD_STAMP_LENGTH - 1] == STAMP_END;
}

static size_t scan_seek(struct load_scanner *scanner, const char *data, size_t length)
{
    const char *begin = memchr(data, STAMP_BEGIN, length);

    if (begin == NULL)
        return length;
    scanner->state = LOAD_SCAN_STAMP;
    scanner->have = 0;
    return (size_t)(begin - data);
}

static size_t scan_stamp(struct load_scanner *scanner, uint32_t payload, const char *data,
                         size_t length)
{
    size_t take = LOAD_STAMP_LENGTH - scanner->have;

    if (take > length)
        take = length;
    memcpy(scanner->stamp + scanner->have, data, take);
    scanner->have = (uint8_t)(scanner->have + take);
    if (scanner->have == LOAD_STAMP_LENGTH) {
        scanner->state = LOAD_SCAN_PADDING;
        scanner->padding = payload - LOAD_STAMP_LENGTH;
        scanner->newline = false;
        scanner->damaged = false;
    }
    return take;
}

static bool is_padding(const char *data, size_t length)
{
    /* Equal to itself one further on, and the first one right: all are. */
    return length == 0 || (data[0] == LOAD_PADDING && memcmp(data, data + 1, length - 1) == 0);
}

static size_t scan_padding(struct load_scanner *scanner, const char *data, size_t length)
{
    size_t take = scanner->padding < length ? scanner->padding : length;

    if (!is_padding(data, take))
        scanner->damaged = true;
    scanner->padding -= (uint32_t)take;
    if (scanner->padding == 0)
        scanner->state = LOAD_SCAN_END;
    return take;
}

/* Behind the payload its line ends; other fields may follow, until the blank line: then it is true.
 * That no byte came yet is told by the stamp's length, which nothing else needs here. */
static bool scan_end(struct load_scanner *scanner, char c)
{
    if (c != '\n') {
        scanner->damaged = scanner->damaged || scanner->have != 0;
        scanner->newline = false;
    } else if (scanner->newline) {
        scanner->state = LOAD_SCAN_SEEK;
        return true;
    } else {
        scanner->newline = true;
    }
    scanner->have = 0;
    return false;
}

bool load_scan(struct load_scanner *scanner, uint32_t payload, const char **data, const char *end,
               struct load_stamp *stamp)
{
    const char *at = *data;
    bool found = false;

    while (at < end && !found) {
        const size_t length = (size_t)(end - at);

        switch (scanner->state) {
        case LOAD_SCAN_SEEK:
            at += scan_seek(scanner, at, length);
            break;
        case LOAD_SCAN_STAMP:
            at += scan_stamp(scanner, payload, at, length);
            break;
        case LOAD_SCAN_PADDING:
            at += scan_padding(scanner, at, length);
            break;
        case LOAD_SCAN_END:
            found = scan_end(scanner, *at++) && stamp_read(stamp, scanner->stamp);
            break;
        }
    }
    *data = at;
    return found;
}
