/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_PRESENCE_KIND_H
#define BROKER_PRESENCE_KIND_H
/* The kinds of events about who comes and goes. */
#include <stdbool.h>

#include "base/words.h"

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

#endif
