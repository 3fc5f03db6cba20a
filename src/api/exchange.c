/* SPDX-License-Identifier: Apache-2.0 */
#include "api/exchange.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/input.h"
#include "auth/auth.h"
#include "base/audit_log.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/secrets.h"
#include "broker/notifications.h"
#include "h2/request.h"
#include "h2/session.h"
#include "h2/stream.h"
#include "sse/service.h"
#include "sse/target.h"
#include "sse/user.h"

#define MAX_COOKIE 4096u
#define CONNECT    "/connect/"
#define API_SIZE   (H2_ROUTE_MAX_VARIABLE + 32)

struct api_facts {
    struct auth_facts view;
    const struct api_exchange *exchange;
    char *cookies[AUTH_MAX_COOKIES]; /* those that were asked for: name, NUL, value */
    size_t cookie_count;
    char peer[CLIENT_ADDRESS_SIZE];
    char customer[CLIENT_ADDRESS_SIZE];
    char api[API_SIZE];
};

/* "/connect/addListener.do" to "addListener", and "/connect/message/{path}.do" with its path: what
 * is matched is what is run, however the request has written it. */
static void write_api(char api[API_SIZE], const struct api_exchange *exchange)
{
    const char *name = exchange->route;
    const char *variable;
    size_t length;

    if (strncmp(name, CONNECT, strlen(CONNECT)) == 0)
        name += strlen(CONNECT);
    name += *name == '/';
    variable = strchr(name, '{');
    length = variable ? (size_t)(variable - name) : strcspn(name, ".");
    snprintf(api, API_SIZE, "%.*s%s", (int)length, name,
             variable ? api_exchange_path(exchange) : "");
}

const char *api_exchange_notified_traceparent(const struct api_exchange *exchange)
{
    const struct broker_settings *settings = &exchange->service->broker.settings;

    return notifications_are_wanted(&settings->notifications)
               ? request_traceparent(exchange->request)
               : NULL;
}

static const char *find_header(const void *request, const char *name)
{
    const struct api_exchange *exchange = request;

    return h2_request_header(exchange->request, name);
}

static const char *find_parameter(const void *request, const char *name)
{
    return api_exchange_parameter(request, name);
}

static const char *find_traceparent(const void *request)
{
    const struct api_exchange *exchange = request;

    return request_traceparent(exchange->request);
}

static char *keep_cookie(struct api_facts *facts, const char *name)
{
    char value[MAX_COOKIE];
    size_t name_size = strlen(name) + 1;
    char *kept;

    if (facts->cookie_count == AUTH_MAX_COOKIES)
        return NULL;
    if (!h2_request_cookie(facts->exchange->request, name, value, sizeof(value)))
        return NULL;
    kept = mem_alloc(name_size + strlen(value) + 1);
    memcpy(kept, name, name_size);
    memcpy(kept + name_size, value, strlen(value) + 1);
    facts->cookies[facts->cookie_count++] = kept;
    return kept + name_size;
}

/* The values lie in the field among others, so that each is copied out when it is asked for. */
static const char *find_cookie(const void *request, const char *name)
{
    const struct api_exchange *exchange = request;
    struct api_facts *facts = container_of(exchange->facts, struct api_facts, view);

    for (size_t i = 0; i < facts->cookie_count; i++) {
        if (strcmp(facts->cookies[i], name) == 0)
            return facts->cookies[i] + strlen(name) + 1;
    }
    return keep_cookie(facts, name);
}

static void facts_free(struct auth_facts *view)
{
    struct api_facts *facts = container_of(view, struct api_facts, view);

    if (!view)
        return;
    for (size_t i = 0; i < facts->cookie_count; i++)
        free(facts->cookies[i]);
    free(facts);
}

