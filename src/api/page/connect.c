/* SPDX-License-Identifier: Apache-2.0 */
/* connect: opens an event stream. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/input.h"
#include "api/limit.h"
#include "api/origin.h"
#include "api/refusal.h"
#include "api/reply.h"
#include "api/request_log.h"
#include "api/routes.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/secrets.h"
#include "base/text.h"
#include "h2/session.h"
#include "h2/stream.h"
#include "sse/client_info.h"
#include "sse/connection.h"
#include "sse/names.h"
#include "sse/service.h"
#include "sse/user.h"

/* ---- what the request says of its page ---- */

/* What a connect request says about the page behind it, with its secrets masked unless the service
 * shows them. */
struct client_info_texts {
    struct buf domain, location, parameters, headers, agent;
    char tls[128];
};

/* The parameters that the server itself understands; the rest is the page's own. */
static const char known[] =
    "keepaliveTime, sessionDuration, clientId, clientVersion, clientInstanceId, "
    "clientInstanceTime, clientImportModuleTime, accessTime, screen, listeners, "
    "useWindowEventBus, locationHref, channel, jsHeapSizeLimit, totalJSHeapSize, usedJSHeapSize, "
    "lastEventId, padding, heartbeat, reasons, acknowledges, background";

static bool has_member(const struct h2_form *form, const char *name, size_t before)
{
    for (size_t i = 0; i < before; i++) {
        if (strcmp(form->fields[i].name, name) == 0)
            return true;
    }
    return false;
}

static void append_value(struct buf *text, const struct api_service_settings *service,
                         const char *value)
{
    if (service->core->show_secrets)
        buf_append_str(text, value);
    else
        secrets_append_masked(text, value, service->secret_names);
}

/* One JSON object, as it grows. */
struct object {
    const struct api_service_settings *service;
    struct buf *text;
};

static void open_member(const struct object *object, const char *name)
{
    buf_append_char(object->text, object->text->length == 0 ? '{' : ',');
    json_text_string(object->text, name);
    buf_append_char(object->text, ':');
}

static void append_member(const struct object *object, const char *name, const char *value)
{
    const struct api_service_settings *service = object->service;
    struct buf shown = BUF_INIT;

    if (!service->core->show_secrets && secrets_is_name(name, strlen(name), service->secret_names))
        buf_append_str(&shown, SECRETS_MASK);
    else
        append_value(&shown, service, value);
    open_member(object, name);
    json_text_string(object->text, buf_str(&shown));
    buf_release(&shown);
}

/* As sse/client_info.h says. */
static void append_known(const struct object *object, const char *name, const char *value)
{
    struct buf shown = BUF_INIT;

    open_member(object, name);
    if (sse_parameters_is_member(name)) {
        buf_append_char(object->text, '0');
        return;
    }
    append_value(&shown, object->service, value);
    buf_append_char(object->text, '[');
    json_text_string(object->text, buf_str(&shown));
    buf_append_char(object->text, ']');
    buf_release(&shown);
}

static void close_object(struct buf *object)
{
    buf_append_str(object, object->length == 0 ? "{}" : "}");
}

/* Names that earlier has are shown already. */
static void append_form(const struct object *object, const struct h2_form *form,
                        const struct h2_form *earlier)
{
    for (size_t i = 0; i < form->count; i++) {
        const struct h2_form_field *field = &form->fields[i];

        if (has_member(form, field->name, i) || h2_form_get(earlier, field->name))
            continue;
        if (words_have(known, field->name))
            append_known(object, field->name, field->value);
        else
            append_member(object, field->name, field->value);
    }
}

/* agent: what is shown of who names itself. */
static void append_headers(const struct object *object, const struct h2_request *request,
                           const char *agent)
{
    for (size_t i = 0; i < request->header_count; i++) {
        const struct h2_header *header = &request->headers[i];

        /* A field that comes twice is shown once: names are unique in a JSON object. */
        if (h2_request_header(request, header->name) == header->value)
            append_member(object, header->name,
                          strcmp(header->name, "user-agent") == 0 ? agent : header->value);
    }
}

static const char *said(const struct api_exchange *exchange, const char *name)
{
    const char *value = api_exchange_parameter(exchange, name);

    return value ? value : "";
}

