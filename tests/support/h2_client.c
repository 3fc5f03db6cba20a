/* SPDX-License-Identifier: Apache-2.0 */
#include "support/h2_client.h"

#include <assert.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/test_clock.h"
#include "h2/listener.h"
#include "h2/state.h"
#include "support/h2_limits.h"

#define FRAME_HEADER 9u
/* What one send to the server has at most, when nghttp2 makes the frames. */
#define UNSENT_ENOUGH 65536u
/* Turns in which nothing moves before both sides count as quiet: one to read, one to flush, one to
 * reap, and one more. */
#define QUIET_TURNS 4u
#define ECHO_LIMIT  ((size_t)4 * 1024 * 1024)

struct h2_client_stream *h2_client_stream(struct h2_client *client, int32_t id)
{
    size_t index = (size_t)(id - 1) / 2;

    assert(id > 0 && index < H2_CLIENT_STREAMS);
    return &client->streams[index];
}

static bool is_known(int32_t id)
{
    return id > 0 && (size_t)(id - 1) / 2 < H2_CLIENT_STREAMS;
}

/* The server. */

static void on_request(void *context, struct h2_stream *stream)
{
    struct h2_server *server = context;

    server->requests++;
    if (server->on_request)
        server->on_request(server, stream);
    else
        h2_server_echo(server, stream);
}

static void on_error(void *context, struct h2_stream *stream, int status, const char *message)
{
    struct h2_server *server = context;

    server->errors++;
    server->last_error = status;
    h2_server_answer(stream, status, message);
}

void h2_server_init(struct h2_server *server, const struct h2_limits *limits)
{
    const struct h2_handler handler = {
        .on_request = on_request, .on_error = on_error, .context = server};

    memset(server, 0, sizeof(*server));
#ifdef SSE_SERVER_FAULTS
    test_clock_stop(); /* time goes on in h2_server_wait() alone, however long a turn takes */
#endif
    server->loop = loop_new();
    assert(server->loop);
    server->endpoint = h2_endpoint_new(
        server->loop, &(struct h2_endpoint_options){.limits = limits ? limits : &h2_limits_default,
                                                    .handler = &handler,
                                                    .shares_frames = true});
    assert(server->endpoint);
    server->counters = h2_endpoint_counters(server->endpoint);
}

static void free_client(struct h2_client *client)
{
    h2_client_leave(client);
    nghttp2_session_del(client->nghttp2);
    nghttp2_hd_deflate_del(client->deflater);
    buf_release(&client->unsent);
    buf_release(&client->received);
    for (size_t i = 0; i < H2_CLIENT_STREAMS; i++) {
        buf_release(&client->streams[i].body);
        buf_release(&client->streams[i].upload);
    }
    free(client);
}

void h2_server_release(struct h2_server *server)
{
    h2_endpoint_free(server->endpoint);
    loop_free(server->loop);
    for (size_t i = 0; i < server->client_count; i++)
        free_client(server->clients[i]);
}

void h2_server_turn(struct h2_server *server)
{
    ev_run(loop_ev(server->loop), EVRUN_NOWAIT);
}

#ifdef SSE_SERVER_FAULTS
static void end_turn(struct ev_loop *ev, struct ev_timer *timer, int events)
{
    struct h2_server *server = timer->data;

    (void)ev;
    (void)events;
    loop_stop(server->loop);
}

void h2_server_wait(struct h2_server *server)
{
    struct ev_timer timer;

    ev_timer_init(&timer, end_turn, 0., 0.);
    timer.data = server;
    ev_timer_start(loop_ev(server->loop), &timer);
    (void)test_clock_advance(LOOP_TIMER_TICK_MS, LOOP_TIMER_TICK_MS);
    loop_run(server->loop);
}
#else
void h2_server_wait(struct h2_server *server)
{
    ev_run(loop_ev(server->loop), EVRUN_ONCE);
}
#endif

