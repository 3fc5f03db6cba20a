/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/exchange.h"
#include "api/guard.h"
#include "api/input.h"
#include "api/limit.h"
#include "api/origin.h"
#include "api/page/connection.h"
#include "api/reply.h"
#include "api/routes.h"
#include "base/buf.h"
#include "base/json_view.h"
#include "base/mem.h"
#include "base/text.h"
#include "h2/session.h"
#include "h2/stream.h"
#include "sse/connection.h"
#include "sse/user.h"

/* ---- who asks, and what is answered to whom that must not ---- */

static void on_checked(void *context, const struct auth_result *result)
{
    struct api_exchange *exchange = context;

    exchange->is_identified = true;
    exchange->revocations = exchange->service->auth->revocations;
    exchange->verdict = result->verdict;
    exchange->source = result->source;
    exchange->refusal = result->message;
    exchange->rule = result->rule;
    bytes_unref(exchange->refusal_data);
    exchange->refusal_data = result->data ? bytes_ref(result->data) : NULL;
    exchange->retry_after_s = result->retry_after_s;
    if (result->verdict == AUTH_OK)
        exchange->user = result->user;
    exchange->on_identity(exchange);
    api_exchange_unref(exchange);
}

static void ask(struct api_exchange *exchange)
{
    api_exchange_ref(exchange);
    auth_check(exchange->service->auth, exchange->facts, on_checked, exchange);
}

void api_exchange_identify(struct api_exchange *exchange,
                           void (*on_identity)(struct api_exchange *exchange))
{
    exchange->on_identity = on_identity;
    exchange->is_identified = false;
    if (exchange->user)
        exchange->user = sse_user_unref(exchange->user);
    api_exchange_make_facts(exchange);
    ask(exchange);
}

bool api_exchange_is_overtaken(const struct api_exchange *exchange)
{
    return exchange->revocations != exchange->service->auth->revocations;
}

void api_exchange_identify_again(struct api_exchange *exchange)
{
    exchange->is_identified = false;
    exchange->user = sse_user_unref(exchange->user);
    ask(exchange);
}

static bool refuse_frequent(struct api_exchange *exchange)
{
    if (!exchange->user ||
        limits_take_user_request(&exchange->service->broker.limits, exchange->user))
        return false;
    limit_refuse(exchange, LIMIT_USER_REQUESTS);
    return true;
}

/* In the words of who knows the users. */
static void refuse_with_data(struct api_exchange *exchange, int status)
{
    const struct bytes *given = exchange->refusal_data;
    struct buf data = BUF_INIT;

    buf_append(&data, given->data, given->length);

    const struct api_answer answer =
        api_reply_make_refusal(exchange, status, &data, exchange->refusal);

    api_reply_answer(exchange, &answer);
}

bool api_exchange_refuse_wrong(struct api_exchange *exchange)
{
    static const int statuses[AUTH_VERDICTS] = {[AUTH_BAD] = 401,
                                                [AUTH_DENIED] = 403,
                                                [AUTH_FAILED] = 502,
                                                [AUTH_TIMEOUT] = 504,
                                                [AUTH_BUSY] = 503};
    static const char *const rules[AUTH_VERDICTS] = {[AUTH_BAD] = "credential",
                                                     [AUTH_DENIED] = "auth-denied",
                                                     [AUTH_FAILED] = "auth-failed",
                                                     [AUTH_TIMEOUT] = "auth-timeout",
                                                     [AUTH_BUSY] = "auth-busy"};

    if (exchange->verdict == AUTH_OK || exchange->verdict == AUTH_NONE)
        return origin_refuse(exchange) || refuse_frequent(exchange);
    if (!exchange->rule)
        exchange->rule = rules[exchange->verdict];
    if (exchange->refusal_data)
        refuse_with_data(exchange, statuses[exchange->verdict]);
    else
        api_reply_error_later(exchange, statuses[exchange->verdict], exchange->retry_after_s,
                              exchange->refusal);
    return true;
}

