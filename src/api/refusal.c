/* SPDX-License-Identifier: Apache-2.0 */
#include "api/refusal.h"

#include <stdio.h>
#include <string.h>

#include "api/client_address.h"
#include "api/exchange.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/secrets.h"
#include "h2/request.h"
#include "h2/session.h"
#include "h2/stream.h"

#define MAX_REASON 256u

/* The stream is open. */
static void write_line(const char *address, const struct h2_stream *stream,
                       const struct h2_request *request, int status, const char *reason)
{
    /* What the JSON parser found there may be a secret. */
    const char *end = strstr(reason, " near '");
    struct buf path = BUF_INIT;
    char text[MAX_REASON];

    snprintf(text, sizeof(text), "%.*s", (int)(end ? (size_t)(end - reason) : strlen(reason)),
             reason);
    if (request && request->path)
        secrets_append_masked(&path, request->path, "");
    log_refused(status >= 400 ? LOG_OF_STATUS + status - 400 : LOG_OF_ORIGINS,
                LOG_STR("address", address), LOG_STR("reason", text), LOG_INT("status", status),
                LOG_STR("protocol", h2_session_protocol(h2_stream_session(stream))),
                LOG_STR("method", request ? request->method : NULL),
                LOG_STR("path", buf_str(&path)));
    buf_release(&path);
}

void refusal_tell(struct api_exchange *exchange, int status, const char *reason)
{
    char address[CLIENT_ADDRESS_SIZE];

    exchange->is_refused = true;
    if (!log_is_on(LOG_DEBUG_LEVEL) || !h2_stream_is_open(exchange->stream))
        return;
    client_address_of(exchange, address);
    write_line(address, exchange->stream, exchange->request, status, reason);
}

void refusal_tell_stream(const struct h2_stream *stream, int status, const char *reason)
{
    struct api_exchange *exchange = h2_stream_context(stream);
    char address[64];

    if (exchange)
        refusal_tell(exchange, status, reason);
    else if (log_is_on(LOG_DEBUG_LEVEL) && h2_stream_is_open(stream))
        write_line(h2_session_peer(h2_stream_session(stream), address, sizeof(address)), stream,
                   h2_stream_request(stream), status, reason);
}

void refusal_tell_origin(const struct h2_stream *stream)
{
    const struct api_exchange *exchange = h2_stream_context(stream);
    const struct h2_request *request = h2_stream_request(stream);
    const char *site = h2_request_header(request, "sec-fetch-site");
    char reason[MAX_REASON];

    if (!log_is_on(LOG_DEBUG_LEVEL) || (exchange && exchange->is_refused) ||
        (site && strcmp(site, "same-origin") == 0))
        return;
    snprintf(reason, sizeof(reason),
             "browsers keep the answer from pages of \"%.150s\": it is not in services[].origins",
             h2_request_header(request, "origin"));
    refusal_tell_stream(stream, 0, reason);
}