void api_exchange_make_facts(struct api_exchange *exchange)
{
    struct api_facts *facts = mem_zalloc(sizeof(*facts));

    facts_free(exchange->facts);
    exchange->facts = &facts->view;
    facts->exchange = exchange;
    client_address_of(exchange, facts->peer);
    networks_customer(facts->peer, facts->customer);
    if (exchange->route)
        write_api(facts->api, exchange);
    facts->view = (struct auth_facts){
        .method = exchange->request->method,
        .path = exchange->request->path,
        .api = exchange->route ? facts->api : NULL,
        .peer = facts->peer,
        .customer = facts->customer,
        .credential = exchange->credential,
        .header = find_header,
        .cookie = find_cookie,
        .parameter = find_parameter,
        .traceparent = find_traceparent,
        .request = exchange,
    };
}

static void on_stream_close(struct h2_stream *stream, void *context)
{
    struct api_exchange *exchange = context;

    (void)stream;
    if (exchange->on_close)
        exchange->on_close(exchange);
    api_exchange_unref(exchange);
}

struct api_exchange *api_exchange_new(struct api *api, struct h2_stream *stream)
{
    struct api_exchange *exchange = mem_zalloc(sizeof(*exchange));

    exchange->refs = 1;
    exchange->api = api;
    exchange->stream = h2_stream_ref(stream);
    exchange->request = h2_stream_request(stream);
    exchange->began_ns = clock_real_ns();
    exchange->session_number = h2_session_number(h2_stream_session(stream));
    exchange->body = "";
    exchange->verdict = AUTH_NONE;
    exchange->complete_at = loop_now_ms(api->loop);
    request_id_write(&api->settings->client_address, broker_key(api->broker), stream,
                     exchange->request_id);
    api->exchange_count++;
    h2_stream_set_context(stream, exchange, on_stream_close);
    return exchange;
}

struct api_exchange *api_exchange_ref(struct api_exchange *exchange)
{
    exchange->refs++;
    return exchange;
}

static void audit_release(struct api_audit *audit)
{
    free(audit->key);
    free(audit->subject);
    buf_release(&audit->target);
}

struct api_exchange *api_exchange_unref(struct api_exchange *exchange)
{
    assert(exchange->refs > 0);
    if (--exchange->refs > 0)
        return NULL;
    exchange->api->exchange_count--;
    h2_form_release(&exchange->query);
    h2_form_release(&exchange->form);
    facts_free(exchange->facts);
    if (exchange->user)
        sse_user_unref(exchange->user);
    h2_body_free(&exchange->kept);
    body_turn_free(exchange->turn, &exchange->api->bodies);
    free(exchange->tenants);
    free(exchange->path);
    bytes_unref(exchange->refusal_data);
    audit_release(&exchange->audit);
    h2_stream_unref(exchange->stream);
    free(exchange);
    return NULL;
}

void api_exchange_detach(struct api_exchange *exchange)
{
    h2_stream_set_context(exchange->stream, NULL, NULL);
    api_exchange_unref(exchange);
}

const char *api_exchange_parameter(const struct api_exchange *exchange, const char *name)
{
    const char *value = h2_form_get(&exchange->query, name);

    return value ? value : h2_form_get(&exchange->form, name);
}

const char *api_exchange_last_id(const struct api_exchange *exchange)
{
    const char *id = h2_request_header(exchange->request, "last-event-id");

    if (!id || *id == '\0')
        id = api_exchange_parameter(exchange, "lastEventId");
    return id && *id != '\0' ? id : NULL;
}

void api_exchange_keep_body(struct api_exchange *exchange)
{
    if (exchange->kept.data)
        return;
    exchange->kept = h2_stream_take_body(exchange->stream);
    exchange->body = h2_body_text(&exchange->kept);
}

void client_address_of(const struct api_exchange *exchange, char address[CLIENT_ADDRESS_SIZE])
{
    const struct h2_session *session = h2_stream_session(exchange->stream);
    char buffer[64];

    address[0] = '\0';
    if (session)
        client_address_find(&exchange->api->settings->client_address,
                            h2_session_peer(session, buffer, sizeof(buffer)), exchange->request,
                            address);
}

struct asking {
    struct broker_request request;
    struct api_exchange *exchange; /* a reference */
    api_reply_to reply;
};

static void on_answer(struct broker_request *request, const struct broker_message *answer)
{
    struct asking *asking = container_of(request, struct asking, request);

    asking->reply(asking->exchange, answer);
    api_exchange_unref(asking->exchange);
    free(asking);
}