bool api_exchange_require_user(struct api_exchange *exchange)
{
    if (exchange->user)
        return true;
    exchange->rule = "no-credential";
    api_reply_error(exchange, 401, "%s", exchange->refusal);
    return false;
}

/* ---- what every request passes ---- */

static bool is_json(enum api_body body)
{
    return body_kind_of(body) != NULL;
}

static bool is_wanted_type(const struct api_exchange *exchange)
{
    enum api_body body = exchange->endpoint->body;

    if (is_json(body))
        return h2_request_is_type(exchange->request, "application/json");
    return api_form_is_type(exchange->request) ||
           (body == API_BEACON && h2_request_is_type(exchange->request, "text/plain"));
}

static void refuse_type(struct api_exchange *exchange)
{
    api_reply_error(exchange, 415, "the body of this request must be %s; say so in content-type",
                    is_json(exchange->endpoint->body) ? "application/json" : API_FORM_TYPES);
}

/* Bodies are taken as they are: a compressed one could be of any size. */
static bool refuse_encoding(struct api_exchange *exchange)
{
    static const struct h2_field accepted = {"accept-encoding", "identity"};
    const char *coding = h2_request_header(exchange->request, "content-encoding");
    char detail[200];

    if (!coding || coding[0] == '\0' || strcasecmp(coding, "identity") == 0)
        return false;
    snprintf(detail, sizeof(detail),
             "content-encoding \"%.64s\" is not taken here: send the body as it is, without "
             "content-encoding, or with identity",
             coding);
    api_reply_error_with(exchange, 415, &accepted, detail);
    return true;
}

/* A credential may have been revoked while its body came, or was read. */
static bool is_overtaken(const struct api_exchange *exchange)
{
    return exchange->user && api_exchange_is_overtaken(exchange);
}

static void on_identity(struct api_exchange *exchange);

/* The body has been read, and the session's requests before this one have been handled. */
static void on_turn(struct api_exchange *exchange)
{
    if (!is_overtaken(exchange)) {
        exchange->endpoint->handle(exchange);
        return;
    }
    exchange->on_identity = on_identity;
    api_exchange_identify_again(exchange);
}

static void run_handler(struct api_exchange *exchange)
{
    if (!body_reading_begin(exchange, on_turn))
        exchange->endpoint->handle(exchange);
}

static void on_identity(struct api_exchange *exchange)
{
    if (!api_exchange_refuse_wrong(exchange))
        run_handler(exchange);
}

/* ---- a body that says itself whose it is ---- */

static void identify_and_run(struct api_exchange *exchange)
{
    if (exchange->endpoint->guard != API_PAGE || exchange->endpoint->body == API_CREDENTIAL) {
        run_handler(exchange);
        return;
    }
    api_exchange_identify(exchange, on_identity);
    if (!exchange->is_identified)
        api_exchange_keep_body(exchange);
}

static void end_body(struct api_exchange *exchange)
{
    if (!exchange->kept.data) {
        exchange->body = "";
        exchange->body_length = 0;
    }
    api_exchange_unref(exchange);
}

/* False: it is of a wrong type, and has been answered. */
static bool take_body(struct api_exchange *exchange, const char *body, size_t length)
{
    exchange->body = body;
    exchange->body_length = length;
    exchange->is_complete = true;
    exchange->complete_at = loop_now_ms(exchange->api->loop);
    if (length == 0 || is_wanted_type(exchange))
        return true;
    refuse_type(exchange);
    return false;
}

static void on_body(struct h2_stream *stream, const char *body, size_t length, void *context)
{
    struct api_exchange *exchange = api_exchange_ref(context);
    const bool is_taken = take_body(exchange, body, length);

    (void)stream;
    if (is_taken && exchange->on_identity && !exchange->is_identified)
        api_exchange_keep_body(exchange);
    else if (is_taken && (is_json(exchange->endpoint->body) || api_form_read_body(exchange)))
        identify_and_run(exchange);
    end_body(exchange);
}

