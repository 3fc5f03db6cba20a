/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/stream.h"

#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "h2/request.h"
#include "h2/state.h"

#define MAX_FIELDS       24u
#define PREFERRED_WEIGHT 256
#define HEADER_REJECTS   3u /* then the client does it on purpose */

struct h2_stream *h2_stream_new(struct h2_session *session, int32_t id)
{
    struct h2_stream *stream = mem_zalloc(sizeof(*stream));

    stream->session = session;
    stream->endpoint = session->endpoint;
    stream->id = id;
    stream->refs = 1;
    stream->is_stranger = true;
    list_append(&session->streams, &stream->node);
    if (session->stream_count++ == 0)
        h2_eviction_remove(session);
    session->endpoint->counters.streams++;
    session->endpoint->counters.streams_opened++;
    h2_session_drain_asked(session);
    if (session->protocol)
        session->endpoint->counters.http1_streams++;
    return stream;
}

struct h2_stream *h2_stream_ref(struct h2_stream *stream)
{
    stream->refs++;
    return stream;
}

struct h2_stream *h2_stream_unref(struct h2_stream *stream)
{
    if (!stream || --stream->refs > 0)
        return NULL;
    assert(!stream->session);
    h2_holding_release(stream);
    h2_request_free(stream->request);
    bytes_unref(stream->body);
    free(stream);
    return NULL;
}

static void drop_source(struct h2_stream *stream)
{
    const struct h2_body_source *source = stream->source;

    stream->source = NULL;
    if (source)
        source->closed(stream->source_context);
}

void h2_stream_closed(struct h2_stream *stream)
{
    struct h2_session *session = stream->session;

    if (!session)
        return;
    if (stream->unconsumed > 0 && session->nghttp2)
        h2_session_rely(session, nghttp2_session_consume_connection(
                                     session->nghttp2, stream->unconsumed - stream->ahead));
    session->lent_bytes -= stream->ahead;
    stream->unconsumed = stream->ahead = 0;
    list_remove(&stream->node);
    list_remove(&stream->sending_node);
    if (--session->stream_count == 0)
        h2_eviction_add(session);
    session->busy_at = loop_served_ms(session->endpoint->loop);
    stream->endpoint->counters.streams--;
    stream->endpoint->counters.streams_closed++;
    stream->session = NULL;
    h2_inbound_abort(stream);
    h2_holding_force(stream); /* is in nobody's way any more */
    drop_source(stream);
    if (stream->on_close)
        stream->on_close(stream, stream->context);
    h2_stream_unref(stream);
}

void h2_stream_start(struct h2_stream *stream, struct h2_request *request, bool has_body)
{
    struct h2_endpoint *endpoint = stream->endpoint;

    stream->request = request;
    stream->is_head = strcmp(request->method, "HEAD") == 0;
    request->has_body = has_body;
    h2_inbound_open(stream);
    if (!h2_holding_update(stream, 0))
        h2_holding_force(stream); /* who comes next evicts it, unless it is soon answered */
    if (request->fault) {
        h2_stream_refuse_fields(stream, request->fault, request->fault_text);
        return;
    }
    endpoint->handler.on_request(endpoint->handler.context, stream);
}

void h2_stream_refuse_fields(struct h2_stream *stream, int status, const char *message)
{
    struct h2_session *session = stream->session;

    session->endpoint->counters.header_rejects++;
    h2_inbound_answered(stream);
    h2_stream_fail(stream, status, message);
    if (status == 431 && ++session->header_rejects >= HEADER_REJECTS) {
        h2_peer_refused(&session->origin.peer, LOG_OF_FRAMES,
                        "it goes on sending header fields that are too large");
        h2_session_terminate(session, NGHTTP2_ENHANCE_YOUR_CALM);
    }
}

void h2_stream_fail(struct h2_stream *stream, int status, const char *message)
{
    struct h2_endpoint *endpoint = stream->endpoint;

    if (!stream->session || stream->is_answered)
        return;
    endpoint->handler.on_error(endpoint->handler.context, stream, status, message);
}

void h2_stream_sent(struct h2_stream *stream)
{
    stream->is_sent = true;
    h2_inbound_answered(stream);
    if (stream->endpoint->handler.on_sent)
        stream->endpoint->handler.on_sent(stream->endpoint->handler.context, stream);
    h2_holding_force(stream);
}

size_t h2_stream_offer(const struct h2_stream *stream, bool *last)
{
    if (stream->source)
        return stream->source->ready(stream->source_context, last);
    *last = true;
    return stream->body ? stream->body->length - stream->body_sent : 0;
}

