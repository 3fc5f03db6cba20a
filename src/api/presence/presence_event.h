/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_PRESENCE_EVENT_H
#define API_PRESENCE_EVENT_H
/* What back ends hear of who comes and goes: the kinds of events, and each as JSON. */
#include <stdbool.h>
#include <stddef.h>

#include "base/words.h"
#include "sse/connection.h"

struct api_service;
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

/* One JSON object each; one reference. */
struct bytes *presence_event_connect(const struct api_service *service,
                                     const struct sse_connection *connection);
/* text: what was said instead of the reason's word; NULL: nothing. */
struct bytes *presence_event_disconnect(const struct api_service *service,
                                        const struct sse_connection *connection,
                                        enum sse_close_reason reason, const char *text);
struct bytes *presence_event_listening(const struct api_service *service,
                                       const struct sse_connection *connection, const char *event,
                                       bool after);
/* about: the user as JSON, of presence_event_about(); NULL: not known. */
struct bytes *presence_event_user(const struct api_service *service, enum presence_kind kind,
                                  const char *user_id, const struct bytes *about);
/* members: of the object, behind those that all events have. */
struct bytes *presence_event_receipt(const struct api_service *service, const char *members);
struct bytes *presence_event_about(const struct sse_connection *connection);

#endif
