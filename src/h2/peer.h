/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_PEER_H
#define H2_PEER_H
/* The address at the other end of a connection. Of unix sockets the family alone is kept. */
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/hash.h"
#include "base/log.h"

union h2_peer {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* A number for all that one customer has: an IPv4 address (also an IPv4-mapped one), the /64 of an
 * IPv6 address; all unix sockets are one. */
uint64_t h2_peer_customer(const union h2_peer *peer);

/* A hash of it: who does not know the key cannot choose whom he meets. */
uint64_t h2_peer_hash(const union h2_peer *peer, const struct hash_key *key);

/* As text, "127.0.0.1" or "::1"; "unix" for unix sockets. */
const char *h2_peer_text(const union h2_peer *peer, char *buffer, size_t size);

/* Tells the log that what came from there is not taken, and why. */
void h2_peer_refused(const union h2_peer *peer, enum log_kind kind, const char *reason);

#endif