/* What is longer than any real version and suite is a proxy's invention, and cut. */
static const char *tls_text(const struct api_exchange *exchange, char *buffer, size_t size)
{
    const struct h2_session *session = h2_stream_session(exchange->stream);
    struct h2_tls_facts facts;

    if (!session)
        return "";
    h2_session_tls(session, &facts);
    snprintf(buffer, size, "%s%s%s", facts.version, facts.cipher[0] != '\0' ? " " : "",
             facts.cipher);
    return buffer;
}

/* Fills in *info with texts of the exchange, whose user is known, and of *texts, which starts
 * zero-filled. */
static void client_info_collect(const struct api_exchange *exchange, struct sse_client_info *info,
                                struct client_info_texts *texts)
{
    const struct h2_request *request = exchange->request;
    const char *agent = h2_request_header(request, "user-agent");
    const struct api_service_settings *service = exchange->service->settings;
    const struct object parameters = {service, &texts->parameters};
    const struct object headers = {service, &texts->headers};
    const struct h2_form nothing = {NULL, 0, NULL};

    buf_printf(&texts->domain, "%s://%s", request->scheme, request->authority);
    append_value(&texts->location, service, said(exchange, "locationHref"));
    append_form(&parameters, &exchange->query, &nothing);
    append_form(&parameters, &exchange->form, &exchange->query);
    close_object(&texts->parameters);
    if (agent && service->core->show_secrets)
        buf_append_str(&texts->agent, agent);
    else if (agent)
        secrets_append_words(&texts->agent, agent, service->secret_names);
    append_headers(&headers, request, buf_str(&texts->agent));
    close_object(&texts->headers);
    *info = (struct sse_client_info){
        .client_id = said(exchange, "clientId"),
        .client_version = said(exchange, "clientVersion"),
        .client_instance_id = said(exchange, "clientInstanceId"),
        .client_instance_time = said(exchange, "clientInstanceTime"),
        .client_import_module_time = said(exchange, "clientImportModuleTime"),
        .location_href = buf_str(&texts->location),
        .screen = said(exchange, "screen"),
        .total_js_heap_size = said(exchange, "totalJSHeapSize"),
        .used_js_heap_size = said(exchange, "usedJSHeapSize"),
        .js_heap_size_limit = said(exchange, "jsHeapSizeLimit"),
        .request_ip = exchange->facts->peer,
        .request_tls = tls_text(exchange, texts->tls, sizeof(texts->tls)),
        .request_domain = buf_str(&texts->domain),
        .user_agent = buf_str(&texts->agent),
        .http_parameters = buf_str(&texts->parameters),
        .http_headers = buf_str(&texts->headers),
        .access_time = api_lenient_number(said(exchange, "accessTime"), 0),
        .session_duration = api_lenient_seconds(said(exchange, "sessionDuration"), 0),
    };
}

static void client_info_release(struct client_info_texts *texts)
{
    buf_release(&texts->domain);
    buf_release(&texts->location);
    buf_release(&texts->parameters);
    buf_release(&texts->headers);
    buf_release(&texts->agent);
}

/* ---- the stream ---- */

#define CANCEL 0x8u /* RFC 9113 7 */

struct event_stream {
    struct h2_stream *stream; /* NULL until it can carry something; lives longer than this */
    struct sse_connection *connection;
    uint32_t *event_streams; /* of the session, which outlives its streams */
};

static void on_wake(void *context)
{
    const struct event_stream *events = context;

    if (events->stream)
        h2_stream_resume(events->stream);
}

static void on_break(void *context)
{
    const struct event_stream *events = context;

    if (events->stream)
        h2_stream_reset(events->stream, CANCEL);
}

static const struct sse_sink sink = {.wake = on_wake, .close = on_break};

static size_t source_ready(void *source, bool *last)
{
    const struct event_stream *events = source;

    return sse_connection_ready(events->connection, last);
}

static uint32_t source_pieces(const void *source)
{
    const struct event_stream *events = source;

    return events->connection->queue.count;
}

static void source_take(void *source, char *to, size_t length)
{
    const struct event_stream *events = source;

    sse_connection_take(events->connection, to, length);
}

