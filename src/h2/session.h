/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_SESSION_H
#define H2_SESSION_H
/*
 * One client connection: socket, TLS and nghttp2 session; owns its streams. Reads when the socket
 * is readable, and writes only in the flush at the end of the turn (h2/flush.c), which puts all
 * that is ready for the session, of all its streams, into as few TLS records as hold it.
 * A fatal error travels up to the I/O callback, which marks the session; it is freed in the reap.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/ratelimit.h"

#define H2_MAX_COMMON_FIELDS 6u

struct budget;
struct h2_field;
struct h2_session;
struct h2_slots;
struct h2_stream;
struct loop;

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

/* One counter per bound and per policy. Written by one worker's thread, read there too. */
struct h2_counters {
    uint64_t sessions_opened, sessions_closed;
    uint64_t sessions_refused;         /* over limits.sessions, or over what descriptors allow */
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

/* What runs above HTTP/2. */
struct h2_handler {
    /* The header fields of a request are complete and within limits (request->fault == 0). */
    void (*on_request)(void *context, struct h2_stream *stream);
    /* This layer has to answer with an error; message says what was wrong and what would be right.
     * Must answer. The request may be incomplete (path NULL). */
    void (*on_error)(void *context, struct h2_stream *stream, int status, const char *message);
    /* This worker has nobody left who could give way, and the budget of all workers is at its end:
     * those of the others may (h2_endpoint_make_room). May be NULL. */
    void (*on_full)(void *context, bool for_stranger);
    /* The whole answer has been framed: the request may be forgotten. May be NULL. */
    void (*on_sent)(void *context, struct h2_stream *stream);
    void *context;
    /* Fields that every answer is to have besides its own, those of on_error included: writes at
     * most H2_MAX_COMMON_FIELDS and returns how many. Their texts are copied when it has returned.
     * May be NULL. */
    size_t (*common_fields)(void *context, const struct h2_stream *stream, struct h2_field *fields);
};

/* What all sessions of one worker share. Owned by the worker; outlives its sessions. */
struct h2_endpoint;

struct h2_endpoint *h2_endpoint_new(struct loop *loop, const struct h2_limits *limits,
                                    const struct h2_handler *handler);
/* Counts sessions together with other workers (h2/slots.h). Borrowed; before the first session. */
void h2_endpoint_set_slots(struct h2_endpoint *endpoint, struct h2_slots *slots);
/* Closes and frees every session, at once: not to be called by a handler; streams that somebody
 * holds a reference to stay valid. */
void h2_endpoint_close(struct h2_endpoint *endpoint);
void h2_endpoint_free(struct h2_endpoint *endpoint); /* closed, and no stream is held any more */
/* Its streams hold what they hold within this budget, which all workers share, instead of one of
 * limits.inbound_bytes. Before the first session. */
void h2_endpoint_share_budget(struct h2_endpoint *endpoint, struct budget *budget);
size_t h2_endpoint_inbound_bytes(const struct h2_endpoint *endpoint); /* held now */
/* The oldest slow bodies give way until so many bytes are free, or none is left: those of strangers
 * only, if it is for one. */
void h2_endpoint_make_room(struct h2_endpoint *endpoint, size_t bytes, bool for_stranger);
const struct h2_counters *h2_endpoint_counters(const struct h2_endpoint *endpoint);
size_t h2_endpoint_sessions(const struct h2_endpoint *endpoint); /* open ones */
size_t h2_endpoint_streams(const struct h2_endpoint *endpoint);
size_t h2_endpoint_output_bytes(const struct h2_endpoint *endpoint); /* waiting for sockets */

/* Kernel memory in the send buffers of sessions whose sockets do not take what they have. */
size_t h2_endpoint_socket_bytes(const struct h2_endpoint *endpoint);

/* Stops taking requests: GOAWAY to all, each session ends when its streams have. */
void h2_endpoint_drain(struct h2_endpoint *endpoint);

/* The client's address as text, "127.0.0.1" or "::1"; "unix" for unix sockets. */
const char *h2_session_peer(const struct h2_session *session, char *buffer, size_t size);
/* The TLS that the client speaks: with us, or with a proxy that ends it and said so in a PROXY
 * header.
 * "" for what there is none of. */
struct h2_tls_facts {
    const char *version;     /* "TLSv1.3" */
    const char *cipher;      /* "TLS_AES_128_GCM_SHA256" */
    const char *server_name; /* that the client asked for */
    const char *client_name; /* of the client's certificate, which the proxy has verified */
};
void h2_session_tls(const struct h2_session *session, struct h2_tls_facts *facts); /* borrowed */
/* What the listener that it came by is for: the role in its h2_listener_options. */
unsigned h2_session_role(const struct h2_session *session);
/* And its transport_security; "" or NULL: none. */
const char *h2_session_transport_security(const struct h2_session *session);
/* A number that no other session of this process has or had. */
uint64_t h2_session_number(const struct h2_session *session);
/* For handlers that limit what one session may hold: they count here as they like. */
uint32_t *h2_session_tally(struct h2_session *session);

#endif
