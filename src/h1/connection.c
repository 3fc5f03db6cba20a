/* SPDX-License-Identifier: Apache-2.0 */
#include "h1/connection.h"

#include <stdio.h>

#include "base/mem.h"
#include "h1/parser.h"
#include "h2/request.h"
#include "h2/state.h"

/* A body that is not wanted is read to its end, for the next request's sake, if so little of it is
 * left: less than what is thrown away of any (h2/inbound.c). */
#define REST_OF_BODY ((uint64_t)64 * 1024)
/* Of limits.inboundBytes, what requests that came too early may take, of all sessions of a worker.
 */
#define WAITING_SHARE 16u
/* With its line and the CR LF behind it a chunk fills a record of TLS. */
#define CHUNK_MOST (H2_WIRE_RECORD - H1_CHUNK_LINE_MOST - 2u)

struct connection {
    struct h2_session *session;
    struct h1_parser parser;
    struct buf head;    /* of an answer; leaves with the next flush */
    struct buf waiting; /* came before the answer to the request before it */
    struct loop_task next_request;
    int32_t streams;
    enum h1_framing framing; /* of the answer that is sent */
    struct h1_facts facts;   /* of the request that is answered */
    bool is_head_open;       /* it is not yet said whether the connection ends with the answer */
    bool is_inviting;        /* its body is to be asked for by 100 Continue; */
    bool is_invited;         /* that has been said */
    bool is_last;            /* no request follows it */
    bool is_half_closed;     /* the client says no more */
};

/* The request that is answered; NULL: none. */
static struct h2_stream *current(const struct connection *connection)
{
    const struct list *streams = &connection->session->streams;

    return list_is_empty(streams) ? NULL : container_of(streams->next, struct h2_stream, node);
}

static bool is_open(const struct connection *connection)
{
    return connection->session->phase == H2_SESSION_OPEN;
}

static bool wants_input(const struct connection *connection)
{
    const struct h2_stream *stream = current(connection);

    if (connection->is_half_closed || connection->parser.phase == H1_REFUSED)
        return false;
    if (h1_parser_is_in_body(&connection->parser))
        return !stream || h2_inbound_has_room(stream);
    /* Behind a whole request only its client's end is looked for. */
    return connection->waiting.length == 0;
}

static void update_reading(struct connection *connection)
{
    struct h2_session *session = connection->session;
    const bool is_paused = !wants_input(connection);

    if (!is_open(connection) || session->is_paused == is_paused)
        return;
    session->is_paused = is_paused;
    h2_session_mark(session, false); /* the flush looks what the socket is watched for */
}

static void update_headers_since(struct connection *connection)
{
    struct h2_session *session = connection->session;

    if (!h1_parser_is_in_head(&connection->parser))
        session->headers_since = 0;
    else if (!session->headers_since)
        session->headers_since = loop_served_ms(session->endpoint->loop);
}

/* A request and its answer are both complete: the next one, or the end. */
static void settle(struct connection *connection)
{
    struct h2_session *session = connection->session;
    struct h2_stream *stream = current(connection);

    if (!stream || !stream->is_sent || !stream->is_complete)
        return;
    h2_stream_closed(stream);
    if (connection->is_last || !is_open(connection)) {
        h2_session_mark(session, false); /* the flush sees that it is over */
        return;
    }
    h1_parser_reset(&connection->parser);
    update_reading(connection);
    if (connection->waiting.length > 0)
        loop_defer(session->endpoint->loop, &connection->next_request);
}

static void on_head(void *context, struct h2_request *request, const struct h1_facts *facts)
{
    struct connection *connection = context;
    struct h2_session *session = connection->session;
    struct h2_stream *stream = h2_stream_new(session, connection->streams * 2 + 1);
    const bool is_refused = request->fault != 0;

    connection->streams++;
    connection->facts = *facts;
    connection->is_invited = connection->is_inviting = false;
    connection->is_last = connection->is_last || is_refused || !facts->is_persistent ||
                          session->endpoint->is_announced;
    if (is_refused)
        session->endpoint->counters.protocol_errors++;
    h2_stream_start(stream, request, request->has_body && !is_refused);
    if (is_refused)
        h2_inbound_end(stream);
}

