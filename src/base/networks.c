/* SPDX-License-Identifier: Apache-2.0 */
#include "base/networks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "base/words.h"

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

static int take_text(struct address *address, const char *text)
{
    struct in6_addr v6;

    if (inet_pton(AF_INET, text, address->bytes) == 1)
        address->family = AF_INET;
    else if (inet_pton(AF_INET6, text, &v6) == 1)
        take_v6(address, &v6);
    else if (strcmp(text, "unix") == 0)
        address->family = AF_UNIX;
    else
        return -EINVAL;
    return 0;
}

static int take_sockaddr(struct address *address, const struct sockaddr *given)
{
    switch (given->sa_family) {
    case AF_INET:
        memcpy(address->bytes, &((const struct sockaddr_in *)(const void *)given)->sin_addr, 4);
        break;
    case AF_INET6:
        take_v6(address, &((const struct sockaddr_in6 *)(const void *)given)->sin6_addr);
        return 0;
    case AF_UNIX:
        break;
    default:
        return -EAFNOSUPPORT;
    }
    address->family = given->sa_family;
    return 0;
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

static int take_prefix(struct network *network, const char *text, bool is_mapped)
{
    const unsigned most = family_bits(network->address.family);
    const unsigned skipped = is_mapped ? V6_BITS - V4_BITS : 0; /* ::ffff:0:0/96 is 0.0.0.0/0 */
    const size_t digits = strspn(text, "0123456789");
    unsigned long prefix = 0;

    if (digits == 0 || digits > 3 || text[digits] != '\0')
        return -EINVAL;
    prefix = strtoul(text, NULL, 10);
    if (network->address.family == AF_UNIX || prefix < skipped || prefix - skipped > most)
        return -EINVAL;
    network->prefix = (unsigned)prefix - skipped;
    return 0;
}

static int refuse(const char *text, char *fault, size_t fault_size)
{
    snprintf(fault, fault_size,
             "\"%.60s\" is no IP network; use one such as 127.0.0.1, 10.0.0.0/8, ::1 or fd00::/8",
             text);
    return -EINVAL;
}

static int refuse_host_bits(const char *text, const struct network *network, char *fault,
                            size_t fault_size)
{
    char address[INET6_ADDRSTRLEN] = "";

    (void)inet_ntop(network->address.family, network->address.bytes, address, sizeof(address));
    snprintf(fault, fault_size,
             "\"%.60s\" is an address inside of a network; use %s/%u for the network, or the "
             "address without /",
             text, address, network->prefix);
    return -EINVAL;
}

static int take_network(struct network *network, const char *text, char *fault, size_t fault_size)
{
    char address[TEXT_SIZE];
    const char *slash = strchr(text, '/');

    snprintf(address, sizeof(address), "%.*s", (int)(slash ? slash - text : TEXT_SIZE), text);
    if (take_text(&network->address, address) != 0)
        return refuse(text, fault, fault_size);
    network->prefix = family_bits(network->address.family);
    if (slash && take_prefix(network, slash + 1,
                             network->address.family == AF_INET && strchr(address, ':')) != 0)
        return refuse(text, fault, fault_size);
    if (!clear_host_bits(network))
        return refuse_host_bits(text, network, fault, fault_size);
    return 0;
}

struct networks *networks_new(const char *text, char *fault, size_t fault_size)
{
    struct networks *networks =
        mem_zalloc(sizeof(*networks) + words_count(text) * sizeof(networks->list[0]));
    struct word word;

    while (words_next(&text, &word)) {
        char *copy = mem_strndup(word.text, word.length);
        int rc = take_network(&networks->list[networks->count++], copy, fault, fault_size);

        free(copy);
        if (rc != 0) {
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

size_t networks_count(const struct networks *networks)
{
    return networks->count;
}

bool networks_match(const unsigned char *address, const unsigned char *network, unsigned prefix)
{
    const unsigned bytes = prefix / 8;
    const unsigned bits = prefix % 8;
    const unsigned mask = 0xff00u >> bits & 0xffu;

    return memcmp(address, network, bytes) == 0 &&
           (bits == 0 || (address[bytes] & mask) == network[bytes]);
}

static bool lies_in(const struct address *address, const struct network *network)
{
    return address->family == network->address.family &&
           networks_match(address->bytes, network->address.bytes, network->prefix);
}

static bool lies_in_any(const struct networks *networks, const struct address *address)
{
    for (size_t i = 0; i < networks->count; i++) {
        if (lies_in(address, &networks->list[i]))
            return true;
    }
    return false;
}

bool networks_contain(const struct networks *networks, const struct sockaddr *address)
{
    struct address taken = {0};

    return take_sockaddr(&taken, address) == 0 && lies_in_any(networks, &taken);
}

bool networks_contain_text(const struct networks *networks, const char *address)
{
    struct address taken = {0};

    return take_text(&taken, address) == 0 && lies_in_any(networks, &taken);
}
