/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/random.h"
#include "h2/listener.h"
#include "h2/request_builder.h"
#include "h2/session_state.h"
#include "h2/stream_state.h"
#include "h2/tls.h"

#define JITTER_PERCENT 5u
/* What a client may still send after our last word: as much as its windows had room for, and so
 * much more, in so many reads. What nobody reads would reset the connection, and take our last
 * frames. */
#define LATE_BYTES ((size_t)64 * 1024)
#define LATE_READS 1000u

static void on_io(struct ev_loop *ev, struct ev_io *io, int events);
static void on_timer(struct loop_timer *timer);

static bool is_refused(struct h2_endpoint *endpoint)
{
    const size_t most = endpoint->limits.sessions;

    return endpoint->draining ||
           (endpoint->session_count >= most && !h2_admission_make_room(endpoint));
}

static void refused(const struct h2_session *session, enum log_kind kind, const char *reason)
{
    h2_peer_refused(&session->origin.peer, kind, reason);
}

/* The windows of new streams stay as RFC 9113 6.9.2 has them: a client may send before it reads our
 * SETTINGS, and some cannot take a window that shrinks below what they have sent. */
static int start_nghttp2(struct h2_session *session)
{
    const struct h2_limits *limits = &session->endpoint->limits;
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits->concurrent_streams},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)limits->header_list_bytes},
    };
    struct h2_endpoint *endpoint = session->endpoint;

    if (h2_frame_memory_session(endpoint->frame_memory, &session->nghttp2, endpoint->callbacks,
                                session, endpoint->options) != 0)
        return -ENOMEM;
    if (nghttp2_submit_settings(session->nghttp2, NGHTTP2_FLAG_NONE, settings, 2) != 0 ||
        nghttp2_session_set_local_window_size(session->nghttp2, NGHTTP2_FLAG_NONE, 0,
                                              (int32_t)limits->session_window) != 0)
        return -ENOMEM;
    h2_admission_leave(session);
    session->phase = H2_SESSION_PREFACE;
    session->phase_since = loop_served_ms(endpoint->loop);
    session->settings_since = session->phase_since;
    session->read_at = session->phase_since;
    session->busy_at = session->phase_since;
    h2_session_mark(session, true);
    return 0;
}

/* The next octet is the client's own. */
static void expect_client(struct h2_session *session)
{
    if (session->origin.listener->tls) {
        session->phase = H2_SESSION_SILENT;
        session->phase_since = loop_served_ms(session->endpoint->loop);
    } else if (start_nghttp2(session) != 0) {
        h2_session_close(session);
    }
}

struct h2_session *h2_session_open(struct h2_endpoint *endpoint, int fd,
                                   const struct h2_listener_options *listener,
                                   const union h2_peer *peer)
{
    struct h2_session *session;
    struct h2_slot slot;
    uint64_t now = loop_served_ms(endpoint->loop);

    if (is_refused(endpoint)) {
        endpoint->counters.sessions_refused++;
        h2_peer_refused(peer, LOG_OF_CONNECTIONS,
                        endpoint->draining ? "the server stops"
                                           : "there are limits.sessions of them already");
        close(fd);
        return NULL;
    }
    if (!h2_slot_take(&slot, endpoint, listener, peer, false)) {
        close(fd);
        return NULL;
    }
    session = mem_zalloc(sizeof(*session));
    session->endpoint = endpoint;
    session->slot = slot;
    session->origin.listener = listener;
    session->origin.peer = *peer;
    session->phase = listener->proxy_protocol ? H2_SESSION_PROXY : H2_SESSION_SILENT;
    h2_wire_open(&session->wire, fd, &endpoint->scratch);
    random_bytes(&session->number, sizeof(session->number));
    session->phase_since = now;
    session->ping_after =
        endpoint->limits.ping_ms +
        random_between(0, (uint64_t)endpoint->limits.ping_ms * JITTER_PERCENT / 100u);
    session->timer.on_fire = on_timer;
    h2_guard_init(&session->guard, &endpoint->limits, now);
    list_init(&session->streams);
    list_init(&session->sending);
    list_append(&endpoint->sessions, &session->node);
    endpoint->session_count++;
    h2_admission_enter(session);
    h2_eviction_add(session);
    endpoint->counters.sessions_opened++;
    ev_io_init(&session->io, on_io, fd, EV_READ);
    ev_io_start(loop_ev(endpoint->loop), &session->io);
    session->is_reading = true;
    if (!listener->proxy_protocol)
        expect_client(session);
    h2_session_arm(session);
    return session;
}

