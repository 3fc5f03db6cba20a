/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/peer.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/networks.h"
#include "base/text.h"
#include "h2/request.h"

/* More proxies than stand in any row. The rest of a longer list is not looked at. */
#define MAX_HOPS 32u

uint64_t h2_peer_customer(const union h2_peer *peer)
{
    uint64_t prefix = 0;
    uint32_t v4 = 0;

    if (peer->any.sa_family == AF_INET)
        return peer->v4.sin_addr.s_addr;
    if (peer->any.sa_family != AF_INET6)
        return UINT64_MAX;
    if (address_has_v4(&peer->v6.sin6_addr)) {
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

static const char *const field_names[] = {
    [CLIENT_ADDRESS_X_FORWARDED_FOR] = "x-forwarded-for",
    [CLIENT_ADDRESS_FORWARDED] = "forwarded",
};

/* Goes through the elements of all fields of a name from the last to the first. */
struct walk {
    const struct h2_request *request;
    const char *name;
    size_t header; /* those before it are still to come */
    const char *text;
    size_t length; /* of what is still to come of text; 0: nothing */
};

static bool find_text(struct walk *walk)
{
    while (walk->length == 0 && walk->header > 0) {
        const struct h2_header *header = &walk->request->headers[--walk->header];

        if (strcmp(header->name, walk->name) != 0)
            continue;
        walk->text = header->value;
        walk->length = strlen(header->value);
    }
    return walk->length > 0;
}

/* Quotes do not hide a comma: from the end one cannot know where they begin, and no proxy that is
 * trusted writes one inside of them. */
static bool next_element(struct walk *walk, struct word *element)
{
    size_t start;

    if (!find_text(walk))
        return false;
    start = walk->length;
    while (start > 0 && walk->text[start - 1] != ',')
        start--;
    *element = h2_request_word(walk->text + start, walk->length - start);
    walk->length = start > 0 ? start - 1 : 0;
    return true;
}

/* The value of "for" among "by=…;for=…;proto=…", without its quotes. */
static bool find_for(const struct word *element, struct word *value)
{
    const char *rest = element->text;
    const char *end = element->text + element->length;

    while (rest < end) {
        const char *semicolon = memchr(rest, ';', (size_t)(end - rest));
        struct word pair = h2_request_word(rest, (size_t)((semicolon ? semicolon : end) - rest));

        if (pair.length > 4 && strncasecmp(pair.text, "for=", 4) == 0) {
            *value = (struct word){pair.text + 4, pair.length - 4};
            if (value->length > 2 && value->text[0] == '"' && value->text[value->length - 1] == '"')
                *value = (struct word){value->text + 1, value->length - 2};
            return true;
        }
        rest = semicolon ? semicolon + 1 : end;
    }
    return false;
}

static bool is_port(const char *text)
{
    return text[0] == ':' && text[1] != '\0' && text[1 + strspn(text + 1, "0123456789")] == '\0';
}

/* Takes brackets and port from around an address; false when it is none in any form. */
static bool strip(char *node)
{
    char *colon = strchr(node, ':');
    char *bracket = strchr(node, ']');

    if (node[0] == '[') {
        if (!bracket || (bracket[1] != '\0' && !is_port(bracket + 1)))
            return false;
        *bracket = '\0';
        memmove(node, node + 1, (size_t)(bracket - node));
    } else if (colon && !strchr(colon + 1, ':')) {
        if (!is_port(colon))
            return false;
        *colon = '\0';
    }
    return true;
}

/* As h2_session_peer() would say it, so that one client has one address in every form. */
static bool read_node(const struct word *word, char address[CLIENT_ADDRESS_SIZE])
{
    char node[CLIENT_ADDRESS_SIZE + sizeof("[]:65535")] = "";
    struct in6_addr v6;
    struct in_addr v4;

    if (word->length >= sizeof(node))
        return false;
    memcpy(node, word->text, word->length);
    if (!strip(node))
        return false;
    if (inet_pton(AF_INET, node, &v4) == 1)
        return inet_ntop(AF_INET, &v4, address, CLIENT_ADDRESS_SIZE) != NULL;
    if (inet_pton(AF_INET6, node, &v6) != 1)
        return false;
    if (IN6_IS_ADDR_V4MAPPED(&v6))
        return inet_ntop(AF_INET, &v6.s6_addr[12], address, CLIENT_ADDRESS_SIZE) != NULL;
    return inet_ntop(AF_INET6, &v6, address, CLIENT_ADDRESS_SIZE) != NULL;
}

void client_address_find(const struct client_address_rule *rule, const char *peer,
                         const struct h2_request *request, char address[CLIENT_ADDRESS_SIZE])
{
    struct walk walk = {request, field_names[rule->field], request->header_count, NULL, 0};
    struct word element;

    snprintf(address, CLIENT_ADDRESS_SIZE, "%s", peer);
    for (unsigned hop = 0; hop < MAX_HOPS; hop++) {
        char next[CLIENT_ADDRESS_SIZE] = "";

        if (!networks_contain_text(rule->trusted, address) || !next_element(&walk, &element) ||
            (rule->field == CLIENT_ADDRESS_FORWARDED && !find_for(&element, &element)) ||
            !read_node(&element, next))
            return;
        memcpy(address, next, sizeof(next));
    }
}
