/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_LIMITS_H
#define H2_LIMITS_H
/* What clients may take of an endpoint. */
#include <stddef.h>
#include <stdint.h>

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

extern const struct h2_limits h2_limits_default;

#endif