void h2_session_mark(struct h2_session *session, bool urgent)
{
    struct h2_endpoint *endpoint = session->endpoint;

    if (session->phase >= H2_SESSION_LINGERING)
        return;
    if (list_is_linked(&session->flush_node)) {
        if (!urgent || session->is_urgent || session->phase <= H2_SESSION_HANDSHAKE)
            return;
        list_remove(&session->flush_node);
    }
    session->is_urgent = urgent;
    list_append(urgent ? &endpoint->urgent : &endpoint->ready, &session->flush_node);
    loop_wake(endpoint->loop);
}

void h2_session_close(struct h2_session *session)
{
    struct h2_endpoint *endpoint = session->endpoint;

    if (session->phase == H2_SESSION_CLOSED)
        return;
    if (session->phase <= H2_SESSION_HANDSHAKE)
        h2_admission_leave(session);
    session->phase = H2_SESSION_CLOSED;
    h2_eviction_remove(session);
    h2_slot_give(&session->slot);
    endpoint->session_count--;
    endpoint->counters.sessions_closed++;
    ev_io_stop(loop_ev(endpoint->loop), &session->io);
    loop_timer_stop(&session->timer);
    list_remove(&session->flush_node);
    list_remove(&session->node);
    list_append(&endpoint->closing, &session->node);
    loop_wake(endpoint->loop);
}

void h2_session_terminate(struct h2_session *session, uint32_t error_code)
{
    if (session->phase <= H2_SESSION_HANDSHAKE) {
        h2_session_close(session);
        return;
    }
    if (session->phase >= H2_SESSION_ENDING)
        return;
    session->phase = H2_SESSION_ENDING;
    session->phase_since = loop_served_ms(session->endpoint->loop);
    session->end_code = error_code;
    h2_session_mark(session, true);
    h2_session_arm(session);
}

/* The answer to a PING wakes us again, as all does. */
static void hear_all(struct h2_session *session)
{
    if (!session->is_ping_quiet)
        return;
    session->is_ping_quiet = false;
    h2_wire_wake_above(&session->wire, 0);
}

static void close_streams(struct h2_session *session)
{
    while (!list_is_empty(&session->streams))
        h2_stream_closed(container_of(session->streams.next, struct h2_stream, node));
}

void h2_session_linger(struct h2_session *session)
{
    if (session->is_evicted) { /* somebody waits for its descriptor, and its client for nothing */
        h2_session_close(session);
        return;
    }
    session->phase = H2_SESSION_LINGERING;
    session->phase_since = loop_served_ms(session->endpoint->loop);
    list_remove(&session->flush_node);
    close_streams(session);
    if (session->phase == H2_SESSION_CLOSED)
        return; /* a handler did that */
    h2_wire_finish(&session->wire);
    hear_all(session);
    h2_session_update_io(session);
    h2_session_arm(session);
}

void h2_session_free(struct h2_session *session)
{
    struct h2_endpoint *endpoint = session->endpoint;

    close_streams(session);
    list_remove(&session->flush_node); /* a closing stream may have marked it */
    list_remove(&session->node);
    endpoint->pending_bytes -= session->counted_pending;
    endpoint->socket_bytes -= session->counted_socket;
    h2_wire_close(&session->wire);
    h2_origin_release(&session->origin);
    nghttp2_session_del(session->nghttp2);
    h2_request_builder_free(session->builder);
    free(session);
}

void h2_session_rely(struct h2_session *session, int result)
{
    if (nghttp2_is_fatal(result))
        h2_session_close(session);
}

static void refuse_input(struct h2_session *session, ssize_t error)
{
    struct h2_endpoint *endpoint = session->endpoint;

    if (session->phase >= H2_SESSION_ENDING)
        return; /* our own doing (on_begin_frame) */
    refused(session, LOG_OF_FRAMES,
            error == NGHTTP2_ERR_BAD_CLIENT_MAGIC
                ? "it does not begin with the preface of HTTP/2: nothing else is spoken here"
                : nghttp2_strerror((int)error));
    if (error == NGHTTP2_ERR_FLOODED) {
        endpoint->counters.outbound_floods++;
        h2_session_terminate(session, NGHTTP2_ENHANCE_YOUR_CALM);
        return;
    }
    if (error == NGHTTP2_ERR_NOMEM) {
        h2_session_terminate(session, NGHTTP2_INTERNAL_ERROR);
        return;
    }
    endpoint->counters.protocol_errors++;
    h2_session_terminate(session, NGHTTP2_PROTOCOL_ERROR);
}

