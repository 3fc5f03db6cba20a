/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nghttp2 tells us. Callbacks note and queue; none sends, none frees a session: nghttp2
 * forbids mem_send in here, and an error goes up by return value to the I/O callback.
 */

#include "h2/request.h"
#include "h2/state.h"

#define FRAME_HEADER 9u /* RFC 9113 4.1 */

static struct h2_stream *find_stream(nghttp2_session *nghttp2, int32_t id)
{
    return nghttp2_session_get_stream_user_data(nghttp2, id);
}

/* What came behind the frame that ended the session is not for anyone any more. */
static bool is_over(const struct h2_session *session)
{
    return session->phase >= H2_SESSION_ENDING;
}

/* nghttp2 ignores a HEADERS frame whose stream id is lower than an earlier one, because it may be
 * trailers on a stream that was just reset. Streams that were open are still known to it (it keeps
 * as many closed ones as may be open); an id that is not was never used: RFC 9113 5.1.1. */
static bool is_out_of_order(nghttp2_session *nghttp2, const nghttp2_frame_hd *header)
{
    return header->type == NGHTTP2_HEADERS && header->stream_id % 2 != 0 &&
           header->stream_id <= nghttp2_session_get_last_proc_stream_id(nghttp2) &&
           !nghttp2_session_find_stream(nghttp2, header->stream_id);
}

static int on_begin_frame(nghttp2_session *nghttp2, const nghttp2_frame_hd *header, void *context)
{
    const struct h2_session *session = context;

    if (is_over(session) || is_out_of_order(nghttp2, header))
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    return 0;
}

static int on_begin_headers(nghttp2_session *nghttp2, const nghttp2_frame *frame, void *context)
{
    struct h2_session *session = context;

    session->rates.unheard--;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        struct h2_stream *stream = h2_stream_new(session, frame->hd.stream_id);
        nghttp2_session_set_stream_user_data(nghttp2, frame->hd.stream_id, stream);
    }
    h2_request_builder_free(session->builder);
    session->builder = h2_request_builder_new(&session->endpoint->limits);
    return 0;
}

