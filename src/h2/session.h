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

#include "h2/limits.h"

#define H2_MAX_COMMON_FIELDS 9u

struct budget;
struct h2_field;
struct h2_protocol;
struct h2_response;
struct h2_session;
struct h2_slots;
struct h2_stream;
struct loop;

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
    /* An answer has been given, of which nothing has left; the stream is open. May be NULL. */
    void (*on_answered)(void *context, const struct h2_stream *stream,
                        const struct h2_response *response);
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

struct h2_endpoint_options {
    const struct h2_limits *limits;
    const struct h2_handler *handler;
    /* Besides HTTP/2, sessions of listeners with options.http1 may speak this. Borrowed, or NULL.
     */
    const struct h2_protocol *http1;
    struct h2_slots *slots; /* count its sessions with those of other workers; borrowed, or NULL */
    /* Its streams hold what they hold within this budget, which all workers share; NULL: within one
     * of limits->inbound_bytes. */
    struct budget *budget;
    /* Its sessions share one frame buffer of nghttp2 instead of having their own: only when
     * h2_frame_check() finds nothing against it. */
    bool shares_frames;
};

struct h2_endpoint *h2_endpoint_new(struct loop *loop, const struct h2_endpoint_options *options);
bool h2_endpoint_shares_frames(const struct h2_endpoint *endpoint);
/* Closes and frees every session, at once: not to be called by a handler; streams that somebody
 * holds a reference to stay valid. */
void h2_endpoint_close(struct h2_endpoint *endpoint);
void h2_endpoint_free(struct h2_endpoint *endpoint); /* closed, and no stream is held any more */
/* Other limits, for what begins from now on; sessions that are open have told their clients of the
 * old windows and numbers of streams. False, with nothing changed, when there is no memory. */
bool h2_endpoint_change_limits(struct h2_endpoint *endpoint, const struct h2_limits *limits);
/* How many sessions its slots are for, of all workers; 0: it has none. */
uint32_t h2_endpoint_most_sessions(const struct h2_endpoint *endpoint);
size_t h2_endpoint_inbound_bytes(const struct h2_endpoint *endpoint); /* held now */
/* The oldest slow bodies give way until so many bytes are free, or none is left: those of strangers
 * only, if it is for one. */
void h2_endpoint_make_room(struct h2_endpoint *endpoint, size_t bytes, bool for_stranger);
const struct h2_counters *h2_endpoint_counters(const struct h2_endpoint *endpoint);
/* The server will stop. All goes on, but that clients of HTTP/1.1 are told by each answer that
 * their connection ends with it: so few are left that may ask as it closes. */
void h2_endpoint_announce(struct h2_endpoint *endpoint);
/* The server stops: all sessions, also those that open from now on, are asked to leave
 * (h2/deadlines.c), and each ends when its streams have. */
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
/* "HTTP/2" or "HTTP/1.1", for logs. */
const char *h2_session_protocol(const struct h2_session *session);
/* Whether several requests share it at a time: who has an event stream asks by it, too. */
bool h2_session_is_shared(const struct h2_session *session);
/* Whether a request for this authority came by the wrong connection: h2_tls_is_misdirected(). */
bool h2_session_is_misdirected(const struct h2_session *session, const char *authority);
/* Whether one of its listener's certificates is for that host. */
bool h2_session_has_name(const struct h2_session *session, const char *host);
/* What the listener that it came by is for: the role in its h2_listener_options. */
unsigned h2_session_role(const struct h2_session *session);
/* And its transport_security; "" or NULL: none. */
const char *h2_session_transport_security(const struct h2_session *session);
/* A number that no other session of this process has or had. */
uint64_t h2_session_number(const struct h2_session *session);
/* For handlers that limit what one session may hold: they count here as they like. */
uint32_t *h2_session_handler_count(struct h2_session *session);

#endif
