/* SPDX-License-Identifier: Apache-2.0 */
#include "api/secrets.h"

#include <string.h>
#include <strings.h>

#include "base/buf.h"

/* Pages with a router of their own put a query into the fragment. */
#define DELIMITERS "?#&;"

static const char *const words[] = {"token",  "secret",     "passw",  "authorization",
                                    "cookie", "credential", "jwt",    "session",
                                    "apikey", "api-key",    "api_key"};

static bool holds(const char *name, size_t length, const char *word)
{
    size_t size = strlen(word);

    for (; length >= size; name++, length--) {
        if (strncasecmp(name, word, size) == 0)
            return true;
    }
    return false;
}

bool secrets_is_name(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (holds(name, length, words[i]))
            return true;
    }
    return false;
}

void secrets_append_mask(struct buf *text)
{
    buf_append_str(text, "***");
}

static void append_piece(struct buf *text, const char *piece, size_t length)
{
    const char *equals = memchr(piece, '=', length);
    size_t name_length = equals ? (size_t)(equals - piece) : 0;

    if (!secrets_is_name(piece, name_length)) {
        buf_append(text, piece, length);
        return;
    }
    buf_append(text, piece, name_length + 1);
    secrets_append_mask(text);
}

void secrets_append_masked(struct buf *text, const char *value)
{
    size_t length = strcspn(value, "?#");

    buf_append(text, value, length);
    for (value += length; *value != '\0'; value += length) {
        buf_append_char(text, *value);
        value++;
        length = strcspn(value, DELIMITERS);
        append_piece(text, value, length);
    }
}
