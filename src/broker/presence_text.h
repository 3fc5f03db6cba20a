/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_PRESENCE_TEXT_H
#define BROKER_PRESENCE_TEXT_H
/*
 * The JSON of a presence event, in one piece of bytes, for its two kinds of readers: it is shown to
 * who watches as queries would, and told to the service's own back end, with ids as they were given
 * and, where they may have them, whole tokens. Mostly both are one text.
 */
#include <stdbool.h>

struct buf;
struct bytes;

enum presence_telling {
    PRESENCE_NOT_TOLD,   /* it is not for notifications */
    PRESENCE_TOLD,       /* as it is shown, or as told says */
    PRESENCE_TOLD_TOKEN, /* the same, with a whole token in told */
};

/* Releases both; JSON without line breaks. told may be empty: then it is told as it is shown. One
 * reference. */
struct bytes *presence_text_new(struct buf *shown, struct buf *told, enum presence_telling telling);

/* Appends the part of each kind of reader. has_token: whether a whole token may be told. */
void presence_text_append_shown(struct buf *to, const struct bytes *text);
void presence_text_append_told(struct buf *to, const struct bytes *text, bool has_token);
bool presence_text_is_told(const struct bytes *text);
bool presence_text_is_told_apart(const struct bytes *text);
/* The telling of one that is told otherwise than it is shown, else PRESENCE_TOLD. */
enum presence_telling presence_text_telling(const struct bytes *text);

#endif
