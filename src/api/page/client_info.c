/* SPDX-License-Identifier: Apache-2.0 */
#include "api/page/client_info.h"

#include <stdio.h>
#include <string.h>

#include "api/exchange.h"
#include "api/facts.h"
#include "api/json_text.h"
#include "api/parameters.h"
#include "base/secrets.h"
#include "h2/session.h"
#include "h2/stream.h"
#include "sse/parameters.h"

/* The parameters that the server itself understands; the rest is the page's own. */
static const char *const known[] = {
    "keepaliveTime",
    "sessionDuration",
    "clientId",
    "clientVersion",
    "clientInstanceId",
    "clientInstanceTime",
    "clientImportModuleTime",
    "accessTime",
    "screen",
    "listeners",
    "useWindowEventBus",
    "locationHref",
    "channel",
    "jsHeapSizeLimit",
    "totalJSHeapSize",
    "usedJSHeapSize",
    "lastEventId",
    "padding",
    "heartbeat",
    "reasons",
    "acknowledges",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_known(const char *name)
{
    for (size_t i = 0; i < COUNT(known); i++) {
        if (strcmp(name, known[i]) == 0)
            return true;
    }
    return false;
}

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
        secrets_append_mask(&shown);
    else
        append_value(&shown, service, value);
    open_member(object, name);
    json_text_string(object->text, buf_str(&shown));
    buf_release(&shown);
}

/* As sse/parameters.h says. */
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
        if (is_known(field->name))
            append_known(object, field->name, field->value);
        else
            append_member(object, field->name, field->value);
    }
}

static void append_headers(const struct object *object, const struct h2_request *request)
{
    for (size_t i = 0; i < request->header_count; i++) {
        const struct h2_header *header = &request->headers[i];

        /* A field that comes twice is shown once: names are unique in a JSON object. */
        if (h2_request_header(request, header->name) == header->value)
            append_member(object, header->name, header->value);
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

void client_info_domain(const struct api_exchange *exchange, struct buf *domain)
{
    buf_printf(domain, "%s://%s", exchange->request->scheme, exchange->request->authority);
}

void client_info_collect(const struct api_exchange *exchange, struct sse_client_info *info,
                         struct client_info_texts *texts)
{
    const struct h2_request *request = exchange->request;
    const char *user_agent = h2_request_header(request, "user-agent");
    const struct api_service_settings *service = exchange->service->settings;
    const struct object parameters = {service, &texts->parameters};
    const struct object headers = {service, &texts->headers};
    const struct h2_form nothing = {NULL, 0, NULL};

    client_info_domain(exchange, &texts->domain);
    append_value(&texts->location, service, said(exchange, "locationHref"));
    append_form(&parameters, &exchange->query, &nothing);
    append_form(&parameters, &exchange->form, &exchange->query);
    close_object(&texts->parameters);
    append_headers(&headers, request);
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
        .request_ip = api_facts_view(exchange->facts)->peer,
        .request_tls = tls_text(exchange, texts->tls, sizeof(texts->tls)),
        .request_domain = buf_str(&texts->domain),
        .user_agent = user_agent ? user_agent : "",
        .http_parameters = buf_str(&texts->parameters),
        .http_headers = buf_str(&texts->headers),
        .access_time = api_lenient_number(said(exchange, "accessTime"), 0),
        .session_duration = api_lenient_seconds(said(exchange, "sessionDuration"), 0),
    };
}

void client_info_release(struct client_info_texts *texts)
{
    buf_release(&texts->domain);
    buf_release(&texts->location);
    buf_release(&texts->parameters);
    buf_release(&texts->headers);
}
