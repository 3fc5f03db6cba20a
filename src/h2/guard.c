/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/guard.h"

#include <nghttp2/nghttp2.h>
#include <string.h>

#include "h2/session.h"

#define PREFACE_LENGTH 24u
#define HEADER_LENGTH  9u

void h2_guard_init(struct h2_guard *guard, const struct h2_limits *limits, uint64_t now_ms)
{
    memset(guard, 0, sizeof(*guard));
    guard->skip = PREFACE_LENGTH;
    ratelimit_init(&guard->client_resets, &limits->client_resets, now_ms);
    ratelimit_init(&guard->server_resets, &limits->server_resets, now_ms);
    ratelimit_init(&guard->glitches, &limits->glitches, now_ms);
    ratelimit_init(&guard->pings, &limits->pings, now_ms);
    ratelimit_init(&guard->settings, &limits->settings, now_ms);
}

static enum h2_guard_result take(struct ratelimit *limit, const struct ratelimit_rule *rule,
                                 uint64_t *counter, uint64_t now_ms)
{
    if (ratelimit_take(limit, rule, now_ms))
        return H2_GUARD_FINE;
    (*counter)++;
    return H2_GUARD_CALM_DOWN;
}

enum h2_guard_result h2_guard_server_reset(struct h2_guard *guard, const struct h2_limits *limits,
                                           struct h2_counters *counters, uint64_t now_ms)
{
    return take(&guard->server_resets, &limits->server_resets, &counters->server_reset_floods,
                now_ms);
}

enum h2_guard_result h2_guard_glitch(struct h2_guard *guard, const struct h2_limits *limits,
                                     struct h2_counters *counters, uint64_t now_ms)
{
    return take(&guard->glitches, &limits->glitches, &counters->glitch_floods, now_ms);
}

static enum h2_guard_result judge(struct h2_guard *guard, const struct h2_limits *limits,
                                  struct h2_counters *counters, uint64_t now_ms)
{
    uint8_t type = guard->header[3];
    uint8_t flags = guard->header[4];

    switch (type) {
    case NGHTTP2_HEADERS:
    case NGHTTP2_CONTINUATION:
    case NGHTTP2_WINDOW_UPDATE:
    case NGHTTP2_GOAWAY:
        return H2_GUARD_FINE;
    case NGHTTP2_DATA:
        if (guard->skip > 0 || (flags & NGHTTP2_FLAG_END_STREAM))
            return H2_GUARD_FINE;
        return h2_guard_glitch(guard, limits, counters, now_ms);
    case NGHTTP2_RST_STREAM:
        return take(&guard->client_resets, &limits->client_resets, &counters->client_reset_floods,
                    now_ms);
    case NGHTTP2_PING:
        if (flags & NGHTTP2_FLAG_ACK)
            return h2_guard_glitch(guard, limits, counters, now_ms);
        return take(&guard->pings, &limits->pings, &counters->ping_floods, now_ms);
    case NGHTTP2_SETTINGS:
        if (flags & NGHTTP2_FLAG_ACK)
            return h2_guard_glitch(guard, limits, counters, now_ms);
        return take(&guard->settings, &limits->settings, &counters->settings_floods, now_ms);
    default: /* PRIORITY, PUSH_PROMISE and what we do not know */
        return h2_guard_glitch(guard, limits, counters, now_ms);
    }
}

enum h2_guard_result h2_guard_scan(struct h2_guard *guard, const struct h2_limits *limits,
                                   struct h2_counters *counters, const uint8_t *data, size_t length,
                                   uint64_t now_ms)
{
    while (length > 0) {
        size_t step;
        if (guard->skip > 0) {
            step = length < guard->skip ? length : guard->skip;
            guard->skip -= (uint32_t)step;
        } else {
            size_t missing = HEADER_LENGTH - guard->have;
            step = length < missing ? length : missing;
            memcpy(guard->header + guard->have, data, step);
            guard->have = (uint8_t)(guard->have + step);
            if (guard->have == HEADER_LENGTH) {
                const uint8_t *header = guard->header;
                guard->have = 0;
                guard->skip = (uint32_t)header[0] << 16 | (uint32_t)header[1] << 8 | header[2];
                if (judge(guard, limits, counters, now_ms) != H2_GUARD_FINE)
                    return H2_GUARD_CALM_DOWN;
            }
        }
        data += step;
        length -= step;
    }
    return H2_GUARD_FINE;
}
