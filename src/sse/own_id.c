/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/own_id.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"

#define EPOCH_BYTES   8u
#define EPOCH_DIGITS  ((size_t)2 * EPOCH_BYTES)
#define NUMBER_DIGITS 16u
#define HEX           "0123456789abcdef"

static const char *const marks[SSE_OWN_ID_KINDS] = {
    [SSE_OWN_ID_NONE] = "",
    [SSE_OWN_ID_MESSAGE] = "",
    [SSE_OWN_ID_STORED] = "q",
    [SSE_OWN_ID_POSITION] = "p",
};

static char epoch[EPOCH_DIGITS + 1];
static pthread_once_t epoch_once = PTHREAD_ONCE_INIT;

static void draw_epoch(void)
{
    random_hex(epoch, EPOCH_BYTES);
}

void sse_own_id_write(char id[SSE_OWN_ID_SIZE], enum sse_own_id_kind kind, uint64_t number)
{
    (void)pthread_once(&epoch_once, draw_epoch);
    snprintf(id, SSE_OWN_ID_SIZE, "%s-%s%" PRIx64, epoch, marks[kind], number);
}

static bool read_number(const char *text, uint64_t *number)
{
    const size_t digits = strspn(text, HEX);

    if (digits == 0 || digits > NUMBER_DIGITS || text[digits] != '\0' ||
        (text[0] == '0' && digits > 1))
        return false;
    /* Cannot fail: so many digits and nothing else. */
    return sscanf(text, "%" SCNx64, number) == 1;
}

/* What stands behind the dash. No mark is a digit. */
static enum sse_own_id_kind read_kind(const char *text)
{
    for (enum sse_own_id_kind kind = SSE_OWN_ID_STORED; kind < SSE_OWN_ID_KINDS; kind++) {
        if (text[0] == marks[kind][0])
            return kind;
    }
    return SSE_OWN_ID_MESSAGE;
}

struct sse_own_id sse_own_id_read(const char *id)
{
    struct sse_own_id read = {0};
    const char *number = id + EPOCH_DIGITS + 1;

    if (strspn(id, HEX) != EPOCH_DIGITS || id[EPOCH_DIGITS] != '-')
        return (struct sse_own_id){0};
    read.kind = read_kind(number);
    number += strlen(marks[read.kind]);
    if (!read_number(number, &read.number))
        return (struct sse_own_id){0};
    (void)pthread_once(&epoch_once, draw_epoch);
    read.is_of_this_life = memcmp(id, epoch, EPOCH_DIGITS) == 0;
    return read;
}
