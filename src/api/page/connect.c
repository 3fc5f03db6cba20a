/* SPDX-License-Identifier: Apache-2.0 */
/* connect: opens an event stream. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/cors.h"
#include "api/exchange.h"
#include "api/exchange_identity.h"
#include "api/handlers.h"
#include "api/limit/attach.h"
#include "api/page/client_info.h"
#include "api/page/event_stream.h"
#include "api/page/name_list.h"
#include "api/parameters.h"
#include "api/refusal.h"
#include "api/reply.h"
#include "base/mem.h"
#include "base/words.h"
#include "h2/session.h"
#include "h2/stream.h"
#include "sse/connection.h"
#include "sse/service.h"
#include "sse/user.h"

#define CONTENT_TYPE "text/event-stream;charset=utf-8"

static bool has_room(struct api_exchange *exchange)
{
    uint32_t limit = exchange->service->settings->session_connections;
    const uint32_t *tally = h2_session_tally(h2_stream_session(exchange->stream));

    if (*tally < limit)
        return true;
    api_reply_error(exchange, 429,
                    "this HTTP/2 session holds %u event streams already, which is "
                    "services[].sessionConnections; close "
                    "one first",
                    limit);
    return false;
}

static bool is_head(const struct api_exchange *exchange)
{
    return strcmp(exchange->request->method, "HEAD") == 0;
}

/* accept is honoured where it says that nothing of ours will do. */
static bool is_acceptable(const struct api_exchange *exchange)
{
    const char *accept = h2_request_header(exchange->request, "accept");

    return !accept || strstr(accept, "text/event-stream") || strstr(accept, "*/*") ||
           strstr(accept, "text/*");
}

static bool may_connect(struct api_exchange *exchange)
{
    if (!api_exchange_require_user(exchange) || !h2_stream_is_open(exchange->stream))
        return false;
    if (exchange->api->is_drained) {
        api_reply_error(exchange, 503, "the server stops; connect again, to another one");
        return false;
    }
    if (!is_acceptable(exchange)) {
        api_reply_error(exchange, 406, "this path answers with text/event-stream; accept that");
        return false;
    }
    return has_room(exchange);
}

static size_t wished_padding(const struct api_exchange *exchange)
{
    int64_t wish = api_lenient_number(api_exchange_parameter(exchange, "padding"), 0);

    if (wish <= 0)
        return 0;
    return wish < SSE_CONNECTION_MAX_PADDING ? (size_t)wish : SSE_CONNECTION_MAX_PADDING;
}

/* The page's script compares what it is about to send: its browser tells no reason. */
static const char *told_headers(const struct api_exchange *exchange)
{
    const char *headers = exchange->service->settings->origin_headers;

    return cors_is_cross(exchange->request) && !words_have(headers, "*") ? headers : NULL;
}

static bool is_true(const char *value)
{
    return value && strcmp(value, "true") == 0;
}

/* A page on its way in. */
struct connecting {
    struct attach attach;
    struct api_exchange *exchange; /* a reference */
};

/* What the page wants to hear of. What it cannot have keeps it from nothing else: it is left out,
 * and told. */
struct wish {
    struct name_list listeners, channels;
    json_t *left_out;            /* [{"channel":"…","reason":"…"}, …] */
    const struct attach *attach; /* NULL: it is a HEAD */
};

/* False when it was a HEAD, for which there is no stream. */
static bool open_stream(struct api_exchange *exchange, const struct wish *wish)
{
    const struct h2_field fields[] = {
        {"cache-control", "no-store"},
        {"x-accel-buffering", "no"},
    };
    struct h2_response response = {
        .status = 200,
        .content_type = CONTENT_TYPE,
        .fields = fields,
        .field_count = sizeof(fields) / sizeof(fields[0]),
    };
    struct client_info_texts texts = {.domain = BUF_INIT};
    struct sse_client_info info;
    struct sse_connection_options options = {
        .user = exchange->user,
        .info = &info,
        .listeners = wish->listeners.names,
        .listener_count = wish->listeners.count,
        .channels = wish->channels.names,
        .channel_count = wish->channels.count,
        .session_number = exchange->session_number,
        .keepalive_time_ms =
            api_lenient_number(api_exchange_parameter(exchange, "keepaliveTime"), -1),
        .padding = wished_padding(exchange),
        .cors_headers = told_headers(exchange),
        .wants_heartbeat = is_true(api_exchange_parameter(exchange, "heartbeat")),
        .offers_acknowledgement = is_true(api_exchange_parameter(exchange, "acknowledges")),
        .hears_reasons = is_true(api_exchange_parameter(exchange, "reasons")),
        .left_out = wish->left_out,
    };

    if (!wish->attach) {
        h2_stream_respond(exchange->stream, &response);
        return false;
    }
    options.last_id = wish->attach->last_id;
    options.resume = wish->attach->base.resume;
    options.after = wish->attach->base.after;
    client_info_collect(exchange, &info, &texts);
    api_event_stream_open(exchange, &options, &response);
    client_info_release(&texts);
    api_exchange_detach(exchange);
    return true;
}

