/* SPDX-License-Identifier: Apache-2.0 */
#include "base/traceparent.h"

#include <stddef.h>
#include <string.h>

#include "base/text.h"

/* 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 */
#define VERSION_DIGITS 2u
#define TRACE_AT       3u
#define TRACE_DIGITS   32u
#define PARENT_AT      36u
#define PARENT_DIGITS  16u
#define FLAGS_AT       53u
#define FLAGS_DIGITS   2u
#define LENGTH         55u

/* Hex digits in lower case, and a hyphen, or the end, behind them. */
static bool is_hex(const char *text, size_t digits)
{
    for (size_t i = 0; i < digits; i++) {
        if (digits_hex(text[i]) < 0)
            return false;
    }
    return text[digits] == '-' || text[digits] == '\0';
}

static bool is_id(const char *text, size_t digits)
{
    return is_hex(text, digits) && strspn(text, "0") < digits;
}

/* What a later version has behind the flags. */
static bool is_rest(const char *rest)
{
    for (; *rest != '\0'; rest++) {
        if (*rest <= ' ' || *rest > '~')
            return false;
    }
    return true;
}

bool traceparent_is_valid(const char *text)
{
    const size_t length = text ? strlen(text) : 0;

    if (length < LENGTH || length > TRACEPARENT_MOST || strncmp(text, "ff", VERSION_DIGITS) == 0)
        return false;
    if (!is_hex(text, VERSION_DIGITS) || !is_id(text + TRACE_AT, TRACE_DIGITS) ||
        !is_id(text + PARENT_AT, PARENT_DIGITS) || !is_hex(text + FLAGS_AT, FLAGS_DIGITS))
        return false;
    return length == LENGTH || (strncmp(text, "00", VERSION_DIGITS) != 0 && is_rest(text + LENGTH));
}

void traceparent_id(const char *text, char id[TRACEPARENT_ID_SIZE])
{
    id[0] = '\0';
    if (!traceparent_is_valid(text))
        return;
    memcpy(id, text + TRACE_AT, TRACE_DIGITS);
    id[TRACE_DIGITS] = '\0';
}
