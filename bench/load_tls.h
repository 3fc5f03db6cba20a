/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOAD_TLS_H
#define LOAD_TLS_H
/*
 * TLS over a socket that tells when its bytes arrived. The kernel stamps them, so that a latency is
 * the server's and not how long a busy load program took to look. A short read means that the
 * socket is empty: it is not asked again before epoll says so.
 */
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct load_socket {
    int fd;
    bool drained;     /* nothing more to read until epoll says so; the owner resets it */
    uint64_t arrived; /* kernel's time of the latest bytes */
    uint64_t reads;   /* calls that returned bytes; the owner resets them */
    uint64_t bytes;
};

/* What the connections of a run have in common. */
struct load_tls {
    SSL_CTX *context;
    bool resumes;
    _Atomic(SSL_SESSION *)
        ticket; /* the first that came; NULL before that, or where none is kept */
};

/* TLS 1.3, AES-128-GCM, ALPN h2, no verification. resumes: later connections do with the first
 * ticket that comes, which is all the same to a server that keeps no tickets. 0, or -EIO: told on
 * stderr. */
int load_tls_init(struct load_tls *tls, bool resumes);
void load_tls_release(struct load_tls *tls);
uint64_t load_tls_resumed(const struct load_tls *tls); /* connections that were */

/* A client over the socket, which the caller keeps in place for as long. NULL without memory. */
SSL *load_tls_new(struct load_tls *tls, struct load_socket *socket);

#endif
