/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOAD_SOCKET_H
#define LOAD_SOCKET_H
/*
 * TLS over a socket that tells when its bytes arrived. The kernel stamps them, so that a latency is
 * the server's and not how long a busy load program took to look. A short read means that the
 * socket is empty: it is not asked again before epoll says so.
 */
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct load_options;

/* The server, and what the connections to it have in common. */
struct load_endpoint {
    struct sockaddr_storage address;
    socklen_t address_length;
    const char *authority;
    bool reset; /* connections end by a TCP reset, also when this process is killed */
    SSL_CTX *tls;
    BIO_METHOD *method;
    SSL_SESSION *ticket; /* the first that came; NULL before that, or where none is kept */
};

struct load_socket {
    int fd;
    bool drained;     /* nothing more to read until epoll says so; the owner resets it */
    uint64_t arrived; /* kernel's time of the latest bytes */
    uint64_t *reads;  /* counts calls that returned bytes; NULL: nobody asks */
};

/* TLS 1.3, AES-128-GCM, ALPN h2, no verification. With options->resume later connections do with
 * the first ticket that comes, which is all the same to a server that keeps no tickets. 0, or a
 * negative errno: told on stderr. */
int load_endpoint_init(struct load_endpoint *endpoint, const struct load_options *options);
void load_endpoint_release(struct load_endpoint *endpoint); /* after its sockets */

/* Begins to connect. receive_buffer: bytes of SO_RCVBUF, 0 for the system's. 0 or a negative errno;
 * to->fd is the caller's to close either way, -1 when there is none. */
int load_socket_open(struct load_socket *to, const struct load_endpoint *endpoint,
                     int receive_buffer);

/* A client over the socket, which the caller keeps in place for as long. NULL without memory. */
SSL *load_socket_tls(struct load_socket *socket, const struct load_endpoint *endpoint,
                     bool is_http1);

#endif