bool h2_stream_has_output(const struct h2_stream *stream)
{
    bool last = false;

    if (!stream->is_answered || stream->is_sent)
        return false;
    return h2_stream_offer(stream, &last) > 0 || last;
}

void h2_stream_take(struct h2_stream *stream, char *to, size_t length)
{
    stream->stalled_since = 0;
    if (stream->source) {
        if (stream->source->pieces)
            stream->endpoint->pace.events += stream->source->pieces(stream->source_context);
        stream->source->take(stream->source_context, to, length);
        return;
    }
    memcpy(to, stream->body->data + stream->body_sent, length);
    stream->body_sent += length;
}

/* The read callback of every answer's DATA. */
/* NOLINTNEXTLINE(readability-function-size): nghttp2 chose the parameters. */
static ssize_t read_output(nghttp2_session *nghttp2, int32_t id, uint8_t *to, size_t room,
                           uint32_t *flags, nghttp2_data_source *source, void *context)
{
    struct h2_stream *stream = source->ptr;
    struct h2_session *session = context;
    bool last = false;
    size_t ready = h2_stream_offer(stream, &last);

    (void)nghttp2;
    (void)id;
    (void)to;
    if ((ready == 0 && !last) || h2_session_is_full(session) ||
        (ready > room && !h2_session_may_cut(session, room))) {
        stream->is_deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (ready > room)
        return (ssize_t)room;
    if (last)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)ready;
}

static nghttp2_nv field(const char *name, const char *value)
{
    /* nghttp2 copies the value, and takes what it only reads as mutable. */
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name,
                        .value = (uint8_t *)(uintptr_t)value,
                        .namelen = strlen(name),
                        .valuelen = strlen(value),
                        .flags = NGHTTP2_NV_FLAG_NO_COPY_NAME};
}

static void submit_to_nghttp2(struct h2_stream *stream, int status, const struct h2_field *fields,
                              size_t count)
{
    const bool has_data = !stream->is_head && (stream->source || stream->body);
    nghttp2_data_provider provider = {.source = {.ptr = stream}, .read_callback = read_output};
    nghttp2_nv all[MAX_FIELDS];
    char digits[DIGITS_SIZE];

    (void)digits_write(digits, (uint64_t)status, 10);
    all[0] = field(":status", digits);
    for (size_t i = 0; i < count; i++)
        all[i + 1] = field(fields[i].name, fields[i].value);
    if (nghttp2_submit_response(stream->session->nghttp2, stream->id, all, count + 1,
                                has_data ? &provider : NULL) != 0)
        h2_session_close(stream->session);
}

static void submit(struct h2_stream *stream, const struct h2_response *response)
{
    const struct h2_handler *handler = &stream->endpoint->handler;
    struct h2_field fields[MAX_FIELDS - 1];
    size_t count = 0;
    char length[DIGITS_SIZE];

    fields[count++] = (struct h2_field){"date", h2_endpoint_date(stream->endpoint)};
    if (response->content_type)
        fields[count++] = (struct h2_field){"content-type", response->content_type};
    if (response->body) {
        (void)digits_write(length, response->body->length, 10);
        fields[count++] = (struct h2_field){"content-length", length};
    }
    assert(response->field_count < MAX_FIELDS - H2_MAX_COMMON_FIELDS - count);
    for (size_t i = 0; i < response->field_count; i++)
        fields[count++] = response->fields[i];
    if (handler->common_fields)
        count += handler->common_fields(handler->context, stream, &fields[count]);
    if (stream->session->protocol)
        stream->session->protocol->respond(stream, response->status, fields, count);
    else
        submit_to_nghttp2(stream, response->status, fields, count);
}

void h2_stream_respond(struct h2_stream *stream, const struct h2_response *response)
{
    const struct h2_handler *handler = &stream->endpoint->handler;

    if (stream->is_answered || !stream->session) {
        bytes_unref(response->body);
        if (response->source)
            response->source->closed(response->source_context);
        return;
    }
    stream->source = response->source;
    stream->source_context = response->source_context;
    stream->body = response->body;
    stream->is_answered = true;
    stream->kept = 0;
    if (handler->on_answered)
        handler->on_answered(handler->context, stream, response);
    submit(stream, response);
    h2_holding_force(stream);
    if (!stream->session)
        return;
    if (stream->is_head)
        drop_source(stream);
    else if (h2_stream_has_output(stream) && !list_is_linked(&stream->sending_node))
        list_append(&stream->session->sending, &stream->sending_node);
    h2_session_mark(stream->session, !response->is_patient);
    /* One that is closing is flushed no more. */
    if (response->is_patient && list_is_linked(&stream->session->flush_node) &&
        !list_is_linked(&stream->session->place_node))
        list_append(&stream->endpoint->patient, &stream->session->place_node);
}

