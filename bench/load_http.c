/* SPDX-License-Identifier: Apache-2.0 */
#include "load_http.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "load_connection.h"

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
    if (nghttp2_submit_settings(connection->http, NGHTTP2_FLAG_NONE, settings,
                                sizeof(settings) / sizeof(settings[0])) != 0 ||
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

int load_http_submit(struct load_connection *connection, struct load_call *call,
                     const nghttp2_nv *fields, size_t count)
{
    nghttp2_data_provider body = {.source.ptr = call, .read_callback = read_body};

    call->status = 0;
    call->body_sent = 0;
    if (nghttp2_submit_request(connection->http, NULL, fields, count,
                               call->body.length > 0 ? &body : NULL, call) < 0)
        return -EPIPE;
    list_append(&connection->calls, &call->node);
    return 0;
}

void load_http_end_calls(struct load_connection *connection)
{
    struct list *node;

    while ((node = list_take_first(&connection->calls)) != NULL) {
        struct load_call *call = container_of(node, struct load_call, node);

        call->on_close(call);
    }
}

const char *load_http_receive(struct load_connection *connection, const unsigned char *data,
                              size_t length)
{
    ssize_t rc = nghttp2_session_mem_recv(connection->http, data, length);

    if (rc < 0)
        return nghttp2_strerror((int)rc);
    if (nghttp2_session_want_read(connection->http) == 0)
        return "the server said GOAWAY";
    return NULL;
}

size_t load_http_pull(struct load_connection *connection, struct buf *output)
{
    const uint8_t *data;
    ssize_t length = nghttp2_session_mem_send(connection->http, &data);

    if (length <= 0)
        return 0;
    buf_append(output, data, (size_t)length);
    return (size_t)length;
}