static void calm_down(struct h2_session *session, const char *reason)
{
    refused(session, LOG_OF_FRAMES, reason);
    h2_session_terminate(session, NGHTTP2_ENHANCE_YOUR_CALM);
}

/* NULL when what nghttp2 has made of its input is within our limits too; else what is not. */
static const char *find_excess(struct h2_session *session, uint64_t now)
{
    struct h2_endpoint *endpoint = session->endpoint;
    const struct h2_limits *limits = &endpoint->limits;

    if (h2_guard_settle(&session->guard, limits, &endpoint->counters, now) != H2_GUARD_FINE)
        return h2_guard_excess(&session->guard);
    if (nghttp2_session_get_outbound_queue_size(session->nghttp2) <= limits->outbound_frames)
        return NULL;
    endpoint->counters.outbound_floods++;
    return "it does not read the frames that it makes us send";
}

static void feed(struct h2_session *session, const uint8_t *data, size_t length)
{
    struct h2_endpoint *endpoint = session->endpoint;
    struct h2_guard *guard = &session->guard;
    uint64_t now = loop_now_ms(endpoint->loop);

    endpoint->counters.bytes_in += length;
    enum h2_guard_result result =
        h2_guard_scan(guard, &endpoint->limits, &endpoint->counters, data, length, now);
    if (result == H2_GUARD_CALM_DOWN) {
        calm_down(session, h2_guard_excess(guard));
        return;
    }
    if (!h2_guard_awaits_headers(guard))
        session->headers_since = 0;
    else if (!session->headers_since)
        session->headers_since = loop_served_ms(endpoint->loop);
    /* With too many fields nghttp2 is given what came before them: the stream that is refused. */
    ssize_t taken = nghttp2_session_mem_recv(session->nghttp2, data, guard->accepted);
    const char *excess = NULL;
    if (taken < 0)
        refuse_input(session, taken);
    else if (result == H2_GUARD_TOO_MANY_FIELDS)
        h2_session_stop_decoding(session, h2_guard_stream(guard));
    else if ((excess = find_excess(session, now)))
        calm_down(session, excess);
}

static void take_input(struct h2_session *session)
{
    const uint8_t *data;
    ssize_t count;

    session->read_at = loop_served_ms(session->endpoint->loop);
    session->ping_since = 0; /* whoever says anything is alive */
    while (session->phase == H2_SESSION_PREFACE || session->phase == H2_SESSION_OPEN) {
        count = h2_wire_read(&session->wire, &data);
        if (count == 0)
            break;
        if (count < 0) {
            h2_session_close(session);
            return;
        }
        feed(session, data, (size_t)count);
    }
    session->wire.input_length = 0; /* the shared buffer goes to another session */
}

static int shake_hands(struct h2_session *session)
{
    struct h2_wire *wire = &session->wire;
    int result = wire->ssl ? 0 : h2_wire_start_tls(wire, session->origin.listener->tls);

    return result == 0 ? h2_wire_handshake(wire) : result;
}

void h2_session_handshake(struct h2_session *session)
{
    struct h2_endpoint *endpoint = session->endpoint;
    ssize_t count = h2_wire_receive(&session->wire);

    if (count == -EAGAIN || count == -EINTR)
        return;
    if (count <= 0) {
        endpoint->counters.handshake_failures++;
        refused(session, LOG_OF_HANDSHAKES, "it left before the handshake was complete");
        h2_session_close(session);
        return;
    }
    session->read_at = loop_served_ms(endpoint->loop);
    int result = shake_hands(session);
    if (result == 0 && start_nghttp2(session) == 0) {
        take_input(session); /* the preface may have come along */
        list_remove(&session->flush_node);
        session->is_urgent = false;
        if (session->phase != H2_SESSION_CLOSED)
            h2_session_flush(session);
        else
            (void)h2_session_send_out(session);
        return;
    }
    char fault[H2_TLS_FAULT_SIZE] = "it does not read what the handshake says";
    if (result != -EAGAIN)
        h2_tls_fault(fault);
    bool is_sent = h2_session_send_out(session) && !session->blocked_since;
    if (result == -EAGAIN && is_sent)
        return;
    endpoint->counters.handshake_failures++;
    refused(session, LOG_OF_HANDSHAKES, fault);
    h2_session_close(session);
}

