/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOAD_TLS_H
#define LOAD_TLS_H
/*
 * TLS over a socket that tells when its bytes arrived. The kernel stamps them, so that a latency is
 * the server's and not how long a busy load program took to look. A short read means that the
 * socket is empty: it is not asked again before epoll says so.
 */
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

struct load_socket {
    int fd;
    bool drained;     /* nothing more to read until epoll says so; the owner resets it */
    uint64_t arrived; /* kernel's time of the latest bytes */
    uint64_t reads;   /* calls that returned bytes; the owner resets them */
    uint64_t bytes;
};

/* TLS 1.3, AES-128-GCM, ALPN h2, no verification. NULL on failure, told on stderr. */
SSL_CTX *load_tls_context_new(void);

/* A client over the socket, which the caller keeps in place for as long. NULL without memory. */
SSL *load_tls_new(SSL_CTX *context, struct load_socket *socket);

#endif
