/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOAD_CONNECTION_H
#define LOAD_CONNECTION_H
/*
 * One TLS HTTP/2 session to the server under load, and the calls (requests) on it. Windows are as
 * large as a browser's, so that window updates cost nothing; who does not read is felt through TCP.
 */
#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/list.h"
#include "load_http1.h"
#include "load_tls.h"

struct load_connection;
struct load_poller;

/* One request and what comes back. Embedded in what it is for, and owned by that; after
 * load_connection_submit() it stays in place until on_close. */
struct load_call {
    struct list node; /* in its connection's calls */
    struct load_connection *connection;
    void (*on_answer)(struct load_call *call); /* status is known; may be NULL */
    void (*on_data)(struct load_call *call, const char *data, size_t length); /* may be NULL */
    void (*on_close)(struct load_call *call); /* exactly once; status 0 when there was no answer */
    struct buf path;                          /* both of the request, filled in by who submits; */
    struct buf body;                          /* the memory is kept for the next one */
    size_t body_sent;
    uint64_t started; /* load_now() of the submission */
    int status;
};

struct load_endpoint {
    struct sockaddr_storage address;
    socklen_t address_length;
    const char *authority;
    struct load_tls *tls;
    bool reset; /* connections end by a TCP reset, also when this process is killed */
};

enum load_connection_state {
    LOAD_CONNECTION_IDLE, /* never opened */
    LOAD_CONNECTION_HANDSHAKE,
    LOAD_CONNECTION_OPEN,
    LOAD_CONNECTION_CLOSED,
};

struct load_connection {
    struct list dirty; /* in the poller's list while something waits to be flushed */
    struct load_poller *poller;
    const struct load_endpoint *endpoint;
    void (*on_open)(struct load_connection *connection);  /* calls may be submitted */
    void (*on_close)(struct load_connection *connection); /* after the on_close of all its calls */
    struct load_socket socket;
    SSL *ssl;
    nghttp2_session *http; /* NULL by HTTP/1.1 */
    struct load_http1 http1;
    struct list calls; /* that are not closed yet */
    struct buf output; /* frames that TLS has not taken yet */
    uint32_t interest; /* what epoll watches */
    enum load_connection_state state;
    bool is_http1;     /* set by the caller: one event stream by HTTP/1.1, and nothing else */
    bool stalled;      /* does not read */
    const char *fault; /* why it closed; static text */
};

/* poller, endpoint, on_open and on_close are set by the caller, the rest is zero-filled.
 * receive_buffer: bytes of SO_RCVBUF, 0 for the system's. 0 or a negative errno. */
int load_connection_open(struct load_connection *connection, int receive_buffer);

/* Ends it without a word to on_close; what is still unanswered is closed. Idempotent. */
void load_connection_release(struct load_connection *connection);

/* Queues the request. fields: all header fields, pseudo ones first; copied. 0 or -EPIPE. */
int load_connection_submit(struct load_connection *connection, struct load_call *call,
                           const nghttp2_nv *fields, size_t count);

/* Makes frames of what is queued, as far as windows and a bound allow; they leave with the flush.
 */
void load_connection_gather(struct load_connection *connection);

/* Stops or resumes reading. */
void load_connection_stall(struct load_connection *connection, bool stalled);

/* For the poller. */
void load_connection_on_ready(struct load_connection *connection, uint32_t events);
void load_connection_flush(struct load_connection *connection);

#endif