/* A form says itself whose it is, and can be no longer than what is held of somebody unknown. */
static size_t body_limit(const struct api_exchange *exchange)
{
    const size_t limit = exchange->service->settings->json_body_bytes;

    return !is_json(exchange->endpoint->body) && limit > H2_HELD_BYTES ? H2_HELD_BYTES : limit;
}

/* Only of one that has shown a credential before the body more is taken than that. */
static void on_caller_of_credential(struct api_exchange *exchange)
{
    if (exchange->is_complete)
        run_handler(exchange);
    else if (exchange->user)
        h2_stream_admit_body(exchange->stream);
    else
        api_reply_error(exchange, 401, "%s; in a body it must lie within %zu bytes",
                        exchange->refusal, H2_HELD_BYTES);
}

static void on_full_credential(struct h2_stream *stream, void *context)
{
    (void)stream;
    api_exchange_identify(context, on_caller_of_credential);
}

/* ---- a body whose owner is known by what comes before it ---- */

static void on_json(struct h2_stream *stream, const char *body, size_t length, void *context)
{
    struct api_exchange *exchange = api_exchange_ref(context);
    const bool is_taken = take_body(exchange, body, length);

    (void)stream;
    if (is_taken && !exchange->is_identified) {
        api_exchange_keep_body(exchange);
    } else if (is_taken && is_overtaken(exchange)) {
        api_exchange_keep_body(exchange);
        exchange->on_identity = on_identity;
        api_exchange_identify_again(exchange);
    } else if (is_taken) {
        run_handler(exchange);
    }
    end_body(exchange);
}

static void on_connection_found(struct api_exchange *exchange, const struct broker_message *answer)
{
    if (on_connection_is_found(answer))
        h2_stream_admit_body(exchange->stream);
    else if (exchange->endpoint->queue == CALL_QUEUE_MESSAGES)
        (void)on_connection_is_dispensable(exchange); /* it is not: it shows no credential */
    else
        on_connection_answer_unknown(exchange);
}

/* Who shows no credential is known by the connection that the request names. */
static void look_for_connection(struct api_exchange *exchange)
{
    const char *named = h2_form_get(&exchange->query, "connectionId");
    char id[SSE_CONNECTION_ID_SIZE];
    size_t length;
    const char *body = h2_stream_peek_body(exchange->stream, &length);

    if (!named || *named == '\0')
        named = json_view_member(body, length, "connectionId", id, sizeof(id));
    if (!named) {
        api_reply_error(exchange, 401,
                        "%s; without a credential a body of more than %zu bytes must name its "
                        "connectionId within these",
                        exchange->refusal, H2_HELD_BYTES);
        return;
    }
    /* The request is counted when its body has come. */
    on_connection_start(exchange, named,
                        &(struct broker_call){.operation = BROKER_FIND, .is_counted = true},
                        on_connection_found);
}

static void on_full(struct h2_stream *stream, void *context)
{
    struct api_exchange *exchange = api_exchange_ref(context);

    (void)stream;
    exchange->is_full = true;
    if (exchange->is_identified && !h2_stream_is_answered(exchange->stream))
        look_for_connection(exchange);
    api_exchange_unref(exchange);
}

static void on_caller(struct api_exchange *exchange)
{
    if (api_exchange_refuse_wrong(exchange))
        return;
    if (exchange->user)
        h2_stream_admit_body(exchange->stream);
    if (exchange->is_complete)
        run_handler(exchange);
    else if (exchange->is_full && !exchange->user)
        look_for_connection(exchange);
}

/* ---- the request ---- */

