/* SPDX-License-Identifier: Apache-2.0 */
#include "api/reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/api_settings.h"
#include "api/exchange.h"
#include "api/refusal.h"
#include "api/routes.h"
#include "base/buf.h"
#include "base/envelope.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/random.h"
#include "h2/request.h"
#include "h2/stream.h"

#define MAX_DETAIL 1024u
#define MAX_FIELDS 3u

/* A newcomer that is told to wait comes back after so many seconds: spread, so that those who were
 * turned away together do not return together. */
#define RETRY_LOWEST  2u
#define RETRY_HIGHEST 10u

/* ---- how it is wrapped ---- */

struct wrapping wrapping_of(const struct api_service *service, const struct h2_request *request,
                            bool is_for_pages)
{
    const char *asked = request ? h2_request_header(request, "x-sse-envelope") : NULL;

    if (!service || (asked && strcasecmp(asked, "plain") == 0))
        return (struct wrapping){.is_bare = false};
    return (struct wrapping){
        .is_bare = !service->settings->envelope,
        .ok = is_for_pages ? service->settings->envelope_ok : NULL,
        .error = is_for_pages ? service->settings->envelope_error : NULL,
    };
}

static void append_data(const struct wrapping *wrapping, struct buf *to, int status,
                        const struct buf *data)
{
    static const char tail[] = ",\"message\":null,\"errorMessage\":null}";

    buf_reserve(to, data->length + 128);
    if (wrapping->is_bare) {
        buf_append(to, data->data, data->length);
    } else if (wrapping->ok) {
        envelope_append(wrapping->ok, to,
                        &(struct envelope_values){
                            .status = status, .data = data->data, .length = data->length});
    } else {
        buf_append_str(to, "{\"success\":true,\"code\":");
        json_text_number(to, (uint64_t)status);
        buf_append_str(to, ",\"data\":");
        buf_append(to, data->data, data->length);
        buf_append(to, tail, sizeof(tail) - 1);
    }
}

/* For people; the detail beside it is for who can mend it. */
static const char *sentence(int status)
{
    static const struct {
        int status;
        const char *text;
    } sentences[] = {
        {400, "The request is malformed."},
        {401, "Please sign in."},
        {403, "This is not allowed."},
        {404, "There is no such thing here."},
        {405, "This cannot be done here."},
        {406, "This cannot be given in that form."},
        {413, "That is too large."},
        {414, "That address is too long."},
        {415, "That type of content is not taken here."},
        {422, "Something in the request cannot be done as it stands."},
        {429, "Too many at once. Please try again later."},
        {431, "The request's header fields are too large."},
        {502, "A service behind this one failed."},
        {503, "The server takes no new work just now. Please try again later."},
        {504, "A service behind this one took too long."},
    };

    for (size_t i = 0; i < COUNT(sentences); i++) {
        if (sentences[i].status == status)
            return sentences[i].text;
    }
    return status < 500 ? "The request was refused." : "The server failed. We are sorry.";
}

static void append_error(const struct wrapping *wrapping, struct buf *to, int status,
                         const char *data, const char *detail)
{
    if (wrapping->error) {
        if (!data)
            data = "null";
        envelope_append(wrapping->error, to,
                        &(struct envelope_values){.status = status,
                                                  .data = data,
                                                  .length = strlen(data),
                                                  .message = sentence(status),
                                                  .error = detail});
        return;
    }
    if (wrapping->is_bare) {
        buf_append_char(to, '{');
        json_text_member(to, "error", detail);
        if (data)
            buf_printf(to, ",\"data\":%s", data);
        buf_append_char(to, '}');
        return;
    }
    buf_printf(to, "{\"success\":false,\"code\":%d,\"data\":%s", status, data ? data : "null");
    json_text_member(to, "message", sentence(status));
    json_text_member(to, "errorMessage", detail);
    buf_append_char(to, '}');
}

/* ---- answers ---- */

static struct wrapping wrapping_for(const struct api_exchange *exchange)
{
    return wrapping_of(exchange->service, exchange->request, api_routes_is_for_pages(exchange));
}

/* Takes over the reference to the body; the rest of the response is the caller's. */
static void respond(struct h2_stream *stream, struct h2_response *response, struct bytes *body)
{
    /* The transport may have refused what came behind while a handler was at work. */
    if (h2_stream_is_answered(stream)) {
        bytes_unref(body);
        return;
    }
    response->body = body;
    h2_stream_respond(stream, response);
}

/* field: one more; NULL: none. */
static void respond_with(struct api_exchange *exchange, const char *content_type,
                         const struct h2_field *field, const struct api_answer *answer)
{
    const struct h2_field fields[] = {{"cache-control", "no-store"},
                                      field ? *field : (struct h2_field){NULL, NULL}};
    struct h2_response response = {
        .status = answer->status,
        .content_type = content_type,
        .fields = fields,
        .field_count = field ? 2 : 1,
        .is_patient = exchange->is_patient,
    };

    respond(exchange->stream, &response, answer->body);
}

void api_reply_text(struct api_exchange *exchange, const char *content_type, struct buf *text)
{
    respond_with(exchange, content_type, NULL, &(struct api_answer){200, buf_freeze(text)});
}

