/* SPDX-License-Identifier: Apache-2.0 */
#include "base/public_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "base/networks.h"

struct block {
    unsigned char bytes[16];
    unsigned prefix;
};

static const struct block v4_special[] = {
    {{0}, 8},             /* this network */
    {{10}, 8},            /* private */
    {{100, 64}, 10},      /* shared: carriers' NAT */
    {{127}, 8},           /* loopback */
    {{169, 254}, 16},     /* link-local, cloud metadata */
    {{172, 16}, 12},      /* private */
    {{192, 0, 0}, 24},    /* protocol assignments */
    {{192, 0, 2}, 24},    /* documentation */
    {{192, 88, 99}, 24},  /* 6to4 relays */
    {{192, 168}, 16},     /* private */
    {{198, 18}, 15},      /* benchmarks */
    {{198, 51, 100}, 24}, /* documentation */
    {{203, 0, 113}, 24},  /* documentation */
    {{224}, 4},           /* multicast */
    {{240}, 4},           /* reserved, broadcast */
};

/* Of 2000::/3, which is all that is given to anybody. */
static const struct block v6_special[] = {
    {{0x20, 0x01}, 23},             /* protocol assignments: Teredo, benchmarks, ORCHID */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
    {{0x3f, 0xff}, 20},             /* documentation */
};
static const struct block v6_unicast = {{0x20}, 3};

/* Those that hold an IPv4 address, and where. */
static const struct {
    struct block block;
    size_t at;
} v6_holders[] = {
    {{{[10] = 0xff, [11] = 0xff}, 96}, 12}, /* mapped */
    {{{0x00, 0x64, 0xff, 0x9b}, 96}, 12},   /* NAT64 */
    {{{0x20, 0x02}, 16}, 2},                /* 6to4 */
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool lies_in(const unsigned char *bytes, const struct block *block)
{
    return networks_match(bytes, block->bytes, block->prefix);
}

static bool lies_in_any(const unsigned char *bytes, const struct block *blocks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (lies_in(bytes, &blocks[i]))
            return true;
    }
    return false;
}

static bool is_public_v4(const unsigned char *bytes)
{
    return !lies_in_any(bytes, v4_special, COUNT(v4_special));
}

static bool is_public_v6(const unsigned char *bytes)
{
    for (size_t i = 0; i < COUNT(v6_holders); i++) {
        if (lies_in(bytes, &v6_holders[i].block))
            return is_public_v4(bytes + v6_holders[i].at);
    }
    return lies_in(bytes, &v6_unicast) && !lies_in_any(bytes, v6_special, COUNT(v6_special));
}

bool public_address_is(const struct sockaddr *address)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    switch (address->sa_family) {
    case AF_INET:
        memcpy(&v4, address, sizeof(v4));
        return is_public_v4((const unsigned char *)&v4.sin_addr);
    case AF_INET6:
        memcpy(&v6, address, sizeof(v6));
        return is_public_v6(v6.sin6_addr.s6_addr);
    default:
        return false;
    }
}

bool public_address_is_text(const char *address)
{
    unsigned char bytes[16];

    if (inet_pton(AF_INET, address, bytes) == 1)
        return is_public_v4(bytes);
    return inet_pton(AF_INET6, address, bytes) == 1 && is_public_v6(bytes);
}
