/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOAD_CONNECTION_H
#define LOAD_CONNECTION_H
/*
 * One TLS session to the server under load, and the calls (requests) on it. HTTP/2's windows are as
 * large as a browser's, so that window updates cost nothing; who does not read is felt through TCP.
 */
#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "load_socket.h"

struct load_exchange;

/* Watches all connections. As in the server, callbacks only queue: a turn reads what has come, then
 * flushes each connection once. */
struct load_poller {
    int fd;
    struct list dirty;            /* connections that have something to send */
    struct buf path;              /* of the request that is being written */
    unsigned char scratch[16384]; /* what a connection has just decrypted */
};

int load_poller_init(struct load_poller *poller); /* 0 or a negative errno */
void load_poller_release(struct load_poller *poller);

/* Waits that long at the most, then serves what is ready. */
void load_poller_turn(struct load_poller *poller, uint64_t wait_ns);

/* What is queued leaves now rather than at the end of a turn. */
void load_poller_flush(struct load_poller *poller);

/* One request and what comes back. Embedded in what it is for, and owned by that; after
 * load_connection_submit() it stays in place until on_close. */
struct load_call {
    struct list node; /* in its connection's calls; at other times its owner's */
    struct load_connection *connection;
    void *owner;
    void (*on_answer)(struct load_call *call); /* status is known; may be NULL */
    void (*on_data)(struct load_call *call, const char *data, size_t length); /* may be NULL */
    void (*on_close)(struct load_call *call); /* exactly once; status 0 when there was no answer */
    struct buf body;                          /* of the request, filled in by who submits */
    size_t body_sent;
    uint64_t started; /* load_now() of the submission */
    int status;
};

/* How far an answer by HTTP/1.1 has been read. Zero-filled: its status line is next. */
struct load_http1 {
    enum { LOAD_HEAD, LOAD_SIZE, LOAD_CHUNK, LOAD_CHUNK_END } phase;
    size_t left;     /* of the chunk, or of the CR LF behind it */
    unsigned ends;   /* octets of the CR LF CR LF that end the head */
    unsigned octets; /* of the status line, as far as the status */
    int status;
};

struct load_connection {
    struct list dirty; /* in the poller's list while something waits to be flushed */
    struct load_poller *poller;
    const struct load_endpoint *endpoint;
    void (*on_open)(struct load_connection *connection);  /* calls may be submitted; may be NULL */
    void (*on_close)(struct load_connection *connection); /* after the on_close of all its calls */
    struct load_socket socket;
    SSL *ssl;
    nghttp2_session *http; /* NULL by HTTP/1.1, and while it is not open */
    struct load_http1 http1;
    struct list calls; /* that are not closed yet */
    struct buf output; /* frames that TLS has not taken yet */
    uint32_t interest; /* what epoll watches */
    enum { LOAD_CLOSED, LOAD_HANDSHAKE, LOAD_OPEN } state;
    bool is_http1;     /* set by the caller: one event stream by HTTP/1.1, and nothing else */
    bool stalled;      /* does not read */
    const char *fault; /* why it closed; static text */
};

/* poller, endpoint, on_open and on_close are set by the caller, the rest is zero-filled.
 * receive_buffer: bytes of SO_RCVBUF, 0 for the system's. 0 or a negative errno. */
int load_connection_open(struct load_connection *connection, int receive_buffer);

/* Ends it without a word to on_close; what is still unanswered is closed. Idempotent. */
void load_connection_release(struct load_connection *connection);

/* Queues the request, with the body that the call holds; the number is for the path. 0 or -EPIPE.
 */
int load_connection_submit(struct load_connection *connection, struct load_call *call,
                           const struct load_exchange *exchange, uint32_t number);

/* Writes what is queued, as far as windows and the socket allow. */
void load_connection_flush(struct load_connection *connection);

/* From now on it does not read. */
void load_connection_stall(struct load_connection *connection);

/*
 * The HTTP half (load_http.c): between decrypted bytes and calls. Does no I/O.
 */
int load_http_open(struct load_connection *connection); /* 0 or -ENOMEM */
int load_http_submit(struct load_connection *connection, struct load_call *call,
                     const struct load_exchange *exchange, uint32_t number); /* 0 or -EPIPE */

/* NULL, or why the session cannot go on (static text). */
const char *load_http_receive(struct load_connection *connection, const unsigned char *data,
                              size_t length);

/* Makes frames of what is queued, as far as windows and a bound allow; they leave with the flush.
 */
void load_http_gather(struct load_connection *connection);

/* Appends a template (load_options.h) to *to, with the number for {n} and {t}. payload: NULL where
 * there is none. */
void load_expand(const char *text, uint32_t number, const struct buf *payload, struct buf *to);

#endif
