/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_PRESENCE_EVENT_H
#define BROKER_PRESENCE_EVENT_H
/* Events about who comes and goes: their kinds, whom they are about, and their JSON. */
#include <jansson.h>
#include <stdbool.h>

#include "base/text.h"

struct buf;
struct bytes;

enum presence_kind {
    PRESENCE_CONNECT,
    PRESENCE_DISCONNECT,
    PRESENCE_LISTENING,
    PRESENCE_USER_ONLINE,
    PRESENCE_USER_OFFLINE,
    PRESENCE_RECEIPT, /* what has become of a stored message */
    PRESENCE_KINDS
};

extern const char *const presence_kind_words[PRESENCE_KINDS];
/* Who comes and goes; and all there are. */
#define PRESENCE_COMING_LIST "connect, disconnect, listening, user-online, user-offline"
#define PRESENCE_KIND_LIST   PRESENCE_COMING_LIST ", receipt"

/* Sets of kinds are bits. */
#define PRESENCE_BIT(kind) (1u << (kind))
#define PRESENCE_ALL       (PRESENCE_BIT(PRESENCE_KINDS) - 1)
#define PRESENCE_OF_CONNECTIONS                                                                    \
    (PRESENCE_BIT(PRESENCE_CONNECT) | PRESENCE_BIT(PRESENCE_DISCONNECT) |                          \
     PRESENCE_BIT(PRESENCE_LISTENING))
#define PRESENCE_OF_USERS (PRESENCE_BIT(PRESENCE_USER_ONLINE) | PRESENCE_BIT(PRESENCE_USER_OFFLINE))

/* "connect, user-offline" to bits; none is all. False: *unknown is no kind. */
bool presence_kinds_parse(const char *words, unsigned *kinds, struct word *unknown);

/* Whom an event is about. On its way between threads it lies at the end of what carries it. */
struct presence_subject {
    const char *user_key;  /* events of one are notified in order */
    const char *tenant_id; /* keys for tenants see those of theirs; "": of none */
};

/*
 * The JSON of an event, in one block, for its two kinds of readers. Watchers are shown what queries
 * show. The service's own back end is told more: ids as they were given and, if allowed, whole
 * tokens. Mostly both are one text.
 */
enum presence_telling {
    PRESENCE_NOT_TOLD,   /* it is not for notifications */
    PRESENCE_TOLD,       /* as it is shown, or as told says */
    PRESENCE_TOLD_TOKEN, /* the same, with a whole token in told */
};

/* Releases both; JSON without line breaks. told may be empty: then it is told as it is shown.
 * traceparent: of the request that brought it about, for notifications; "": none. One reference. */
struct bytes *presence_text_new(struct buf *shown, struct buf *told, enum presence_telling telling,
                                const char *traceparent);

/* Appends a value as the texts have it; takes over the reference. */
void presence_text_append_json(struct buf *to, json_t *value);
/* Appends the part of each kind of reader. has_token: whether a whole token may be told. */
void presence_text_append_shown(struct buf *to, const struct bytes *text);
void presence_text_append_told(struct buf *to, const struct bytes *text, bool has_token);
bool presence_text_is_told(const struct bytes *text);
bool presence_text_is_told_apart(const struct bytes *text);
/* "": it has none. */
const char *presence_text_traceparent(const struct bytes *text);
/* The telling of one that is told otherwise than it is shown, else PRESENCE_TOLD. */
enum presence_telling presence_text_telling(const struct bytes *text);

#endif
