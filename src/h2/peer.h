/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_PEER_H
#define H2_PEER_H
/* The address at the other end of a connection. Of unix sockets the family alone is kept. */
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/networks.h"

struct h2_request;

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

/* Where the client is, when proxies stand before us. Each writes behind what it was told the
 * address that it saw: the list is believed from its end, as long as a trusted proxy has written
 * it. So the client is the rightmost hop that is no trusted proxy; what is left of that hop was
 * said by the client itself.
 *
 * Only one field is read, since a proxy that writes the one lets a client's own text in the other
 * pass. What cannot be read ("unknown", "_hidden", garbage) ends the walk at the proxy that wrote
 * it. */
#define CLIENT_ADDRESS_SIZE NETWORKS_TEXT_SIZE

enum client_address_field {
    CLIENT_ADDRESS_X_FORWARDED_FOR,
    CLIENT_ADDRESS_FORWARDED, /* RFC 7239 */
};

struct client_address_rule {
    const struct networks *trusted; /* whose word counts */
    enum client_address_field field;
};

/* peer: whom the session is with, as h2_session_peer() says it. */
void client_address_find(const struct client_address_rule *rule, const char *peer,
                         const struct h2_request *request, char address[CLIENT_ADDRESS_SIZE]);

#endif
