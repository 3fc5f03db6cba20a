/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_LISTENER_H
#define H2_LISTENER_H
/*
 * A listening socket of one worker: TCP (SO_REUSEPORT, so that each worker has its own) or unix.
 * Addresses: "127.0.0.1:8443", "[::1]:8443", "*:8443" (all, IPv4 and IPv6), "localhost:8443"
 * (every address the name has), "unix:/run/h2.sock".
 */
#include <stdbool.h>
#include <stddef.h>

struct h2_endpoint;
struct h2_listener;
struct h2_tls_context;
struct networks;

#define H2_LISTENER_MAX_FDS 8u

/* A bound address: what a listener of each worker is made from. */
struct h2_bound {
    int fds[H2_LISTENER_MAX_FDS];
    size_t count;
    char text[128]; /* "https://…" is put before it by who prints it; with port 0 the real port */
};

/* Whether address can only be reached from this machine. -EINVAL when it cannot be parsed. */
int h2_address_is_local(const char *address, bool *local);

/* The path behind "unix:", in address; NULL: it is no unix socket's. */
const char *h2_address_unix_path(const char *address);

/* Whether another process listens there already: with SO_REUSEPORT binding alone does not tell. 0,
 * or -EADDRINUSE and others with a sentence in fault. */
int h2_address_probe(const char *address, char *fault, size_t fault_size);

/* Binds and listens. 0, or a negative errno with a sentence in fault. For each further worker call
 * it again with the same address (port 0: with the bound one); unix sockets are bound once and
 * their descriptors shared with h2_bound_share(). */
int h2_bound_open(struct h2_bound *bound, const char *address, char *fault, size_t fault_size);
int h2_bound_share(struct h2_bound *copy, const struct h2_bound *bound); /* dup()s */
void h2_bound_close(struct h2_bound *bound);

/* What a listener is. Zero-filled: cleartext with prior knowledge (RFC 9113 3.3), for anything. */
struct h2_listener_options {
    struct h2_tls_context *tls;        /* NULL: cleartext */
    bool http1;                        /* HTTP/1.1 and 1.0 besides HTTP/2 */
    bool proxy_protocol;               /* each connection begins with a PROXY header, 1 or 2 */
    const struct networks *proxy_from; /* others are closed at once; NULL: anybody may come */
    const struct networks *trusted;    /* proxies: any number of sessions; NULL: none */
    bool keeps_sessions;               /* none of its sessions is evicted (h2/admission.h) */
    unsigned role;                     /* the caller's; handlers get it by h2_session_role() */
    /* Also the caller's: a value of strict-transport-security (RFC 6797), with TLS only; "" or
     * NULL: none. */
    const char *transport_security;
};

/* Takes over the descriptors of bound. The options are borrowed, by the sessions as well: they must
 * outlive the endpoint. */
struct h2_listener *h2_listener_new(struct h2_endpoint *endpoint, struct h2_bound *bound,
                                    const struct h2_listener_options *options);
/* The kernel takes no further connection for it; those that it has, and those whose handshake is
 * under way, are accepted as before. Closing at once would reset them. */
void h2_listener_stop(struct h2_listener *listener);
/* Accepts some of what waits. True when nothing does any more. */
bool h2_listener_is_served(struct h2_listener *listener);
void h2_listener_free(struct h2_listener *listener); /* stops accepting */

#endif
