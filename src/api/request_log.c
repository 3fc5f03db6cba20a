/* SPDX-License-Identifier: Apache-2.0 */
#include "api/request_log.h"

#include <stdio.h>
#include <string.h>

#include "api/exchange.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/log_file.h"
#include "base/loop.h"
#include "base/secrets.h"
#include "base/traceparent.h"
#include "h2/request.h"
#include "h2/session.h"
#include "h2/stream.h"
#include "sse/connection.h"
#include "sse/service.h"
#include "sse/user.h"

#define MOST 16u /* fields of a line */

/* The fields of a line about a request, and the texts that they lend. */
struct line {
    struct log_field fields[MOST];
    size_t count;
    struct buf path, query, referer, agent;
    char address[CLIENT_ADDRESS_SIZE];
    char id[REQUEST_ID_SIZE];
    char trace[TRACEPARENT_ID_SIZE];
};

static void add(struct line *line, struct log_field field)
{
    line->fields[line->count++] = field;
}

static void find_address(const struct api_exchange *exchange, const struct h2_stream *stream,
                         char address[CLIENT_ADDRESS_SIZE])
{
    char buffer[64];

    if (exchange)
        client_address_of(exchange, address);
    else
        snprintf(address, CLIENT_ADDRESS_SIZE, "%s",
                 h2_session_peer(h2_stream_session(stream), buffer, sizeof(buffer)));
}

static void release(struct line *line)
{
    buf_release(&line->path);
    buf_release(&line->query);
    buf_release(&line->referer);
    buf_release(&line->agent);
}

static const char *header_of(const struct h2_request *request, const char *name)
{
    const char *value = request ? h2_request_header(request, name) : NULL;

    return value ? value : "";
}

/* Who asked for what. The stream is open. */
static void add_request(struct line *line, const struct api *api, const struct h2_stream *stream)
{
    const struct api_exchange *exchange = h2_stream_context(stream);
    const struct h2_request *request = h2_stream_request(stream);

    if (exchange)
        memcpy(line->id, exchange->request_id, sizeof(line->id));
    else
        request_id_write(&api->settings->client_address, broker_key(api->broker), stream, line->id);
    traceparent_id(request_traceparent(request), line->trace);
    if (request && request->path)
        secrets_append_masked(&line->path, request->path, "");
    add(line, LOG_STR("protocol", h2_session_protocol(h2_stream_session(stream))));
    if (exchange && exchange->user)
        add(line, LOG_STR("user", secrets_mask_name(exchange->user->id)));
    if (exchange && exchange->sender[0] != '\0')
        add(line, LOG_STR("sender", exchange->sender));
    add(line, LOG_STR("request", line->id));
    if (line->trace[0] != '\0')
        add(line, LOG_STR("trace", line->trace));
    add(line, LOG_STR("method", request ? request->method : NULL));
    add(line, LOG_STR("path", buf_str(&line->path)));
}

/* Anybody may ask with no key, or a wrong one. */
static bool is_known_back_end(const struct api_exchange *exchange, int status)
{
    return exchange && exchange->endpoint && exchange->endpoint->guard == API_BACK_END &&
           status != 401;
}

/* Octets that are no request come from scanners, as failed handshakes do. */
static enum log_level level_of(const struct h2_stream *stream, int status)
{
    const struct api_exchange *exchange = h2_stream_context(stream);
    const struct h2_request *request = h2_stream_request(stream);

    if (!request || *request->method == '\0')
        return LOG_DEBUG_LEVEL;
    return status >= 500 || is_known_back_end(exchange, status) ? LOG_WARN_LEVEL : LOG_INFO_LEVEL;
}

static enum log_kind kind_of(int status)
{
    return status >= 400 ? (enum log_kind)(LOG_OF_STATUS + status - 400) : LOG_OF_ORIGINS;
}

void refusal_write_reason(char to[REFUSAL_REASON_SIZE], const char *reason)
{
    const char *end = strstr(reason, " near '");
    struct buf masked = BUF_INIT;

    secrets_append_words(&masked, reason, "");
    if (end) /* what is behind it is of the body */
        end = strstr(buf_str(&masked), " near '");
    snprintf(to, REFUSAL_REASON_SIZE, "%.*s",
             (int)(end ? (size_t)(end - buf_str(&masked)) : masked.length), buf_str(&masked));
    buf_release(&masked);
}

void request_log_refused(const struct api *api, const struct h2_stream *stream, int status,
                         const char *reason)
{
    const struct api_exchange *exchange = h2_stream_context(stream);
    const enum log_level level = level_of(stream, status);
    struct line line = {.path = BUF_INIT};
    char text[REFUSAL_REASON_SIZE];

    if (!h2_stream_is_open(stream) || !log_is_wanted(kind_of(status), level))
        return;
    refusal_write_reason(text, reason);
    find_address(exchange, stream, line.address);
    add(&line, LOG_STR("address", line.address));
    add(&line, LOG_STR("reason", text));
    add(&line, LOG_INT("status", status));
    add_request(&line, api, stream);
    log_write(kind_of(status), level, "refused", line.fields, line.count);
    release(&line);
}

/* ---- answers ---- */

static uint64_t waited_ms(const struct api_exchange *exchange)
{
    return exchange ? loop_now_ms(exchange->api->loop) - exchange->complete_at : 0;
}

