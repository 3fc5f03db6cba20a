/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "load_connection.h"
#include "load_options.h"

#define OUTPUT_LIMIT 65536u
#define STATUS_AT    9u /* behind "HTTP/1.1 " */

/* What Chrome announces. */
#define STREAM_WINDOW  (6 * 1024 * 1024)
#define SESSION_WINDOW (15 * 1024 * 1024)

/* NOLINTNEXTLINE(readability-function-size): nghttp2's parameters */
static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags,
                     void *user_data)
{
    struct load_call *call;

    (void)flags;
    (void)user_data;
    if (name_length != 7 || value_length != 3 || memcmp(name, ":status", 7) != 0)
        return 0;
    call = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (call != NULL)
        call->status = (value[0] - '0') * 100 + (value[1] - '0') * 10 + (value[2] - '0');
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct load_call *call;

    (void)user_data;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_RESPONSE)
        return 0;
    call = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (call != NULL && call->on_answer != NULL)
        call->on_answer(call);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream_id, const uint8_t *data,
                   size_t length, void *user_data)
{
    struct load_call *call = nghttp2_session_get_stream_user_data(session, stream_id);

    (void)flags;
    (void)user_data;
    if (call != NULL && call->on_data != NULL)
        call->on_data(call, (const char *)data, length);
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream_id, uint32_t error_code,
                           void *user_data)
{
    struct load_call *call = nghttp2_session_get_stream_user_data(session, stream_id);

    (void)error_code;
    (void)user_data;
    if (call == NULL)
        return 0;
    list_remove(&call->node);
    call->on_close(call);
    return 0;
}

static nghttp2_session_callbacks *callbacks_new(void)
{
    nghttp2_session_callbacks *callbacks;

    if (nghttp2_session_callbacks_new(&callbacks) != 0)
        return NULL;
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    return callbacks;
}

int load_http_open(struct load_connection *connection)
{
    static const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW},
    };
    nghttp2_session_callbacks *callbacks = callbacks_new();
    int rc;

    if (callbacks == NULL)
        return -ENOMEM;
    rc = nghttp2_session_client_new(&connection->http, callbacks, connection);
    nghttp2_session_callbacks_del(callbacks);
    if (rc != 0)
        return -ENOMEM;
    if (nghttp2_submit_settings(connection->http, NGHTTP2_FLAG_NONE, settings, COUNT(settings)) !=
            0 ||
        nghttp2_session_set_local_window_size(connection->http, NGHTTP2_FLAG_NONE, 0,
                                              SESSION_WINDOW) != 0)
        return -ENOMEM;
    return 0;
}

/* NOLINTNEXTLINE(readability-function-size): nghttp2's parameters */
static ssize_t read_body(nghttp2_session *session, int32_t stream_id, uint8_t *to, size_t size,
                         uint32_t *flags, nghttp2_data_source *source, void *user_data)
{
    struct load_call *call = source->ptr;
    size_t length = call->body.length - call->body_sent;

    (void)session;
    (void)stream_id;
    (void)user_data;
    if (length > size)
        length = size;
    memcpy(to, call->body.data + call->body_sent, length);
    call->body_sent += length;
    if (call->body_sent == call->body.length)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)length;
}

struct fields {
    nghttp2_nv list[8];
    size_t count;
};

/* By HTTP/1.1 there is one request without a body, whose answer is chunked and does not end. The
 * first four fields are :method, :scheme, :authority and :path; all are texts. */
static void http1_submit(struct buf *output, const struct fields *fields)
{
    const nghttp2_nv *list = fields->list;

    buf_printf(output, "%s %s HTTP/1.1\r\nhost: %s\r\n", list[0].value, list[3].value,
               list[2].value);
    for (size_t i = 4; i < fields->count; i++)
        buf_printf(output, "%s: %s\r\n", list[i].name, list[i].value);
    buf_append_str(output, "\r\n");
}

static void take_head(struct load_http1 *http, struct load_call *call, char c)
{
    static const char end[] = "\r\n\r\n";
    const unsigned at = http->octets < STATUS_AT + 3 ? http->octets++ : STATUS_AT + 3;

    if (at >= STATUS_AT && at < STATUS_AT + 3)
        http->status = http->status * 10 + (c - '0');
    http->ends = c == end[http->ends] ? http->ends + 1 : c == '\r' ? 1 : 0;
    if (http->ends < 4)
        return;
    http->phase = LOAD_SIZE;
    call->status = http->status;
    if (call->on_answer)
        call->on_answer(call);
}

