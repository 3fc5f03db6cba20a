/* SPDX-License-Identifier: Apache-2.0 */
#include "load_event.h"

#include <string.h>

#define STAMP_BEGIN '~'
#define STAMP_END   '!'
#define PADDING     'x'

static char *write_hex(char *to, uint64_t value, unsigned digits)
{
    for (unsigned i = digits; i > 0; i--) {
        to[i - 1] = "0123456789abcdef"[value & 15u];
        value >>= 4;
    }
    return to + digits;
}

static bool read_hex(const char **from, unsigned digits, uint64_t *value)
{
    uint64_t result = 0;

    for (unsigned i = 0; i < digits; i++) {
        char c = (*from)[i];

        if (c >= '0' && c <= '9')
            result = result << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            result = result << 4 | (uint64_t)(c - 'a' + 10);
        else
            return false;
    }
    *from += digits;
    *value = result;
    return true;
}

void load_stamp_write(const struct load_stamp *stamp, char to[LOAD_STAMP_LENGTH])
{
    char *end = to + LOAD_STAMP_LENGTH - 1;

    *to++ = STAMP_BEGIN;
    to = write_hex(to, stamp->phase, 2);
    to = write_hex(to, stamp->publisher, 2);
    to = write_hex(to, stamp->target, 8);
    to = write_hex(to, stamp->number, 8);
    to = write_hex(to, stamp->sent, 16);
    memset(to, PADDING, (size_t)(end - to));
    *end = STAMP_END;
}

bool load_stamp_read(struct load_stamp *stamp, const char from[LOAD_STAMP_LENGTH])
{
    uint64_t phase, publisher, target, number, sent;
    const char *at = from + 1;

    if (from[0] != STAMP_BEGIN || from[LOAD_STAMP_LENGTH - 1] != STAMP_END ||
        !read_hex(&at, 2, &phase) || !read_hex(&at, 2, &publisher) || !read_hex(&at, 8, &target) ||
        !read_hex(&at, 8, &number) || !read_hex(&at, 16, &sent))
        return false;
    *stamp = (struct load_stamp){.sent = sent,
                                 .target = (uint32_t)target,
                                 .number = (uint32_t)number,
                                 .phase = (uint8_t)phase,
                                 .publisher = (uint8_t)publisher};
    return true;
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

static size_t scan_stamp(struct load_scanner *scanner, const struct load_scan_handler *handler,
                         const char *data, size_t length)
{
    size_t take = LOAD_STAMP_LENGTH - scanner->have;

    if (take > length)
        take = length;
    memcpy(scanner->stamp + scanner->have, data, take);
    scanner->have = (uint8_t)(scanner->have + take);
    if (scanner->have == LOAD_STAMP_LENGTH) {
        scanner->state = LOAD_SCAN_PADDING;
        scanner->padding = handler->payload - LOAD_STAMP_LENGTH;
        scanner->newline = false;
        scanner->damaged = false;
    }
    return take;
}

static bool is_padding(const char *data, size_t length)
{
    /* Equal to itself one further on, and the first one right: all are. */
    return length == 0 || (data[0] == PADDING && memcmp(data, data + 1, length - 1) == 0);
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

/* Behind the payload its line ends; other fields may follow, until the blank line. That no byte
 * came yet is told by the stamp's length, which nothing else needs here. */
static size_t scan_end(struct load_scanner *scanner, const struct load_scan_handler *handler,
                       const char *data)
{
    struct load_stamp stamp;

    if (*data != '\n') {
        scanner->damaged = scanner->damaged || scanner->have != 0;
        scanner->newline = false;
        scanner->have = 0;
        return 1;
    }
    scanner->have = 0;
    if (!scanner->newline) {
        scanner->newline = true;
        return 1;
    }
    scanner->state = LOAD_SCAN_SEEK;
    if (load_stamp_read(&stamp, scanner->stamp))
        handler->on_event(handler->context, &stamp, scanner->damaged);
    return 1;
}

void load_scan(struct load_scanner *scanner, const struct load_scan_handler *handler,
               const char *data, size_t length)
{
    while (length > 0) {
        size_t done = 0;

        switch ((enum load_scan_state)scanner->state) {
        case LOAD_SCAN_SEEK:
            done = scan_seek(scanner, data, length);
            break;
        case LOAD_SCAN_STAMP:
            done = scan_stamp(scanner, handler, data, length);
            break;
        case LOAD_SCAN_PADDING:
            done = scan_padding(scanner, data, length);
            break;
        case LOAD_SCAN_END:
            done = scan_end(scanner, handler, data);
            break;
        }
        data += done;
        length -= done;
    }
}

enum load_order load_sequence_take(struct load_sequence *sequence, uint32_t number)
{
    uint32_t back;
    uint64_t bit;

    if (number >= sequence->next) {
        uint32_t ahead = number - sequence->next + 1;

        sequence->seen = (ahead < 64 ? sequence->seen << ahead : 0) | 1u;
        sequence->next = number + 1;
        return LOAD_IN_ORDER;
    }
    back = sequence->next - 1 - number;
    bit = back < 64 ? 1ull << back : 0;
    if (bit == 0 || (sequence->seen & bit) != 0)
        return LOAD_DUPLICATED;
    sequence->seen |= bit;
    return LOAD_DISORDERED;
}