void h2_server_answer(struct h2_stream *stream, int status, const char *body)
{
    struct h2_response response = {.status = status, .content_type = "text/plain"};

    response.body = bytes_new(body, strlen(body));
    h2_stream_respond(stream, &response);
}

static void echo_body(struct h2_stream *stream, const char *body, size_t length, void *context)
{
    struct h2_response response = {.status = 200, .body = bytes_new(body, length)};

    (void)context;
    h2_stream_respond(stream, &response);
}

void h2_server_echo(struct h2_server *server, struct h2_stream *stream)
{
    (void)server;
    h2_stream_read_body(stream, ECHO_LIMIT, echo_body, NULL);
}

/* The client's nghttp2. */

/* NOLINTNEXTLINE(readability-function-size): the parameters are nghttp2's */
static int on_header(nghttp2_session *nghttp2, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags,
                     void *context)
{
    struct h2_client_stream *stream = h2_client_stream(context, frame->hd.stream_id);

    (void)nghttp2;
    (void)value_length;
    (void)flags;
    if (name_length == 7 && memcmp(name, ":status", 7) == 0) {
        stream->status = atoi((const char *)value);
        stream->informational += stream->status < 200;
    } else if (name_length == 14 && memcmp(name, "content-length", 14) == 0) {
        stream->content_length = atoll((const char *)value);
    }
    return 0;
}

static int on_data_chunk(nghttp2_session *nghttp2, uint8_t flags, int32_t id, const uint8_t *data,
                         size_t length, void *context)
{
    (void)nghttp2;
    (void)flags;
    buf_append(&h2_client_stream(context, id)->body, data, length);
    return 0;
}

