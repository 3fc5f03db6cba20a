/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"

#define BUF_FIRST_CAPACITY 64u

void buf_reserve(struct buf *buf, size_t more)
{
    size_t capacity = buf->capacity > 0 ? buf->capacity : BUF_FIRST_CAPACITY;
    size_t needed;

    if (__builtin_add_overflow(buf->length, more, &needed) || needed == SIZE_MAX)
        needed = SIZE_MAX - 1; /* more than there can be: mem_realloc ends it */
    needed++;
    if (needed <= buf->capacity)
        return;
    while (capacity < needed)
        capacity = capacity <= SIZE_MAX / 2 ? capacity * 2 : SIZE_MAX;
    buf->data = mem_realloc(buf->data, capacity);
    buf->capacity = capacity;
    buf->data[buf->length] = '\0';
}

void buf_append(struct buf *buf, const void *data, size_t length)
{
    if (length == 0)
        return;
    buf_reserve(buf, length);
    memcpy(buf->data + buf->length, data, length);
    buf->length += length;
    buf->data[buf->length] = '\0';
}

void buf_append_str(struct buf *buf, const char *text)
{
    buf_append(buf, text, strlen(text));
}

void buf_append_char(struct buf *buf, char c)
{
    buf_append(buf, &c, 1);
}

static int append_formatted(struct buf *buf, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

static int append_formatted(struct buf *buf, const char *format, va_list arguments)
{
    size_t room = buf->capacity - buf->length;
    int length = vsnprintf(buf->data + buf->length, room, format, arguments);

    assert(length >= 0);
    if ((size_t)length >= room) {
        buf->data[buf->length] = '\0';
        return length;
    }
    buf->length += (size_t)length;
    return 0;
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list arguments;
    int needed;

    buf_reserve(buf, BUF_FIRST_CAPACITY);
    va_start(arguments, format);
    needed = append_formatted(buf, format, arguments);
    va_end(arguments);
    if (needed == 0)
        return;
    buf_reserve(buf, (size_t)needed);
    va_start(arguments, format);
    needed = append_formatted(buf, format, arguments);
    va_end(arguments);
    assert(needed == 0);
}

void buf_consume(struct buf *buf, size_t length)
{
    assert(length <= buf->length);
    if (length == 0)
        return;
    buf->length -= length;
    memmove(buf->data, buf->data + length, buf->length + 1);
}

void buf_clear(struct buf *buf)
{
    buf->length = 0;
    if (buf->data != NULL)
        buf->data[0] = '\0';
}

void buf_release(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf)BUF_INIT;
}

const char *buf_str(const struct buf *buf)
{
    return buf->data != NULL ? buf->data : "";
}

char *buf_detach(struct buf *buf)
{
    char *data = buf->data != NULL ? buf->data : mem_strdup("");

    *buf = (struct buf)BUF_INIT;
    return data;
}

struct bytes *buf_freeze(struct buf *buf)
{
    struct bytes *bytes = bytes_new(buf->data, buf->length);

    buf_release(buf);
    return bytes;
}