static void (*listener_of(enum api_body body))(struct h2_stream *, void *)
{
    if (body == API_CREDENTIAL)
        return on_full_credential;
    return is_json(body) ? on_full : NULL;
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
    if (exchange->endpoint->guard == API_BACK_END) { /* which has let it in */
        h2_stream_read_body(exchange->stream, body_limit(exchange), on_body, exchange);
        return;
    }
    h2_stream_hold_body(exchange->stream, listener_of(exchange->endpoint->body), exchange);
    if (listener_of(exchange->endpoint->body) != on_full) {
        h2_stream_read_body(exchange->stream, body_limit(exchange), on_body, exchange);
        return;
    }
    h2_stream_read_body(exchange->stream, body_limit(exchange), on_json, exchange);
    if (!h2_stream_is_answered(exchange->stream))
        api_exchange_identify(exchange, on_caller);
}

/* Before anything is held, or asked of others: a flood is not to reach them. */
static bool is_too_frequent(struct api_exchange *exchange)
{
    char address[CLIENT_ADDRESS_SIZE];

    client_address_of(exchange, address);
    if (limits_take_address_request(&exchange->service->broker.limits, address))
        return false;
    limit_refuse(exchange, LIMIT_ADDRESS_REQUESTS);
    return true;
}

/* One that was refused on its way keeps those behind it waiting no longer than it took. */
static void on_close(struct api_exchange *exchange)
{
    if (h2_stream_is_answered(exchange->stream))
        on_connection_pass(exchange, h2_form_get(&exchange->query, "connectionId"));
}

static bool read_order(struct api_exchange *exchange)
{
    exchange->on_close = on_close;
    return exchange->endpoint->queue == CALL_QUEUE_NONE || on_connection_read_order(exchange);
}

/* A filter that is not understood would show, or delete, more than was asked for. */
static bool has_known_parameters(struct api_exchange *exchange)
{
    const char *known = exchange->endpoint->parameters;

    for (size_t i = 0; known && i < exchange->query.count; i++) {
        const char *name = exchange->query.fields[i].name;

        if (words_have(known, name))
            continue;
        api_reply_error(exchange, 400, "there is no parameter \"%.60s\" here; there are %s", name,
                        *known != '\0' ? known : "none");
        return false;
    }
    return true;
}

static void on_reader(struct api_exchange *exchange)
{
    if (api_exchange_refuse_wrong(exchange) || !api_exchange_require_user(exchange))
        return;
    if (exchange->user->may_list)
        exchange->endpoint->handle(exchange);
    else
        api_reply_error(exchange, 403,
                        "this user may not read lists; the credential needs the claim "
                        "\"lists\": true, or ask with an API key");
}

static bool is_public(const struct api_exchange *exchange)
{
    return h2_session_role(h2_stream_session(exchange->stream)) == API_ROLE_PUBLIC;
}

static void start_page_list(struct api_exchange *exchange)
{
    if (is_public(exchange) || !guard_knows(exchange))
        api_exchange_identify(exchange, on_reader);
    else if (guard_admits(exchange))
        exchange->endpoint->handle(exchange);
}

static void start(struct api_exchange *exchange)
{
    const char *query = exchange->request->query;
    bool is_list;

    if (!api_routes_find(exchange))
        return;
    if (!api_form_read_text(exchange, &exchange->query, "query", query, strlen(query)))
        return;
    is_list = api_endpoint_is_page_list(exchange->service, exchange->endpoint);
    if (exchange->endpoint->guard == API_BACK_END && !is_list && !guard_admits(exchange))
        return;
    if (!has_known_parameters(exchange))
        return;
    if ((exchange->endpoint->guard == API_PAGE || is_list) && is_too_frequent(exchange))
        return;
    if (is_list) {
        start_page_list(exchange);
        return;
    }
    if (exchange->endpoint->body != API_NO_BODY && refuse_encoding(exchange))
        return;
    if (!read_order(exchange))
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

void api_request_start(void *context, struct h2_stream *stream)
{
    /* The stream may close, or go its own way, before this returns. */
    struct api_exchange *exchange = api_exchange_ref(api_exchange_new(context, stream));

    start(exchange);
    api_exchange_unref(exchange);
}
