/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_WIRE_H
#define H2_WIRE_H
/*
 * The bytes of one client: a socket, with TLS or without. TLS never touches the socket itself: what
 * was received lies in a buffer that all sessions of the thread share, and what it produces is
 * gathered, so that a turn costs one recv and one send however many records they hold. What the
 * socket does not take is kept here, encrypted: nothing is ever encrypted or framed twice.
 */
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

struct h2_tls_context;

/* What the sessions of one thread share, since only one is read or flushed at a time. */
struct h2_wire_scratch {
    uint8_t *received; /* H2_WIRE_RECEIVE bytes from the socket */
    uint8_t *opened;   /* H2_WIRE_RECORD bytes, decrypted */
    struct buf out;    /* what this flush has for the socket */
};

#define H2_WIRE_RECEIVE ((size_t)64 * 1024)
#define H2_WIRE_RECORD  ((size_t)16 * 1024)

struct h2_wire {
    int fd;
    SSL *ssl;                   /* NULL: cleartext */
    struct h2_tls_context *tls; /* a reference, with ssl */
    struct h2_wire_scratch *scratch;
    const uint8_t *input; /* received and not yet taken; into scratch, empty between turns */
    size_t input_length;
    struct buf pending; /* did not fit into the socket; holds no memory while empty */
    size_t pending_sent;
};

void h2_wire_scratch_init(struct h2_wire_scratch *scratch);
void h2_wire_scratch_release(struct h2_wire_scratch *scratch);

/* Takes over fd (non-blocking). */
void h2_wire_open(struct h2_wire *wire, int fd, struct h2_wire_scratch *scratch);
/* What comes from here on is TLS; http1: clients may choose that, too. 0 or -ENOMEM. */
int h2_wire_start_tls(struct h2_wire *wire, struct h2_tls_context *tls, bool http1);
/* After the handshake: whether HTTP/2 is spoken inside. */
bool h2_wire_is_h2(const struct h2_wire *wire);
/* The client of a protocol without PINGs: the kernel asks for one that is silent for idle_ms, and
 * gives up who does not acknowledge for stall_ms. */
void h2_wire_watch_peer(struct h2_wire *wire, uint32_t idle_ms, uint32_t stall_ms);
/* Says that nothing more will come (close_notify, then FIN); input is still received. */
void h2_wire_finish(struct h2_wire *wire);

/* Sends close_notify where that is still possible, and closes the socket. */
void h2_wire_close(struct h2_wire *wire);

/* 0 when the TLS handshake is complete, -EAGAIN when it needs more, -EPROTO or -errno when it
 * failed. What the handshake says is sent by h2_wire_send(), which the caller runs after. */
int h2_wire_handshake(struct h2_wire *wire);

/* One recv into the shared buffer. Bytes received, 0 at the end of the stream, or -errno. */
ssize_t h2_wire_receive(struct h2_wire *wire);

/* A single record of at most so many octets of cleartext does not make the socket readable;
 * whatever follows it does. 0: any octet does. (TCP only. The end of the stream always does.) */
void h2_wire_wake_above(struct h2_wire *wire, size_t octets);

/* What lies in the socket, at most size octets (and H2_WIRE_RECEIVE), which stay there: *data
 * points into the shared buffer. Its length, 0 at the end of the stream, or -errno. */
ssize_t h2_wire_peek(struct h2_wire *wire, const uint8_t **data, size_t size);
/* Takes length octets that were seen there out of the socket. 0 or -errno. */
int h2_wire_skip(struct h2_wire *wire, size_t length);

/* The next cleartext of what was received: *data points into the shared buffers. Its length, 0
 * when all is taken, -EPIPE after close_notify, -EPROTO when TLS is broken. */
ssize_t h2_wire_read(struct h2_wire *wire, const uint8_t **data);

/* Adds cleartext to what the next h2_wire_send() sends: one TLS record per call while length is at
 * most H2_WIRE_RECORD. 0 or -EPROTO. */
int h2_wire_write(struct h2_wire *wire, const void *data, size_t length);

/* Kernel memory in the socket's send buffer. */
size_t h2_wire_socket_bytes(const struct h2_wire *wire);

/* Sends what was written. 1 when all has left, 0 when the socket is full (the rest is kept), or
 * -errno. *sent is how many bytes have left. */
int h2_wire_send(struct h2_wire *wire, size_t *sent);

static inline size_t h2_wire_pending(const struct h2_wire *wire)
{
    return wire->pending.length - wire->pending_sent;
}

#endif