static void source_closed(void *source)
{
    struct event_stream *events = source;

    (*events->event_streams)--;
    connection_tell_ended(events->connection);
    sse_connection_gone(events->connection);
    free(events);
}

static const struct h2_body_source page_source = {
    .ready = source_ready,
    .pieces = source_pieces,
    .take = source_take,
    .closed = source_closed,
};

/* Fills in the sink. */
static void open_connection(struct api_exchange *exchange, struct sse_connection_options *options)
{
    struct h2_stream *stream = exchange->stream;
    struct sse_service *core = exchange->service->broker.core;
    struct event_stream *events = mem_zalloc(sizeof(*events));

    events->event_streams = h2_session_handler_count(h2_stream_session(stream));
    (*events->event_streams)++;
    options->sink = &sink;
    options->sink_context = events;
    core->traceparent = api_exchange_notified_traceparent(exchange);
    events->connection = sse_connection_open(core, options);
    core->traceparent = NULL;
    tracing_left_out(&exchange->service->broker.tracing, events->connection, options->left_out);
    events->stream = stream;
    connection_tell_opened(exchange, events->connection);
    api_reply_events(exchange, &page_source, events);
}

/* ---- the request ---- */

static bool has_room(struct api_exchange *exchange)
{
    uint32_t limit = exchange->service->settings->session_connections;
    const uint32_t *event_streams = h2_session_handler_count(h2_stream_session(exchange->stream));

    if (*event_streams < limit)
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

static size_t padding_asked_for(const struct api_exchange *exchange)
{
    int64_t asked = api_lenient_number(api_exchange_parameter(exchange, "padding"), 0);

    if (asked <= 0)
        return 0;
    return asked < SSE_CONNECTION_MAX_PADDING ? (size_t)asked : SSE_CONNECTION_MAX_PADDING;
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

/* What the page wants to hear of. What it cannot have keeps it from nothing else: it is left out,
 * and told. */
struct opening {
    struct name_list listeners, channels;
    json_t *left_out;            /* [{"channel":"…","reason":"…"}, …] */
    const struct attach *attach; /* NULL: it is a HEAD */
};

/* False when it was a HEAD, for which there is no stream. */
static bool open_stream(struct api_exchange *exchange, const struct opening *opening)
{
    struct client_info_texts texts = {.domain = BUF_INIT};
    struct sse_client_info info;
    struct sse_connection_options options = {
        .user = exchange->user,
        .info = &info,
        .listeners = opening->listeners.names,
        .listener_count = opening->listeners.count,
        .channels = opening->channels.names,
        .channel_count = opening->channels.count,
        .session_number = exchange->session_number,
        .keepalive_time_ms =
            api_lenient_number(api_exchange_parameter(exchange, "keepaliveTime"), -1),
        .padding = padding_asked_for(exchange),
        .cors_headers = told_headers(exchange),
        .wants_heartbeat = is_true(api_exchange_parameter(exchange, "heartbeat")),
        .offers_acknowledgement = is_true(api_exchange_parameter(exchange, "acknowledges")),
        .hears_reasons = is_true(api_exchange_parameter(exchange, "reasons")),
        .left_out = opening->left_out,
    };

    if (!opening->attach) {
        api_reply_events(exchange, NULL, NULL);
        return false;
    }
    options.last_id = opening->attach->last_id;
    options.resume = opening->attach->base.resume;
    options.after = opening->attach->base.after;
    client_info_collect(exchange, &info, &texts);
    open_connection(exchange, &options);
    client_info_release(&texts);
    api_exchange_detach(exchange);
    return true;
}

static void leave_out(struct opening *opening, enum name_kind kind, const char *name,
                      const char *reason)
{
    static const char *const words[] = {
        [NAME_OF_EVENT] = "listener", [NAME_OF_CHANNEL] = "channel"};

    json_array_append_new(opening->left_out,
                          json_pack("{s:s,s:s}", words[kind], name, "reason", reason));
}

static void refuse_name(void *context, enum name_kind kind, const char *name)
{
    leave_out(context, kind, name, "invalid");
}

/* How the names of one kind that a page asks for are cut to what it may have. */
struct cut {
    struct opening *opening;
    const struct api_exchange *exchange;
    enum name_kind kind;
    uint32_t left; /* so many more */
};

static bool may_have(void *context, const char *name)
{
    struct cut *cut = context;
    const struct api_exchange *exchange = cut->exchange;

    if (cut->kind == NAME_OF_CHANNEL &&
        !channel_rights_allow(&exchange->service->settings->broker.channels, exchange->user,
                              name)) {
        exchange->service->channels_refused++;
        leave_out(cut->opening, cut->kind, name, "forbidden");
        return false;
    }
    if (cut->left > 0) {
        cut->left--;
        return true;
    }
    leave_out(cut->opening, cut->kind, name, "limit");
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
static void read_listeners(const struct api_exchange *exchange, struct opening *opening)
{
    struct cut cut = {opening, exchange, NAME_OF_EVENT,
                      exchange->service->settings->core->listeners};
    struct buf list = BUF_INIT;

    append_lists(&list, &exchange->query);
    append_lists(&list, &exchange->form);
    (void)name_list_add_text(&opening->listeners, NAME_OF_EVENT, buf_str(&list));
    buf_release(&list);
    name_list_keep(&opening->listeners, may_have, &cut);
}

/* A comma is part of a name: several channels are several parameters. */
static void read_channels(const struct api_exchange *exchange, struct opening *opening)
{
    struct cut cut = {opening, exchange, NAME_OF_CHANNEL,
                      exchange->service->settings->core->channels_per_connection};

    (void)name_list_add_form(&opening->channels, NAME_OF_CHANNEL, &exchange->query, "channel");
    (void)name_list_add_form(&opening->channels, NAME_OF_CHANNEL, &exchange->form, "channel");
    name_list_keep(&opening->channels, may_have, &cut);
}

/* The page hears of each, the log of the first. */
static void tell_left_out(struct api_exchange *exchange, const struct opening *opening)
{
    const json_t *first = json_array_get(opening->left_out, 0);
    const char *name = json_string_value(json_object_get(first, "channel"));
    char reason[256];

    if (!first)
        return;
    snprintf(reason, sizeof(reason), "%zu names were left out, first the %s \"%.128s\": %s",
             json_array_size(opening->left_out), name ? "channel" : "listener",
             name ? name : json_string_value(json_object_get(first, "listener")),
             json_string_value(json_object_get(first, "reason")));
    refusal_log(exchange, 403, reason);
}

/* True when there is a stream; else it has answered, or its client has gone. */
static bool try_open(struct api_exchange *exchange, const struct attach *attach)
{
    struct opening opening = {
        .listeners = {.refuse = refuse_name, .context = &opening},
        .channels = {.refuse = refuse_name, .context = &opening},
        .attach = attach,
    };
    bool is_open;

    if (!may_connect(exchange))
        return false;
    opening.left_out = json_array();
    read_listeners(exchange, &opening);
    read_channels(exchange, &opening);
    tell_left_out(exchange, &opening);
    is_open = open_stream(exchange, &opening);
    name_list_release(&opening.listeners);
    name_list_release(&opening.channels);
    json_decref(opening.left_out);
    return is_open;
}

/* Where another worker was asked, time has passed: everything may be otherwise than before. */
static void on_attached(struct attach *attach, bool granted)
{
    struct api_exchange *exchange = attach->exchange;
    const bool is_overtaken = granted && api_exchange_is_overtaken(exchange);

    if (granted && (is_overtaken || !try_open(exchange, is_head(exchange) ? NULL : attach)))
        attach_give(attach);
    if (is_overtaken)
        api_exchange_identify_again(exchange);
    broker_attaching_release(&attach->base);
    free(attach);
}

void api_handle_connect(struct api_exchange *exchange)
{
    struct attach *attach;

    if (!may_connect(exchange))
        return;
    attach = mem_zalloc(sizeof(*attach));
    attach->done = on_attached;
    /* HEAD is how a page learns why it was refused: the same question, limits included; but it has
     * seen nothing, and acknowledges nothing. */
    attach_ask_stream(attach, exchange, !is_head(exchange));
}
