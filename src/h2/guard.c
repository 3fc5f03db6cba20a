/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/guard.h"

#include <nghttp2/nghttp2.h>
#include <string.h>

#include "h2/session.h"

#define PREFACE_LENGTH 24u
#define HEADER_LENGTH  9u
/* WINDOW_UPDATE frames that give less than this make us frame crumbs. */
#define TINY_WINDOW 64u

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

    guard->in_headers = type == NGHTTP2_HEADERS || type == NGHTTP2_CONTINUATION;
    guard->ends_headers = flags & NGHTTP2_FLAG_END_HEADERS;
    switch (type) {
    case NGHTTP2_HEADERS:
    case NGHTTP2_CONTINUATION:
    case NGHTTP2_WINDOW_UPDATE:
    case NGHTTP2_GOAWAY:
        return H2_GUARD_FINE;
    case NGHTTP2_DATA:
        guard->unheard++;
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

bool h2_guard_awaits_headers(const struct h2_guard *guard)
{
    return guard->in_headers && (guard->skip > 0 || !guard->ends_headers);
}

void h2_guard_data_heard(struct h2_guard *guard)
{
    guard->unheard--;
}

enum h2_guard_result h2_guard_settle(struct h2_guard *guard, const struct h2_limits *limits,
                                     struct h2_counters *counters, uint64_t now_ms)
{
    enum h2_guard_result result = H2_GUARD_FINE;
    uint32_t incomplete = guard->skip > 0 && guard->header[3] == NGHTTP2_DATA ? 1 : 0;

    for (; guard->unheard > incomplete && result == H2_GUARD_FINE; guard->unheard--)
        result = h2_guard_glitch(guard, limits, counters, now_ms);
    return result;
}

/* Payload goes by, but for the increment of a WINDOW_UPDATE: nghttp2 does not tell of those on
 * streams that have closed. Late ones are no fault, only tiny ones are. */
static enum h2_guard_result pass(struct h2_guard *guard, const struct h2_limits *limits,
                                 struct h2_counters *counters, const uint8_t *data, size_t length,
                                 uint64_t now_ms)
{
    guard->skip -= (uint32_t)length;
    if (guard->header[3] != NGHTTP2_WINDOW_UPDATE)
        return H2_GUARD_FINE;
    for (size_t i = 0; i < length; i++)
        guard->increment = guard->increment << 8 | data[i];
    if (guard->skip > 0 || guard->increment >= TINY_WINDOW)
        return H2_GUARD_FINE;
    return h2_guard_glitch(guard, limits, counters, now_ms);
}

/* Octets of a frame header, which may be its last ones. */
static enum h2_guard_result gather(struct h2_guard *guard, const struct h2_limits *limits,
                                   struct h2_counters *counters, const uint8_t *data, size_t length,
                                   uint64_t now_ms)
{
    const uint8_t *header = guard->header;

    memcpy(guard->header + guard->have, data, length);
    guard->have = (uint8_t)(guard->have + length);
    if (guard->have < HEADER_LENGTH)
        return H2_GUARD_FINE;
    guard->have = 0;
    guard->increment = 0;
    guard->skip = (uint32_t)header[0] << 16 | (uint32_t)header[1] << 8 | header[2];
    return judge(guard, limits, counters, now_ms);
}

enum h2_guard_result h2_guard_scan(struct h2_guard *guard, const struct h2_limits *limits,
                                   struct h2_counters *counters, const uint8_t *data, size_t length,
                                   uint64_t now_ms)
{
    enum h2_guard_result result = H2_GUARD_FINE;

    while (length > 0 && result == H2_GUARD_FINE) {
        bool is_payload = guard->skip > 0;
        size_t step = is_payload ? guard->skip : HEADER_LENGTH - guard->have;
        step = length < step ? length : step;
        result = is_payload ? pass(guard, limits, counters, data, step, now_ms)
                            : gather(guard, limits, counters, data, step, now_ms);
        data += step;
        length -= step;
    }
    return result;
}
