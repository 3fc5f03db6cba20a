/* SPDX-License-Identifier: Apache-2.0 */
#include "api/page/handler_call.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/exchange.h"
#include "base/base64.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/json_raw.h"
#include "base/utf8.h"
#include "h2/request.h"
#include "outbound/complaint.h"
#include "outbound/signature.h"
#include "outbound/webhook.h"
#include "sse/service.h"

static const char no_json[] =
    "the service that handles this path answered with what is neither JSON nor "
    "text/plain in UTF-8";
static const char unknown_to_it[] =
    "the service that handles this path does not accept this server's requests";
static const char wrong_status[] = "the service that handles this path failed";

static const struct api_handler_settings *settings_of(const struct handler_call *call)
{
    return &call->exchange->service->settings->handlers;
}

static void finish(struct handler_call *call, enum handler_outcome outcome,
                   const struct api_answer *answer)
{
    struct api_exchange *exchange = call->exchange;

    call->done(call, outcome, answer);
    api_exchange_unref(exchange);
}

static void fail(struct handler_call *call, enum handler_outcome outcome, int status,
                 const char *reason)
{
    call->failure = status;
    call->reason = reason;
    finish(call, outcome, NULL);
}

/* Where nothing was sent, nothing has run. */
static enum handler_outcome outcome_of(int error)
{
    switch (error) {
    case -EBUSY:
    case -EINVAL:
    case -ECONNREFUSED:
    case -EHOSTUNREACH:
        return HANDLER_FAILED;
    default:
        return HANDLER_UNCLEAR;
    }
}

static void fail_by_error(struct handler_call *call, const struct outbound_answer *answer)
{
    const enum handler_outcome outcome = outcome_of(answer->error);

    switch (answer->error) {
    case -ETIMEDOUT:
        fail(call, outcome, 504, "the service that handles this path did not answer in time");
        break;
    case -EBUSY:
        fail(call, outcome, 503, "too many requests wait for the service that handles this path");
        break;
    case -EMSGSIZE:
        fail(call, outcome, 502,
             "the service that handles this path answered with more than is taken of it");
        break;
    default:
        fail(call, outcome, 502, "the service that handles this path cannot be reached");
    }
}

/* What is JSON of an answer, which a byte order mark may precede. */
static const char *json_of(const struct outbound_answer *answer, size_t *length)
{
    const size_t mark = utf8_mark_length(answer->body, answer->length);

    *length = answer->length - mark;
    return answer->body + mark;
}

/* ---- text/plain ---- */

static bool is_text(const struct outbound_answer *answer)
{
    static const char plain[] = "text/plain";
    const char *type = answer->content_type;

    return type && strncasecmp(type, plain, sizeof(plain) - 1) == 0 &&
           strchr("; \t", type[sizeof(plain) - 1]) != NULL && !answer->is_encoded;
}

/* Spring's for texts, where nothing else is configured. */
static bool is_latin(const struct outbound_answer *answer)
{
    return strcasestr(answer->content_type, "charset=iso-8859-1") != NULL ||
           strcasestr(answer->content_type, "charset=\"iso-8859-1\"") != NULL;
}

static void append_latin(struct buf *to, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        const unsigned char c = (unsigned char)text[i];

        if (c >= 0x80)
            buf_append_char(to, (char)(0xc0 | (c >> 6)));
        buf_append_char(to, (char)(c < 0x80 ? c : 0x80 | (c & 0x3f)));
    }
}

/* Appends it as a JSON string. False: it is no UTF-8. */
static bool append_text(struct buf *data, const struct outbound_answer *answer)
{
    struct buf text = BUF_INIT;
    size_t length;
    const char *plain = json_of(answer, &length);
    json_t *string;
    char *dumped;

    if (is_latin(answer))
        append_latin(&text, answer->body, answer->length);
    else
        buf_append(&text, plain, length);
    string = json_stringn(buf_str(&text), text.length);
    dumped = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
    if (dumped)
        buf_append_str(data, dumped);
    free(dumped);
    json_decref(string);
    buf_release(&text);
    return dumped != NULL;
}

/* ---- JSON ---- */

/* Of an answer without a body the data is null. */
static bool is_json(const struct outbound_answer *answer)
{
    size_t length;
    const char *json = json_of(answer, &length);

    return length == 0 || json_raw_is_value(json, length);
}

/* Appends what the page gets as data. False: there is nothing that could be it. */
static bool append_data(struct buf *data, const struct outbound_answer *answer)
{
    size_t length;
    const char *json = json_of(answer, &length);

    if (answer->status != 204 && is_text(answer))
        return append_text(data, answer);
    if (!is_json(answer))
        return false;
    if (length > 0)
        buf_append(data, json, length);
    else
        buf_append_str(data, "null");
    return true;
}

/* Releases the data. */
static void accept_answer(struct handler_call *call, int status, struct buf *data)
{
    const struct api_answer made =
        api_reply_make_data(call->exchange, status == 204 ? 200 : status, data);

    finish(call, HANDLER_ACCEPTED, &made);
}

