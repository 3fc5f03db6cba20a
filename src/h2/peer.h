/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_PEER_H
#define H2_PEER_H
/* The address at the other end of a connection. Of unix sockets the family alone is kept. */
#include <netinet/in.h>
#include <sys/socket.h>

union h2_peer {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

#endif