static int on_frame_recv(nghttp2_session *nghttp2, const nghttp2_frame *frame, void *context)
{
    (void)nghttp2;
    if ((frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        h2_client_stream(context, frame->hd.stream_id)->is_ended = true;
    return 0;
}

static int on_stream_close(nghttp2_session *nghttp2, int32_t id, uint32_t code, void *context)
{
    (void)nghttp2;
    if (!is_known(id))
        return 0;
    h2_client_stream(context, id)->is_closed = true;
    h2_client_stream(context, id)->error_code = code;
    return 0;
}

static void start_nghttp2(struct h2_client *client, const struct h2_client_settings *settings)
{
    const nghttp2_settings_entry entries[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, settings->window},
    };
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *options;
    int result = nghttp2_session_callbacks_new(&callbacks);

    assert(result == 0);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    result = nghttp2_option_new(&options);
    assert(result == 0);
    nghttp2_option_set_no_auto_window_update(options, settings->is_manual_window);
    nghttp2_option_set_peer_max_concurrent_streams(options, H2_CLIENT_STREAMS);
    result = nghttp2_session_client_new2(&client->nghttp2, callbacks, client, options);
    assert(result == 0);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(options);
    result = nghttp2_submit_settings(client->nghttp2, NGHTTP2_FLAG_NONE, entries, 2);
    assert(result == 0);
    (void)result;
}

static void shrink_buffers(int fd, int size)
{
    if (size == 0)
        return;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

static struct h2_client *open_client(struct h2_server *server, const int fds[2])
{
    static const union h2_peer peer = {.any.sa_family = AF_UNIX};
    static const struct h2_listener_options cleartext = {NULL};
    struct h2_client *client = mem_zalloc(sizeof(*client));
    int result = nghttp2_hd_deflate_new(&client->deflater, 4096);

    assert(result == 0 && server->client_count < 8);
    (void)result;
    for (size_t i = 0; i < H2_CLIENT_STREAMS; i++)
        client->streams[i].content_length = -1;
    client->server = server;
    client->fd = fds[0];
    server->clients[server->client_count++] = client;
    client->session = h2_session_open(server->endpoint, fds[1],
                                      server->listener ? server->listener : &cleartext, &peer);
    return client;
}

struct h2_client *h2_client_new_raw_with(struct h2_server *server, int socket_buffer)
{
    int fds[2];
    int result = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds);

    assert(result == 0);
    (void)result;
    shrink_buffers(fds[0], socket_buffer);
    shrink_buffers(fds[1], socket_buffer);
    return open_client(server, fds);
}

struct h2_client *h2_client_new_raw(struct h2_server *server)
{
    return h2_client_new_raw_with(server, 0);
}

struct h2_client *h2_client_new_with(struct h2_server *server,
                                     const struct h2_client_settings *settings)
{
    struct h2_client *client = h2_client_new_raw_with(server, settings->socket_buffer);

    start_nghttp2(client, settings);
    h2_pump(server);
    return client;
}

struct h2_client *h2_client_new(struct h2_server *server)
{
    const struct h2_client_settings settings = {.window = 65535};

    return h2_client_new_with(server, &settings);
}

static void make_tcp_pair(int fds[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(address);
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int result = bind(listening, (struct sockaddr *)&address, length);

    result |= listen(listening, 1);
    result |= getsockname(listening, (struct sockaddr *)&address, &length);
    fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    result |= connect(fds[0], (struct sockaddr *)&address, length);
    fds[1] = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    result |= fcntl(fds[0], F_SETFL, O_NONBLOCK);
    for (int i = 0; i < 2; i++)
        result |= setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    close(listening);
    assert(result == 0 && fds[1] >= 0);
    (void)result;
}

struct h2_client *h2_client_new_tcp(struct h2_server *server)
{
    const struct h2_client_settings settings = {.window = 65535};
    struct h2_client *client;
    int fds[2];

    make_tcp_pair(fds);
    client = open_client(server, fds);
    start_nghttp2(client, &settings);
    while (!client->session->is_settled)
        h2_pump(server);
    return client;
}

void h2_client_leave(struct h2_client *client)
{
    if (client->fd < 0)
        return;
    close(client->fd);
    client->fd = -1;
}

/* What the server sent, frame by frame, whatever the client's nghttp2 makes of it. */
static uint32_t read_u32(const uint8_t *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

static void note_frame(struct h2_client *client, const uint8_t *frame, size_t length)
{
    const uint8_t *payload = frame + FRAME_HEADER;
    uint8_t type = frame[3];

    client->frames[type]++;
    if (type == NGHTTP2_GOAWAY && length >= 8) {
        client->goaway_last = (int32_t)read_u32(payload);
        client->goaway_code = read_u32(payload + 4);
    } else if (type == NGHTTP2_RST_STREAM && length == 4) {
        client->resets[payload[3] & 15u]++;
    } else if (type == NGHTTP2_DATA && length == 0) {
        client->empty_data++;
    }
}

static void note_frames(struct h2_client *client, const uint8_t *data, size_t count)
{
    struct buf *received = &client->received;
    size_t at = 0;

    buf_append(received, data, count);
    while (received->length - at >= FRAME_HEADER) {
        const uint8_t *frame = (const uint8_t *)received->data + at;
        size_t length = (size_t)frame[0] << 16 | (size_t)frame[1] << 8 | frame[2];
        if (received->length - at < FRAME_HEADER + length)
            break;
        note_frame(client, frame, length);
        at += FRAME_HEADER + length;
    }
    buf_consume(received, at);
}

static bool receive(struct h2_client *client)
{
    uint8_t data[16384];
    bool is_moved = false;
    ssize_t count;

    if (client->fd < 0 || client->is_paused || client->is_closed)
        return false;
    while ((count = recv(client->fd, data, sizeof(data), 0)) > 0) {
        is_moved = true;
        client->bytes_received += (size_t)count;
        note_frames(client, data, (size_t)count);
        if (client->nghttp2 && nghttp2_session_mem_recv(client->nghttp2, data, (size_t)count) < 0)
            assert(!"the server sends valid frames");
    }
    if (count == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
        client->is_closed = true;
        if (!client->is_lingering)
            h2_client_leave(client);
        return true;
    }
    return is_moved;
}

static bool transmit(struct h2_client *client)
{
    const uint8_t *data;
    ssize_t length;

    if (client->fd < 0 || client->is_closed)
        return false;
    while (client->nghttp2 && client->unsent.length < UNSENT_ENOUGH &&
           (length = nghttp2_session_mem_send(client->nghttp2, &data)) > 0)
        buf_append(&client->unsent, data, (size_t)length);
    if (client->unsent.length == 0)
        return false;
    ssize_t count = send(client->fd, client->unsent.data, client->unsent.length, MSG_NOSIGNAL);
    if (count <= 0)
        return false;
    buf_consume(&client->unsent, (size_t)count);
    return true;
}

void h2_pump(struct h2_server *server)
{
    unsigned quiet = 0;

    while (quiet < QUIET_TURNS) {
        uint64_t writes = server->counters->writes;
        bool is_moved = false;

        for (size_t i = 0; i < server->client_count; i++)
            is_moved |= transmit(server->clients[i]);
        h2_server_turn(server);
        for (size_t i = 0; i < server->client_count; i++)
            is_moved |= receive(server->clients[i]);
        quiet = is_moved || writes != server->counters->writes ? 0 : quiet + 1;
    }
}

nghttp2_nv h2_field(const char *name, const char *value)
{
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name,
                        .value = (uint8_t *)(uintptr_t)value,
                        .namelen = strlen(name),
                        .valuelen = strlen(value)};
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are nghttp2's */
static ssize_t read_upload(nghttp2_session *nghttp2, int32_t id, uint8_t *to, size_t env,
                           uint32_t *flags, nghttp2_data_source *source, void *context)
{
    struct h2_client_stream *stream = h2_client_stream(context, id);
    size_t left = stream->upload.length - stream->uploaded;
    size_t count = left < env ? left : env;

    (void)nghttp2;
    (void)source;
    if (count == 0 && stream->is_upload_open)
        return NGHTTP2_ERR_DEFERRED;
    if (count > 0)
        memcpy(to, stream->upload.data + stream->uploaded, count);
    stream->uploaded += count;
    if (stream->uploaded == stream->upload.length && !stream->is_upload_open)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)count;
}

int32_t h2_client_submit(struct h2_client *client, const nghttp2_nv *fields, size_t count,
                         bool has_body)
{
    const nghttp2_data_provider provider = {.read_callback = read_upload};
    int32_t id = nghttp2_submit_request(client->nghttp2, NULL, fields, count,
                                        has_body ? &provider : NULL, NULL);

    assert(id > 0);
    h2_client_stream(client, id)->is_upload_open = has_body;
    return id;
}

int32_t h2_client_request(struct h2_client *client, const char *method, const char *path,
                          const char *body, size_t length)
{
    const nghttp2_nv fields[] = {h2_field(":method", method), h2_field(":scheme", "https"),
                                 h2_field(":authority", "localhost"), h2_field(":path", path)};
    int32_t id = h2_client_submit(client, fields, 4, body != NULL);

    if (body)
        h2_client_upload(client, id, body, length, true);
    return id;
}

int32_t h2_client_get(struct h2_client *client, const char *path)
{
    return h2_client_request(client, "GET", path, NULL, 0);
}

void h2_client_upload(struct h2_client *client, int32_t id, const char *data, size_t length,
                      bool is_end)
{
    struct h2_client_stream *stream = h2_client_stream(client, id);

    buf_append(&stream->upload, data, length);
    stream->is_upload_open = !is_end;
    (void)nghttp2_session_resume_data(client->nghttp2, id);
}

/* Raw frames. */

void h2_client_write(struct h2_client *client, const void *data, size_t length)
{
    buf_append(&client->unsent, data, length);
}

void h2_client_frame(struct h2_client *client, uint8_t type, uint8_t flags, int32_t id,
                     const void *payload, size_t length)
{
    const uint8_t header[FRAME_HEADER] = {(uint8_t)(length >> 16),
                                          (uint8_t)(length >> 8),
                                          (uint8_t)length,
                                          type,
                                          flags,
                                          (uint8_t)((uint32_t)id >> 24),
                                          (uint8_t)(id >> 16),
                                          (uint8_t)(id >> 8),
                                          (uint8_t)id};

    h2_client_write(client, header, sizeof(header));
    if (length > 0)
        h2_client_write(client, payload, length);
}

void h2_client_preface(struct h2_client *client)
{
    h2_client_write(client, NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN);
    h2_client_frame(client, NGHTTP2_SETTINGS, 0, 0, NULL, 0);
    h2_client_frame(client, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, NULL, 0);
}

void h2_client_headers(struct h2_client *client, uint8_t flags, int32_t id,
                       const nghttp2_nv *fields, size_t count)
{
    uint8_t block[16384];
    ssize_t length = nghttp2_hd_deflate_hd(client->deflater, block, sizeof(block), fields, count);

    assert(length >= 0);
    h2_client_frame(client, NGHTTP2_HEADERS, (uint8_t)(flags | NGHTTP2_FLAG_END_HEADERS), id, block,
                    (size_t)length);
}

void h2_client_raw_get(struct h2_client *client, uint8_t flags, int32_t id, const char *path)
{
    const nghttp2_nv fields[] = {h2_field(":method", "GET"), h2_field(":scheme", "https"),
                                 h2_field(":authority", "localhost"), h2_field(":path", path)};

    h2_client_headers(client, flags, id, fields, 4);
}

static void put_32(uint8_t *to, uint32_t value)
{
    to[0] = (uint8_t)(value >> 24);
    to[1] = (uint8_t)(value >> 16);
    to[2] = (uint8_t)(value >> 8);
    to[3] = (uint8_t)value;
}

void h2_client_window_update(struct h2_client *client, int32_t id, uint32_t increment)
{
    uint8_t payload[4];

    put_32(payload, increment);
    h2_client_frame(client, NGHTTP2_WINDOW_UPDATE, 0, id, payload, sizeof(payload));
}

void h2_client_setting(struct h2_client *client, uint16_t id, uint32_t value)
{
    uint8_t payload[6] = {(uint8_t)(id >> 8), (uint8_t)id};

    put_32(payload + 2, value);
    h2_client_frame(client, NGHTTP2_SETTINGS, 0, 0, payload, sizeof(payload));
}

void h2_client_reset(struct h2_client *client, int32_t id, uint32_t code)
{
    uint8_t payload[4];

    put_32(payload, code);
    h2_client_frame(client, NGHTTP2_RST_STREAM, 0, id, payload, sizeof(payload));
}

/* The source. */

static size_t source_ready(void *context, bool *last)
{
    const struct h2_test_source *source = context;

    *last = source->is_over;
    return source->bytes.length - source->taken;
}

static void source_take(void *context, char *to, size_t length)
{
    struct h2_test_source *source = context;

    memcpy(to, source->bytes.data + source->taken, length);
    source->taken += length;
}

static void source_closed(void *context)
{
    struct h2_test_source *source = context;

    source->closed++;
    source->stream = NULL;
}

static const struct h2_body_source test_source = {
    .ready = source_ready, .take = source_take, .closed = source_closed};

void h2_test_source_respond(struct h2_test_source *source, struct h2_stream *stream)
{
    struct h2_response response = {.status = 200, .source = &test_source, .source_context = source};

    source->stream = stream;
    h2_stream_respond(stream, &response);
}

void h2_test_source_push(struct h2_test_source *source, const char *data, size_t length)
{
    buf_append(&source->bytes, data, length);
    if (source->stream)
        h2_stream_resume(source->stream);
}

void h2_test_source_end(struct h2_test_source *source)
{
    source->is_over = true;
    if (source->stream)
        h2_stream_resume(source->stream);
}

void h2_test_source_release(struct h2_test_source *source)
{
    buf_release(&source->bytes);
}
