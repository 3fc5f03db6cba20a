/* SPDX-License-Identifier: Apache-2.0 */
#include "base/http_url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_LABEL 63u

static const char no_scheme[] = "must begin with https:// or http://";
static const char bad_character[] =
    "must have no blanks, control characters, backslashes or others than ASCII; write a name's "
    "punycode";
static const char has_fragment[] = "must have no #";
static const char has_user[] = "must have no user and password";
static const char bad_host[] = "must have a host that is a name (letters, digits, - and dots "
                               "between, none at its end), an IPv4 "
                               "address as 192.0.2.1 or an IPv6 address as [2001:db8::1]";
static const char bad_port[] = "must have a port from 1 to 65535, or none";

static const char *skip_scheme(struct http_url *url, const char *text)
{
    url->is_https = strncmp(text, "https://", 8) == 0;
    if (url->is_https)
        return text + 8;
    return strncmp(text, "http://", 7) == 0 ? text + 7 : NULL;
}

static bool is_plain(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text > '~' || *text == '\\')
            return false;
    }
    return true;
}

static bool read_port(struct http_url *url, const char *text, size_t length)
{
    unsigned long port = 0;

    url->has_port = length > 0;
    url->port = url->is_https ? 443 : 80;
    if (!url->has_port)
        return true;
    if (length < 2 || length > 6 || strspn(text + 1, "0123456789") != length - 1)
        return false;
    port = strtoul(text + 1, NULL, 10);
    url->port = (uint16_t)port;
    return port > 0 && port <= UINT16_MAX;
}

static bool are_labels(const char *host)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";

    for (;;) {
        const size_t length = strspn(host, allowed);

        if (length == 0 || length > MOST_LABEL || host[0] == '-' || host[length - 1] == '-')
            return false;
        if (host[length] == '\0')
            return true;
        if (host[length] != '.')
            return false;
        host += length + 1;
    }
}

/* What ends in a number is read as an IPv4 address by many, in many forms (0x7f.1). */
static bool ends_in_number(const char *host)
{
    const char *dot = strrchr(host, '.');
    const char *last = dot ? dot + 1 : host;

    return last[strspn(last, "0123456789")] == '\0' || strncmp(last, "0x", 2) == 0;
}

static bool read_name(struct http_url *url, const char *text, size_t length)
{
    unsigned char bytes[4];

    if (length == 0 || length >= sizeof(url->host))
        return false;
    for (size_t i = 0; i < length; i++)
        url->host[i] = (char)tolower((unsigned char)text[i]);
    url->host[length] = '\0';
    url->is_address = inet_pton(AF_INET, url->host, bytes) == 1;
    return url->is_address || (are_labels(url->host) && !ends_in_number(url->host));
}

static bool read_v6(struct http_url *url, const char *text, size_t length)
{
    char address[INET6_ADDRSTRLEN];
    unsigned char bytes[16];

    if (length >= sizeof(address))
        return false;
    memcpy(address, text, length);
    address[length] = '\0';
    url->is_address = true;
    return inet_pton(AF_INET6, address, bytes) == 1 &&
           inet_ntop(AF_INET6, bytes, url->host, sizeof(url->host));
}

/* What stands between // and the path. */
static const char *read_authority(struct http_url *url, const char *text, size_t length)
{
    const char *end = text + length;
    const char *bracket = *text == '[' ? memchr(text, ']', length) : NULL;
    const char *host_end = bracket ? bracket + 1 : memchr(text, ':', length);

    if (memchr(text, '@', length))
        return has_user;
    if (!host_end)
        host_end = end;
    if (bracket ? !read_v6(url, text + 1, (size_t)(bracket - text) - 1)
                : !read_name(url, text, (size_t)(host_end - text)))
        return bad_host;
    if (host_end < end && *host_end != ':')
        return bad_host;
    return read_port(url, host_end, (size_t)(end - host_end)) ? NULL : bad_port;
}

const char *http_url_read(struct http_url *url, const char *text)
{
    const char *authority = skip_scheme(url, text);

    if (!authority)
        return no_scheme;
    if (!is_plain(text))
        return bad_character;
    if (strchr(text, '#'))
        return has_fragment;
    return read_authority(url, authority, strcspn(authority, "/?"));
}

static bool read_entry(struct http_url *entry, const struct word *word, bool *is_suffix)
{
    *is_suffix = word->length > 2 && strncmp(word->text, "*.", 2) == 0;
    return !memchr(word->text, '/', word->length) && !memchr(word->text, '?', word->length) &&
           !read_authority(entry, word->text + (*is_suffix ? 2 : 0),
                           word->length - (*is_suffix ? 2 : 0)) &&
           !(*is_suffix && entry->is_address);
}

static bool is_below(const char *host, const char *name)
{
    const size_t length = strlen(host);
    const size_t suffix = strlen(name);

    return length > suffix + 1 && host[length - suffix - 1] == '.' &&
           strcmp(host + length - suffix, name) == 0;
}

bool http_url_is_listed(const struct http_url *url, const char *hosts)
{
    struct word word;

    while (words_next(&hosts, &word)) {
        struct http_url entry = {.is_https = url->is_https};
        bool is_suffix = false;

        if (!read_entry(&entry, &word, &is_suffix) || (entry.has_port && entry.port != url->port))
            continue;
        if (is_suffix ? !url->is_address && is_below(url->host, entry.host)
                      : strcmp(url->host, entry.host) == 0)
            return true;
    }
    return false;
}

bool http_url_hosts_are_valid(const char *hosts, struct word *wrong)
{
    while (words_next(&hosts, wrong)) {
        struct http_url entry = {0};
        bool is_suffix = false;

        if (!read_entry(&entry, wrong, &is_suffix))
            return false;
    }
    return true;
}