/* Its client is known now. False when it was refused. */
static bool take_slot_again(struct h2_session *session)
{
    struct h2_origin *origin = &session->origin;

    h2_eviction_remove(session);
    h2_slot_give(&session->slot);
    if (h2_slot_take(&session->slot, session->endpoint, origin->listener, &origin->peer,
                     origin->is_told)) {
        h2_eviction_add(session);
        return true;
    }
    h2_session_close(session);
    return false;
}

static void read_proxy_header(struct h2_session *session)
{
    h2_admission_leave(session); /* it may have another address from here on */
    int result = h2_origin_read_header(&session->origin, &session->wire);
    h2_admission_enter(session);
    if (result == -EAGAIN || result == -EINTR)
        return;
    if (result != 0) {
        session->endpoint->counters.proxy_failures++;
        refused(session, LOG_OF_PROXIES,
                result == -EPROTO
                    ? "it does not begin with a PROXY header (listeners[].proxyProtocol)"
                    : "it left before its PROXY header was complete");
        h2_session_close(session);
        return;
    }
    if (!take_slot_again(session))
        return;
    expect_client(session);
    h2_session_arm(session);
}

/* Input of a session that is not HTTP/2 yet. */
static void begin(struct h2_session *session)
{
    struct h2_endpoint *endpoint = session->endpoint;

    if (session->phase == H2_SESSION_PROXY)
        read_proxy_header(session);
    else if (session->phase == H2_SESSION_SILENT)
        h2_admission_ask(session);
    else if (!list_is_linked(&session->flush_node))
        list_append(&endpoint->handshaking, &session->flush_node);
    loop_wake(endpoint->loop);
}

/* Nobody is left to hear it. */
static void drop_late_input(struct h2_session *session)
{
    struct h2_endpoint *endpoint = session->endpoint;

    session->late_bytes += session->wire.input_length;
    session->late_reads++;
    session->wire.input_length = 0;
    if (session->late_bytes <= endpoint->limits.session_window + LATE_BYTES &&
        session->late_reads <= LATE_READS)
        return;
    endpoint->counters.late_floods++;
    refused(session, LOG_OF_FRAMES, "it goes on sending behind the end of the connection");
    h2_session_close(session);
}

bool h2_session_receive(struct h2_session *session)
{
    bool is_taken = false;
    ssize_t count = h2_wire_receive(&session->wire);

    hear_all(session);
    if (count == -EAGAIN || count == -EINTR)
        return false;
    if (count <= 0) {
        h2_session_close(session);
    } else if (session->phase >= H2_SESSION_ENDING) {
        drop_late_input(session);
    } else {
        take_input(session);
        is_taken = true;
    }
    if (!h2_session_send_out(session))
        h2_session_close(session);
    return is_taken;
}

static void on_io(struct ev_loop *ev, struct ev_io *io, int events)
{
    struct h2_session *session = container_of(io, struct h2_session, io);

    (void)ev;
    if (events & EV_ERROR) { /* libev cannot watch it: nobody would hear of it again */
        h2_session_close(session);
        return;
    }
    if (events & EV_WRITE)
        h2_session_mark(session, false);
    if (!(events & EV_READ))
        return;
    if (session->phase <= H2_SESSION_HANDSHAKE)
        begin(session);
    else if (h2_session_receive(session))
        h2_session_mark(session, session->is_urgent);
}

void h2_session_update_io(struct h2_session *session)
{
    struct h2_endpoint *endpoint = session->endpoint;
    bool is_over_bound = h2_wire_pending(&session->wire) > endpoint->limits.output_hard_bytes;
    int events = session->blocked_since ? EV_WRITE : 0;

    if (!is_over_bound)
        events |= EV_READ;
    else if (session->is_reading)
        endpoint->counters.read_pauses++;
    session->is_reading = !is_over_bound;
    if (events == (session->io.events & (EV_READ | EV_WRITE)))
        return;
    ev_io_stop(loop_ev(endpoint->loop), &session->io);
    ev_io_set(&session->io, session->wire.fd, events);
    ev_io_start(loop_ev(endpoint->loop), &session->io);
}

static void on_timer(struct loop_timer *timer)
{
    h2_session_check_deadlines(container_of(timer, struct h2_session, timer));
}

uint64_t h2_session_number(const struct h2_session *session)
{
    return session->number;
}

uint32_t *h2_session_tally(struct h2_session *session)
{
    return &session->tally;
}
