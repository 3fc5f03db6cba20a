/* SPDX-License-Identifier: Apache-2.0 */
#include "api/origins.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/words.h"

#define MAX_PORT 65535u

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
    unsigned port; /* 0: the scheme has no usual one, and none was said */
    bool is_pattern;
};

struct origins {
    char *text;
    size_t count;
    struct origin list[];
};

static bool is_same_text(const struct word *left, const struct word *right)
{
    return left->length == right->length && strncasecmp(left->text, right->text, left->length) == 0;
}

static unsigned usual_port(const struct word *scheme)
{
    static const struct word https = {"https", 5};
    static const struct word http = {"http", 4};

    if (is_same_text(scheme, &https))
        return 443;
    return is_same_text(scheme, &http) ? 80 : 0;
}

/* How many bytes at text are of these octets; a span within length. */
static size_t span(const char *text, size_t length, const char *octets)
{
    size_t count = 0;

    while (count < length && text[count] != '\0' && strchr(octets, text[count]))
        count++;
    return count;
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

/* ":8443", all of it; "" leaves the port as it is. */
static bool read_port(const char *text, size_t length, unsigned *port)
{
    unsigned value = 0;

    if (length == 0)
        return true;
    if (text[0] != ':' || length < 2 || length > 6 ||
        span(text + 1, length - 1, "0123456789") != length - 1)
        return false;
    for (size_t i = 1; i < length; i++)
        value = value * 10 + (unsigned)(text[i] - '0');
    *port = value;
    return value > 0 && value <= MAX_PORT;
}

/* HOST or HOST:PORT, all of the text. */
static bool read_authority(const char *text, size_t length, struct origin *origin)
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
    if (!read_authority(text, length, origin))
        return false;
    return !origin->is_pattern || memchr(origin->host.text, '.', origin->host.length);
}

static bool matches(const struct origin *listed, const struct origin *origin)
{
    struct word host = origin->host;

    if (!is_same_text(&listed->scheme, &origin->scheme) || listed->port != origin->port)
        return false;
    if (listed->is_pattern) {
        /* The dot before it is part of the pattern, and something must be before that. */
        if (host.length < listed->host.length + 2 ||
            host.text[host.length - listed->host.length - 1] != '.')
            return false;
        host.text += host.length - listed->host.length;
        host.length = listed->host.length;
    }
    return is_same_text(&listed->host, &host);
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
    return read_authority(authority, strlen(authority), &own) && matches(&own, &origin);
}