static void on_body(void *context, const char *data, size_t length)
{
    struct connection *connection = context;
    struct h2_stream *stream = current(connection);

    if (stream && is_open(connection))
        (void)h2_inbound_data(stream, data, length);
}

static void on_end(void *context)
{
    struct connection *connection = context;
    struct h2_stream *stream = current(connection);

    if (!stream || !is_open(connection))
        return;
    h2_inbound_end(stream);
    settle(connection);
}

/* The body cannot be read any further. */
static void on_fault(void *context, int status, const char *text)
{
    struct connection *connection = context;
    struct h2_stream *stream = current(connection);

    connection->is_last = true;
    connection->session->endpoint->counters.protocol_errors++;
    if (!stream || !is_open(connection))
        return;
    h2_stream_ref(stream);
    h2_inbound_abort(stream);
    stream->is_complete = true;
    h2_stream_fail(stream, status, text);
    h2_stream_unref(stream);
    settle(connection);
}

static const struct h1_events events = {
    .on_head = on_head,
    .on_body = on_body,
    .on_end = on_end,
    .on_fault = on_fault,
};

static void read_next_request(struct loop_task *task);

static void open_connection(struct h2_session *session)
{
    struct connection *connection = mem_zalloc(sizeof(*connection));
    struct h2_tls_facts tls;

    h2_session_tls(session, &tls);
    connection->session = session;
    connection->next_request.run = read_next_request;
    h1_parser_init(&connection->parser, &session->endpoint->limits,
                   tls.version[0] == '\0' ? "http" : "https", &events, connection);
    session->speaker = connection;
}

static void forget_waiting(struct connection *connection)
{
    connection->session->endpoint->waiting_bytes -= connection->waiting.length;
    buf_release(&connection->waiting);
}

static void free_connection(struct h2_session *session)
{
    struct connection *connection = session->speaker;

    loop_cancel(&connection->next_request);
    forget_waiting(connection);
    h1_parser_release(&connection->parser);
    buf_release(&connection->head);
    free(connection);
}

/* What is behind the last request is for nobody. */
static void keep(struct connection *connection, const char *data, size_t length)
{
    struct h2_session *session = connection->session;
    struct h2_endpoint *endpoint = session->endpoint;

    if (connection->is_last || connection->parser.phase == H1_REFUSED)
        return;
    if (endpoint->waiting_bytes + length > endpoint->limits.inbound_bytes / WAITING_SHARE) {
        endpoint->counters.inbound_refused++;
        h2_peer_refused(&session->origin.peer, LOG_OF_FRAMES,
                        "it sends requests before it has the answers to those before them, and "
                        "others do so, too (limits.inboundBytes)");
        h2_session_close(session);
        return;
    }
    endpoint->waiting_bytes += length;
    buf_append(&connection->waiting, data, length);
}

static void take(struct connection *connection, const char *data, size_t length)
{
    size_t taken = 0;

    while (taken < length && is_open(connection) && connection->parser.phase < H1_COMPLETE)
        taken += h1_parser_take(&connection->parser, data + taken, length - taken);
    if (taken < length && is_open(connection))
        keep(connection, data + taken, length - taken);
    update_headers_since(connection);
    update_reading(connection);
}

static void input(struct h2_session *session, const char *data, size_t length)
{
    struct connection *connection = session->speaker;

    if (connection->waiting.length > 0)
        keep(connection, data, length);
    else
        take(connection, data, length);
}

static void read_next_request(struct loop_task *task)
{
    struct connection *connection = container_of(task, struct connection, next_request);
    struct buf waiting = connection->waiting;

    connection->session->endpoint->waiting_bytes -= waiting.length;
    connection->waiting = (struct buf)BUF_INIT;
    take(connection, waiting.data, waiting.length);
    buf_release(&waiting);
    h2_session_mark(connection->session, false);
}

