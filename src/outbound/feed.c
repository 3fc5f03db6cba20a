/* SPDX-License-Identifier: Apache-2.0 */
#include "outbound/feed.h"

#include <string.h>

void outbound_feed_add(struct outbound_feed *feed, const void *data, size_t length)
{
    if (feed->begin > 0 && feed->held.length + length >= feed->held.capacity) {
        buf_consume(&feed->held, feed->begin);
        feed->begin = 0;
    }
    buf_append(&feed->held, data, length);
    feed->fed += length;
}

size_t outbound_feed_take(struct outbound_feed *feed, char *to, size_t size)
{
    size_t length = outbound_feed_waiting(feed);

    if (length > size)
        length = size;
    if (length == 0)
        return 0;
    memcpy(to, feed->held.data + feed->begin, length);
    feed->begin += length;
    feed->taken += length;
    /* Moved only when the half of it has gone: so each byte is moved once on average. */
    if (feed->begin == feed->held.length) {
        buf_clear(&feed->held);
        feed->begin = 0;
    } else if (feed->begin > feed->held.length / 2) {
        buf_consume(&feed->held, feed->begin);
        feed->begin = 0;
    }
    return length;
}

void outbound_feed_release(struct outbound_feed *feed)
{
    buf_release(&feed->held);
    feed->begin = 0;
}
