/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/channel_pattern.h"

#include <string.h>

#include "base/utf8.h"
#include "sse/user.h"

bool sse_channel_is_name(const char *name)
{
    const size_t length = strlen(name);

    if (length == 0 || length > SSE_CHANNEL_MAX_NAME || !utf8_is_valid(name, length))
        return false;
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
            return false;
    }
    return true;
}

/* What a pattern asks for next, besides a byte. */
enum { ANY = 256, END };

struct cursor {
    const char *at, *end;
    const char *value; /* what is left of a placeholder's text */
    const struct sse_user *user;
};

/* The text for the placeholder that the pattern goes on with, which is skipped; NULL: there is
 * none. */
static const char *take_placeholder(struct cursor *cursor)
{
    const struct sse_user *user = cursor->user;
    const struct {
        const char *name, *text;
    } placeholders[] = {{"{userId}", user->id}, {"{tenantId}", user->tenant_id}};

    for (size_t i = 0; i < sizeof(placeholders) / sizeof(placeholders[0]); i++) {
        const size_t length = strlen(placeholders[i].name);

        if ((size_t)(cursor->end - cursor->at) < length ||
            memcmp(cursor->at, placeholders[i].name, length) != 0)
            continue;
        cursor->at += length;
        return placeholders[i].text;
    }
    return NULL;
}

/* A placeholder without a text asks for a byte that no text has. */
static int next(struct cursor *cursor)
{
    if (cursor->value && *cursor->value != '\0')
        return (unsigned char)*cursor->value++;
    cursor->value = NULL;
    if (cursor->at == cursor->end)
        return END;
    if (*cursor->at == '{' && cursor->user)
        cursor->value = take_placeholder(cursor);
    if (cursor->value)
        return *cursor->value != '\0' ? (unsigned char)*cursor->value++ : '\0';
    if (*cursor->at == '*') {
        cursor->at++;
        return ANY;
    }
    return (unsigned char)*cursor->at++;
}

bool sse_channel_pattern_matches(const char *pattern, size_t length, const char *name,
                                 const struct sse_user *user)
{
    struct cursor cursor = {.at = pattern, .end = pattern + length, .user = user};
    struct cursor behind_star = cursor;
    const char *resume = NULL; /* where the text that the latest '*' stands for ends so far */

    for (;;) {
        const int wanted = next(&cursor);

        if (wanted == ANY) {
            behind_star = cursor;
            resume = name;
        } else if (wanted == END && *name == '\0') {
            return true;
        } else if (*name != '\0' && wanted == (unsigned char)*name) {
            name++;
        } else if (resume && *resume != '\0') {
            /* What an earlier '*' stands for need not grow: the latest one can make up for it. */
            name = ++resume;
            cursor = behind_star;
        } else {
            return false;
        }
    }
}

bool sse_channel_pattern_of_user(const struct sse_user *user, const char *name)
{
    const char *line = user->channels;

    while (*line != '\0') {
        const size_t length = strcspn(line, "\n");

        if (length > 0 && sse_channel_pattern_matches(line, length, name, NULL))
            return true;
        line += length + (line[length] == '\n');
    }
    return false;
}
