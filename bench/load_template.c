/* SPDX-License-Identifier: Apache-2.0 */
#include "load_template.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"

static void append_number(struct buf *to, uint32_t number)
{
    char digits[10];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    buf_append(to, digits + at, sizeof(digits) - at);
}

/* How long the placeholder at text is, having appended its value; 0 when it is none. */
static size_t expand_one(const char *text, const struct load_values *values, struct buf *to)
{
    if (strncmp(text, "{payload}", 9) == 0) {
        buf_append(to, values->payload, values->payload_length);
        return 9;
    }
    if (text[1] == '\0' || text[2] != '}')
        return 0;
    switch (text[1]) {
    case 'i':
        append_number(to, values->connection);
        return 3;
    case 's':
        append_number(to, values->stream);
        return 3;
    case 'n':
        append_number(to, values->number);
        return 3;
    case 't':
        append_number(to, values->target);
        return 3;
    default:
        return 0;
    }
}

void load_template_expand(const char *text, const struct load_values *values, struct buf *to)
{
    while (*text != '\0') {
        size_t plain = strcspn(text, "{");
        size_t special;

        buf_append(to, text, plain);
        text += plain;
        if (*text == '\0')
            break;
        special = expand_one(text, values, to);
        if (special == 0) {
            buf_append_char(to, '{');
            special = 1;
        }
        text += special;
    }
}
