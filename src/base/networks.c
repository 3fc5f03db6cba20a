/* SPDX-License-Identifier: Apache-2.0 */
#include "base/networks.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "base/text.h"

#define V4_BITS 32u
#define V6_BITS 128u

/* Longer than any address: what is cut off here is none. */
#define TEXT_SIZE 64

struct address {
    sa_family_t family;
    unsigned char bytes[16];
};

struct network {
    struct address address;
    unsigned prefix; /* bits that count */
};

struct networks {
    size_t count;
    struct network list[];
};

static unsigned family_bits(sa_family_t family)
{
    if (family == AF_UNIX)
        return 0;
    return family == AF_INET ? V4_BITS : V6_BITS;
}

static void take_v6(struct address *address, const struct in6_addr *v6)
{
    if (IN6_IS_ADDR_V4MAPPED(v6)) {
        address->family = AF_INET;
        memcpy(address->bytes, v6->s6_addr + 12, 4);
    } else {
        address->family = AF_INET6;
        memcpy(address->bytes, v6->s6_addr, 16);
    }
}

static bool take_text(struct address *address, const char *text)
{
    struct in6_addr v6;

    if (inet_pton(AF_INET, text, address->bytes) == 1)
        address->family = AF_INET;
    else if (inet_pton(AF_INET6, text, &v6) == 1)
        take_v6(address, &v6);
    else if (strcmp(text, "unix") == 0)
        address->family = AF_UNIX;
    else
        return false;
    return true;
}

static bool take_sockaddr(struct address *address, const struct sockaddr *given)
{
    address->family = given->sa_family;
    if (given->sa_family == AF_INET)
        memcpy(address->bytes, &((const struct sockaddr_in *)(const void *)given)->sin_addr, 4);
    else if (given->sa_family == AF_INET6)
        take_v6(address, &((const struct sockaddr_in6 *)(const void *)given)->sin6_addr);
    else
        return given->sa_family == AF_UNIX;
    return true;
}

/* Sets all bits behind the prefix to 0; false when one of them was not. */
static bool clear_host_bits(struct network *network)
{
    bool was_clear = true;

    for (unsigned bit = network->prefix; bit < family_bits(network->address.family); bit++) {
        unsigned char *byte = &network->address.bytes[bit / 8];
        unsigned char mask = (unsigned char)(0x80u >> bit % 8);

        was_clear = was_clear && (*byte & mask) == 0;
        *byte &= (unsigned char)~mask;
    }
    return was_clear;
}

static bool take_prefix(struct network *network, const char *text, bool is_mapped)
{
    const unsigned most = family_bits(network->address.family);
    const unsigned skipped = is_mapped ? V6_BITS - V4_BITS : 0; /* ::ffff:0:0/96 is 0.0.0.0/0 */
    const size_t digits = strspn(text, "0123456789");
    unsigned long prefix = 0;

    if (digits == 0 || digits > 3 || text[digits] != '\0')
        return false;
    prefix = strtoul(text, NULL, 10);
    network->prefix = (unsigned)prefix - skipped;
    return network->address.family != AF_UNIX && prefix >= skipped && prefix - skipped <= most;
}

static bool refuse(const char *text, char *fault, size_t fault_size)
{
    snprintf(fault, fault_size,
             "\"%.60s\" is no IP network; use one such as 127.0.0.1, 10.0.0.0/8, ::1 or fd00::/8",
             text);
    return false;
}

static bool take_network(struct network *network, const char *text, char *fault, size_t fault_size)
{
    char address[TEXT_SIZE];
    const char *slash = strchr(text, '/');

    snprintf(address, sizeof(address), "%.*s", (int)(slash ? slash - text : TEXT_SIZE), text);
    if (!take_text(&network->address, address))
        return refuse(text, fault, fault_size);
    network->prefix = family_bits(network->address.family);
    if (slash && !take_prefix(network, slash + 1,
                              network->address.family == AF_INET && strchr(address, ':')))
        return refuse(text, fault, fault_size);
    if (clear_host_bits(network))
        return true;
    (void)inet_ntop(network->address.family, network->address.bytes, address, sizeof(address));
    snprintf(fault, fault_size,
             "\"%.60s\" is an address inside of a network; use %s/%u for the network, or the "
             "address without /",
             text, address, network->prefix);
    return false;
}

struct networks *networks_new(const char *text, char *fault, size_t fault_size)
{
    struct networks *networks =
        mem_zalloc(sizeof(*networks) + words_count(text) * sizeof(networks->list[0]));
    struct word word;

    while (words_next(&text, &word)) {
        char *copy = mem_strndup(word.text, word.length);
        bool is_one = take_network(&networks->list[networks->count++], copy, fault, fault_size);

        free(copy);
        if (!is_one) {
            free(networks);
            return NULL;
        }
    }
    return networks;
}

