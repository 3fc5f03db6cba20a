/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"

/* One system call serves sixteen ids of 128 bits. Per thread, so that it needs no lock; what was
 * handed out is wiped, so that a later look at the memory does not tell it. */
struct pool {
    unsigned char bytes[256];
    size_t left; /* unused bytes, at the end */
};

static _Thread_local struct pool pool;

static void from_kernel(void *to, size_t length)
{
    unsigned char *at = to;

    while (length > 0) {
        ssize_t got = getrandom(at, length, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            log_error("the kernel gives no random bytes", LOG_INT("errno", errno));
            log_stop(LAST_WORDS_MS);
            abort();
        }
        at += got;
        length -= (size_t)got;
    }
}

void random_bytes(void *to, size_t length)
{
    unsigned char *from;

    if (length > sizeof(pool.bytes)) {
        from_kernel(to, length);
        return;
    }
    if (pool.left < length) {
        from_kernel(pool.bytes, sizeof(pool.bytes));
        pool.left = sizeof(pool.bytes);
    }
    from = pool.bytes + sizeof(pool.bytes) - pool.left;
    memcpy(to, from, length);
    explicit_bzero(from, length);
    pool.left -= length;
}

void random_hex(char *to, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char *raw = (unsigned char *)to + length; /* the upper half, read before overwritten */

    random_bytes(raw, length);
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = raw[i];

        to[2 * i] = digits[byte >> 4];
        to[2 * i + 1] = digits[byte & 0xF];
    }
    to[2 * length] = '\0';
}

uint64_t random_between(uint64_t low, uint64_t high)
{
    uint64_t span = high - low + 1; /* 0: all 2^64 values */
    uint64_t value, excess;

    assert(low <= high);
    random_bytes(&value, sizeof(value));
    if (span == 0)
        return value;
    /* The last, incomplete run of span values would favour the low ones: draw again. */
    excess = (UINT64_MAX % span + 1) % span;
    while (value > UINT64_MAX - excess)
        random_bytes(&value, sizeof(value));
    return low + value % span;
}
