/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/random.h"
#include "base/slice.h"
#include "h2/listener.h"
#include "h2/request.h"
#include "h2/state.h"
#include "h2/tls.h"

#define JITTER_PERCENT 5u
/* What a client may still send after our last word: as much as its windows had room for, and so
 * much more, in so many reads. What nobody reads would reset the connection, and take our last
 * frames. */
#define LATE_BYTES ((size_t)64 * 1024)
#define LATE_READS 1000u
/* The first octet of TLS: a record of that type (RFC 8446 5.1). */
#define TLS_HANDSHAKE 0x16

static void on_ready(struct poll_watch *ready, uint32_t events);

static void refused(const struct h2_session *session, enum log_kind kind, const char *reason)
{
    h2_peer_refused(&session->origin.peer, kind, reason);
}

static void begin_http(struct h2_session *session, enum h2_session_phase phase)
{
    if (session->phase <= H2_SESSION_HANDSHAKE)
        h2_admission_leave(session);
    session->phase = phase;
    session->phase_since = loop_served_ms(session->endpoint->loop);
    session->read_at = session->busy_at = session->phase_since;
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
    begin_http(session, H2_SESSION_PREFACE);
    session->settings_since = session->phase_since;
    h2_session_mark(session, true);
    if (endpoint->draining)
        h2_session_drain(session);
    return 0;
}

static bool speaks_http1(const struct h2_session *session)
{
    return session->origin.listener->http1 && session->endpoint->http1;
}

static void start_http1(struct h2_session *session)
{
    struct h2_endpoint *endpoint = session->endpoint;

    begin_http(session, H2_SESSION_OPEN);
    session->is_settled = true; /* there are no SETTINGS */
    session->protocol = endpoint->http1;
    endpoint->counters.http1_sessions++;
    h2_wire_watch_peer(&session->wire, endpoint->limits.ping_ms, endpoint->limits.write_stall_ms);
    session->protocol->open(session);
    if (endpoint->draining)
        h2_session_drain(session);
}

/* The handshake has said what is spoken. 0 or -ENOMEM. */
static int start_inside_tls(struct h2_session *session)
{
    if (!speaks_http1(session) || h2_wire_is_h2(&session->wire))
        return start_nghttp2(session);
    start_http1(session);
    return 0;
}

/* The next octet is the client's own. */
static void expect_client(struct h2_session *session)
{
    if (session->origin.listener->tls) {
        session->phase = H2_SESSION_SILENT;
        session->phase_since = loop_served_ms(session->endpoint->loop);
    } else if (speaks_http1(session)) {
        /* The first octets will say what is spoken: those of HTTP/2 are always the same. */
        begin_http(session, H2_SESSION_PREFACE);
    } else if (start_nghttp2(session) != 0) {
        h2_session_close(session);
    }
}

/* False when the kernel cannot, and nobody would hear of it again: it is closed. */
static bool watch(struct h2_session *session, uint32_t events)
{
    if (poller_watch(session->endpoint->poller, &session->watch, events) == 0)
        return true;
    h2_session_close(session);
    return false;
}

