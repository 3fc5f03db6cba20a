/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/rates.h"

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <string.h>

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
/* nghttp2 takes no longer string (NGHTTP2_HD_MAX_NV); with one the session is at its end. */
#define LONGEST_STRING 65536u

enum state {
    FIELD,  /* the first octet of a field */
    INDEX,  /* more octets of its integer */
    LENGTH, /* the first octet of a string's length */
    LENGTH_REST,
    STRING,
    BROKEN, /* nghttp2 gives up here, and so does the session */
};

static void string_ended(struct h2_header_scan *scan)
{
    scan->strings--;
    scan->state = scan->strings > 0 ? LENGTH : FIELD;
}

static void integer_ended(struct h2_header_scan *scan)
{
    if (scan->state == INDEX)
        scan->state = scan->strings > 0 ? LENGTH : FIELD;
    else if (scan->integer > LONGEST_STRING)
        scan->state = BROKEN;
    else if (scan->integer > 0)
        scan->state = STRING;
    else
        string_ended(scan);
}

/* RFC 7541 5.1: the low bits of the first octet, and the octets that follow when all are set. */
static void begin_integer(struct h2_header_scan *scan, enum state state, uint8_t octet,
                          unsigned bits)
{
    uint32_t most = (1u << bits) - 1;

    scan->state = state;
    scan->shift = 0;
    scan->integer = octet & most;
    if (scan->integer < most)
        integer_ended(scan);
}

static void continue_integer(struct h2_header_scan *scan, uint8_t octet)
{
    uint64_t value = scan->integer;

    if (scan->shift < 32)
        value += (uint64_t)(octet & 0x7f) << scan->shift;
    if (scan->shift >= 32 || value > UINT32_MAX) {
        scan->state = BROKEN;
        return;
    }
    scan->integer = (uint32_t)value;
    scan->shift = (uint8_t)(scan->shift + 7);
    if (!(octet & 0x80))
        integer_ended(scan);
}

static void begin_field(struct h2_header_scan *scan, uint8_t octet)
{
    unsigned bits = octet & 0x80 ? 7 : octet & 0x40 ? 6 : octet & 0x20 ? 5 : 4;
    bool is_literal = bits == 6 || bits == 4;

    scan->strings = 0;
    if (is_literal)
        scan->strings = (octet & ((1u << bits) - 1)) == 0 ? 2 : 1; /* 0: the name is new */
    begin_integer(scan, INDEX, octet, bits);
}

static size_t skip_string(struct h2_header_scan *scan, size_t length)
{
    size_t step = length < scan->integer ? length : scan->integer;

    scan->integer -= (uint32_t)step;
    if (scan->integer == 0)
        string_ended(scan);
    return step;
}

size_t h2_header_scan_take(struct h2_header_scan *scan, uint32_t most, const uint8_t *data,
                           size_t length)
{
    for (size_t at = 0; at < length;) {
        if (scan->state == STRING) {
            at += skip_string(scan, length - at);
            continue;
        }
        if (scan->state == BROKEN)
            return length;
        if (scan->state == FIELD && scan->fields++ >= most)
            return at;
        if (scan->state == FIELD)
            begin_field(scan, data[at]);
        else if (scan->state == LENGTH)
            begin_integer(scan, LENGTH_REST, data[at], 7);
        else
            continue_integer(scan, data[at]);
        at++;
    }
    return length;
}

void h2_rates_init(struct h2_rates *rates, const struct h2_limits *limits,
                   struct h2_counters *counters, uint64_t now_ms)
{
    memset(rates, 0, sizeof(*rates));
    rates->limits = limits;
    rates->counters = counters;
    rates->skip = PREFACE_LENGTH;
    ratelimit_init(&rates->client_resets, &limits->client_resets, now_ms);
    ratelimit_init(&rates->server_resets, &limits->server_resets, now_ms);
    ratelimit_init(&rates->glitches, &limits->glitches, now_ms);
    ratelimit_init(&rates->pings, &limits->pings, now_ms);
    ratelimit_init(&rates->settings, &limits->settings, now_ms);
    ratelimit_init(&rates->tiny_windows, &limits->tiny_windows, now_ms);
}

static enum h2_rates_result take(struct ratelimit *limit, const struct ratelimit_rule *rule,
                                 uint64_t *counter, uint64_t now_ms)
{
    if (ratelimit_take(limit, rule, now_ms))
        return H2_RATES_FINE;
    (*counter)++;
    return H2_RATES_CALM_DOWN;
}

