/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_HTTP_URL_H
#define BASE_HTTP_URL_H
/*
 * An http or https URL that an outsider names: read so strictly that nobody who reads it after us
 * can find another host in it. And lists of hosts that such URLs may have.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/words.h"

#define HTTP_URL_HOST_SIZE 254u

struct http_url {
    bool is_https;
    bool is_address; /* the host is one, in the form of inet_ntop(), without brackets */
    bool has_port;
    uint16_t port;
    char host[HTTP_URL_HOST_SIZE]; /* in lower case */
};

/* NULL, or what is wrong with it: static, to be put behind "it". */
const char *http_url_read(struct http_url *url, const char *text);

/* A list (base/words.h) of names, *.names (what is below), addresses and [IPv6 addresses], each
 * with a port or for all ports. */
bool http_url_is_listed(const struct http_url *url, const char *hosts);

/* Whether all of the list are such; else *wrong is one that is not. */
bool http_url_hosts_are_valid(const char *hosts, struct word *wrong);

#endif
