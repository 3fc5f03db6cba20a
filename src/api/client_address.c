/* SPDX-License-Identifier: Apache-2.0 */
#include "api/client_address.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "api/exchange.h"
#include "base/networks.h"
#include "base/words.h"
#include "h2/request.h"
#include "h2/session.h"
#include "h2/stream.h"

/* More proxies than stand in any row. The rest of a longer list is not looked at. */
#define MAX_HOPS 32u

#define BLANKS " \t"

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

static struct word trim(const char *text, size_t length)
{
    while (length > 0 && strchr(BLANKS, text[length - 1]))
        length--;
    while (length > 0 && strchr(BLANKS, text[0])) {
        text++;
        length--;
    }
    return (struct word){text, length};
}

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
    *element = trim(walk->text + start, walk->length - start);
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
        struct word pair = trim(rest, (size_t)((semicolon ? semicolon : end) - rest));

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

static bool read_hop(enum client_address_field field, const struct word *element,
                     char address[CLIENT_ADDRESS_SIZE])
{
    struct word node = *element;

    if (field == CLIENT_ADDRESS_FORWARDED && !find_for(element, &node))
        return false;
    return read_node(&node, address);
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
            !read_hop(rule->field, &element, next))
            return;
        memcpy(address, next, sizeof(next));
    }
}

void client_address_of(const struct api_exchange *exchange, char address[CLIENT_ADDRESS_SIZE])
{
    const struct h2_session *session = h2_stream_session(exchange->stream);
    char buffer[64];

    address[0] = '\0';
    if (session)
        client_address_find(&exchange->api->settings->client_address,
                            h2_session_peer(session, buffer, sizeof(buffer)), exchange->request,
                            address);
}

void client_address_customer(const char *address, char customer[CLIENT_ADDRESS_SIZE])
{
    struct in6_addr v6;

    snprintf(customer, CLIENT_ADDRESS_SIZE, "%s", address);
    if (inet_pton(AF_INET6, address, &v6) != 1)
        return;
    memset(&v6.s6_addr[8], 0, 8);
    (void)inet_ntop(AF_INET6, &v6, customer, CLIENT_ADDRESS_SIZE);
}
