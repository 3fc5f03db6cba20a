/* SPDX-License-Identifier: Apache-2.0 */
#include "base/http_url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"

#define MOST_LABEL 63u

static const char bad_host[] = "must have a host that is a name (letters, digits, - and dots "
                               "between, none at its end), an IPv4 "
                               "address as 192.0.2.1 or an IPv6 address as [2001:db8::1]";

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

/* How many bytes at text are of these octets; a span within length. */
static size_t span(const char *text, size_t length, const char *octets)
{
    size_t count = 0;

    while (count < length && text[count] != '\0' && strchr(octets, text[count]))
        count++;
    return count;
}

/* ":8443", all of it; "" leaves the port as it is. */
static bool read_port(const char *text, size_t length, uint16_t *port)
{
    unsigned value = 0;

    if (length == 0)
        return true;
    if (text[0] != ':' || length < 2 || length > 6 ||
        span(text + 1, length - 1, "0123456789") != length - 1)
        return false;
    for (size_t i = 1; i < length; i++)
        value = value * 10 + (unsigned)(text[i] - '0');
    *port = (uint16_t)value;
    return value > 0 && value <= UINT16_MAX;
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
        return "must have no user and password";
    if (!host_end)
        host_end = end;
    if (bracket ? !read_v6(url, text + 1, (size_t)(bracket - text) - 1)
                : !read_name(url, text, (size_t)(host_end - text)))
        return bad_host;
    if (host_end < end && *host_end != ':')
        return bad_host;
    url->has_port = host_end < end;
    url->port = url->is_https ? 443 : 80;
    return read_port(host_end, (size_t)(end - host_end), &url->port)
               ? NULL
               : "must have a port from 1 to 65535, or none";
}

const char *http_url_read(struct http_url *url, const char *text)
{
    const char *authority = skip_scheme(url, text);

    if (!authority)
        return "must begin with https:// or http://";
    if (!is_plain(text))
        return "must have no blanks, control characters, backslashes or others than ASCII; write a "
               "name's punycode";
    if (strchr(text, '#'))
        return "must have no #";
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

static bool is_same_text(const struct word *left, const struct word *right)
{
    return left->length == right->length && strncasecmp(left->text, right->text, left->length) == 0;
}

/* What "*." and the name stand for: something is before the dot. */
static bool is_below(struct word host, const struct word *name)
{
    const size_t length = host.length - name->length;

    if (host.length < name->length + 2 || host.text[length - 1] != '.')
        return false;
    return is_same_text(&(struct word){host.text + length, name->length}, name);
}

bool http_url_is_listed(const struct http_url *url, const char *hosts)
{
    struct word word;

    while (words_next(&hosts, &word)) {
        struct http_url entry = {.is_https = url->is_https};
        bool is_suffix = false;

        if (!read_entry(&entry, &word, &is_suffix) || (entry.has_port && entry.port != url->port))
            continue;
        if (!is_suffix && strcmp(url->host, entry.host) == 0)
            return true;
        if (is_suffix && !url->is_address &&
            is_below((struct word){url->host, strlen(url->host)},
                     &(struct word){entry.host, strlen(entry.host)}))
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

/* ---- origins ---- */

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
static const char scheme_octets[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "0123456789+-.";
static const char host_octets[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789-._";
static const char address_octets[] = "0123456789abcdefABCDEF:.";

/* Its texts lie in the one that it was read from. */
struct origin {
    struct word scheme;
    struct word host;
    uint16_t port; /* 0: the scheme has no usual one, and none was said */
    bool is_pattern;
};

struct origins {
    char *text;
    size_t count;
    struct origin list[];
};

static uint16_t usual_port(const struct word *scheme)
{
    static const struct word https = {"https", 5};
    static const struct word http = {"http", 4};

    if (is_same_text(scheme, &https))
        return 443;
    return is_same_text(scheme, &http) ? 80 : 0;
}

/* The length of the host at text, brackets included; 0: there is none. */
static size_t host_length(const char *text, size_t length)
{
    size_t inside;

    if (length == 0 || text[0] != '[')
        return span(text, length, host_octets);
    inside = span(text + 1, length - 1, address_octets);
    return inside > 0 && inside + 1 < length && text[inside + 1] == ']' ? inside + 2 : 0;
}

/* HOST or HOST:PORT, all of the text. */
static bool read_origin_authority(const char *text, size_t length, struct origin *origin)
{
    origin->host = (struct word){text, host_length(text, length)};
    return origin->host.length > 0 &&
           read_port(text + origin->host.length, length - origin->host.length, &origin->port);
}

/* SCHEME://HOST or SCHEME://HOST:PORT, all of the text. */
static bool read_origin(const char *text, size_t length, struct origin *origin)
{
    size_t scheme = span(text, length, scheme_octets);

    *origin = (struct origin){.scheme = {text, scheme}};
    if (scheme == 0 || span(text, 1, letters) == 0 || length < scheme + 3 ||
        memcmp(text + scheme, "://", 3) != 0)
        return false;
    text += scheme + 3;
    length -= scheme + 3;
    origin->port = usual_port(&origin->scheme);
    if (length > 2 && memcmp(text, "*.", 2) == 0) {
        origin->is_pattern = true;
        text += 2;
        length -= 2;
    }
    if (!read_origin_authority(text, length, origin))
        return false;
    return !origin->is_pattern || memchr(origin->host.text, '.', origin->host.length);
}

static bool matches(const struct origin *listed, const struct origin *origin)
{
    if (!is_same_text(&listed->scheme, &origin->scheme) || listed->port != origin->port)
        return false;
    return listed->is_pattern ? is_below(origin->host, &listed->host)
                              : is_same_text(&listed->host, &origin->host);
}

struct origins *origins_new(const char *text, char *fault, size_t fault_size)
{
    struct origins *origins =
        mem_zalloc(sizeof(*origins) + words_count(text) * sizeof(origins->list[0]));
    const char *rest = origins->text = mem_strdup(text);
    struct word word;

    while (words_next(&rest, &word)) {
        if (read_origin(word.text, word.length, &origins->list[origins->count++]))
            continue;
        snprintf(fault, fault_size,
                 "\"%.*s\" is no origin; use one such as https://app.example.com, "
                 "https://app.example.com:8443 or https://*.example.com, without a path",
                 (int)(word.length < 80 ? word.length : 80), word.text);
        origins_free(origins);
        return NULL;
    }
    return origins;
}

void origins_free(struct origins *origins)
{
    if (!origins)
        return;
    free(origins->text);
    free(origins);
}

bool origins_contain(const struct origins *origins, const char *text)
{
    struct origin origin;

    if (origins->count == 0 || !read_origin(text, strlen(text), &origin) || origin.is_pattern)
        return false;
    for (size_t i = 0; i < origins->count; i++) {
        if (matches(&origins->list[i], &origin))
            return true;
    }
    return false;
}

bool origin_is_own(const char *text, const char *scheme, const char *authority)
{
    static const struct word https = {"https", 5};
    const struct word asked = {scheme, strlen(scheme)};
    struct origin origin, own;

    if (!read_origin(text, strlen(text), &origin) || origin.is_pattern)
        return false;
    if (!is_same_text(&origin.scheme, &https) && !is_same_text(&origin.scheme, &asked))
        return false;
    own = (struct origin){.scheme = origin.scheme, .port = usual_port(&origin.scheme)};
    return read_origin_authority(authority, strlen(authority), &own) && matches(&own, &origin);
}
