/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_RATES_H
#define H2_RATES_H
/*
 * Counts what a client makes us do for nothing: resets, PINGs, SETTINGS, empty or unknown frames.
 * nghttp2 1.52 tells nobody of many of these, so the nine-octet frame headers (RFC 9113 4.1) are
 * read here first, before the bytes go to nghttp2.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ratelimit.h"

struct h2_counters;
struct h2_limits;

/* Counts the fields of a header block (RFC 7541 6) before anything is decoded. nghttp2 decodes
 * whole blocks, those that it ignores too, and tells nobody of the latter; an octet may name a
 * table entry of 4 KiB. Finding where a field begins takes its integers and lengths, neither tables
 * nor Huffman. Zero-filled is the beginning of a block. */
struct h2_header_scan {
    uint32_t fields;  /* begun in this block; table size updates count too */
    uint32_t integer; /* as far as it has come; then the octets left of a string */
    uint8_t shift;
    uint8_t state;
    uint8_t strings; /* of this field, still to come */
};

/* Takes the next octets of the block, in pieces of any size. Returns how many: fewer than length
 * when a field begins there that is more than most. */
size_t h2_header_scan_take(struct h2_header_scan *scan, uint32_t most, const uint8_t *data,
                           size_t length);

struct h2_rates {
    const struct h2_limits *limits;
    struct h2_counters *counters;
    struct ratelimit client_resets, server_resets, glitches, pings, settings, tiny_windows;
    uint32_t unreturned; /* octets of our DATA, which tiny WINDOW_UPDATEs may still give back */
    uint32_t skip;       /* payload octets still to pass by; the preface at first */
    uint32_t unheard;    /* DATA frames and header blocks that nghttp2 has not told of yet */
    uint32_t increment;  /* of a WINDOW_UPDATE, as far as it has come */
    uint8_t have;        /* octets of the next frame header in header[] */
    uint8_t header[9];   /* RFC 9113 4.1 */
    uint8_t lead;        /* octets before what the frame is about: pad length, priority */
    uint8_t padding;     /* octets behind it */
    bool is_padded;      /* the next octet says how many */
    bool in_headers;     /* the latest frame is part of a header block, */
    bool ends_headers;   /* and its last part */
    bool is_oversized;   /* the latest frame: nghttp2 ends the session without a look at it */
    size_t accepted;     /* octets of the latest scan, before the one that exceeded a limit */
    struct h2_header_scan block;
};

enum h2_rates_result {
    H2_RATES_FINE,
    H2_RATES_CALM_DOWN,       /* a limit is exceeded (and counted): end the session */
    H2_RATES_TOO_MANY_FIELDS, /* in a header block; nothing of it is to be decoded any more */
};

/* limits and counters are borrowed. */
void h2_rates_init(struct h2_rates *rates, const struct h2_limits *limits,
                   struct h2_counters *counters, uint64_t now_ms);

/* Looks at received cleartext, in pieces of any size. When the result is not fine, rates->accepted
 * says how much of it still was. */
enum h2_rates_result h2_rates_scan(struct h2_rates *rates, const uint8_t *data, size_t length,
                                   uint64_t now_ms);

/* True while a header block has begun and is not complete. nghttp2 does not tell of the end of one
 * that it ignores. */
bool h2_rates_awaits_headers(const struct h2_rates *rates);

/* The stream of the latest frame. */
int32_t h2_rates_stream(const struct h2_rates *rates);

/* nghttp2 has taken all that was scanned: what is unheard then was for streams that are closed, or
 * behind our GOAWAY. */
enum h2_rates_result h2_rates_settle(struct h2_rates *rates, uint64_t now_ms);

/* We had to reset a stream for what the client did. */
enum h2_rates_result h2_rates_server_reset(struct h2_rates *rates, uint64_t now_ms);
/* A DATA frame was sent: its octets may be given back, on the stream and on the session, in
 * WINDOW_UPDATEs of any size. */
void h2_rates_sent(struct h2_rates *rates, size_t length);
/* There is more to send than the client's window has room for. False, when that makes too many tiny
 * frames: none is made now, which is counted, and nobody's fault. */
bool h2_rates_may_cut(struct h2_rates *rates, size_t room, uint64_t now_ms);
/* What there was too much of, when a result was H2_RATES_CALM_DOWN. */
const char *h2_rates_excess(const struct h2_rates *rates);
/* Something else that is legal but useless. */
enum h2_rates_result h2_rates_glitch(struct h2_rates *rates, uint64_t now_ms);

#endif
