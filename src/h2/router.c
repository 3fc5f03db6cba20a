/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/router.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static const char variable_mark[] = "{path}";

static const struct {
    const char *name;
    enum h2_method method;
} methods_by_name[] = {
    {"GET", H2_GET}, {"HEAD", H2_GET},      {"POST", H2_POST},
    {"PUT", H2_PUT}, {"DELETE", H2_DELETE}, {"OPTIONS", H2_OPTIONS},
};

#define METHOD_NAMES (sizeof(methods_by_name) / sizeof(methods_by_name[0]))

enum h2_method h2_method_parse(const char *name)
{
    for (size_t i = 0; i < METHOD_NAMES; i++)
        if (strcmp(methods_by_name[i].name, name) == 0)
            return methods_by_name[i].method;
    return (enum h2_method)0;
}

const char *h2_method_allow(unsigned methods, char *buffer, size_t size)
{
    size_t length = 0;

    buffer[0] = '\0';
    for (size_t i = 0; i < METHOD_NAMES && length < size; i++)
        if (methods & methods_by_name[i].method)
            length += (size_t)snprintf(buffer + length, size - length, "%s%s",
                                       length > 0 ? ", " : "", methods_by_name[i].name);
    return buffer;
}

static size_t count_characters(const char *text, size_t length)
{
    size_t count = 0;

    for (size_t i = 0; i < length; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

static bool is_variable(const char *text, size_t length)
{
    const char *end = text + length;

    if (length > H2_ROUTE_MAX_VARIABLE || count_characters(text, length) > H2_ROUTE_MAX_CHARACTERS)
        return false;
    for (;;) {
        const char *slash = memchr(text, '/', (size_t)(end - text));
        const size_t segment = (size_t)((slash ? slash : end) - text);

        if (segment == 0 || (segment <= 2 && memcmp(text, "..", segment) == 0))
            return false;
        if (!slash)
            return true;
        text = slash + 1;
    }
}

/* What {path} stands for, or NULL when the path is not of this pattern. */
static const char *match_variable(const char *pattern, const char *mark, struct word path,
                                  size_t *length)
{
    size_t prefix = (size_t)(mark - pattern);
    const char *suffix = mark + strlen(variable_mark);
    size_t suffix_length = strlen(suffix);

    if (path.length <= prefix + suffix_length || memcmp(path.text, pattern, prefix) != 0 ||
        memcmp(path.text + path.length - suffix_length, suffix, suffix_length) != 0)
        return NULL;
    *length = path.length - prefix - suffix_length;
    return is_variable(path.text + prefix, *length) ? path.text + prefix : NULL;
}

/* The same of any pattern; "" of a literal one. Most differ from the path in the first letters. */
static const char *match_pattern(const char *pattern, struct word path, size_t *length)
{
    size_t same = 0;

    while (pattern[same] != '\0' && pattern[same] != variable_mark[0] &&
           pattern[same] == path.text[same])
        same++;
    *length = 0;
    if (pattern[same] == '\0')
        return same == path.length || path.text[same] == '\0' ? "" : NULL;
    return pattern[same] == variable_mark[0] ? match_variable(pattern, pattern + same, path, length)
                                             : NULL;
}

/* One slash at the end is no part of it. */
static struct word path_of(const char *text)
{
    const size_t length = strlen(text);
    const bool has_slash = length > 0 && text[length - 1] == '/';

    return (struct word){text, has_slash && (length == 1 || text[length - 2] != '/') ? length - 1
                                                                                     : length};
}

void h2_router_match(const struct h2_route *routes, size_t count, enum h2_method method,
                     const char *path, struct h2_match *match)
{
    const struct word asked = path_of(path);
    const char *first = path[0] != '\0' ? path + 1 : path; /* behind the slash */

    match->route = NULL;
    match->allowed = 0;
    match->variable[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const struct h2_route *route = &routes[i];
        const char *variable;
        size_t length;

        if (route->pattern[0] != '\0' && route->pattern[1] != *first &&
            route->pattern[1] != variable_mark[0])
            continue;
        variable = match_pattern(route->pattern, asked, &length);
        if (!variable)
            continue;
        match->allowed |= route->methods;
        /* The first one wins, but a literal one before any with a variable. */
        if (!(route->methods & method) || (match->route && (length > 0 || !match->variable[0])))
            continue;
        match->route = route;
        memcpy(match->variable, variable, length);
        match->variable[length] = '\0';
    }
}