/* What a handler says against a request is for its page, in whatever form it says it. */
static void refuse_answer(struct handler_call *call, const struct outbound_answer *answer)
{
    struct buf data = BUF_INIT;

    if (!append_data(&data, answer))
        buf_append_str(&data, "null");

    const struct api_answer made = api_reply_make_refusal(
        call->exchange, answer->status, &data, "the service that handles this path refused it");

    finish(call, HANDLER_REFUSED, &made);
}

static bool is_success(int status)
{
    return status >= 200 && status < 300;
}

/* Who the page's user is has been found out before: who is not known (401) or asked for credentials
 * of a proxy (407) is this server. */
static bool is_for_page(int status)
{
    return status >= 400 && status < 500 && status != 401 && status != 407;
}

/* 500: it has run, and thrown. What stands between may say others: for the page these are the
 * server's. */
static int status_for_page(int status)
{
    return status == 500 || status == 503 ? status : 502;
}

static void on_answer(void *context, const struct outbound_answer *answer)
{
    struct handler_call *call = context;
    struct buf data = BUF_INIT;

    call->call = NULL;
    if (answer->error == 0 && is_success(answer->status) && append_data(&data, answer)) {
        accept_answer(call, answer->status, &data);
        return;
    }
    buf_release(&data);
    if (answer->error == 0 && is_for_page(answer->status)) {
        refuse_answer(call, answer);
        return;
    }
    outbound_complain(OUTBOUND_HANDLER, call->exchange->service->settings->core->name, call->url,
                      answer, NULL);
    if (answer->error != 0)
        fail_by_error(call, answer);
    else if (is_success(answer->status))
        fail(call, HANDLER_UNCLEAR, 502, no_json);
    else if (answer->status < 500)
        fail(call, HANDLER_FAILED, 502, unknown_to_it);
    else
        fail(call, HANDLER_UNCLEAR, status_for_page(answer->status), wrong_status);
}

void handler_call_post(struct handler_call *call, struct api_exchange *exchange, const char *url,
                       struct buf *text)
{
    struct bytes *json = buf_freeze(text);

    call->exchange = api_exchange_ref(exchange);
    call->url = url;

    const struct outbound_webhook webhook = {
        .url = url,
        .secret = exchange->service->settings->webhook_secret,
        .time_limit_ms = settings_of(call)->time_limit_ms,
        .answer_bytes = settings_of(call)->answer_bytes,
    };
    const struct outbound_delivery delivery = {
        .json = json,
        .id = h2_request_header(exchange->request, "idempotency-key"),
        .done = on_answer,
        .context = call,
    };

    call->call = outbound_webhook_post(exchange->api->outbound, &webhook, &delivery);
    bytes_unref(json);
}

/* The signature covers the field as it is sent. */
static void sign(const struct api_exchange *exchange, const struct buf *field,
                 char signature[OUTBOUND_SIGNATURE_SIZE])
{
    const char *secret = exchange->service->settings->webhook_secret;

    signature[0] = '\0';
    if (secret[0] != '\0' && outbound_signature_write(signature, secret, clock_wall_seconds(),
                                                      field->data, field->length) != 0)
        signature[0] = '\0'; /* and the back end refuses it */
}

void handler_call_stream(struct handler_call *call, struct api_exchange *exchange,
                         const struct handler_stream *stream)
{
    const char *key = h2_request_header(exchange->request, "idempotency-key");
    char signature[OUTBOUND_SIGNATURE_SIZE];
    struct buf field = BUF_INIT;
    struct outbound_field fields[4];
    size_t count = 0;

    call->exchange = api_exchange_ref(exchange);
    call->url = stream->url;
    base64_encode(BASE64_URL, stream->context->data, stream->context->length, &field);
    sign(exchange, &field, signature);
    fields[count++] = (struct outbound_field){"content-type",
                                              h2_request_header(exchange->request, "content-type")};
    fields[count++] = (struct outbound_field){"sse-context", buf_str(&field)};
    if (signature[0] != '\0')
        fields[count++] = (struct outbound_field){OUTBOUND_SIGNATURE_FIELD, signature};
    if (key)
        fields[count++] = (struct outbound_field){"idempotency-key", key};

    const struct outbound_request request = {
        .method = "POST",
        .url = stream->url,
        .fields = fields,
        .field_count = count,
        .is_streamed = true,
        .stream_length = stream->length,
        .on_taken = stream->on_taken,
        .time_limit_ms = settings_of(call)->time_limit_ms,
        .answer_bytes = settings_of(call)->answer_bytes,
        .done = on_answer,
        .context = call,
    };

    call->call = outbound_http_start(exchange->api->outbound_streams, &request);
    buf_release(&field);
    buf_release(stream->context);
}

void handler_call_cancel(struct handler_call *call)
{
    outbound_call_cancel(call->call);
    call->call = NULL;
    api_exchange_unref(call->exchange);
}

void handler_call_refuse(struct handler_call *call)
{
    api_reply_error(call->exchange, call->failure, "%s", call->reason);
}
