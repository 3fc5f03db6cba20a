/* SPDX-License-Identifier: Apache-2.0 */
#include "api/refusal.h"

#include <stdio.h>
#include <string.h>

#include "api/exchange.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/secrets.h"
#include "broker/tracing.h"
#include "h2/request.h"
#include "h2/session.h"
#include "h2/stream.h"
#include "sse/connection_id.h"

#define MAX_REASON 256u

/* What both are told of a request. */
struct refused {
    const struct h2_stream *stream;
    const struct h2_request *request; /* NULL: it is not known (any more) */
    int status;
    char address[CLIENT_ADDRESS_SIZE];
    char reason[MAX_REASON];
    struct buf path;
};

/* What the JSON parser found there may be a secret. */
static void write_reason(struct refused *refused, const char *reason)
{
    const char *end = strstr(reason, " near '");

    snprintf(refused->reason, sizeof(refused->reason), "%.*s",
             (int)(end ? (size_t)(end - reason) : strlen(reason)), reason);
}

static void begin(struct refused *refused, const struct h2_stream *stream,
                  const struct h2_request *request, int status, const char *reason)
{
    *refused = (struct refused){.stream = stream, .request = request, .status = status};
    write_reason(refused, reason);
    if (request && request->path)
        secrets_append_masked(&refused->path, request->path, "");
}

static void log_it(const struct refused *refused)
{
    const struct h2_request *request = refused->request;

    if (!log_is_on(LOG_DEBUG_LEVEL) || !h2_stream_is_open(refused->stream))
        return;
    log_refused(refused->status >= 400 ? LOG_OF_STATUS + refused->status - 400 : LOG_OF_ORIGINS,
                LOG_STR("address", refused->address), LOG_STR("reason", refused->reason),
                LOG_INT("status", refused->status),
                LOG_STR("protocol", h2_session_protocol(h2_stream_session(refused->stream))),
                LOG_STR("method", request ? request->method : NULL),
                LOG_STR("path", buf_str(&refused->path)));
}

/* ---- the trace ---- */

static bool is_taken(struct api_service *service, const char *address)
{
    return service && tracing_takes_refusal(&service->broker.tracing, address);
}

/* The connection that the request names by its id, of which the secret is left out. */
static void find_handle(const struct api_exchange *exchange, char handle[SSE_CONNECTION_ID_SIZE])
{
    const char *id = api_exchange_parameter(exchange, "connectionId");

    snprintf(handle, SSE_CONNECTION_ID_SIZE, "%s", id ? id : "");
    sse_connection_id_shorten(handle);
    if (strlen(handle) != SSE_HANDLE_SIZE - 1)
        handle[0] = '\0';
}

/* Whom a page's request names that shows nothing good: as its credential says, or a parameter. */
static void find_claimed(const struct api_exchange *exchange, struct auth_claimed *claimed)
{
    const struct auth *auth = exchange->service->auth;
    const char *user_id = api_exchange_parameter(exchange, "userId");
    const char *tenant_id = api_exchange_parameter(exchange, "tenantId");

    if (exchange->user || !exchange->endpoint || exchange->endpoint->guard != API_PAGE)
        return;
    if (exchange->facts && auth->ops->read_claimed &&
        auth->ops->read_claimed(auth, exchange->facts, claimed))
        return;
    snprintf(claimed->user_id, sizeof(claimed->user_id), "%s", user_id ? user_id : "");
    snprintf(claimed->tenant_id, sizeof(claimed->tenant_id), "%s", tenant_id ? tenant_id : "");
}

static void trace_it(const struct refused *refused, struct api_service *service,
                     const struct api_exchange *exchange)
{
    struct tracing_refusal refusal = {
        .status = refused->status,
        .reason = refused->reason,
        .address = refused->address,
        .path = buf_str(&refused->path),
        .method = refused->request ? refused->request->method : NULL,
    };
    struct auth_claimed claimed = {.user_id = ""};
    char handle[SSE_CONNECTION_ID_SIZE];

    if (exchange) {
        find_handle(exchange, handle);
        find_claimed(exchange, &claimed);
        refusal.claimed_user = claimed.user_id;
        refusal.claimed_tenant = claimed.tenant_id;
        refusal.connection = handle;
        refusal.rule = exchange->rule;
        refusal.by = exchange->sender;
        refusal.user = exchange->user;
        refusal.client = api_exchange_parameter(exchange, "clientId");
    }
    tracing_refused(&service->broker.tracing, &refusal);
}

/* ---- with an exchange, or without ---- */

static void tell(struct api_exchange *exchange, struct api_service *service, int status,
                 const char *reason)
{
    char address[CLIENT_ADDRESS_SIZE];
    struct refused refused;
    bool is_traced;

    exchange->is_refused = true;
    client_address_of(exchange, address);
    is_traced = is_taken(service, address);
    if (!is_traced && !log_is_on(LOG_DEBUG_LEVEL))
        return;
    begin(&refused, exchange->stream, exchange->request, status, reason);
    memcpy(refused.address, address, sizeof(address));
    log_it(&refused);
    if (is_traced)
        trace_it(&refused, service, exchange);
    buf_release(&refused.path);
}

void refusal_tell(struct api_exchange *exchange, int status, const char *reason)
{
    tell(exchange, exchange->service, status, reason);
}

void refusal_log(struct api_exchange *exchange, int status, const char *reason)
{
    tell(exchange, NULL, status, reason);
}

static void tell_unknown(const struct h2_stream *stream, struct api_service *service, int status,
                         const char *reason)
{
    const struct h2_session *session = h2_stream_session(stream);
    char buffer[64];
    const char *address = session ? h2_session_peer(session, buffer, sizeof(buffer)) : "";
    struct refused refused;
    const bool is_traced = is_taken(service, address);

    if (!is_traced && !log_is_on(LOG_DEBUG_LEVEL))
        return;
    begin(&refused, stream, h2_stream_request(stream), status, reason);
    snprintf(refused.address, sizeof(refused.address), "%s", address);
    log_it(&refused);
    if (is_traced)
        trace_it(&refused, service, NULL);
    buf_release(&refused.path);
}

void refusal_tell_stream(const struct h2_stream *stream, struct api_service *service, int status,
                         const char *reason)
{
    struct api_exchange *exchange = h2_stream_context(stream);

    if (exchange)
        refusal_tell(exchange, status, reason);
    else
        tell_unknown(stream, service, status, reason);
}

void refusal_log_origin(const struct h2_stream *stream)
{
    struct api_exchange *exchange = h2_stream_context(stream);
    const struct h2_request *request = h2_stream_request(stream);
    const char *site = h2_request_header(request, "sec-fetch-site");
    char reason[MAX_REASON];

    if (!log_is_on(LOG_DEBUG_LEVEL) || (exchange && exchange->is_refused) ||
        (site && strcmp(site, "same-origin") == 0))
        return;
    snprintf(reason, sizeof(reason),
             "browsers keep the answer from pages of \"%.150s\": it is not in services[].origins",
             h2_request_header(request, "origin"));
    if (exchange)
        refusal_log(exchange, 0, reason);
    else
        tell_unknown(stream, NULL, 0, reason);
}
