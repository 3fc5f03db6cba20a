/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_PRESENCE_EVENT_H
#define API_PRESENCE_EVENT_H
/* What back ends hear of who comes and goes, as JSON. */
#include <stdbool.h>
#include <stddef.h>

#include "broker/presence_kind.h"
#include "sse/connection.h"

struct api_service;
struct bytes;

/* Each as broker/presence_text.h has it, with one reference. */
struct bytes *presence_event_connect(const struct api_service *service,
                                     const struct sse_connection *connection);
/* text: what was said instead of the reason's word; NULL: nothing. */
struct bytes *presence_event_disconnect(const struct api_service *service,
                                        const struct sse_connection *connection,
                                        enum sse_close_reason reason, const char *text);
struct bytes *presence_event_listening(const struct api_service *service,
                                       const struct sse_connection *connection, const char *event,
                                       bool after);
/* user_key: shown as json_text_user_members() does. about: of presence_event_about(); NULL: not
 * known. */
struct bytes *presence_event_user(const struct api_service *service, enum presence_kind kind,
                                  const char *user_key, const struct bytes *about);
/* members: of the object, behind those that all events have; told: as the service's own back end is
 * told them, with a whole token; "": the same. */
struct bytes *presence_event_receipt(const struct api_service *service, const char *members,
                                     const char *told);
/* The connection's user. */
struct bytes *presence_event_about(const struct api_service *service,
                                   const struct sse_connection *connection);

#endif
