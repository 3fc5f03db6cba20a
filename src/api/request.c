/* SPDX-License-Identifier: Apache-2.0 */
#include "api/request.h"

#include <errno.h>
#include <string.h>

#include "api/exchange.h"
#include "api/guard.h"
#include "api/reply.h"
#include "api/routes.h"
#include "base/mem.h"
#include "h2/stream.h"

/* As much as the header fields of a request may hold: a connection keeps what its form says. */
#define FORM_BYTES ((size_t)16 * 1024)

static bool parse_form(struct api_exchange *exchange, struct h2_form *form, const char *what,
                       const char *text, size_t length)
{
    size_t at = 0;
    int rc = h2_form_parse(form, text, length, &at);

    if (rc == -E2BIG)
        api_reply_error(exchange, 400, "the %s has more than %u parameters", what,
                        H2_FORM_MAX_FIELDS);
    else if (rc < 0)
        api_reply_error(exchange, 400,
                        "the %s cannot be read at byte %zu: a '%%' needs two hexadecimal digits "
                        "behind it, and the decoded text must be UTF-8 without NUL",
                        what, at + 1);
    return rc == 0;
}

static bool is_json(enum api_body body)
{
    return body == API_JSON || body == API_CREDENTIAL;
}

static const char *wanted_type(enum api_body body)
{
    return is_json(body) ? "application/json" : "application/x-www-form-urlencoded";
}

static bool is_wanted_type(const struct api_exchange *exchange)
{
    enum api_body body = exchange->endpoint->body;

    if (h2_request_is_type(exchange->request, wanted_type(body)))
        return true;
    return body == API_BEACON && h2_request_is_type(exchange->request, "text/plain");
}

static void refuse_type(struct api_exchange *exchange)
{
    api_reply_error(exchange, 415, "the body of this request must be %s; say so in content-type",
                    wanted_type(exchange->endpoint->body));
}

static void run_handler(struct api_exchange *exchange)
{
    exchange->endpoint->handle(exchange);
}

static void on_identity(struct api_exchange *exchange)
{
    if (!api_exchange_refuse_wrong(exchange))
        run_handler(exchange);
}

/* The bytes of a body are lent for the length of one call. Who must wait keeps a copy. */
static void keep_body(struct api_exchange *exchange)
{
    exchange->kept_body = mem_strndup(exchange->body, exchange->body_length);
    exchange->body = exchange->kept_body;
}

static void identify_and_run(struct api_exchange *exchange)
{
    if (exchange->endpoint->guard != API_PAGE || exchange->endpoint->body == API_CREDENTIAL) {
        run_handler(exchange);
        return;
    }
    api_exchange_identify(exchange, on_identity);
    if (!exchange->is_identified)
        keep_body(exchange);
}

static void on_body(struct h2_stream *stream, const char *body, size_t length, void *context)
{
    struct api_exchange *exchange = api_exchange_ref(context);

    (void)stream;
    exchange->body = body;
    exchange->body_length = length;
    if (length > 0 && !is_wanted_type(exchange))
        refuse_type(exchange);
    else if (is_json(exchange->endpoint->body) ||
             parse_form(exchange, &exchange->form, "body", body, length))
        identify_and_run(exchange);
    if (!exchange->kept_body) {
        exchange->body = "";
        exchange->body_length = 0;
    }
    api_exchange_unref(exchange);
}

static size_t body_limit(const struct api_exchange *exchange)
{
    size_t limit = exchange->service->settings->json_body_bytes;

    return exchange->endpoint->body == API_FORM && limit > FORM_BYTES ? FORM_BYTES : limit;
}

static void read_body(struct api_exchange *exchange)
{
    const struct h2_request *request = exchange->request;

    if (!request->has_body) {
        on_body(exchange->stream, "", 0, exchange);
        return;
    }
    /* Nothing can be right about a body of a wrong type: no need to wait for it. */
    if (h2_request_header(request, "content-type") && !is_wanted_type(exchange)) {
        refuse_type(exchange);
        return;
    }
    h2_stream_read_body(exchange->stream, body_limit(exchange), on_body, exchange);
}

static void start(struct api_exchange *exchange)
{
    const char *query = exchange->request->query;

    if (!api_routes_find(exchange))
        return;
    if (!parse_form(exchange, &exchange->query, "query", query, strlen(query)))
        return;
    if (exchange->endpoint->guard == API_BACK_END && !guard_admits(exchange))
        return;
    switch (exchange->endpoint->body) {
    case API_NO_BODY:
        identify_and_run(exchange);
        break;
    case API_STREAMED:
        run_handler(exchange);
        break;
    default:
        read_body(exchange);
    }
}

void api_request_start(struct api *api, struct h2_stream *stream)
{
    /* The stream may close, or go its own way, before this returns. */
    struct api_exchange *exchange = api_exchange_ref(api_exchange_new(api, stream));

    start(exchange);
    api_exchange_unref(exchange);
}