enum h2_rates_result h2_rates_server_reset(struct h2_rates *rates, uint64_t now_ms)
{
    return take(&rates->server_resets, &rates->limits->server_resets,
                &rates->counters->server_reset_floods, now_ms);
}

enum h2_rates_result h2_rates_glitch(struct h2_rates *rates, uint64_t now_ms)
{
    return take(&rates->glitches, &rates->limits->glitches, &rates->counters->glitch_floods,
                now_ms);
}

void h2_rates_sent(struct h2_rates *rates, size_t length)
{
    size_t octets = rates->unreturned + 2 * length;

    rates->unreturned = octets < MOST_UNRETURNED ? (uint32_t)octets : MOST_UNRETURNED;
}

bool h2_rates_may_cut(struct h2_rates *rates, size_t room, uint64_t now_ms)
{
    if (room >= TINY_WINDOW ||
        ratelimit_take(&rates->tiny_windows, &rates->limits->tiny_windows, now_ms))
        return true;
    rates->counters->tiny_window_waits++;
    return false;
}

static enum h2_rates_result judge(struct h2_rates *rates, uint64_t now_ms)
{
    uint8_t type = rates->header[3];
    uint8_t flags = rates->header[4];

    rates->in_headers = type == NGHTTP2_HEADERS || type == NGHTTP2_CONTINUATION;
    rates->ends_headers = flags & NGHTTP2_FLAG_END_HEADERS;
    rates->is_oversized = rates->skip > FRAME_LENGTH;
    rates->lead = 0;
    rates->padding = 0;
    switch (type) {
    case NGHTTP2_HEADERS:
        rates->unheard++;
        rates->block = (struct h2_header_scan){0};
        rates->is_padded = flags & NGHTTP2_FLAG_PADDED;
        rates->lead = (uint8_t)((rates->is_padded ? 1u : 0u) +
                                (flags & NGHTTP2_FLAG_PRIORITY ? PRIORITY_LENGTH : 0u));
        return H2_RATES_FINE;
    case NGHTTP2_CONTINUATION:
    case NGHTTP2_WINDOW_UPDATE:
        return H2_RATES_FINE;
    case NGHTTP2_DATA:
        rates->unheard++;
        rates->is_padded = flags & NGHTTP2_FLAG_PADDED;
        rates->lead = rates->is_padded ? 1 : 0;
        if (rates->skip > 0 || (flags & NGHTTP2_FLAG_END_STREAM))
            return H2_RATES_FINE;
        return h2_rates_glitch(rates, now_ms);
    case NGHTTP2_RST_STREAM:
        return take(&rates->client_resets, &rates->limits->client_resets,
                    &rates->counters->client_reset_floods, now_ms);
    case NGHTTP2_PING:
        if (flags & NGHTTP2_FLAG_ACK)
            return h2_rates_glitch(rates, now_ms);
        return take(&rates->pings, &rates->limits->pings, &rates->counters->ping_floods, now_ms);
    case NGHTTP2_SETTINGS:
        if (flags & NGHTTP2_FLAG_ACK)
            return h2_rates_glitch(rates, now_ms);
        return take(&rates->settings, &rates->limits->settings, &rates->counters->settings_floods,
                    now_ms);
    default: /* PRIORITY, PUSH_PROMISE, GOAWAY and what we do not know */
        return h2_rates_glitch(rates, now_ms);
    }
}

bool h2_rates_awaits_headers(const struct h2_rates *rates)
{
    return rates->in_headers && (rates->skip > 0 || !rates->ends_headers);
}

int32_t h2_rates_stream(const struct h2_rates *rates)
{
    const uint8_t *id = &rates->header[5];

    return (int32_t)((uint32_t)(id[0] & 0x7f) << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 |
                     id[3]);
}

enum h2_rates_result h2_rates_settle(struct h2_rates *rates, uint64_t now_ms)
{
    enum h2_rates_result result = H2_RATES_FINE;
    bool is_heard_later = rates->header[3] == NGHTTP2_DATA || rates->header[3] == NGHTTP2_HEADERS;
    uint32_t incomplete = rates->skip > 0 && is_heard_later ? 1 : 0;

    for (; rates->unheard > incomplete && result == H2_RATES_FINE; rates->unheard--)
        result = h2_rates_glitch(rates, now_ms);
    return result;
}

