/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/guard.h"

#include <nghttp2/nghttp2.h>
#include <string.h>

#include "h2/counters.h"
#include "h2/limits.h"

#define PREFACE_LENGTH 24u
#define HEADER_LENGTH  9u
/* WINDOW_UPDATE frames that give less than this make us frame crumbs. */
#define TINY_WINDOW 64u
/* The most that is remembered of what they may give back: both windows' first size (RFC
 * 9113 6.9.2).
 */
#define MOST_UNRETURNED ((size_t)2 * NGHTTP2_INITIAL_WINDOW_SIZE)
/* Of limits->header_fields: a request that has more than those is answered with 431, and its block
 * decoded to the end, since both sides' tables depend on it; with so many times more it is not. */
#define MOST_FIELDS     2u
#define PRIORITY_LENGTH 5u     /* RFC 9113 6.2 */
#define FRAME_LENGTH    16384u /* our SETTINGS_MAX_FRAME_SIZE */

void h2_guard_init(struct h2_guard *guard, const struct h2_limits *limits, uint64_t now_ms)
{
    memset(guard, 0, sizeof(*guard));
    guard->skip = PREFACE_LENGTH;
    ratelimit_init(&guard->client_resets, &limits->client_resets, now_ms);
    ratelimit_init(&guard->server_resets, &limits->server_resets, now_ms);
    ratelimit_init(&guard->glitches, &limits->glitches, now_ms);
    ratelimit_init(&guard->pings, &limits->pings, now_ms);
    ratelimit_init(&guard->settings, &limits->settings, now_ms);
    ratelimit_init(&guard->tiny_windows, &limits->tiny_windows, now_ms);
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

void h2_guard_sent(struct h2_guard *guard, size_t length)
{
    size_t octets = guard->unreturned + 2 * length;

    guard->unreturned = octets < MOST_UNRETURNED ? (uint32_t)octets : MOST_UNRETURNED;
}

bool h2_guard_may_cut(struct h2_guard *guard, const struct h2_limits *limits,
                      struct h2_counters *counters, size_t room, uint64_t now_ms)
{
    if (room >= TINY_WINDOW || ratelimit_take(&guard->tiny_windows, &limits->tiny_windows, now_ms))
        return true;
    counters->tiny_window_waits++;
    return false;
}

static enum h2_guard_result judge(struct h2_guard *guard, const struct h2_limits *limits,
                                  struct h2_counters *counters, uint64_t now_ms)
{
    uint8_t type = guard->header[3];
    uint8_t flags = guard->header[4];

    guard->in_headers = type == NGHTTP2_HEADERS || type == NGHTTP2_CONTINUATION;
    guard->ends_headers = flags & NGHTTP2_FLAG_END_HEADERS;
    guard->is_oversized = guard->skip > FRAME_LENGTH;
    guard->lead = 0;
    guard->padding = 0;
    switch (type) {
    case NGHTTP2_HEADERS:
        guard->unheard++;
        h2_header_scan_begin(&guard->block);
        guard->is_padded = flags & NGHTTP2_FLAG_PADDED;
        guard->lead = (uint8_t)((guard->is_padded ? 1u : 0u) +
                                (flags & NGHTTP2_FLAG_PRIORITY ? PRIORITY_LENGTH : 0u));
        return H2_GUARD_FINE;
    case NGHTTP2_CONTINUATION:
    case NGHTTP2_WINDOW_UPDATE:
        return H2_GUARD_FINE;
    case NGHTTP2_DATA:
        guard->unheard++;
        guard->is_padded = flags & NGHTTP2_FLAG_PADDED;
        guard->lead = guard->is_padded ? 1 : 0;
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
    default: /* PRIORITY, PUSH_PROMISE, GOAWAY and what we do not know */
        return h2_guard_glitch(guard, limits, counters, now_ms);
    }
}

bool h2_guard_awaits_headers(const struct h2_guard *guard)
{
    return guard->in_headers && (guard->skip > 0 || !guard->ends_headers);
}

int32_t h2_guard_stream(const struct h2_guard *guard)
{
    const uint8_t *id = &guard->header[5];

    return (int32_t)((uint32_t)(id[0] & 0x7f) << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 |
                     id[3]);
}

void h2_guard_heard(struct h2_guard *guard)
{
    guard->unheard--;
}

enum h2_guard_result h2_guard_settle(struct h2_guard *guard, const struct h2_limits *limits,
                                     struct h2_counters *counters, uint64_t now_ms)
{
    enum h2_guard_result result = H2_GUARD_FINE;
    bool is_heard_later = guard->header[3] == NGHTTP2_DATA || guard->header[3] == NGHTTP2_HEADERS;
    uint32_t incomplete = guard->skip > 0 && is_heard_later ? 1 : 0;

    for (; guard->unheard > incomplete && result == H2_GUARD_FINE; guard->unheard--)
        result = h2_guard_glitch(guard, limits, counters, now_ms);
    return result;
}

/* The octet says how much of the frame is padding, or belongs to a priority. */
static enum h2_guard_result pass_lead(struct h2_guard *guard, const struct h2_limits *limits,
                                      struct h2_counters *counters, uint8_t octet, uint64_t now_ms)
{
    if (guard->is_padded)
        guard->padding = octet;
    guard->is_padded = false;
    guard->lead--;
    guard->skip--;
    bool is_empty_data = guard->header[3] == NGHTTP2_DATA && guard->skip <= guard->padding &&
                         !(guard->header[4] & NGHTTP2_FLAG_END_STREAM);
    return is_empty_data ? h2_guard_glitch(guard, limits, counters, now_ms) : H2_GUARD_FINE;
}

static enum h2_guard_result pass_block(struct h2_guard *guard, const struct h2_limits *limits,
                                       const uint8_t *data, size_t length)
{
    size_t left = guard->skip > guard->padding ? guard->skip - guard->padding : 0;
    size_t step = length < left ? length : left;
    uint32_t most = (uint32_t)limits->header_fields * MOST_FIELDS;
    size_t taken = h2_header_scan_take(&guard->block, most, data, step);

    guard->skip -= (uint32_t)length;
    if (taken == step)
        return H2_GUARD_FINE;
    guard->accepted += taken;
    return H2_GUARD_TOO_MANY_FIELDS;
}

/* nghttp2 does not tell of WINDOW_UPDATE frames on streams that have closed. Late ones are no
 * fault, only tiny ones are that give back more than we have sent. */
static enum h2_guard_result pass_increment(struct h2_guard *guard, const struct h2_limits *limits,
                                           struct h2_counters *counters, const uint8_t *data,
                                           size_t length, uint64_t now_ms)
{
    guard->skip -= (uint32_t)length;
    for (size_t i = 0; i < length; i++)
        guard->increment = guard->increment << 8 | data[i];
    if (guard->skip > 0)
        return H2_GUARD_FINE;
    guard->increment &= INT32_MAX; /* the first bit is reserved */
    if (guard->increment >= TINY_WINDOW)
        return H2_GUARD_FINE;
    if (guard->increment > 0 && guard->increment <= guard->unreturned) {
        guard->unreturned -= guard->increment;
        return H2_GUARD_FINE;
    }
    return h2_guard_glitch(guard, limits, counters, now_ms);
}

static enum h2_guard_result pass(struct h2_guard *guard, const struct h2_limits *limits,
                                 struct h2_counters *counters, const uint8_t *data, size_t length,
                                 uint64_t now_ms)
{
    if (guard->lead > 0)
        return pass_lead(guard, limits, counters, data[0], now_ms);
    if (guard->in_headers && !guard->is_oversized)
        return pass_block(guard, limits, data, length);
    if (guard->header[3] == NGHTTP2_WINDOW_UPDATE)
        return pass_increment(guard, limits, counters, data, length, now_ms);
    guard->skip -= (uint32_t)length;
    return H2_GUARD_FINE;
}

/* How much of length belongs together. */
static size_t step_of(const struct h2_guard *guard, size_t length)
{
    size_t step = guard->skip > 0 ? guard->skip : HEADER_LENGTH - guard->have;

    if (guard->skip > 0 && guard->lead > 0)
        return 1;
    return length < step ? length : step;
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
    guard->accepted = 0;
    while (guard->accepted < length) {
        const uint8_t *next = data + guard->accepted;
        size_t step = step_of(guard, length - guard->accepted);
        enum h2_guard_result result = guard->skip > 0
                                          ? pass(guard, limits, counters, next, step, now_ms)
                                          : gather(guard, limits, counters, next, step, now_ms);
        if (result != H2_GUARD_FINE)
            return result;
        guard->accepted += step;
    }
    return H2_GUARD_FINE;
}

const char *h2_guard_excess(const struct h2_guard *guard)
{
    const struct {
        const struct ratelimit *bucket;
        const char *text;
    } excesses[] = {
        {&guard->client_resets, "it resets too many streams"},
        {&guard->server_resets, "it makes us reset too many streams"},
        {&guard->pings, "it sends too many PING frames"},
        {&guard->settings, "it sends too many SETTINGS frames"},
    };

    for (size_t i = 0; i < sizeof(excesses) / sizeof(excesses[0]); i++) {
        if (excesses[i].bucket->tokens == 0)
            return excesses[i].text;
    }
    return "it sends too many frames without use";
}