/* NOLINTNEXTLINE(readability-function-size): nghttp2 chose the parameters. */
static int on_header(nghttp2_session *nghttp2, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags,
                     void *context)
{
    struct h2_session *session = context;

    (void)nghttp2;
    (void)flags;
    if (!session->builder)
        return 0;
    h2_request_builder_add(session->builder, name, name_length, value, value_length);
    if (!h2_request_builder_is_flooded(session->builder))
        return 0;
    h2_session_stop_decoding(session, frame->hd.stream_id);
    return NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* An ill-formed field is a malformed request (RFC 9113 8.2.1): the stream is reset. */
/* NOLINTNEXTLINE(readability-function-size): nghttp2 chose the parameters. */
static int on_invalid_header(nghttp2_session *nghttp2, const nghttp2_frame *frame,
                             const uint8_t *name, size_t name_length, const uint8_t *value,
                             size_t value_length, uint8_t flags, void *context)
{
    struct h2_session *session = context;

    (void)nghttp2;
    (void)frame;
    (void)name;
    (void)name_length;
    (void)value;
    (void)value_length;
    (void)flags;
    h2_request_builder_free(session->builder);
    session->builder = NULL;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/* The fields of a stream's request are there, or its trailers, which carry nothing that we use. */
static void fields_complete(struct h2_session *session, int32_t id, bool has_body)
{
    struct h2_stream *stream = find_stream(session->nghttp2, id);
    struct h2_request_builder *builder = session->builder;
    const char *text;

    session->builder = NULL;
    if (!stream || !builder) {
        h2_request_builder_free(builder);
    } else if (!h2_stream_request(stream) && !h2_stream_is_answered(stream)) {
        h2_stream_start(stream, h2_request_builder_finish(builder), has_body);
    } else {
        int fault = h2_request_builder_fault(builder, &text);
        if (fault)
            h2_stream_refuse_fields(stream, fault, text);
        h2_request_builder_free(builder);
    }
}

void h2_session_stop_decoding(struct h2_session *session, int32_t id)
{
    if (is_over(session))
        return;
    session->endpoint->counters.header_floods++;
    h2_peer_refused(&session->origin.peer, LOG_OF_FRAMES, "its header block is far too large");
    if (session->builder)
        h2_request_builder_stop(session->builder);
    fields_complete(session, id, false);
    h2_session_terminate(session, NGHTTP2_ENHANCE_YOUR_CALM);
}

static void on_settings(struct h2_session *session, const nghttp2_frame *frame)
{
    if (frame->hd.flags & NGHTTP2_FLAG_ACK) {
        session->is_settled = true;
    } else if (session->phase == H2_SESSION_PREFACE) {
        session->phase = H2_SESSION_OPEN;
        session->busy_at = loop_served_ms(session->endpoint->loop);
    }
}

static int on_frame_recv(nghttp2_session *nghttp2, const nghttp2_frame *frame, void *context)
{
    struct h2_session *session = context;
    struct h2_stream *stream;

    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        fields_complete(session, frame->hd.stream_id, !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM));
        break;
    case NGHTTP2_SETTINGS:
        on_settings(session, frame);
        return 0;
    case NGHTTP2_RST_STREAM:
        session->endpoint->counters.streams_reset_by_client++;
        return 0;
    case NGHTTP2_PING:
        if (frame->hd.flags & NGHTTP2_FLAG_ACK)
            h2_session_drain_answered(session, frame->ping.opaque_data);
        return 0;
    case NGHTTP2_DATA:
        session->rates.unheard--;
        break;
    default:
        return 0;
    }
    if (!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return 0;
    stream = find_stream(nghttp2, frame->hd.stream_id);
    if (stream)
        h2_inbound_end(stream);
    return 0;
}

static int on_data_chunk(nghttp2_session *nghttp2, uint8_t flags, int32_t stream_id,
                         const uint8_t *data, size_t length, void *context)
{
    struct h2_stream *stream = find_stream(nghttp2, stream_id);

    (void)flags;
    if (is_over(context))
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    if (!stream)
        return nghttp2_session_consume_connection(nghttp2, length);
    return h2_inbound_data(stream, (const char *)data, length);
}

static void on_reset_sent(struct h2_session *session, uint32_t code)
{
    struct h2_endpoint *endpoint = session->endpoint;

    endpoint->counters.streams_reset_by_server++;
    if (code != NGHTTP2_NO_ERROR && code != NGHTTP2_CANCEL &&
        h2_rates_server_reset(&session->rates, loop_now_ms(endpoint->loop)) != H2_RATES_FINE) {
        h2_peer_refused(&session->origin.peer, LOG_OF_FRAMES, h2_rates_excess(&session->rates));
        h2_session_terminate(session, NGHTTP2_ENHANCE_YOUR_CALM);
    }
}

/* A GOAWAY with an error that is not ours is nghttp2's verdict; not each ends its session. */
static void on_goaway_sent(struct h2_session *session, uint32_t code)
{
    if (code == NGHTTP2_NO_ERROR || session->phase >= H2_SESSION_ENDING)
        return;
    session->endpoint->counters.protocol_errors++;
    h2_peer_refused(&session->origin.peer, LOG_OF_FRAMES, nghttp2_http2_strerror(code));
    h2_session_terminate(session, code);
}

static int on_frame_send(nghttp2_session *nghttp2, const nghttp2_frame *frame, void *context)
{
    struct h2_stream *stream;

    switch (frame->hd.type) {
    case NGHTTP2_RST_STREAM:
        on_reset_sent(context, frame->rst_stream.error_code);
        return 0;
    case NGHTTP2_GOAWAY:
        on_goaway_sent(context, frame->goaway.error_code);
        return 0;
    case NGHTTP2_HEADERS:
    case NGHTTP2_DATA:
        stream = find_stream(nghttp2, frame->hd.stream_id);
        if (stream && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
            h2_stream_sent(stream);
        return 0;
    default:
        return 0;
    }
}

static int on_stream_close(nghttp2_session *nghttp2, int32_t stream_id, uint32_t error_code,
                           void *context)
{
    struct h2_stream *stream = find_stream(nghttp2, stream_id);

    (void)error_code;
    (void)context;
    if (stream)
        h2_stream_closed(stream);
    return 0;
}

/* nghttp2 has made the frame's header; the payload goes from where it lies into the record. */
static int on_send_data(nghttp2_session *nghttp2, nghttp2_frame *frame, const uint8_t *header,
                        size_t length, nghttp2_data_source *source, void *context)
{
    struct h2_session *session = context;

    (void)nghttp2;
    (void)frame;
    h2_rates_sent(&session->rates, length);
    buf_append(&session->endpoint->output, header, FRAME_HEADER);
    return h2_output_take(session, length, source->ptr) == 0 ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

nghttp2_session_callbacks *h2_callbacks_new(void)
{
    nghttp2_session_callbacks *callbacks;

    if (nghttp2_session_callbacks_new(&callbacks) != 0)
        return NULL;
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, on_invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, on_send_data);
    return callbacks;
}
