/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/body.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"

#define FIRST_CAPACITY ((size_t)64)

static size_t round_to_pages(size_t size)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);

    return (size + page - 1) / page * page;
}

size_t h2_body_capacity(const struct h2_body *body, size_t more, size_t most)
{
    size_t needed = body->length + more + 1;
    size_t capacity = body->capacity > 0 ? body->capacity * 2 : FIRST_CAPACITY;

    if (needed <= body->capacity)
        return body->capacity;
    if (capacity > most + 1)
        capacity = most + 1;
    if (capacity < needed)
        capacity = needed;
    return capacity > H2_BODY_HEAP ? round_to_pages(capacity) : capacity;
}

static int grow(struct h2_body *body, size_t capacity)
{
    void *data;

    if (capacity <= H2_BODY_HEAP) {
        data = mem_realloc(body->data, capacity);
    } else if (body->capacity > H2_BODY_HEAP) {
        data = mremap(body->data, body->capacity, capacity, MREMAP_MAYMOVE);
    } else {
        data = mmap(NULL, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (data != MAP_FAILED) {
            memcpy(data, h2_body_text(body), body->length);
            free(body->data);
        }
    }
    if (data == MAP_FAILED)
        return -ENOMEM;
    body->data = data;
    body->capacity = capacity;
    return 0;
}

int h2_body_append(struct h2_body *body, const char *data, size_t length, size_t most)
{
    const size_t capacity = h2_body_capacity(body, length, most);

    if (capacity > body->capacity && grow(body, capacity) != 0)
        return -ENOMEM;
    memcpy(body->data + body->length, data, length);
    body->length += length;
    body->data[body->length] = '\0';
    return 0;
}

void h2_body_release(struct h2_body *body)
{
    if (body->capacity > H2_BODY_HEAP)
        munmap(body->data, body->capacity);
    else
        free(body->data);
    *body = (struct h2_body){0};
}

const char *h2_body_text(const struct h2_body *body)
{
    return body->data ? body->data : "";
}