/* Who has an event stream has left: there is no other use in listening to one that says nothing
 * more. Others get their answer first. */
static void end_of_input(struct h2_session *session)
{
    struct connection *connection = session->speaker;
    const struct h2_stream *stream = current(connection);

    connection->is_half_closed = connection->is_last = true;
    forget_waiting(connection);
    if (h1_parser_is_in_head(&connection->parser) || h1_parser_is_in_body(&connection->parser) ||
        (stream && stream->is_answered && stream->source)) {
        h2_session_close(session);
        return;
    }
    update_reading(connection);
    h2_session_mark(session, false);
}

static void refuse(struct h2_session *session, int status, const char *text)
{
    struct connection *connection = session->speaker;

    h1_parser_refuse(&connection->parser, status, text);
    update_headers_since(connection);
    update_reading(connection);
}

static void refuse_cleartext(struct h2_session *session)
{
    static const char text[] =
        "This port speaks TLS: ask again with https:// instead of http://.\n";
    struct connection *connection = session->speaker;
    char length[12];
    const struct h2_field fields[] = {{"date", h2_endpoint_date(session->endpoint)},
                                      {"content-type", "text/plain; charset=utf-8"},
                                      {"content-length", length}};

    snprintf(length, sizeof(length), "%zu", sizeof(text) - 1);
    connection->is_last = true;
    connection->parser.phase = H1_REFUSED;
    h1_answer_begin(
        &connection->head,
        &(struct h1_answer){.status = 400, .fields = fields, .count = 3, .framing = H1_LENGTH});
    h1_answer_end(&connection->head, true, false);
    buf_append(&connection->head, text, sizeof(text) - 1);
}

static void drain(struct h2_session *session)
{
    struct connection *connection = session->speaker;

    connection->is_last = true;
    if (!current(connection) && !h1_parser_is_in_head(&connection->parser))
        h2_session_terminate(session, NGHTTP2_NO_ERROR);
}

/* How much of the body has still to be read, and thrown away, before another request can be. */
static bool is_rest_bearable(const struct connection *connection, const struct h2_stream *stream)
{
    if (stream->is_complete)
        return true;
    if (stream->request && h2_request_header(stream->request, "expect") && !connection->is_invited)
        return false; /* nobody knows whether it comes */
    return !connection->facts.is_chunked && connection->parser.left <= REST_OF_BODY;
}

static enum h1_framing framing_of(const struct connection *connection,
                                  const struct h2_stream *stream, int status)
{
    if (!h1_status_has_body(status))
        return H1_NO_BODY;
    if (!stream->source)
        return H1_LENGTH;
    return connection->facts.is_1_0 ? H1_UNTIL_CLOSE : H1_CHUNKED;
}

static void respond(struct h2_stream *stream, int status, const struct h2_field *fields,
                    size_t count)
{
    struct h2_session *session = stream->session;
    struct connection *connection = session->speaker;

    connection->framing = framing_of(connection, stream, status);
    h1_answer_begin(&connection->head, &(struct h1_answer){.status = status,
                                                           .fields = fields,
                                                           .count = count,
                                                           .framing = connection->framing,
                                                           .is_empty = !stream->body});
    connection->is_head_open = true;
    if (connection->is_half_closed && stream->source)
        h2_session_close(session);
}

/* With the flush, unless the answer comes before: then nobody wants the body. */
static void invite(struct h2_stream *stream)
{
    struct connection *connection = stream->session->speaker;

    connection->is_inviting =
        !connection->facts.is_1_0 && !connection->is_invited && stream->request->has_body;
}

static void say_continue(struct connection *connection, const struct h2_stream *stream)
{
    if (!connection->is_inviting)
        return;
    connection->is_inviting = false;
    if (!stream || stream->is_answered || stream->is_complete)
        return;
    connection->is_invited = true;
    buf_append_str(&connection->head, "HTTP/1.1 100 Continue\r\n\r\n");
}