/* The octet says how much of the frame is padding, or belongs to a priority. */
static enum h2_rates_result pass_lead(struct h2_rates *rates, uint8_t octet, uint64_t now_ms)
{
    if (rates->is_padded)
        rates->padding = octet;
    rates->is_padded = false;
    rates->lead--;
    rates->skip--;
    bool is_empty_data = rates->header[3] == NGHTTP2_DATA && rates->skip <= rates->padding &&
                         !(rates->header[4] & NGHTTP2_FLAG_END_STREAM);
    return is_empty_data ? h2_rates_glitch(rates, now_ms) : H2_RATES_FINE;
}

static enum h2_rates_result pass_block(struct h2_rates *rates, const uint8_t *data, size_t length)
{
    size_t left = rates->skip > rates->padding ? rates->skip - rates->padding : 0;
    size_t step = length < left ? length : left;
    uint32_t most = (uint32_t)rates->limits->header_fields * MOST_FIELDS;
    size_t taken = h2_header_scan_take(&rates->block, most, data, step);

    rates->skip -= (uint32_t)length;
    if (taken == step)
        return H2_RATES_FINE;
    rates->accepted += taken;
    return H2_RATES_TOO_MANY_FIELDS;
}

/* nghttp2 does not tell of WINDOW_UPDATE frames on streams that have closed. Late ones are no
 * fault, only tiny ones are that give back more than we have sent. */
static enum h2_rates_result pass_increment(struct h2_rates *rates, const uint8_t *data,
                                           size_t length, uint64_t now_ms)
{
    rates->skip -= (uint32_t)length;
    for (size_t i = 0; i < length; i++)
        rates->increment = rates->increment << 8 | data[i];
    if (rates->skip > 0)
        return H2_RATES_FINE;
    rates->increment &= INT32_MAX; /* the first bit is reserved */
    if (rates->increment >= TINY_WINDOW)
        return H2_RATES_FINE;
    if (rates->increment > 0 && rates->increment <= rates->unreturned) {
        rates->unreturned -= rates->increment;
        return H2_RATES_FINE;
    }
    return h2_rates_glitch(rates, now_ms);
}

static enum h2_rates_result pass(struct h2_rates *rates, const uint8_t *data, size_t length,
                                 uint64_t now_ms)
{
    if (rates->lead > 0)
        return pass_lead(rates, data[0], now_ms);
    if (rates->in_headers && !rates->is_oversized)
        return pass_block(rates, data, length);
    if (rates->header[3] == NGHTTP2_WINDOW_UPDATE)
        return pass_increment(rates, data, length, now_ms);
    rates->skip -= (uint32_t)length;
    return H2_RATES_FINE;
}

/* How much of length belongs together. */
static size_t step_of(const struct h2_rates *rates, size_t length)
{
    size_t step = rates->skip > 0 ? rates->skip : HEADER_LENGTH - rates->have;

    if (rates->skip > 0 && rates->lead > 0)
        return 1;
    return length < step ? length : step;
}

/* Octets of a frame header, which may be its last ones. */
static enum h2_rates_result gather(struct h2_rates *rates, const uint8_t *data, size_t length,
                                   uint64_t now_ms)
{
    const uint8_t *header = rates->header;

    memcpy(rates->header + rates->have, data, length);
    rates->have = (uint8_t)(rates->have + length);
    if (rates->have < HEADER_LENGTH)
        return H2_RATES_FINE;
    rates->have = 0;
    rates->increment = 0;
    rates->skip = (uint32_t)header[0] << 16 | (uint32_t)header[1] << 8 | header[2];
    return judge(rates, now_ms);
}

enum h2_rates_result h2_rates_scan(struct h2_rates *rates, const uint8_t *data, size_t length,
                                   uint64_t now_ms)
{
    rates->accepted = 0;
    while (rates->accepted < length) {
        const uint8_t *next = data + rates->accepted;
        size_t step = step_of(rates, length - rates->accepted);
        enum h2_rates_result result =
            rates->skip > 0 ? pass(rates, next, step, now_ms) : gather(rates, next, step, now_ms);
        if (result != H2_RATES_FINE)
            return result;
        rates->accepted += step;
    }
    return H2_RATES_FINE;
}

const char *h2_rates_excess(const struct h2_rates *rates)
{
    const struct {
        const struct ratelimit *bucket;
        const char *text;
    } excesses[] = {
        {&rates->client_resets, "it resets too many streams"},
        {&rates->server_resets, "it makes us reset too many streams"},
        {&rates->pings, "it sends too many PING frames"},
        {&rates->settings, "it sends too many SETTINGS frames"},
    };

    for (size_t i = 0; i < sizeof(excesses) / sizeof(excesses[0]); i++) {
        if (excesses[i].bucket->tokens == 0)
            return excesses[i].text;
    }
    return "it sends too many frames without use";
}
