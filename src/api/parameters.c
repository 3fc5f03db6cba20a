/* SPDX-License-Identifier: Apache-2.0 */
#include "api/parameters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Beyond it a double holds no whole numbers (ECMAScript's Number.MAX_SAFE_INTEGER). */
#define LARGEST 9007199254740991.0

int64_t api_lenient_number(const char *text, int64_t otherwise)
{
    char *end;
    double number;

    if (!text || text[0] == '\0')
        return otherwise;
    number = strtod(text, &end);
    /* Written so that NaN is refused, too. */
    if (*end != '\0' || !(number >= -LARGEST && number <= LARGEST))
        return otherwise;
    return (int64_t)number;
}

int64_t api_lenient_seconds(const char *text, int64_t otherwise)
{
    const int64_t seconds = api_lenient_number(text, -1);

    return seconds < 0 || seconds > API_MOST_SECONDS ? otherwise : seconds;
}

int api_whole_number(const char *text, uint64_t most, uint64_t *number)
{
    uint64_t value = 0;

    if (text[0] == '\0' || text[strspn(text, "0123456789")] != '\0')
        return -EINVAL;
    for (; *text != '\0' && value <= most; text++) {
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
            value = UINT64_MAX;
    }
    *number = value < most ? value : most;
    return 0;
}