void api_exchange_ask_owner(struct api_exchange *exchange, struct broker_message *question,
                            api_reply_to reply)
{
    struct asking *asking = mem_zalloc(sizeof(*asking));

    asking->request.on_answer = on_answer;
    asking->exchange = api_exchange_ref(exchange);
    asking->reply = reply;
    broker_ask_owner(&exchange->service->broker, question, &asking->request);
}

/* ---- the audit log ---- */

#define TARGET_MOST ((size_t)1000) /* bytes: a line is no longer than what a pipe takes at once */
#define FIELDS      10u

static const char *action_of(const struct api_exchange *exchange)
{
    return exchange->endpoint ? exchange->endpoint->action : NULL;
}

void api_audit_note_key(struct api_exchange *exchange, const char *name)
{
    if (action_of(exchange)) /* others are too many to copy something for each */
        exchange->audit.key = mem_strdup(name);
}

static void append_value(struct buf *to, const char *value, bool is_token)
{
    if (is_token)
        sse_user_append_shortened(to, value);
    else
        buf_append_str(to, secrets_mask_name(value));
}

/* Of users in a tenant: all of a target are of one. */
static void append_tenant(struct buf *to, const struct sse_target *target)
{
    char *tenant = target->dimension == SSE_BY_USER && target->count > 0
                       ? sse_user_key_tenant(target->values[0])
                       : NULL;

    if (tenant)
        buf_printf(to, "tenantId=%s ", tenant);
    free(tenant);
}

void api_audit_note_target(struct api_exchange *exchange, const struct sse_target *target)
{
    struct buf *to = &exchange->audit.target;

    buf_clear(to);
    append_tenant(to, target);
    buf_printf(to, "%s=", sse_dimension_keys[target->dimension]);
    for (size_t i = 0; i < target->count && to->length < TARGET_MOST; i++) {
        buf_append_str(to, i > 0 ? "," : "");
        append_value(to,
                     target->dimension == SSE_BY_USER ? sse_user_key_id(target->values[i])
                                                      : target->values[i],
                     target->dimension == SSE_BY_TOKEN);
    }
}

void api_audit_note_query(struct api_exchange *exchange)
{
    struct buf *to = &exchange->audit.target;

    buf_clear(to);
    if (exchange->path)
        buf_printf(to, "id=%s", exchange->path);
    for (size_t i = 0; i < exchange->query.count && to->length < TARGET_MOST; i++) {
        const struct h2_form_field *field = &exchange->query.fields[i];

        buf_printf(to, "%s%s=", to->length > 0 ? " " : "", field->name);
        append_value(to, field->value, strcmp(field->name, "accessToken") == 0);
    }
}

static const char *result_of(int status)
{
    if (status < 400)
        return "ok";
    return status == 401 || status == 403 ? "refused" : "failed";
}

void api_audit_answer(const struct api_exchange *exchange, int status, long long count)
{
    const char *action = action_of(exchange);
    const struct api_audit *audit = &exchange->audit;
    const char *result = result_of(status);
    struct log_field fields[FIELDS] = {LOG_STR("action", action), LOG_STR("result", result),
                                       LOG_INT("status", status)};
    char address[CLIENT_ADDRESS_SIZE];
    size_t filled = 3;

    if (!action || !exchange->api->settings->audit || !exchange->request)
        return;
    client_address_of(exchange, address);
    if (audit->key)
        fields[filled++] = LOG_STR("key", audit->key);
    else if (audit->subject)
        fields[filled++] = LOG_STR("token", audit->subject);
    fields[filled++] = LOG_STR("address", address);
    if (exchange->service)
        fields[filled++] = LOG_STR("service", exchange->service->settings->core->name);
    if (audit->target.length > 0)
        fields[filled++] = LOG_STR("target", buf_str(&audit->target));
    if (audit->is_revoking)
        fields[filled++] = LOG_STR("revoke", "true");
    if (count >= 0)
        fields[filled++] = LOG_INT("count", count);
    audit_log_write(exchange->api->settings->audit, strcmp(result, "refused") == 0, fields, filled);
}