static void leave_out(struct wish *wish, enum name_kind kind, const char *name, const char *reason)
{
    static const char *const words[] = {
        [NAME_OF_EVENT] = "listener", [NAME_OF_CHANNEL] = "channel"};

    json_array_append_new(wish->left_out,
                          json_pack("{s:s,s:s}", words[kind], name, "reason", reason));
}

static void refuse_name(void *context, enum name_kind kind, const char *name)
{
    leave_out(context, kind, name, "invalid");
}

/* How a page's wishes of one kind are cut to what it may have. */
struct cut {
    struct wish *wish;
    const struct api_exchange *exchange;
    enum name_kind kind;
    uint32_t left; /* so many more */
};

static bool may_have(void *context, const char *name)
{
    struct cut *cut = context;
    const struct api_exchange *exchange = cut->exchange;

    if (cut->kind == NAME_OF_CHANNEL &&
        !channel_rights_allow(&exchange->service->settings->channels, exchange->user, name)) {
        exchange->service->channels_refused++;
        leave_out(cut->wish, cut->kind, name, "forbidden");
        return false;
    }
    if (cut->left > 0) {
        cut->left--;
        return true;
    }
    leave_out(cut->wish, cut->kind, name, "limit");
    return false;
}

static void append_lists(struct buf *to, const struct h2_form *form)
{
    for (size_t i = 0; i < form->count; i++) {
        if (strcmp(form->fields[i].name, "listeners") == 0)
            buf_printf(to, ",%s", form->fields[i].value);
    }
}

/* A list with commas, or several parameters. */
static void read_listeners(const struct api_exchange *exchange, struct wish *wish)
{
    struct cut cut = {wish, exchange, NAME_OF_EVENT, exchange->service->settings->core->listeners};
    struct buf list = BUF_INIT;

    append_lists(&list, &exchange->query);
    append_lists(&list, &exchange->form);
    (void)name_list_add_text(&wish->listeners, NAME_OF_EVENT, buf_str(&list));
    buf_release(&list);
    name_list_keep(&wish->listeners, may_have, &cut);
}

/* A comma is part of a name: several channels are several parameters. */
static void read_channels(const struct api_exchange *exchange, struct wish *wish)
{
    struct cut cut = {wish, exchange, NAME_OF_CHANNEL,
                      exchange->service->settings->core->channels_per_connection};

    (void)name_list_add_form(&wish->channels, NAME_OF_CHANNEL, &exchange->query, "channel");
    (void)name_list_add_form(&wish->channels, NAME_OF_CHANNEL, &exchange->form, "channel");
    name_list_keep(&wish->channels, may_have, &cut);
}

/* The page hears of each, the log of the first. */
static void tell_left_out(struct api_exchange *exchange, const struct wish *wish)
{
    const json_t *first = json_array_get(wish->left_out, 0);
    const char *name = json_string_value(json_object_get(first, "channel"));
    char reason[256];

    if (!first)
        return;
    snprintf(reason, sizeof(reason), "%zu names were left out, first the %s \"%.128s\": %s",
             json_array_size(wish->left_out), name ? "channel" : "listener",
             name ? name : json_string_value(json_object_get(first, "listener")),
             json_string_value(json_object_get(first, "reason")));
    refusal_tell(exchange, 403, reason);
}

/* True when there is a stream; else it has answered, or its client has gone. */
static bool try_open(struct api_exchange *exchange, const struct attach *attach)
{
    struct wish wish = {
        .listeners = {.refuse = refuse_name, .context = &wish},
        .channels = {.refuse = refuse_name, .context = &wish},
        .attach = attach,
    };
    bool is_open;

    if (!may_connect(exchange))
        return false;
    wish.left_out = json_array();
    read_listeners(exchange, &wish);
    read_channels(exchange, &wish);
    tell_left_out(exchange, &wish);
    is_open = open_stream(exchange, &wish);
    name_list_release(&wish.listeners);
    name_list_release(&wish.channels);
    json_decref(wish.left_out);
    return is_open;
}

static void connecting_free(struct connecting *connecting)
{
    attach_release(&connecting->attach);
    api_exchange_unref(connecting->exchange);
    free(connecting);
}

/* Where another worker was asked, time has passed: everything may be otherwise than before. */
static void on_attached(struct attach *attach, bool granted)
{
    struct connecting *connecting = container_of(attach, struct connecting, attach);
    struct api_exchange *exchange = connecting->exchange;
    const bool is_overtaken = granted && api_exchange_is_overtaken(exchange);

    if (granted && (is_overtaken || !try_open(exchange, is_head(exchange) ? NULL : attach)))
        attach_give(attach);
    if (is_overtaken)
        api_exchange_identify_again(exchange);
    connecting_free(connecting);
}

void api_handle_connect(struct api_exchange *exchange)
{
    struct connecting *connecting;

    if (!may_connect(exchange))
        return;
    connecting = mem_zalloc(sizeof(*connecting));
    connecting->exchange = api_exchange_ref(exchange);
    connecting->attach.done = on_attached;
    /* HEAD is how a page learns why it was refused: the same question, limits included; but it has
     * seen nothing, and acknowledges nothing. */
    attach_ask_stream(&connecting->attach, exchange, !is_head(exchange));
}
