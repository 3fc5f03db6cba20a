/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_CLIENT_ADDRESS_H
#define API_CLIENT_ADDRESS_H
/*
 * Where the client is, when proxies stand before us. Each writes behind what it was told the
 * address that it saw: the list is believed from its end, as long as a trusted proxy has written
 * it. So the client is the rightmost hop that is no trusted proxy; what is left of that hop was
 * said by the client itself.
 *
 * Only one field is read, since a proxy that writes the one lets a client's own text in the other
 * pass. What cannot be read ("unknown", "_hidden", garbage) ends the walk at the proxy that wrote
 * it.
 */
#include <stddef.h>

struct api_exchange;
struct h2_request;
struct networks;

/* The longest text of an IPv6 address, and a NUL. */
#define CLIENT_ADDRESS_SIZE 46u

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

/* The same for a request; "" when its client has gone. */
void client_address_of(const struct api_exchange *exchange, char address[CLIENT_ADDRESS_SIZE]);

/* The same for all that one customer has: an IPv4 address, or the /64 of an IPv6 address, in which
 * a client chooses its own. */
void client_address_customer(const char *address, char customer[CLIENT_ADDRESS_SIZE]);

#endif
