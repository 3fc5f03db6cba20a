/* SPDX-License-Identifier: Apache-2.0 */
#include "h1/target.h"

#include <string.h>
#include <strings.h>

static bool is_one_of(char c, const char *others)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr(others, c));
}

static size_t skip_scheme(const char *text, size_t length)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t scheme = strlen(schemes[i]);

        if (length > scheme && strncasecmp(text, schemes[i], scheme) == 0)
            return scheme;
    }
    return 0;
}

bool h1_target_parse(struct h1_target *target, const char *text, size_t length)
{
    size_t begin;
    size_t end;

    *target = (struct h1_target){.path = text, .path_length = length};
    if (length > 0 && (text[0] == '/' || (length == 1 && text[0] == '*')))
        return true;
    begin = end = skip_scheme(text, length);
    while (end < length && text[end] != '/' && text[end] != '?')
        end++;
    if (begin == 0 || end == begin)
        return false;
    target->authority = text + begin;
    target->authority_length = end - begin;
    target->path = text + end;
    target->path_length = length - end;
    target->lacks_slash = end == length || text[end] == '?';
    return true;
}

static bool is_port(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    return length <= 5;
}

/* A comma is allowed by RFC 3986, and what two host fields become where they are joined. */
bool h1_target_is_host(const char *text, size_t length)
{
    const bool is_address = length > 0 && text[0] == '[';
    size_t host = is_address ? 1 : 0;

    while (host < length && is_one_of(text[host], is_address ? ":." : "-._~%!$&'()*+;="))
        host++;
    if (is_address && (host == 1 || host == length || text[host++] != ']'))
        return false;
    if (host == length)
        return true;
    return host > 0 && text[host] == ':' && is_port(text + host + 1, length - host - 1);
}
