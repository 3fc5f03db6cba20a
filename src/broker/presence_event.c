/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/presence_event.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

const char *const presence_kind_words[PRESENCE_KINDS] = {
    [PRESENCE_CONNECT] = "connect",           [PRESENCE_DISCONNECT] = "disconnect",
    [PRESENCE_LISTENING] = "listening",       [PRESENCE_USER_ONLINE] = "user-online",
    [PRESENCE_USER_OFFLINE] = "user-offline", [PRESENCE_RECEIPT] = "receipt",
};

bool presence_kinds_parse(const char *words, unsigned *kinds, struct word *unknown)
{
    if (!words_mask(words, presence_kind_words, PRESENCE_KINDS, kinds, unknown))
        return false;
    if (*kinds == 0)
        *kinds = PRESENCE_ALL;
    return true;
}

/* Between the texts, before a digit of enum presence_telling, and before the traceparent: JSON has
 * none. */
#define PART '\n'

struct bytes *presence_text_new(struct buf *shown, struct buf *told, enum presence_telling telling,
                                const char *traceparent)
{
    if (telling != PRESENCE_TOLD || told->length > 0 || *traceparent != '\0') {
        buf_printf(shown, "%c%d", PART, (int)telling);
        buf_append(shown, told->data, told->length);
    }
    if (*traceparent != '\0')
        buf_printf(shown, "%c%s", PART, traceparent);
    buf_release(told);
    return buf_freeze(shown);
}

void presence_text_append_json(struct buf *to, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);

    json_decref(value);
    buf_append_str(to, text ? text : "null");
    free(text);
}

/* NULL: both are one text, and nothing else is there. */
static const char *part_of(const struct bytes *text)
{
    return memchr(text->data, PART, text->length);
}

static size_t told_length(const char *part)
{
    return (size_t)(strchrnul(part + 2, PART) - (part + 2));
}

void presence_text_append_shown(struct buf *to, const struct bytes *text)
{
    const char *part = part_of(text);

    buf_append(to, text->data, part ? (size_t)(part - text->data) : text->length);
}

enum presence_telling presence_text_telling(const struct bytes *text)
{
    const char *part = part_of(text);

    return part ? (enum presence_telling)(part[1] - '0') : PRESENCE_TOLD;
}

bool presence_text_is_told(const struct bytes *text)
{
    return presence_text_telling(text) != PRESENCE_NOT_TOLD;
}

bool presence_text_is_told_apart(const struct bytes *text)
{
    const char *part = part_of(text);

    return part && told_length(part) > 0;
}

const char *presence_text_traceparent(const struct bytes *text)
{
    const char *part = part_of(text);
    const char *traceparent = part ? part + 2 + told_length(part) : "";

    return *traceparent == PART ? traceparent + 1 : traceparent;
}

void presence_text_append_told(struct buf *to, const struct bytes *text, bool has_token)
{
    const char *part = part_of(text);

    if (part && told_length(part) > 0 &&
        (has_token || presence_text_telling(text) != PRESENCE_TOLD_TOKEN))
        buf_append(to, part + 2, told_length(part));
    else
        presence_text_append_shown(to, text);
}
