/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_COUNTERS_H
#define H2_COUNTERS_H
#include <stdint.h>

/* One counter per bound and per policy. Written by one worker's thread, read there too. */
struct h2_counters {
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
};

#endif
