/* SPDX-License-Identifier: Apache-2.0 */
#include "api/presence/presence_event.h"

#include <inttypes.h>
#include <stdlib.h>

#include "api/json_text.h"
#include "api/worker.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/loop.h"
#include "broker/presence_text.h"
#include "sse/channel_pattern.h"
#include "sse/service.h"
#include "sse/user.h"

static void begin_at(struct buf *text, const struct api_service *service, enum presence_kind kind,
                     int64_t time_ms)
{
    buf_printf(text, "{\"type\":\"%s\",\"service\":\"%s\",\"time\":%" PRId64,
               presence_kind_words[kind], service->settings->core->name, time_ms);
}

static void begin(struct buf *text, const struct api_service *service, enum presence_kind kind)
{
    begin_at(text, service, kind, loop_wall_ms(service->api->loop));
}

/* Takes over the reference. */
static void append_dumped(struct buf *text, json_t *value)
{
    char *dumped = json_dumps(value, JSON_COMPACT);

    json_decref(value);
    buf_append_str(text, dumped ? dumped : "null");
    free(dumped);
}

static void append_connection(struct buf *text, json_t *connection)
{
    buf_append_str(text, ",\"connection\":");
    append_dumped(text, connection);
    buf_append_char(text, '}');
}

/* Whether one of the patterns matches one of the names. */
static bool match_one(const char *patterns, const json_t *names)
{
    struct word pattern;
    const json_t *name;
    size_t i;

    while (words_next(&patterns, &pattern)) {
        json_array_foreach(names, i, name) {
            if (sse_channel_pattern_matches(pattern.text, pattern.length, json_string_value(name),
                                            NULL))
                return true;
        }
    }
    return false;
}

static bool has_wanted_channel(const char *patterns, const struct sse_connection *connection)
{
    json_t *channels = sse_connection_channels(connection);
    const bool is_wanted = *patterns == '\0' || match_one(patterns, channels);

    json_decref(channels);
    return is_wanted;
}

static bool has_wanted_token(const char *patterns, const struct sse_connection *connection)
{
    json_t *tokens = json_pack("[s]", connection->user->access_token);
    const bool is_wanted = *patterns == '\0' || match_one(patterns, tokens);

    json_decref(tokens);
    return is_wanted;
}

/* As far as it is known here: the worker that notifies looks at the kind and the address again. */
static bool is_notified(const struct api_service *service, enum presence_kind kind)
{
    const struct api_notification_settings *settings = &service->settings->notifications;

    return settings->url && *settings->url != '\0' && (settings->kinds & PRESENCE_BIT(kind)) != 0;
}

/* How the service's own back end is told of the connection's user; PRESENCE_TOLD: as it is shown.
 */
static enum presence_telling telling_of(const struct api_service *service,
                                        const struct sse_connection *connection)
{
    const struct sse_user *user = connection->user;

    if (service->settings->notifications.has_token && *user->access_token != '\0')
        return PRESENCE_TOLD_TOKEN;
    return PRESENCE_TOLD;
}

static bool is_told_apart(const struct sse_user *user, enum presence_telling telling)
{
    return telling == PRESENCE_TOLD_TOKEN || user->has_number_id || user->has_number_tenant;
}

static struct bytes *end_with(struct buf *text, const struct api_service *service,
                              enum presence_kind kind, const struct sse_connection *connection)
{
    const struct api_notification_settings *settings = &service->settings->notifications;
    const char *server_id = service->api->server_id;
    enum presence_telling telling = telling_of(service, connection);
    struct buf told = BUF_INIT;

    if (!is_notified(service, kind) || !has_wanted_channel(settings->channels, connection) ||
        !has_wanted_token(settings->access_tokens, connection)) {
        telling = PRESENCE_NOT_TOLD;
    } else if (is_told_apart(connection->user, telling)) {
        buf_append(&told, text->data, text->length);
        append_connection(
            &told, sse_connection_as_told(connection, server_id, telling == PRESENCE_TOLD_TOKEN));
    }
    append_connection(text, sse_connection_to_json(connection, server_id));
    return presence_text_new(text, &told, telling);
}

