/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"

#include <stdint.h>
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
