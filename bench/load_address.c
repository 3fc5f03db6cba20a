/* SPDX-License-Identifier: Apache-2.0 */
#include "load_address.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "load_connection.h"

static int split(const char *text, char *host, size_t size, const char **port)
{
    const char *colon = strrchr(text, ':');
    size_t length;

    if (colon == NULL || colon == text || colon[1] == '\0')
        return -EINVAL;
    length = (size_t)(colon - text);
    if (text[0] == '[' && text[length - 1] == ']') {
        text++;
        length -= 2;
    }
    if (length >= size)
        return -EINVAL;
    memcpy(host, text, length);
    host[length] = '\0';
    *port = colon + 1;
    return 0;
}

int load_address_resolve(const char *text, struct load_endpoint *endpoint)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found;
    const char *port;
    char host[256];
    int rc;

    if (split(text, host, sizeof(host), &port) < 0) {
        (void)fprintf(stderr, "--address is '%s'; use HOST:PORT\n", text);
        return -EINVAL;
    }
    rc = getaddrinfo(host, port, &hints, &found);
    if (rc != 0) {
        (void)fprintf(stderr, "--address: %s: %s\n", text, gai_strerror(rc));
        return -ENOENT;
    }
    memcpy(&endpoint->address, found->ai_addr, found->ai_addrlen);
    endpoint->address_length = found->ai_addrlen;
    endpoint->authority = text;
    freeaddrinfo(found);
    return 0;
}