struct bytes *presence_event_connect(const struct api_service *service,
                                     const struct sse_connection *connection)
{
    struct buf text = BUF_INIT;

    begin(&text, service, PRESENCE_CONNECT);
    return end_with(&text, service, PRESENCE_CONNECT, connection);
}

struct bytes *presence_event_disconnect(const struct api_service *service,
                                        const struct sse_connection *connection,
                                        enum sse_close_reason reason, const char *text)
{
    const struct loop *loop = service->api->loop;
    const uint64_t ago = loop_now_ms(loop) - connection->ended_at;
    struct buf json = BUF_INIT;

    begin_at(&json, service, PRESENCE_DISCONNECT, loop_wall_ms(loop) - (int64_t)ago);
    buf_append_str(&json, ",\"reason\":");
    json_text_string(&json, text ? text : sse_close_reason_words[reason]);
    buf_printf(&json, ",\"duration\":%" PRIu64, connection->ended_at - connection->created_at);
    return end_with(&json, service, PRESENCE_DISCONNECT, connection);
}

struct bytes *presence_event_listening(const struct api_service *service,
                                       const struct sse_connection *connection, const char *event,
                                       bool after)
{
    struct buf text = BUF_INIT;

    begin(&text, service, PRESENCE_LISTENING);
    buf_append_str(&text, ",\"event\":");
    json_text_string(&text, event);
    buf_printf(&text, ",\"before\":%s,\"after\":%s", after ? "false" : "true",
               after ? "true" : "false");
    return end_with(&text, service, PRESENCE_LISTENING, connection);
}

struct bytes *presence_event_user(const struct api_service *service, enum presence_kind kind,
                                  const char *user_key, const struct bytes *about)
{
    const enum presence_telling telling = about ? presence_text_telling(about) : PRESENCE_TOLD;
    struct buf text = BUF_INIT;
    struct buf told = BUF_INIT;

    begin(&text, service, kind);
    buf_append_char(&text, ',');
    json_text_user_members(&text, user_key);
    buf_append_str(&text, ",\"user\":");
    if (about && presence_text_is_told_apart(about)) {
        buf_append(&told, text.data, text.length);
        presence_text_append_told(&told, about, true);
        buf_append_char(&told, '}');
    }
    if (about)
        presence_text_append_shown(&text, about);
    else
        buf_append_str(&text, "null");
    buf_append_char(&text, '}');
    return presence_text_new(&text, &told, telling);
}

static void append_receipt(struct buf *text, const struct api_service *service, const char *members)
{
    begin(text, service, PRESENCE_RECEIPT);
    buf_append_char(text, ',');
    buf_append_str(text, members);
    buf_append_char(text, '}');
}

struct bytes *presence_event_receipt(const struct api_service *service, const char *members,
                                     const char *told_members)
{
    struct buf text = BUF_INIT;
    struct buf told = BUF_INIT;

    append_receipt(&text, service, members);
    if (*told_members != '\0')
        append_receipt(&told, service, told_members);
    return presence_text_new(&text, &told, told.length > 0 ? PRESENCE_TOLD_TOKEN : PRESENCE_TOLD);
}

struct bytes *presence_event_about(const struct api_service *service,
                                   const struct sse_connection *connection)
{
    const struct sse_user *user = connection->user;
    const enum presence_telling telling = telling_of(service, connection);
    struct buf text = BUF_INIT;
    struct buf told = BUF_INIT;

    append_dumped(&text, sse_user_to_json(user));
    if (is_told_apart(user, telling))
        append_dumped(&told, sse_user_as_told(user, telling == PRESENCE_TOLD_TOKEN));
    return presence_text_new(&text, &told, telling);
}
