/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/request.h"

#include <string.h>
#include <strings.h>

static const char space[] = " \t";

const char *h2_request_header(const struct h2_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (strcmp(request->headers[i].name, name) == 0)
            return request->headers[i].value;
    return NULL;
}

/* The first pair of that name; what is no pair is passed over, as browsers' servers always did. */
const char *h2_request_cookie(const struct h2_request *request, const char *name, char *buffer,
                              size_t size)
{
    const char *pair = h2_request_header(request, "cookie");
    size_t name_length = strlen(name);

    while (pair) {
        size_t length;

        pair += strspn(pair, space);
        length = strcspn(pair, ";");
        if (length > name_length && memcmp(pair, name, name_length) == 0 &&
            pair[name_length] == '=') {
            const char *value = pair + name_length + 1;

            length -= name_length + 1;
            while (length > 0 && strchr(space, value[length - 1]))
                length--;
            if (length >= size)
                return NULL;
            memcpy(buffer, value, length);
            buffer[length] = '\0';
            return buffer;
        }
        pair = pair[length] == ';' ? pair + length + 1 : NULL;
    }
    return NULL;
}

bool h2_request_is_type(const struct h2_request *request, const char *media_type)
{
    const char *value = h2_request_header(request, "content-type");
    size_t length = strlen(media_type);

    if (!value)
        return false;
    value += strspn(value, space);
    if (strncasecmp(value, media_type, length) != 0)
        return false;
    value += length;
    value += strspn(value, space);
    return *value == '\0' || *value == ';';
}