struct h2_session *h2_session_open(struct h2_endpoint *endpoint, int fd,
                                   const struct h2_listener_options *listener,
                                   const union h2_peer *peer)
{
    struct h2_session *session;
    struct h2_slot slot;
    uint64_t now = loop_served_ms(endpoint->loop);

    if (endpoint->counters.sessions >= endpoint->limits.sessions &&
        !h2_admission_make_room(endpoint)) {
        endpoint->counters.sessions_refused++;
        h2_peer_refused(peer, LOG_OF_CONNECTIONS, "there are limits.sessions of them already");
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
    session->timer.on_fire = h2_session_check_deadlines;
    h2_rates_init(&session->rates, &endpoint->limits, &endpoint->counters, now);
    list_init(&session->streams);
    list_init(&session->sending);
    list_append(&endpoint->sessions, &session->node);
    endpoint->counters.sessions++;
    h2_admission_enter(session);
    h2_eviction_add(session);
    endpoint->counters.sessions_opened++;
    session->watch = (struct poll_watch){.on_ready = on_ready, .fd = fd};
    session->is_reading = true;
    if (!watch(session, EPOLLIN))
        return NULL;
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
    loop_wake(endpoint->loop, LOOP_FLUSH);
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
    endpoint->counters.sessions--;
    endpoint->counters.sessions_closed++;
    (void)poller_watch(endpoint->poller, &session->watch, 0);
    loop_timer_stop(&session->timer);
    list_remove(&session->flush_node);
    list_remove(&session->place_node);
    list_remove(&session->read_node);
    list_remove(&session->node);
    list_append(&endpoint->closing, &session->node);
    loop_wake(endpoint->loop, LOOP_REAP);
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

void h2_session_hear_all(struct h2_session *session)
{
    if (!session->is_ping_quiet)
        return;
    session->is_ping_quiet = false;
    h2_wire_wake_above(&session->wire, 0);
}

static void free_session(struct h2_session *session)
{
    struct h2_endpoint *endpoint = session->endpoint;

    if (session->protocol)
        session->protocol->free(session);
    list_remove(&session->flush_node); /* a closing stream may have marked it */
    list_remove(&session->node);
    endpoint->counters.output_bytes -= session->counted_pending;
    endpoint->counters.socket_bytes -= session->counted_socket;
    h2_wire_close(&session->wire);
    h2_origin_release(&session->origin);
    nghttp2_session_del(session->nghttp2);
    h2_request_builder_free(session->builder);
    free(session);
}

bool h2_session_reap(struct h2_session *session, struct slice *slice)
{
    while (!list_is_empty(&session->streams)) {
        h2_stream_closed(container_of(session->streams.next, struct h2_stream, node));
        if (!slice_spend(slice))
            return false;
    }
    free_session(session);
    return true;
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
    uint32_t code = NGHTTP2_PROTOCOL_ERROR;
    if (error == NGHTTP2_ERR_FLOODED) {
        endpoint->counters.outbound_floods++;
        code = NGHTTP2_ENHANCE_YOUR_CALM;
    } else if (error == NGHTTP2_ERR_NOMEM) {
        code = NGHTTP2_INTERNAL_ERROR;
    } else {
        endpoint->counters.protocol_errors++;
    }
    h2_session_terminate(session, code);
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

    if (h2_rates_settle(&session->rates, now) != H2_RATES_FINE)
        return h2_rates_excess(&session->rates);
    if (nghttp2_session_get_outbound_queue_size(session->nghttp2) <= limits->outbound_frames)
        return NULL;
    endpoint->counters.outbound_floods++;
    return "it does not read the frames that it makes us send";
}

static void feed_nghttp2(struct h2_session *session, const uint8_t *data, size_t length)
{
    struct h2_endpoint *endpoint = session->endpoint;
    struct h2_rates *rates = &session->rates;
    uint64_t now = loop_now_ms(endpoint->loop);

    enum h2_rates_result result = h2_rates_scan(rates, data, length, now);
    if (result == H2_RATES_CALM_DOWN) {
        calm_down(session, h2_rates_excess(rates));
        return;
    }
    if (!h2_rates_awaits_headers(rates))
        session->headers_since = 0;
    else if (!session->headers_since)
        session->headers_since = loop_served_ms(endpoint->loop);
    /* With too many fields nghttp2 is given what came before them: the stream that is refused. */
    ssize_t taken = nghttp2_session_mem_recv(session->nghttp2, data, rates->accepted);
    const char *excess = NULL;
    if (taken < 0)
        refuse_input(session, taken);
    else if (result == H2_RATES_TOO_MANY_FIELDS)
        h2_session_stop_decoding(session, h2_rates_stream(rates));
    else if ((excess = find_excess(session, now)))
        calm_down(session, excess);
}

static void hand_on(struct h2_session *session, const uint8_t *data, size_t length)
{
    if (session->nghttp2)
        feed_nghttp2(session, data, length);
    else
        session->protocol->input(session, (const char *)data, length);
}

/* RFC 9113 3.4: no request of another version begins so. */
static void find_protocol(struct h2_session *session, const uint8_t *data, size_t length)
{
    static const char preface[] = "PRI * HTTP/2.0";
    const size_t whole = sizeof(preface) - 1;
    size_t same = 0;

    if (session->preface_octets == 0 && data[0] == TLS_HANDSHAKE) {
        session->endpoint->counters.protocol_errors++;
        refused(session, LOG_OF_HANDSHAKES, "it speaks TLS on a listener without TLS");
        h2_session_close(session);
        return;
    }
    while (same < length && session->preface_octets + same < whole &&
           data[same] == (uint8_t)preface[session->preface_octets + same])
        same++;
    if (session->preface_octets + same < whole && same == length) {
        session->preface_octets = (uint8_t)(session->preface_octets + same);
        return;
    }
    if (session->preface_octets + same < whole)
        start_http1(session);
    else if (start_nghttp2(session) != 0)
        h2_session_close(session);
    /* Octets that nobody has kept, since they are known, and then others. */
    if (session->phase < H2_SESSION_ENDING && session->preface_octets > 0)
        hand_on(session, (const uint8_t *)preface, session->preface_octets);
    session->preface_octets = 0;
    if (session->phase < H2_SESSION_ENDING && length > 0)
        hand_on(session, data, length);
}

static void feed(struct h2_session *session, const uint8_t *data, size_t length)
{
    session->endpoint->counters.bytes_in += length;
    if (session->nghttp2 || session->protocol)
        hand_on(session, data, length);
    else
        find_protocol(session, data, length);
}

/* Its client says no more. */
static void end_input(struct h2_session *session)
{
    if (session->protocol && session->phase == H2_SESSION_OPEN)
        session->protocol->input_end(session);
    else
        h2_session_close(session);
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
        if (count == -EPIPE)
            end_input(session);
        else if (count < 0)
            h2_session_close(session);
        if (count < 0)
            return;
        feed(session, data, (size_t)count);
    }
    session->wire.input_length = 0; /* the shared buffer goes to another session */
}

static int shake_hands(struct h2_session *session)
{
    struct h2_wire *wire = &session->wire;
    int result =
        wire->ssl ? 0
                  : h2_wire_start_tls(wire, session->origin.listener->tls, speaks_http1(session));

    return result == 0 ? h2_wire_handshake(wire) : result;
}

/* It begins with a method and a space; no record of TLS begins with a letter (RFC 8446 5.1). */
static bool is_cleartext(const struct h2_session *session)
{
    const struct h2_wire *wire = &session->wire;
    size_t letters = 0;

    if (wire->ssl || !speaks_http1(session))
        return false;
    while (letters < wire->input_length && wire->input[letters] >= 'A' &&
           wire->input[letters] <= 'Z')
        letters++;
    return letters > 0 && letters < wire->input_length && wire->input[letters] == ' ';
}

/* In clear, since its client would understand nothing else. */
static void answer_cleartext(struct h2_session *session)
{
    session->endpoint->counters.handshake_failures++;
    refused(session, LOG_OF_HANDSHAKES, "it speaks HTTP without TLS on a TLS listener");
    session->wire.input_length = 0;
    start_http1(session);
    list_remove(&session->flush_node);
    session->protocol->refuse_cleartext(session);
    h2_session_flush(session);
}

void h2_session_handshake(struct h2_session *session)
{
    struct h2_endpoint *endpoint = session->endpoint;
    ssize_t count;

    if (!watch(session, EPOLLIN)) /* it was not, while it waited for a place */
        return;
    count = h2_wire_receive(&session->wire);
    if (count == -EAGAIN || count == -EINTR)
        return;
    if (count <= 0) {
        endpoint->counters.handshake_failures++;
        refused(session, LOG_OF_HANDSHAKES, "it left before the handshake was complete");
        h2_session_close(session);
        return;
    }
    session->read_at = loop_served_ms(endpoint->loop);
    if (is_cleartext(session)) {
        answer_cleartext(session);
        return;
    }
    int result = shake_hands(session);
    if (result == 0 && start_inside_tls(session) == 0) {
        histogram_add_since(&endpoint->counters.handshakes, session->handshake_ns);
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
    h2_eviction_remove(session); /* its client is known now */
    h2_slot_give(&session->slot);
    if (!h2_slot_take(&session->slot, session->endpoint, session->origin.listener,
                      &session->origin.peer, session->origin.is_told)) {
        h2_session_close(session);
        return;
    }
    h2_eviction_add(session);
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
    loop_wake(endpoint->loop, LOOP_FLUSH);
}

/* Nobody is left to hear it. */
static void drop_late_input(struct h2_session *session)
{
    struct h2_endpoint *endpoint = session->endpoint;

    session->late_bytes += (uint32_t)session->wire.input_length;
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

    if (count > 0)
        (void)slice_spend_many(&session->endpoint->reading, (uint32_t)count / 1024);

    h2_session_hear_all(session);
    if (count == -EAGAIN || count == -EINTR)
        return false;
    if (count == 0) {
        end_input(session);
    } else if (count < 0) {
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

static void on_ready(struct poll_watch *ready, uint32_t events)
{
    struct h2_session *session = container_of(ready, struct h2_session, watch);

    if (events & EPOLLOUT)
        h2_session_mark(session, false);
    if (!(events & EPOLLIN))
        return;
    if (session->phase <= H2_SESSION_HANDSHAKE)
        begin(session);
    else
        h2_session_read(session);
}

void h2_session_update_io(struct h2_session *session)
{
    struct h2_endpoint *endpoint = session->endpoint;
    bool is_over_bound = h2_wire_pending(&session->wire) > endpoint->limits.output_hard_bytes;
    uint32_t events = session->blocked_since ? EPOLLOUT : 0;

    if (!is_over_bound && !session->is_paused)
        events |= EPOLLIN;
    else if (is_over_bound && session->is_reading)
        endpoint->counters.read_pauses++;
    session->is_reading = !is_over_bound;
    (void)watch(session, events);
}
