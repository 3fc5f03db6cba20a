/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_ESCAPE_H
#define H2_ESCAPE_H
/* Percent-encoding (RFC 3986 2.1), as paths, forms and RFC 8187 parameters use it. */
#include <stddef.h>

/* The octet that the "%XX" at text stands for, or -1 when two hex digits do not follow. */
static inline int h2_escape_value(const char *text, size_t length)
{
    int value = 0;

    if (length < 3)
        return -1;
    for (size_t i = 1; i < 3; i++) {
        char c = text[i];
        int digit;

        if (c >= '0' && c <= '9')
            digit = c - '0';
        else if (c >= 'a' && c <= 'f')
            digit = c - 'a' + 10;
        else if (c >= 'A' && c <= 'F')
            digit = c - 'A' + 10;
        else
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

#endif