void h2_stream_resume(struct h2_stream *stream)
{
    struct h2_session *session = stream->session;

    if (!session || !stream->is_answered || stream->is_sent)
        return;
    if (!list_is_linked(&stream->sending_node))
        list_append(&session->sending, &stream->sending_node);
    h2_session_mark(session, false);
}

void h2_stream_forget_request(struct h2_stream *stream)
{
    h2_request_free(stream->request);
    stream->request = NULL;
    h2_holding_force(stream);
}

void h2_stream_prefer(struct h2_stream *stream)
{
    nghttp2_priority_spec priority;

    if (!stream->session || !stream->session->nghttp2)
        return;
    nghttp2_priority_spec_init(&priority, 0, PREFERRED_WEIGHT, 0);
    (void)nghttp2_session_change_stream_priority(stream->session->nghttp2, stream->id, &priority);
}

void h2_stream_reset(struct h2_stream *stream, uint32_t error_code)
{
    if (!stream->session)
        return;
    if (stream->session->protocol)
        stream->session->protocol->reset(stream, error_code);
    else if (nghttp2_submit_rst_stream(stream->session->nghttp2, NGHTTP2_FLAG_NONE, stream->id,
                                       error_code) != 0)
        h2_session_close(stream->session);
    else
        h2_session_mark(stream->session, true);
}

void h2_stream_set_context(struct h2_stream *stream, void *context,
                           void (*on_close)(struct h2_stream *stream, void *context))
{
    stream->context = context;
    stream->on_close = on_close;
}

void *h2_stream_context(const struct h2_stream *stream)
{
    return stream->context;
}

const struct h2_request *h2_stream_request(const struct h2_stream *stream)
{
    return stream->request;
}

struct h2_session *h2_stream_session(const struct h2_stream *stream)
{
    return stream->session;
}

uint32_t h2_stream_number(const struct h2_stream *stream)
{
    return (uint32_t)stream->id;
}

bool h2_stream_is_open(const struct h2_stream *stream)
{
    return stream->session != NULL;
}

bool h2_stream_is_answered(const struct h2_stream *stream)
{
    return stream->is_answered;
}

/* How many of these octets the session's window has back already. */
static size_t take_ahead(struct h2_stream *stream, size_t length)
{
    size_t part = length < stream->ahead ? length : stream->ahead;

    stream->ahead -= part;
    if (stream->session)
        stream->session->lent_bytes -= part;
    return part;
}

/* The session's window has room for so much more. A session with another protocol has none, only
 * the room for its one stream's body. */
static void widen_session(struct h2_stream *stream, size_t length)
{
    struct h2_session *session = stream->session;

    if (!session || length == 0)
        return;
    h2_session_mark(session, false);
    if (session->protocol)
        session->protocol->more(stream);
    else
        h2_session_rely(session, nghttp2_session_consume_connection(session->nghttp2, length));
}

void h2_stream_return_window(struct h2_stream *stream, size_t length)
{
    stream->unconsumed -= length;
    widen_session(stream, length - take_ahead(stream, length));
}

void h2_stream_lend_window(struct h2_stream *stream, size_t length)
{
    size_t most = stream->unconsumed - stream->ahead;

    if (length > most)
        length = most;
    if (!stream->session || length == 0)
        return;
    stream->ahead += length;
    stream->session->lent_bytes += length;
    widen_session(stream, length);
}

void h2_stream_consume(struct h2_stream *stream, size_t length)
{
    struct h2_session *session = stream->session;
    size_t ahead;

    if (length > stream->unconsumed)
        length = stream->unconsumed;
    stream->unconsumed -= length;
    ahead = take_ahead(stream, length);
    if (!session || length == 0)
        return;
    h2_holding_force(stream);
    h2_session_mark(session, false);
    if (session->protocol) {
        session->protocol->more(stream);
        return;
    }
    if (ahead > 0)
        h2_session_rely(session,
                        nghttp2_session_consume_stream(session->nghttp2, stream->id, ahead));
    if (length > ahead)
        h2_session_rely(session,
                        nghttp2_session_consume(session->nghttp2, stream->id, length - ahead));
}
