/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/body.h"

#include <errno.h>
#include <stdbool.h>
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

static bool is_mapped(const struct h2_body *body)
{
    return body->capacity > H2_BODY_HEAP;
}

size_t h2_body_capacity(const struct h2_body *body, const struct h2_body_spare *spare, size_t more,
                        size_t most)
{
    size_t needed = body->length + more + 1;
    size_t capacity = body->capacity > 0 ? body->capacity * 2 : FIRST_CAPACITY;

    if (needed <= body->capacity)
        return body->capacity;
    if (capacity > most + 1)
        capacity = most + 1;
    if (capacity < needed)
        capacity = needed;
    if (capacity <= H2_BODY_HEAP)
        return capacity;
    capacity = round_to_pages(capacity);
    return !is_mapped(body) && spare->capacity >= capacity ? spare->capacity : capacity;
}

static void *map(struct h2_body_spare *spare, size_t capacity)
{
    void *data = spare->data;

    if (spare->capacity != capacity)
        return mmap(NULL, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *spare = (struct h2_body_spare){0};
    return data;
}

static void free_data(struct h2_body *body)
{
    if (is_mapped(body))
        munmap(body->data, body->capacity);
    else
        free(body->data);
}

static int grow(struct h2_body *body, struct h2_body_spare *spare, size_t capacity)
{
    void *data;

    if (capacity <= H2_BODY_HEAP) {
        data = mem_realloc(body->data, capacity);
    } else {
        data = map(spare, capacity);
        if (data != MAP_FAILED) {
            memcpy(data, h2_body_text(body), body->length);
            free_data(body);
        }
    }
    if (data == MAP_FAILED)
        return -ENOMEM;
    body->data = data;
    body->capacity = capacity;
    return 0;
}

int h2_body_append(struct h2_body *body, struct h2_body_spare *spare, const char *data,
                   size_t length, size_t most)
{
    const size_t capacity = h2_body_capacity(body, spare, length, most);

    if (capacity > body->capacity && grow(body, spare, capacity) != 0)
        return -ENOMEM;
    memcpy(body->data + body->length, data, length);
    body->length += length;
    body->data[body->length] = '\0';
    return 0;
}

void h2_body_release(struct h2_body *body, struct h2_body_spare *spare)
{
    if (is_mapped(body) && spare->capacity < body->capacity && body->capacity <= H2_BODY_SPARE) {
        h2_body_spare_release(spare);
        *spare = (struct h2_body_spare){body->data, body->capacity};
    } else {
        free_data(body);
    }
    *body = (struct h2_body){0};
}

void h2_body_free(struct h2_body *body)
{
    free_data(body);
    *body = (struct h2_body){0};
}

void h2_body_spare_release(struct h2_body_spare *spare)
{
    if (spare->data)
        munmap(spare->data, spare->capacity);
    *spare = (struct h2_body_spare){0};
}

const char *h2_body_text(const struct h2_body *body)
{
    return body->data ? body->data : "";
}
