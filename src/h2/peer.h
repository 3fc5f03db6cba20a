/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_PEER_H
#define H2_PEER_H
/* The address at the other end of a connection. Of unix sockets the family alone is kept. */
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

union h2_peer {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* The same for all that one customer has: an IPv4 address (also an IPv4-mapped one), the /64 of an
 * IPv6 address; all unix sockets are one. Who does not know the key cannot choose whom he meets. */
uint64_t h2_peer_hash(const union h2_peer *peer, uint64_t key);

#endif