struct api_answer api_reply_make_data(const struct api_exchange *exchange, int status,
                                      struct buf *data)
{
    const struct wrapping wrapping = wrapping_for(exchange);
    struct buf text = BUF_INIT;

    append_data(&wrapping, &text, status, data);
    buf_release(data);
    return (struct api_answer){status, buf_freeze(&text)};
}

void api_reply_answer(struct api_exchange *exchange, const struct api_answer *answer)
{
    if (answer->status >= 400)
        refusal_tell(exchange, answer->status, "the service that handles this path refused it");
    respond_with(exchange, "application/json", NULL, answer);
}

void api_reply_data(struct api_exchange *exchange, struct buf *data)
{
    const struct api_answer answer = api_reply_make_data(exchange, 200, data);

    api_reply_answer(exchange, &answer);
}

static int append_chunk(const char *chunk, size_t length, void *text)
{
    buf_append(text, chunk, length);
    return 0;
}

void api_reply_json_with(struct api_exchange *exchange, const struct h2_field *field, json_t *data)
{
    const json_t *count = json_object_get(data, "count");
    struct buf text = BUF_INIT;
    struct api_answer answer;

    api_audit_answer(exchange, 200, json_is_integer(count) ? json_integer_value(count) : -1);
    if (!data || json_dump_callback(data, append_chunk, &text, JSON_COMPACT | JSON_ENCODE_ANY) != 0)
        buf_append_str(&text, "null");
    json_decref(data);
    answer = api_reply_make_data(exchange, 200, &text);
    respond_with(exchange, "application/json", field, &answer);
}

void api_reply_json(struct api_exchange *exchange, json_t *data)
{
    api_reply_json_with(exchange, NULL, data);
}

static void respond_error(struct h2_stream *stream, const struct wrapping *wrapping, int status,
                          const struct h2_field *field, const char *detail)
{
    struct h2_field fields[MAX_FIELDS] = {{"cache-control", "no-store"}};
    struct h2_response response = {
        .status = status,
        .content_type = "application/json",
        .fields = fields,
    };
    struct buf text = BUF_INIT;
    char retry_after[24];
    size_t count = 1;

    if (field)
        fields[count++] = *field;
    if ((status == 429 || status == 503) && !(field && strcmp(field->name, "retry-after") == 0)) {
        snprintf(retry_after, sizeof(retry_after), "%u",
                 (unsigned)random_between(RETRY_LOWEST, RETRY_HIGHEST));
        fields[count++] = (struct h2_field){"retry-after", retry_after};
    }
    append_error(wrapping, &text, status, NULL, detail);
    response.field_count = count;
    respond(stream, &response, buf_freeze(&text));
}

void api_reply_stream_error(struct h2_stream *stream, const struct wrapping *wrapping, int status,
                            const char *detail)
{
    respond_error(stream, wrapping, status, NULL, detail);
}

struct api_answer api_reply_make_refusal(const struct api_exchange *exchange, int status,
                                         struct buf *data, const char *detail)
{
    const struct wrapping wrapping = wrapping_for(exchange);
    struct buf text = BUF_INIT;

    append_error(&wrapping, &text, status, buf_str(data), detail);
    buf_release(data);
    return (struct api_answer){status, buf_freeze(&text)};
}

void api_reply_error_with(struct api_exchange *exchange, int status, const struct h2_field *field,
                          const char *detail)
{
    const struct wrapping wrapping = wrapping_for(exchange);

    refusal_tell(exchange, status, detail);
    api_audit_answer(exchange, status, -1);
    respond_error(exchange->stream, &wrapping, status, field, detail);
}

void api_reply_error_later(struct api_exchange *exchange, int status, unsigned seconds,
                           const char *detail)
{
    char text[16];
    const struct h2_field field = {"retry-after", text};

    snprintf(text, sizeof(text), "%u", seconds);
    api_reply_error_with(exchange, status, seconds > 0 ? &field : NULL, detail);
}

void api_reply_error(struct api_exchange *exchange, int status, const char *format, ...)
{
    char detail[MAX_DETAIL];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(detail, sizeof(detail), format, arguments);
    va_end(arguments);
    api_reply_error_with(exchange, status, NULL, detail);
}

void api_reply_events(struct api_exchange *exchange, const struct h2_body_source *source,
                      void *context)
{
    static const struct h2_field fields[] = {
        {"cache-control", "no-store"},
        {"x-accel-buffering", "no"},
    };
    const struct h2_response response = {
        .status = 200,
        .content_type = "text/event-stream;charset=utf-8",
        .fields = fields,
        .field_count = COUNT(fields),
        .source = source,
        .source_context = context,
    };
    struct h2_stream *stream = exchange->stream;

    if (source)
        h2_stream_prefer(stream);
    h2_stream_respond(stream, &response);
    if (source)
        h2_stream_forget_request(stream);
}

void api_reply_nothing(struct api_exchange *exchange, const struct h2_field *fields, size_t count)
{
    h2_stream_respond(exchange->stream, &(struct h2_response){
                                            .status = 204,
                                            .fields = fields,
                                            .field_count = count,
                                        });
}
