/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OUTBOUND_FEED_H
#define OUTBOUND_FEED_H
/* A streamed body between its producer and libcurl. Zero-filled is empty and valid. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct outbound_feed {
    struct buf held;
    size_t begin; /* of what has not been taken yet, in held */
    uint64_t fed; /* in all */
    size_t taken; /* and not told to the producer yet */
    bool has_ended;
};

static inline size_t outbound_feed_waiting(const struct outbound_feed *feed)
{
    return feed->held.length - feed->begin;
}

void outbound_feed_add(struct outbound_feed *feed, const void *data, size_t length);
/* Copies up to size bytes; how many. */
size_t outbound_feed_take(struct outbound_feed *feed, char *to, size_t size);
void outbound_feed_release(struct outbound_feed *feed);

#endif
