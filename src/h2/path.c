/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/path.h"

#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "h2/escape.h"

static bool is_control(unsigned char octet)
{
    return octet < 0x20 || octet == 0x7f;
}

/* Literal octets that no URI has (RFC 3986 2), or that some other reader would take apart. */
static bool is_refused_literal(unsigned char octet)
{
    return is_control(octet) || octet == ' ' || octet == '#' || octet == '\\';
}

/* A separator that came escaped would be a segment's text here and a separator elsewhere. */
static bool is_refused_escape(unsigned char octet)
{
    return is_control(octet) || octet == '/' || octet == '\\';
}

/* Writes the octets of [raw, end) to to, at most as many; *length says how many. */
static enum h2_path_result decode(const char *raw, const char *end, char *to, size_t *length)
{
    const char *start = to;

    while (raw < end) {
        unsigned char octet = (unsigned char)*raw;

        if (octet == '%') {
            int value = h2_escape_value(raw, (size_t)(end - raw));

            if (value < 0)
                return H2_PATH_BAD_ESCAPE;
            octet = (unsigned char)value;
            if (is_refused_escape(octet))
                return H2_PATH_FORBIDDEN;
            raw += 3;
        } else {
            if (is_refused_literal(octet))
                return H2_PATH_FORBIDDEN;
            raw++;
        }
        *to++ = (char)octet;
    }
    *length = (size_t)(to - start);
    return utf8_is_valid(start, *length) ? H2_PATH_OK : H2_PATH_FORBIDDEN;
}

static bool is_segment(const char *segment, size_t length, const char *text)
{
    return length == strlen(text) && memcmp(segment, text, length) == 0;
}

/* RFC 3986 5.2.4 in place, but for ".." at the root, which is an error here. */
static enum h2_path_result resolve_dots(char *path, size_t *length)
{
    const char *end = path + *length;
    const char *from = path + 1;
    char *root = path + 1;
    char *to = root; /* a '/' lies before it whenever a segment begins */

    for (;;) {
        const char *slash = memchr(from, '/', (size_t)(end - from));
        size_t segment = (size_t)((slash ? slash : end) - from);

        if (is_segment(from, segment, "..")) {
            if (to == root)
                return H2_PATH_ABOVE_ROOT;
            for (to--; to[-1] != '/';)
                to--;
        } else if (!is_segment(from, segment, ".")) {
            size_t with_slash = segment + (slash ? 1 : 0);

            memmove(to, from, with_slash);
            to += with_slash;
        }
        if (!slash)
            break;
        from = slash + 1;
    }
    *length = (size_t)(to - path);
    return H2_PATH_OK;
}

enum h2_path_result h2_path_parse(const char *raw, struct buf *path, const char **query)
{
    const char *end = raw + strcspn(raw, "?");
    size_t before = path->length;
    size_t length = 0;
    enum h2_path_result result;

    if (raw[0] != '/')
        return H2_PATH_NOT_ABSOLUTE;
    buf_reserve(path, (size_t)(end - raw));
    result = decode(raw, end, path->data + before, &length);
    if (result == H2_PATH_OK)
        result = resolve_dots(path->data + before, &length);
    path->length = result == H2_PATH_OK ? before + length : before;
    path->data[path->length] = '\0';
    if (result == H2_PATH_OK)
        *query = *end == '?' ? end + 1 : end;
    return result;
}

const char *h2_path_explain(enum h2_path_result result)
{
    switch (result) {
    case H2_PATH_OK:
        break;
    case H2_PATH_NOT_ABSOLUTE:
        return "the path must start with '/'";
    case H2_PATH_BAD_ESCAPE:
        return "each '%' in the path must be followed by two hexadecimal digits";
    case H2_PATH_FORBIDDEN:
        return "the path must be valid UTF-8 without control characters, spaces, '#', '\\' "
               "and without escaped '/' and '\\'";
    case H2_PATH_ABOVE_ROOT:
        return "'..' in the path leads above the root";
    }
    return "";
}
