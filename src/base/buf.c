/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct bytes *bytes_new(const void *data, size_t length)
{
    const size_t overhead = sizeof(struct bytes) + 1;
    struct bytes *bytes;

    /* A length that would wrap is refused as what it is: more than there can be. */
    bytes = mem_alloc(length <= SIZE_MAX - overhead ? length + overhead : SIZE_MAX);
    atomic_init(&bytes->refs, 1);
    bytes->length = length;
    if (length > 0)
        memcpy(bytes->data, data, length);
    bytes->data[length] = '\0';
    return bytes;
}

struct bytes *bytes_ref(struct bytes *bytes)
{
    atomic_fetch_add_explicit(&bytes->refs, 1, memory_order_relaxed);
    return bytes;
}

struct bytes *bytes_unref(struct bytes *bytes)
{
    if (bytes != NULL && atomic_fetch_sub_explicit(&bytes->refs, 1, memory_order_acq_rel) == 1)
        free(bytes);
    return NULL;
}

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
    if (length >= buf->capacity - buf->length)
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
    if (buf->capacity - buf->length < 2)
        buf_reserve(buf, 1);
    buf->data[buf->length++] = c;
    buf->data[buf->length] = '\0';
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list arguments, again;
    size_t room;
    int length;

    buf_reserve(buf, BUF_FIRST_CAPACITY);
    room = buf->capacity - buf->length;
    va_start(arguments, format);
    va_copy(again, arguments);
    length = vsnprintf(buf->data + buf->length, room, format, arguments);
    va_end(arguments);
    assert(length >= 0);
    if ((size_t)length >= room) {
        buf_reserve(buf, (size_t)length);
        (void)vsnprintf(buf->data + buf->length, (size_t)length + 1, format, again);
    }
    va_end(again);
    buf->length += (size_t)length;
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