void networks_free(struct networks *networks)
{
    free(networks);
}

static bool lies_in(const struct address *address, const struct network *network)
{
    const unsigned char *bytes = network->address.bytes;
    const unsigned whole = network->prefix / 8;
    const unsigned bits = network->prefix % 8;
    const unsigned mask = 0xff00u >> bits & 0xffu;

    return address->family == network->address.family &&
           memcmp(address->bytes, bytes, whole) == 0 &&
           (bits == 0 || (address->bytes[whole] & mask) == bytes[whole]);
}

static bool lies_in_any(const struct network *list, size_t count, const struct address *address)
{
    for (size_t i = 0; i < count; i++) {
        if (lies_in(address, &list[i]))
            return true;
    }
    return false;
}

bool networks_contain(const struct networks *networks, const struct sockaddr *address)
{
    struct address taken = {0};

    return take_sockaddr(&taken, address) && lies_in_any(networks->list, networks->count, &taken);
}

bool networks_contain_text(const struct networks *networks, const char *address)
{
    struct address taken = {0};

    return take_text(&taken, address) && lies_in_any(networks->list, networks->count, &taken);
}

bool address_has_v4(const struct in6_addr *address)
{
    static const unsigned char translated[12] = {0x00, 0x64, 0xff, 0x9b};

    return IN6_IS_ADDR_V4MAPPED(address) ||
           memcmp(address->s6_addr, translated, sizeof(translated)) == 0;
}

void networks_customer(const char *address, char customer[NETWORKS_TEXT_SIZE])
{
    struct in6_addr v6;

    snprintf(customer, NETWORKS_TEXT_SIZE, "%s", address);
    if (inet_pton(AF_INET6, address, &v6) != 1)
        return;
    if (address_has_v4(&v6)) {
        (void)inet_ntop(AF_INET, &v6.s6_addr[12], customer, NETWORKS_TEXT_SIZE);
        return;
    }
    memset(&v6.s6_addr[8], 0, 8);
    (void)inet_ntop(AF_INET6, &v6, customer, NETWORKS_TEXT_SIZE);
}

/* ---- the Internet at large ---- */

static const struct network special[] = {
    {{AF_INET, {0}}, 8},                        /* this network */
    {{AF_INET, {10}}, 8},                       /* private */
    {{AF_INET, {100, 64}}, 10},                 /* shared: carriers' NAT */
    {{AF_INET, {127}}, 8},                      /* loopback */
    {{AF_INET, {169, 254}}, 16},                /* link-local, cloud metadata */
    {{AF_INET, {172, 16}}, 12},                 /* private */
    {{AF_INET, {192, 0, 0}}, 24},               /* protocol assignments */
    {{AF_INET, {192, 0, 2}}, 24},               /* documentation */
    {{AF_INET, {192, 88, 99}}, 24},             /* 6to4 relays */
    {{AF_INET, {192, 168}}, 16},                /* private */
    {{AF_INET, {198, 18}}, 15},                 /* benchmarks */
    {{AF_INET, {198, 51, 100}}, 24},            /* documentation */
    {{AF_INET, {203, 0, 113}}, 24},             /* documentation */
    {{AF_INET, {224}}, 4},                      /* multicast */
    {{AF_INET, {240}}, 4},                      /* reserved, broadcast */
    {{AF_INET6, {0x20, 0x01}}, 23},             /* Teredo, benchmarks, ORCHID */
    {{AF_INET6, {0x20, 0x01, 0x0d, 0xb8}}, 32}, /* documentation */
    {{AF_INET6, {0x3f, 0xff}}, 20},             /* documentation */
};
/* All that is given to anybody. */
static const struct network unicast = {{AF_INET6, {0x20}}, 3};

/* Those that hold an IPv4 address, and where. */
static const struct {
    struct network network;
    size_t at;
} carriers[] = {
    {{{AF_INET6, {0x00, 0x64, 0xff, 0x9b}}, 96}, 12}, /* NAT64 */
    {{{AF_INET6, {0x20, 0x02}}, 16}, 2},              /* 6to4 */
};

static bool is_public(struct address address)
{
    for (size_t i = 0; i < COUNT(carriers); i++) {
        if (lies_in(&address, &carriers[i].network)) {
            address.family = AF_INET;
            memmove(address.bytes, address.bytes + carriers[i].at, 4);
        }
    }
    return (address.family == AF_INET || lies_in(&address, &unicast)) &&
           !lies_in_any(special, COUNT(special), &address);
}

bool public_address_is(const struct sockaddr *address)
{
    struct address taken = {0};

    return take_sockaddr(&taken, address) && is_public(taken);
}

bool public_address_is_text(const char *address)
{
    struct address taken = {0};

    return take_text(&taken, address) && is_public(taken);
}
