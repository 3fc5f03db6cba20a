/* SPDX-License-Identifier: Apache-2.0 */
#include "base/spelling.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#define WRONG_MOST 2u
/* Of names that are shorter one letter may be wrong: else all short names were near. */
#define LENGTH_OF_TWO 6u
#define SHORTEST      3u

static size_t least(size_t one, size_t other)
{
    return one < other ? one : other;
}

static bool is_same(char one, char other, bool any_case)
{
    return one == other ||
           (any_case && tolower((unsigned char)one) == tolower((unsigned char)other));
}

/* One row of the table of distances between the beginnings of two names, from those before it. */
static size_t next_row(const char *one, size_t row, const char *other, size_t length, bool any_case,
                       uint8_t rows[3][SPELLING_MOST + 1])
{
    const uint8_t *before = rows[(row + 2) % 3], *earlier = rows[(row + 1) % 3];
    uint8_t *now = rows[row % 3];
    size_t nearest = row;

    now[0] = (uint8_t)row;
    for (size_t i = 1; i <= length; i++) {
        const size_t wrong = is_same(one[row - 1], other[i - 1], any_case) ? 0 : 1;
        size_t distance = least(least(before[i], now[i - 1]) + 1u, before[i - 1] + wrong);

        if (row > 1 && i > 1 && is_same(one[row - 1], other[i - 2], any_case) &&
            is_same(one[row - 2], other[i - 1], any_case))
            distance = least(distance, earlier[i - 2] + 1u);
        now[i] = (uint8_t)distance;
        nearest = least(nearest, distance);
    }
    return nearest;
}

/* Letters that differ (Damerau and Levenshtein); some number above most when these are more. */
static size_t distance(const char *one, size_t rows, const char *other, size_t length,
                       bool any_case, size_t most)
{
    uint8_t table[3][SPELLING_MOST + 1];

    for (size_t i = 0; i <= length; i++)
        table[0][i] = (uint8_t)i;
    for (size_t row = 1; row <= rows; row++) {
        if (next_row(one, row, other, length, any_case, table) > most)
            return most + 1;
    }
    return table[rows % 3][length];
}

size_t spelling_distance(const char *one, const char *other)
{
    return distance(one, strnlen(one, SPELLING_MOST), other, strnlen(other, SPELLING_MOST), true,
                    SPELLING_MOST);
}

static const char *trim(const char *text, size_t *length)
{
    while (*text == ' ')
        text++;
    *length = strlen(text);
    while (*length > 0 && text[*length - 1] == ' ')
        (*length)--;
    return text;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Names that differ by their numbers are of different things. */
static bool has_same_digits(const char *one, const char *other)
{
    for (;; one++, other++) {
        while (*one != '\0' && !is_digit(*one))
            one++;
        while (*other != '\0' && !is_digit(*other))
            other++;
        if (*one != *other)
            return false;
        if (*one == '\0')
            return true;
    }
}

enum nearness spelling_nearness(const char *one, const char *other)
{
    size_t length, rows, most;

    if (strcmp(one, other) == 0)
        return SPELLING_SAME;
    one = trim(one, &rows);
    other = trim(other, &length);
    if (rows == length && strncasecmp(one, other, length) == 0)
        return SPELLING_OTHER_CASE;
    most = least(rows, length) < LENGTH_OF_TWO ? 1 : WRONG_MOST;
    if (least(rows, length) < SHORTEST || rows > SPELLING_MOST || length > SPELLING_MOST ||
        rows > length + most || length > rows + most || !has_same_digits(one, other))
        return SPELLING_FAR;
    return distance(one, rows, other, length, false, most) <= most ? SPELLING_NEAR : SPELLING_FAR;
}