static const char *take_size(struct load_http1 *http, char c)
{
    const int digit = digits_hex(c);

    if (digit >= 0)
        http->left = http->left * 16 + (size_t)digit;
    else if (c == '\n' && http->left == 0)
        return "the server ended the stream";
    else if (c == '\n')
        http->phase = LOAD_CHUNK;
    else if (c != '\r')
        return "the answer is not chunked";
    return NULL;
}

static size_t take_data(struct load_http1 *http, struct load_call *call, const char *data,
                        size_t length)
{
    const size_t step = length < http->left ? length : http->left;

    if (http->phase == LOAD_CHUNK && call->on_data)
        call->on_data(call, data, step);
    http->left -= step;
    if (http->left > 0)
        return step;
    http->left = http->phase == LOAD_CHUNK ? 2 : 0;
    http->phase = http->phase == LOAD_CHUNK ? LOAD_CHUNK_END : LOAD_SIZE;
    return step;
}

static const char *http1_receive(struct load_connection *connection, const char *data,
                                 size_t length)
{
    struct load_http1 *http = &connection->http1;
    struct load_call *call = container_of(connection->calls.next, struct load_call, node);
    const char *fault = NULL;
    size_t at = 0;

    if (list_is_empty(&connection->calls))
        return "an answer came without a request";
    while (at < length && !fault) {
        if (http->phase >= LOAD_CHUNK)
            at += take_data(http, call, data + at, length - at);
        else if (http->phase == LOAD_SIZE)
            fault = take_size(http, data[at++]);
        else
            take_head(http, call, data[at++]);
    }
    return fault;
}

void load_expand(const char *text, uint32_t number, const struct buf *payload, struct buf *to)
{
    while (*text != '\0') {
        const size_t plain = strcspn(text, "{");
        char digits[DIGITS_SIZE];

        buf_append(to, text, plain);
        text += plain;
        if (payload != NULL && strncmp(text, "{payload}", 9) == 0) {
            buf_append(to, payload->data, payload->length);
            text += 9;
        } else if (strncmp(text, "{n}", 3) == 0 || strncmp(text, "{t}", 3) == 0) {
            buf_append(to, digits, digits_write(digits, number, 10));
            text += 3;
        } else if (*text != '\0') {
            buf_append_char(to, *text++);
        }
    }
}

static void add(struct fields *fields, const char *name, const char *value)
{
    if (value == NULL)
        return;
    fields->list[fields->count++] = (nghttp2_nv){
        .name = (uint8_t *)(uintptr_t)name,
        .value = (uint8_t *)(uintptr_t)value,
        .namelen = strlen(name),
        .valuelen = strlen(value),
        .flags = NGHTTP2_NV_FLAG_NONE,
    };
}

int load_http_submit(struct load_connection *connection, struct load_call *call,
                     const struct load_exchange *exchange, uint32_t number)
{
    nghttp2_data_provider body = {.source.ptr = call, .read_callback = read_body};
    struct fields fields = {.count = 0};
    struct buf *path = &connection->poller->path;
    char authorization[512];

    buf_clear(path);
    load_expand(exchange->path, number, NULL, path);
    add(&fields, ":method", exchange->method);
    add(&fields, ":scheme", "https");
    add(&fields, ":authority", connection->endpoint->authority);
    add(&fields, ":path", buf_str(path));
    add(&fields, "accept", exchange->accept);
    if (call->body.length > 0)
        add(&fields, "content-type", exchange->content_type);
    if (exchange->bearer != NULL) {
        (void)snprintf(authorization, sizeof(authorization), "Bearer %s", exchange->bearer);
        add(&fields, "authorization", authorization);
    }
    if (connection->is_http1) {
        http1_submit(&connection->output, &fields);
        return 0;
    }
    return nghttp2_submit_request(connection->http, NULL, fields.list, fields.count,
                                  call->body.length > 0 ? &body : NULL, call) < 0
               ? -EPIPE
               : 0;
}

const char *load_http_receive(struct load_connection *connection, const unsigned char *data,
                              size_t length)
{
    ssize_t rc;

    if (connection->is_http1)
        return http1_receive(connection, (const char *)data, length);
    rc = nghttp2_session_mem_recv(connection->http, data, length);
    if (rc < 0)
        return nghttp2_strerror((int)rc);
    return nghttp2_session_want_read(connection->http) == 0 ? "the server said GOAWAY" : NULL;
}

void load_http_gather(struct load_connection *connection)
{
    struct buf *output = &connection->output;
    const uint8_t *data;
    ssize_t length;

    while (connection->http != NULL && output->length < OUTPUT_LIMIT &&
           (length = nghttp2_session_mem_send(connection->http, &data)) > 0)
        buf_append(output, data, (size_t)length);
}