static void more(struct h2_stream *stream)
{
    update_reading(stream->session->speaker);
}

/* Behind a whole answer the rest of its request is not waited for; else the client has to see that
 * what it has is not whole. */
static void reset(struct h2_stream *stream, uint32_t error_code)
{
    struct h2_session *session = stream->session;
    struct connection *connection = session->speaker;

    (void)error_code;
    session->endpoint->counters.streams_reset_by_server++;
    if (!stream->is_sent) {
        h2_session_close(session);
        return;
    }
    connection->is_last = true;
    stream->is_complete = true;
    h2_session_mark(session, true);
}

static int write_chunk(struct h2_session *session, struct h2_stream *stream, size_t length)
{
    char line[H1_CHUNK_LINE_MOST];
    int result = h2_output_append(session, line, h1_chunk_line(line, length));

    if (result == 0)
        result = h2_output_take(session, length, stream);
    return result == 0 ? h2_output_append(session, "\r\n", 2) : result;
}

static int write_end(struct connection *connection, struct h2_stream *stream)
{
    struct h2_session *session = connection->session;
    int result = 0;

    if (connection->framing == H1_CHUNKED && stream->source)
        result = h2_output_append(session, "0\r\n\r\n", 5);
    h2_stream_sent(stream);
    return result;
}

static int write_body(struct connection *connection, struct h2_stream *stream)
{
    struct h2_session *session = connection->session;
    int result = 0;

    while (result == 0) {
        bool is_last = false;
        const size_t ready = h2_stream_offer(stream, &is_last);
        const size_t step = ready < CHUNK_MOST ? ready : CHUNK_MOST;

        if (ready == 0)
            return is_last ? write_end(connection, stream) : 0;
        stream->is_deferred = h2_session_is_full(session);
        if (stream->is_deferred)
            return 0;
        result = connection->framing == H1_CHUNKED ? write_chunk(session, stream, step)
                                                   : h2_output_take(session, step, stream);
        if (result == 0 && step == ready && is_last)
            return write_end(connection, stream);
    }
    return result;
}

/* What came along with the head of the request may have completed it since its answer. */
static void end_head(struct connection *connection, const struct h2_stream *stream)
{
    if (!connection->is_head_open || !stream)
        return;
    connection->is_head_open = false;
    connection->is_last = connection->is_last || connection->session->endpoint->is_announced ||
                          connection->framing == H1_UNTIL_CLOSE ||
                          !is_rest_bearable(connection, stream);
    h1_answer_end(&connection->head, connection->is_last, connection->facts.is_1_0);
}

static int output(struct h2_session *session)
{
    struct connection *connection = session->speaker;
    struct h2_stream *stream = current(connection);
    int result = 0;

    say_continue(connection, stream);
    end_head(connection, stream);
    if (connection->head.length > 0)
        result = h2_output_append(session, connection->head.data, connection->head.length);
    buf_release(&connection->head);
    if (result == 0 && stream && stream->is_answered && !stream->is_sent) {
        const bool has_data = !stream->is_head && connection->framing != H1_NO_BODY;

        result = has_data ? write_body(connection, stream) : (h2_stream_sent(stream), 0);
    }
    settle(connection);
    return result;
}

static bool is_over(const struct h2_session *session)
{
    const struct connection *connection = session->speaker;

    if (session->phase == H2_SESSION_ENDING)
        return true;
    return connection->is_last && !current(connection) &&
           !h1_parser_is_in_head(&connection->parser);
}

const struct h2_protocol h1_protocol = {
    .name = "HTTP/1.1",
    .open = open_connection,
    .free = free_connection,
    .input = input,
    .input_end = end_of_input,
    .output = output,
    .is_over = is_over,
    .refuse = refuse,
    .refuse_cleartext = refuse_cleartext,
    .drain = drain,
    .respond = respond,
    .invite = invite,
    .more = more,
    .reset = reset,
};