static void write_answer(const struct api *api, const struct h2_stream *stream, int status,
                         bool is_slow)
{
    const struct api_exchange *exchange = h2_stream_context(stream);
    struct line line = {.path = BUF_INIT};

    find_address(exchange, stream, line.address);
    add(&line, LOG_STR("address", line.address));
    add(&line, LOG_INT("status", status));
    add(&line, LOG_INT("duration_us", waited_ms(exchange) * 1000));
    add_request(&line, api, stream);
    if (is_slow)
        log_write(LOG_OF_SLOW_ANSWERS, LOG_WARN_LEVEL, "slow request", line.fields, line.count);
    else
        log_write(LOG_OF_ANSWERS, LOG_DEBUG_LEVEL, "answered", line.fields, line.count);
    release(&line);
}

void answer_tell(const struct api *api, const struct h2_stream *stream,
                 const struct h2_response *response)
{
    const uint32_t slow_ms = api->settings->slow_request_ms;
    const bool is_slow = slow_ms > 0 && waited_ms(h2_stream_context(stream)) >= slow_ms;

    if (is_slow ? log_is_wanted(LOG_OF_SLOW_ANSWERS, LOG_WARN_LEVEL)
                : log_is_wanted(LOG_OF_ANSWERS, LOG_DEBUG_LEVEL))
        write_answer(api, stream, response->status, is_slow);
}

/* ---- the access log ---- */

/* What else is secret in addresses: as the service has it, or all where it is not known which. */
static void find_secret_names(struct buf *names, const struct api *api,
                              const struct api_exchange *exchange)
{
    for (size_t i = 0; i < api->settings->service_count; i++) {
        const struct api_service *service = &api->services[i];

        if (!exchange || !exchange->service || exchange->service == service)
            buf_printf(names, "%s,", service->settings->secret_names);
    }
}

/* The query with a question mark before it: so its parameters are looked for. */
static void add_query(struct line *line, const struct h2_request *request, const char *secrets)
{
    struct buf query = BUF_INIT;

    if (!request || !request->query || *request->query == '\0')
        return;
    buf_printf(&query, "?%s", request->query);
    secrets_append_masked(&line->query, buf_str(&query), secrets);
    buf_release(&query);
    add(line, LOG_STR("query", buf_str(&line->query) + 1));
}

void access_log_write(const struct api *api, const struct h2_stream *stream,
                      const struct h2_response *response)
{
    const struct api_exchange *exchange = h2_stream_context(stream);
    const struct h2_request *request = h2_stream_request(stream);
    struct line line = {.path = BUF_INIT};
    struct buf names = BUF_INIT;
    struct log_event event = {.wall_ms = loop_wall_ms(api->loop), .level = LOG_INFO_LEVEL};
    struct log_line text;

    find_address(exchange, stream, line.address);
    add(&line, LOG_STR("address", line.address));
    add(&line, LOG_INT("status", response->status));
    if (response->body)
        add(&line, LOG_INT("bytes", response->body->length));
    if (exchange)
        add(&line, LOG_INT("duration_us", (clock_real_ns() - exchange->began_ns) / 1000));
    if (exchange && exchange->service)
        add(&line, LOG_STR("service", exchange->service->settings->core->name));
    add_request(&line, api, stream);
    find_secret_names(&names, api, exchange);
    add_query(&line, request, buf_str(&names));
    secrets_append_masked(&line.referer, header_of(request, "referer"), buf_str(&names));
    add(&line, LOG_STR("referer", buf_str(&line.referer)));
    secrets_append_words(&line.agent, header_of(request, "user-agent"), buf_str(&names));
    add(&line, LOG_STR("user_agent", buf_str(&line.agent)));
    event.message = "request";
    event.fields = line.fields;
    event.count = line.count;
    log_line_format(&text, api->settings->access_format, &event);
    log_file_write(api->settings->access, text.text, text.length);
    buf_release(&names);
    release(&line);
}

/* ---- event streams ---- */

void connection_tell_opened(const struct api_exchange *exchange,
                            const struct sse_connection *connection)
{
    char address[CLIENT_ADDRESS_SIZE];

    if (!log_is_wanted(LOG_OF_OPENED, LOG_DEBUG_LEVEL))
        return;
    client_address_of(exchange, address);
    LOG_LIMITED(LOG_OF_OPENED, LOG_DEBUG_LEVEL, "connected", LOG_STR("address", address),
                LOG_STR("service", connection->home->settings->name),
                LOG_STR("user", secrets_mask_name(connection->user->id)),
                LOG_STR("connection", connection->handle),
                LOG_STR("request", exchange->request_id));
}

void connection_tell_ended(const struct sse_connection *connection)
{
    const struct sse_service *service = connection->home;
    const enum sse_close_reason reason =
        connection->service ? SSE_CLOSE_GONE : connection->close_reason;
    const uint64_t lived_ms = loop_now_ms(service->loop) - connection->created_at;

    LOG_LIMITED(
        LOG_OF_ENDED, LOG_DEBUG_LEVEL, "disconnected", LOG_STR("service", service->settings->name),
        LOG_STR("user", secrets_mask_name(connection->user->id)),
        LOG_STR("connection", connection->handle),
        LOG_STR("reason", sse_close_reason_words[reason]), LOG_INT("duration_us", lived_ms * 1000),
        LOG_INT("messages", connection->message_count));
}
