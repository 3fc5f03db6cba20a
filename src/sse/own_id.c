/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/own_id.h"

#include <pthread.h>
#include <string.h>

#include "base/random.h"
#include "base/text.h"

#define EPOCH_DIGITS  ((size_t)SSE_EPOCH_SIZE - 1)
#define NUMBER_DIGITS 16u

static const char *const marks[SSE_OWN_ID_KINDS] = {
    [SSE_OWN_ID_NONE] = "",
    [SSE_OWN_ID_MESSAGE] = "",
    [SSE_OWN_ID_STORED] = "q",
    [SSE_OWN_ID_POSITION] = "p",
};

static char own_epoch[SSE_EPOCH_SIZE];
static pthread_once_t epoch_once = PTHREAD_ONCE_INIT;

static void draw_own_epoch(void)
{
    random_hex(own_epoch, SSE_EPOCH_BYTES);
}

void sse_own_id_write_of(char id[SSE_OWN_ID_SIZE], const char *epoch, enum sse_own_id_kind kind,
                         uint64_t number)
{
    (void)digits_write(stpcpy(stpcpy(stpcpy(id, epoch), "-"), marks[kind]), number, 16);
}

void sse_own_id_write(char id[SSE_OWN_ID_SIZE], enum sse_own_id_kind kind, uint64_t number)
{
    (void)pthread_once(&epoch_once, draw_own_epoch);
    sse_own_id_write_of(id, own_epoch, kind, number);
}

static bool read_number(const char *text, uint64_t *number)
{
    size_t digits = 0;

    *number = 0;
    for (; digits < NUMBER_DIGITS && digits_hex(text[digits]) >= 0; digits++)
        *number = *number << 4 | (uint64_t)digits_hex(text[digits]);
    return digits > 0 && text[digits] == '\0' && (text[0] != '0' || digits == 1);
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

    for (size_t i = 0; i < EPOCH_DIGITS; i++) {
        if (digits_hex(id[i]) < 0)
            return (struct sse_own_id){0};
    }
    if (id[EPOCH_DIGITS] != '-')
        return (struct sse_own_id){0};
    read.kind = read_kind(number);
    number += strlen(marks[read.kind]);
    if (!read_number(number, &read.number))
        return (struct sse_own_id){0};
    (void)pthread_once(&epoch_once, draw_own_epoch);
    read.is_of_this_life = memcmp(id, own_epoch, EPOCH_DIGITS) == 0;
    return read;
}
