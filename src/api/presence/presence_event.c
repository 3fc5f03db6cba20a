/* SPDX-License-Identifier: Apache-2.0 */
#include "api/presence/presence_event.h"

#include <inttypes.h>
#include <stdlib.h>

#include "api/json_text.h"
#include "api/worker.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/loop.h"
#include "sse/service.h"
#include "sse/user.h"

const char *const presence_kind_words[PRESENCE_KINDS] = {
    [PRESENCE_CONNECT] = "connect",           [PRESENCE_DISCONNECT] = "disconnect",
    [PRESENCE_LISTENING] = "listening",       [PRESENCE_USER_ONLINE] = "user-online",
    [PRESENCE_USER_OFFLINE] = "user-offline", [PRESENCE_RECEIPT] = "receipt",
};

static unsigned bit_of(const struct word *word)
{
    for (unsigned kind = 0; kind < PRESENCE_KINDS; kind++) {
        if (word_is(word, presence_kind_words[kind]))
            return PRESENCE_BIT(kind);
    }
    return 0;
}

bool presence_kinds_parse(const char *words, unsigned *kinds, struct word *unknown)
{
    struct word word;

    *kinds = 0;
    while (words_next(&words, &word)) {
        const unsigned bit = bit_of(&word);

        if (bit == 0) {
            *unknown = word;
            return false;
        }
        *kinds |= bit;
    }
    if (*kinds == 0)
        *kinds = PRESENCE_ALL;
    return true;
}

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

static void append_json(struct buf *text, const char *name, json_t *value)
{
    char *dumped = json_dumps(value, JSON_COMPACT);

    json_decref(value);
    buf_printf(text, ",\"%s\":", name);
    buf_append_str(text, dumped ? dumped : "null");
    free(dumped);
}

static struct bytes *end_with(struct buf *text, const struct api_service *service,
                              const struct sse_connection *connection)
{
    append_json(text, "connection",
                sse_connection_to_json(connection, service->api->settings->server_id));
    buf_append_char(text, '}');
    return buf_freeze(text);
}

struct bytes *presence_event_connect(const struct api_service *service,
                                     const struct sse_connection *connection)
{
    struct buf text = BUF_INIT;

    begin(&text, service, PRESENCE_CONNECT);
    return end_with(&text, service, connection);
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
    return end_with(&json, service, connection);
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
    return end_with(&text, service, connection);
}

struct bytes *presence_event_user(const struct api_service *service, enum presence_kind kind,
                                  const char *user_id, const struct bytes *about)
{
    struct buf text = BUF_INIT;

    begin(&text, service, kind);
    buf_append_str(&text, ",\"userId\":");
    json_text_string(&text, user_id);
    buf_append_str(&text, ",\"user\":");
    buf_append_str(&text, about ? about->data : "null");
    buf_append_char(&text, '}');
    return buf_freeze(&text);
}

struct bytes *presence_event_receipt(const struct api_service *service, const char *members)
{
    struct buf text = BUF_INIT;

    begin(&text, service, PRESENCE_RECEIPT);
    buf_append_char(&text, ',');
    buf_append_str(&text, members);
    buf_append_char(&text, '}');
    return buf_freeze(&text);
}

struct bytes *presence_event_about(const struct sse_connection *connection)
{
    json_t *user = sse_user_to_json(connection->user);
    char *dumped = json_dumps(user, JSON_COMPACT);
    struct buf text = BUF_INIT;

    json_decref(user);
    buf_append_str(&text, dumped ? dumped : "null");
    free(dumped);
    return buf_freeze(&text);
}
