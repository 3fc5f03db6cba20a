/* SPDX-License-Identifier: Apache-2.0 */
#include "api/refusal.h"

#include <stdio.h>
#include <string.h>

#include "api/exchange.h"
#include "api/request_log.h"
#include "base/buf.h"
#include "base/secrets.h"
#include "broker/tracing.h"
#include "h2/request.h"
#include "h2/session.h"
#include "h2/stream.h"
#include "sse/connection_id.h"

/* What the trace is told of a request. */
struct refused {
    const struct h2_request *request; /* NULL: it is not known (any more) */
    int status;
    char id[REQUEST_ID_SIZE];
    char address[CLIENT_ADDRESS_SIZE];
    char reason[REFUSAL_REASON_SIZE];
    struct buf path;
};

static void begin(struct refused *refused, const struct h2_request *request, int status,
                  const char *reason)
{
    *refused = (struct refused){.request = request, .status = status};
    refusal_write_reason(refused->reason, reason);
    if (request && request->path)
        secrets_append_masked(&refused->path, request->path, "");
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
        .request = refused->id,
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

    exchange->is_refused = true;
    client_address_of(exchange, address);
    request_log_refused(exchange->api, exchange->stream, status, reason);
    if (!is_taken(service, address))
        return;
    begin(&refused, exchange->request, status, reason);
    memcpy(refused.id, exchange->request_id, sizeof(refused.id));
    memcpy(refused.address, address, sizeof(address));
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

static void trace_unknown(const struct h2_stream *stream, struct api_service *service, int status,
                          const char *reason)
{
    const struct h2_session *session = h2_stream_session(stream);
    char buffer[64];
    const char *address = session ? h2_session_peer(session, buffer, sizeof(buffer)) : "";
    struct refused refused;

    if (!is_taken(service, address))
        return;
    begin(&refused, h2_stream_request(stream), status, reason);
    if (session)
        request_id_write(&service->api->settings->client_address, broker_key(service->api->broker),
                         stream, refused.id);
    snprintf(refused.address, sizeof(refused.address), "%s", address);
    trace_it(&refused, service, NULL);
    buf_release(&refused.path);
}

void refusal_tell_stream(const struct api *api, const struct h2_stream *stream,
                         struct api_service *service, int status, const char *reason)
{
    struct api_exchange *exchange = h2_stream_context(stream);

    if (exchange) {
        refusal_tell(exchange, status, reason);
        return;
    }
    request_log_refused(api, stream, status, reason);
    trace_unknown(stream, service, status, reason);
}

void refusal_log_origin(const struct api *api, const struct h2_stream *stream)
{
    const struct api_exchange *exchange = h2_stream_context(stream);
    const struct h2_request *request = h2_stream_request(stream);
    const char *site = h2_request_header(request, "sec-fetch-site");
    char reason[REFUSAL_REASON_SIZE];

    if ((exchange && exchange->is_refused) || (site && strcmp(site, "same-origin") == 0))
        return;
    snprintf(reason, sizeof(reason),
             "browsers keep the answer from pages of \"%.150s\": it is not in services[].origins",
             h2_request_header(request, "origin"));
    request_log_refused(api, stream, 0, reason);
}
