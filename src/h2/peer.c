/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/peer.h"

#include <arpa/inet.h>
#include <string.h>

uint64_t h2_peer_customer(const union h2_peer *peer)
{
    uint64_t prefix = 0;
    uint32_t v4 = 0;

    if (peer->any.sa_family == AF_INET)
        return peer->v4.sin_addr.s_addr;
    if (peer->any.sa_family != AF_INET6)
        return UINT64_MAX;
    if (IN6_IS_ADDR_V4MAPPED(&peer->v6.sin6_addr)) {
        memcpy(&v4, peer->v6.sin6_addr.s6_addr + 12, sizeof(v4));
        return v4;
    }
    memcpy(&prefix, peer->v6.sin6_addr.s6_addr, sizeof(prefix));
    return prefix;
}

uint64_t h2_peer_hash(const union h2_peer *peer, const struct hash_key *key)
{
    const uint64_t customer = h2_peer_customer(peer);

    return hash_bytes(key, &customer, sizeof(customer));
}

const char *h2_peer_text(const union h2_peer *peer, char *buffer, size_t size)
{
    const void *address = NULL;

    if (peer->any.sa_family == AF_INET)
        address = &peer->v4.sin_addr;
    else if (peer->any.sa_family == AF_INET6)
        address = &peer->v6.sin6_addr;
    if (!address)
        return "unix";
    if (!inet_ntop(peer->any.sa_family, address, buffer, (socklen_t)size))
        return "";
    return strncmp(buffer, "::ffff:", 7) == 0 && strchr(buffer, '.') ? buffer + 7 : buffer;
}

void h2_peer_refused(const union h2_peer *peer, enum log_kind kind, const char *reason)
{
    char text[INET6_ADDRSTRLEN];

    log_refused(kind, LOG_STR("address", h2_peer_text(peer, text, sizeof(text))),
                LOG_STR("reason", reason));
}
