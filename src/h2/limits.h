/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_LIMITS_H
#define H2_LIMITS_H
/* What clients may take of an endpoint, and what has been counted there. */
#include <stddef.h>
#include <stdint.h>

#include "base/histogram.h"
#include "base/ratelimit.h"

struct h2_limits {
    uint32_t concurrent_streams;         /* 100 */
    size_t header_fields;                /* 100 */
    size_t header_list_bytes;            /* 16 KiB: names + values + 32 each (RFC 9113 6.5.2) */
    size_t header_field_bytes;           /* 8 KiB, name and value */
    size_t path_bytes;                   /* 4 KiB */
    size_t continuations;                /* 2 */
    uint32_t stream_window;              /* 64 KiB */
    uint32_t session_window;             /* 1 MiB */
    size_t session_body_bytes;           /* 8 MiB: of bodies that are collected, per session */
    size_t inbound_bytes;                /* 64 MiB: of what nobody has taken, of all sessions */
    size_t output_soft_bytes;            /* 256 KiB: no more frames are made above it */
    size_t output_hard_bytes;            /* 512 KiB: nothing more is read above it */
    uint32_t unsent_bytes;               /* 128 KiB: that the kernel takes ahead of the network */
    uint32_t send_buffer_bytes;          /* 512 KiB: that it holds, with what is on its way */
    size_t outbound_frames;              /* 1000 waiting inside nghttp2 */
    size_t outbound_acks;                /* 100 */
    size_t settings_entries;             /* 16 */
    struct ratelimit_rule client_resets; /* 200, 20/s */
    struct ratelimit_rule server_resets; /* 100, 10/s */
    struct ratelimit_rule glitches;      /* 1000, 33/s */
    struct ratelimit_rule pings;         /* 20, 1/s */
    struct ratelimit_rule settings;      /* 10, 1/s */
    struct ratelimit_rule tiny_windows;  /* 10000, 5000/s: DATA frames that they make us cut */
    uint32_t handshake_ms;               /* 5 s; the PROXY header has as much for itself */
    uint32_t preface_ms;                 /* 5 s */
    uint32_t settings_ack_ms;            /* 10 s */
    uint32_t headers_ms;                 /* 10 s */
    uint32_t body_idle_ms;               /* 10 s */
    uint32_t body_floor;                 /* bytes per second after body_idle_ms: 1 KiB */
    uint32_t idle_ms;                    /* 180 s without any stream */
    uint32_t write_stall_ms;             /* 30 s without progress */
    uint32_t ping_ms;                    /* 24 s, +5 % */
    uint32_t ping_ack_ms;                /* 10 s */
    size_t sessions;                     /* per worker; a newcomer above it is closed */
    uint32_t address_sessions;           /* of one address, for h2_slots_new() */
    size_t handshakes;                   /* at work per worker; above it clients wait */
    uint32_t handshakes_per_address;     /* 64, of those: see h2/admission.h */
};

/* What there is now, and one counter per bound and per policy. Written by one worker's thread, read
 * there too. */
struct h2_counters {
    uint64_t sessions, streams; /* open ones */
    uint64_t output_bytes;      /* waiting for sockets */
    uint64_t socket_bytes;      /* in the kernel, of sessions whose sockets take no more */
    uint64_t sessions_opened, sessions_closed;
    uint64_t http1_sessions;   /* of these, such as turned out to speak another HTTP than HTTP/2 */
    uint64_t http1_streams;    /* of streams_opened */
    uint64_t sessions_refused; /* over limits.sessions, or over what descriptors allow */
    uint64_t address_sessions_refused; /* over limits.addressSessions */
    uint64_t sessions_evicted;         /* idle, closed for a newcomer */
    uint64_t accept_errors;            /* EMFILE and the like */
    uint64_t handshake_failures, handshake_timeouts;
    uint64_t handshake_waits;      /* at limits.handshakes or handshakes_per_address */
    uint64_t handshakes_displaced; /* stalled, of a crowded address, in the way of others */
    uint64_t proxy_refusals;       /* by h2_listener_options.proxy_from */
    uint64_t proxy_failures, proxy_timeouts;
    uint64_t preface_timeouts, settings_ack_timeouts, header_timeouts, idle_timeouts;
    uint64_t body_timeouts, write_stalls, ping_timeouts;
    uint64_t client_reset_floods, server_reset_floods, glitch_floods, ping_floods, settings_floods;
    uint64_t outbound_floods;   /* too many frames or ACKs waiting */
    uint64_t late_floods;       /* too much input after our last word */
    uint64_t read_pauses;       /* output above output_hard_bytes */
    uint64_t tiny_window_waits; /* frames not made yet: over tiny_windows */
    uint64_t header_rejects;    /* 431, 414, 400 by header limits */
    uint64_t header_floods;     /* sessions closed for blocks that were not decoded to the end */
    uint64_t body_rejects;      /* 413 */
    uint64_t body_floods;       /* 429, over session_body_bytes */
    uint64_t inbound_refused;   /* 503, over inbound_bytes */
    uint64_t inbound_displaced; /* the same, for a later one */
    uint64_t protocol_errors;   /* sessions closed for what nghttp2 refused */
    uint64_t streams_opened, streams_closed;
    uint64_t streams_reset_by_client, streams_reset_by_server;
    uint64_t bytes_in, bytes_out; /* of the socket's cleartext: frames */
    uint64_t writes;              /* calls that handed bytes to TLS or the socket */
    struct histogram handshakes;  /* of TLS, from the first octet on */
};

#endif
