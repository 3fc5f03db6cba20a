/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/names.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "sse/event.h"
#include "sse/user.h"

/* ---- channels ---- */

bool sse_channel_is_name(const char *name)
{
    const size_t length = strlen(name);

    return length > 0 && length <= SSE_CHANNEL_MAX_NAME && utf8_is_valid(name, length) &&
           sse_text_is_plain(name, length);
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

/* Whether one of the user's own patterns matches. */
static bool allows_credential(const struct sse_user *user, const char *name)
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

bool channel_rights_allow(const struct channel_rights *rights, const struct sse_user *user,
                          const char *channel)
{
    const char *rest = rights->patterns;
    struct word pattern;

    if (rights->is_open || allows_credential(user, channel))
        return true;
    while (words_next(&rest, &pattern)) {
        if (sse_channel_pattern_matches(pattern.text, pattern.length, channel, user))
            return true;
    }
    return false;
}

const char *channel_rights_refused(const struct channel_rights *rights, const struct sse_user *user,
                                   const char *const *channels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!channel_rights_allow(rights, user, channels[i]))
            return channels[i];
    }
    return NULL;
}

/* ---- lists ---- */

static const struct {
    bool (*is_name)(const char *name);
    const char *fault;
} kinds[] = {
    [NAME_OF_EVENT] = {sse_event_is_name,
                       "a listener must be the name of an event: a text of 1 to 128 "
                       "bytes without line breaks"},
    [NAME_OF_CHANNEL] = {sse_channel_is_name, "the name of a channel must be a text of 1 to 128 "
                                              "bytes without control characters"},
};

const char *name_list_add(struct name_list *list, enum name_kind kind, const char *name)
{
    if (!name || !kinds[kind].is_name(name)) {
        if (!name || !list->refuse)
            return kinds[kind].fault;
        list->refuse(list->context, kind, name);
        return NULL;
    }
    /* Twice as much whenever the count is a power of two. */
    if ((list->count & (list->count - 1)) == 0)
        list->names =
            mem_realloc(list->names, (list->count > 0 ? 2 * list->count : 1) * sizeof(char *));
    list->names[list->count++] = name;
    return NULL;
}

const char *name_list_add_json(struct name_list *list, enum name_kind kind, const json_t *value)
{
    const size_t count = json_array_size(value);
    const char *fault = NULL;

    if (!json_is_array(value))
        return name_list_add(list, kind, json_string_value(value));
    for (size_t i = 0; i < count && !fault; i++)
        fault = name_list_add(list, kind, json_string_value(json_array_get(value, i)));
    return fault;
}

static char *trim(char *text)
{
    size_t length;

    text += strspn(text, " ");
    length = strlen(text);
    while (length > 0 && text[length - 1] == ' ')
        text[--length] = '\0';
    return text;
}

const char *name_list_add_text(struct name_list *list, enum name_kind kind, const char *text)
{
    const char *fault = NULL;
    char *rest, *part;

    list->storage = mem_strdup(text);
    rest = list->storage;
    while (!fault && (part = strsep(&rest, ","))) {
        part = trim(part);
        if (part[0] != '\0')
            fault = name_list_add(list, kind, part);
    }
    return fault;
}

void name_list_keep(struct name_list *list, bool (*is_kept)(void *context, const char *name),
                    void *context)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++) {
        if (is_kept(context, list->names[i]))
            list->names[kept++] = list->names[i];
    }
    list->count = kept;
}

void name_list_release(struct name_list *list)
{
    free(list->names);
    free(list->storage);
    *list = (struct name_list){0};
}
