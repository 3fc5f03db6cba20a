/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of requests: collected, streamed, refused, and too much of them. */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "h2/request.h"
#include "h2/state.h"
#include "h2/stream.h"
#include "support/h2_client.h"
#include "support/h2_limits.h"
#include "support/test.h"

/* A reader that consumes when the test says so. */
struct upload {
    struct h2_stream *stream; /* a reference */
    struct buf body;
    size_t consumed;
    uint64_t limit;
    int result; /* of the next on_data */
    unsigned ends;
    bool is_complete;
    bool is_eager; /* consumes at once */
};

static int upload_data(void *context, const char *data, size_t length)
{
    struct upload *upload = context;

    buf_append(&upload->body, data, length);
    if (upload->is_eager)
        h2_stream_consume(upload->stream, length);
    return upload->result;
}

static void upload_end(void *context, bool complete)
{
    struct upload *upload = context;

    upload->ends++;
    upload->is_complete = complete;
    if (complete && !h2_stream_is_answered(upload->stream))
        h2_server_answer(upload->stream, 200, "done");
}

static const struct h2_body_reader upload_reader = {upload_data, upload_end};

static void start_upload(struct h2_server *server, struct h2_stream *stream)
{
    struct upload *upload = server->context;

    upload->stream = h2_stream_ref(stream);
    h2_stream_stream_body(stream, upload->limit, &upload_reader, upload);
}

static void release_upload(struct upload *upload)
{
    buf_release(&upload->body);
    upload->stream = h2_stream_unref(upload->stream);
}

static int32_t begin_post(struct h2_client *client)
{
    const nghttp2_nv fields[] = {h2_field(":method", "POST"), h2_field(":scheme", "https"),
                                 h2_field(":authority", "localhost"), h2_field(":path", "/")};

    return h2_client_submit(client, fields, 4, true);
}

static char *make_body(size_t length)
{
    char *body = mem_alloc(length);

    for (size_t i = 0; i < length; i++)
        body[i] = (char)('a' + i % 19);
    return body;
}

static void test_collected(void **state)
{
    struct h2_server server;
    char *body = make_body(3000000);

    (void)state;
    h2_server_init(&server, NULL);
    struct h2_client *client = h2_client_new(&server);
    int32_t id = h2_client_request(client, "POST", "/", body, 3000000);
    int32_t empty = h2_client_request(client, "POST", "/", "", 0);
    h2_pump(&server);
    assert_int_equal(h2_client_stream(client, id)->body.length, 3000000);
    assert_memory_equal(h2_client_stream(client, id)->body.data, body, 3000000);
    assert_int_equal(h2_client_stream(client, empty)->status, 200);
    h2_server_release(&server);
    free(body);
}

static void on_small_body(struct h2_stream *stream, const char *body, size_t length, void *context)
{
    (void)context;
    assert_int_equal(strlen(body), length);
    h2_server_answer(stream, 200, body);
}

static void collect_ten(struct h2_server *server, struct h2_stream *stream)
{
    (void)server;
    h2_stream_read_body(stream, 10, on_small_body, NULL);
}

static void test_collected_limit(void **state)
{
    struct h2_server server;

    (void)state;
    h2_server_init(&server, NULL);
    server.on_request = collect_ten;
    struct h2_client *client = h2_client_new(&server);
    int32_t fits = h2_client_request(client, "POST", "/", "0123456789", 10);
    int32_t over = h2_client_request(client, "POST", "/", "0123456789a", 11);
    int32_t pieces = begin_post(client);
    for (int i = 0; i < 6; i++) {
        h2_client_upload(client, pieces, "ab", 2, i == 5);
        h2_pump(&server);
    }
    assert_int_equal(h2_client_stream(client, fits)->status, 200);
    assert_int_equal(h2_client_stream(client, over)->status, 413);
    assert_int_equal(h2_client_stream(client, pieces)->status, 413);
    assert_int_equal(server.counters->body_rejects, 2);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->streams, 0);
    h2_server_release(&server);
}

/* An announced length above the limit is refused before a byte of the body has come. */
static void test_announced_too_large(void **state)
{
    const nghttp2_nv fields[] = {h2_field(":method", "POST"), h2_field(":scheme", "https"),
                                 h2_field(":authority", "localhost"), h2_field(":path", "/"),
                                 h2_field("content-length", "11")};
    struct h2_server server;
    struct upload upload = {.limit = 10};

    (void)state;
    h2_server_init(&server, NULL);
    struct h2_client *client = h2_client_new(&server);
    server.on_request = collect_ten;
    int32_t collected = h2_client_submit(client, fields, 5, true);
    h2_pump(&server);
    server.on_request = start_upload;
    server.context = &upload;
    int32_t streamed = h2_client_submit(client, fields, 5, true);
    h2_pump(&server);
    assert_int_equal(h2_client_stream(client, collected)->status, 413);
    assert_int_equal(h2_client_stream(client, streamed)->status, 413);
    assert_int_equal(upload.ends, 1);
    assert_false(upload.is_complete);
    release_upload(&upload);
    h2_server_release(&server);
}

/* The answer goes out while the body still comes; the client has a moment to end by itself, then
 * the stream is broken off without an error. */
static void test_answered_before_the_end(void **state)
{
    struct h2_server server;

    (void)state;
    h2_server_init(&server, NULL);
    server.on_request = collect_ten;
    struct h2_client *client = h2_client_new(&server);
    int32_t id = begin_post(client);
    h2_client_upload(client, id, "0123456789abcdef", 16, false);
    h2_pump(&server);
    struct h2_client_stream *stream = h2_client_stream(client, id);
    assert_int_equal(stream->status, 413);
    assert_true(stream->is_ended);
    assert_int_equal(client->frames[NGHTTP2_RST_STREAM], 0);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->streams, 1);
    while (h2_endpoint_counters(server.endpoint)->streams > 0)
        h2_server_wait(&server);
    h2_pump(&server);
    assert_int_equal(client->resets[NGHTTP2_NO_ERROR], 1);
    assert_true(stream->is_closed);
    assert_int_equal(server.counters->server_reset_floods, 0);
    int32_t other = h2_client_request(client, "POST", "/", "fine", 4);
    h2_pump(&server);
    assert_int_equal(h2_client_stream(client, other)->status, 200);
    h2_server_release(&server);
}

/* A reader that is behind holds its own client back, not the other streams of the session. */
static void test_back_pressure(void **state)
{
    struct h2_server server;
    struct upload upload = {.limit = UINT64_MAX};
    char *body = make_body(3000000);
    size_t window = h2_limits_default.session_window;

    (void)state;
    h2_server_init(&server, NULL);
    server.on_request = start_upload;
    server.context = &upload;
    struct h2_client *client = h2_client_new(&server);
    int32_t id = h2_client_request(client, "POST", "/", body, 3000000);
    h2_pump(&server);
    assert_true(upload.body.length > 0 && upload.body.length <= window);
    server.on_request = NULL;
    int32_t get = h2_client_get(client, "/");
    int32_t post = h2_client_request(client, "POST", "/", body, 30000);
    h2_pump(&server);
    assert_int_equal(h2_client_stream(client, get)->status, 200);
    assert_int_equal(h2_client_stream(client, post)->body.length, 30000);
    while (upload.ends == 0) {
        size_t before = upload.body.length;
        assert_true(before - upload.consumed <= window);
        h2_stream_consume(upload.stream, before - upload.consumed);
        upload.consumed = before;
        h2_pump(&server);
        assert_true(upload.ends || upload.body.length > before);
    }
    assert_true(upload.is_complete);
    assert_int_equal(upload.body.length, 3000000);
    assert_memory_equal(upload.body.data, body, 3000000);
    assert_int_equal(h2_client_stream(client, id)->status, 200);
    release_upload(&upload);
    h2_server_release(&server);
    free(body);
}

/* Nor do several of them, which hold more than the session's window; within what its bodies may
 * take. */
static void test_back_pressure_of_many(void **state)
{
    struct h2_server server;
    struct h2_limits limits = h2_limits_default;
    struct upload uploads[12];
    char *body = make_body(1500000);
    size_t held = 0;

    (void)state;
    limits.session_body_bytes = 3000000;
    h2_server_init(&server, &limits);
    server.on_request = start_upload;
    struct h2_client *client = h2_client_new(&server);
    for (size_t i = 0; i < 12; i++) {
        uploads[i] = (struct upload){.limit = UINT64_MAX};
        server.context = &uploads[i];
        h2_client_request(client, "POST", "/", body, 1500000);
        h2_pump(&server);
        held += uploads[i].body.length;
        if (i != 1)
            continue;
        assert_true(held > limits.session_window);
        server.on_request = NULL;
        int32_t post = h2_client_request(client, "POST", "/", body, 500000);
        h2_pump(&server);
        assert_int_equal(h2_client_stream(client, post)->body.length, 500000);
        server.on_request = start_upload;
    }
    assert_true(held >= limits.session_body_bytes);
    assert_true(held <= limits.session_body_bytes + limits.session_window + limits.stream_window);
    for (size_t i = 0; i < 12; i++) {
        uploads[i].is_eager = true;
        h2_stream_consume(uploads[i].stream, uploads[i].body.length);
    }
    h2_pump(&server);
    for (size_t i = 0; i < 12; i++) {
        assert_true(uploads[i].is_complete);
        assert_int_equal(uploads[i].body.length, 1500000);
        release_upload(&uploads[i]);
    }
    h2_server_release(&server);
    free(body);
}

/* The client may wait longer for us than we would for it: the delay is not its fault. */
static void test_slow_reader_is_not_a_slow_client(void **state)
{
    struct h2_server server;
    struct h2_limits limits = h2_limits_default;
    struct upload upload = {.limit = UINT64_MAX};
    char *body = make_body(3000000);

    (void)state;
    limits.body_idle_ms = 50;
    h2_server_init(&server, &limits);
    server.on_request = start_upload;
    server.context = &upload;
    struct h2_client *client = h2_client_new(&server);
    h2_client_request(client, "POST", "/", body, 3000000);
    h2_pump(&server);
    uint64_t start = loop_now_ms(server.loop);
    while (loop_now_ms(server.loop) < start + 10 * limits.body_idle_ms)
        h2_server_wait(&server);
    assert_int_equal(upload.ends, 0);
    assert_int_equal(server.counters->body_timeouts, 0);
    upload.is_eager = true;
    h2_stream_consume(upload.stream, upload.body.length);
    h2_pump(&server);
    assert_true(upload.is_complete);
    release_upload(&upload);
    h2_server_release(&server);
    free(body);
}

/* What a refused upload had brought is given back to the others of its session at once. */
static void test_refused_upload_returns_the_window(void **state)
{
    struct h2_server server;
    struct upload upload = {.limit = 950000};
    char *body = make_body(970000);

    (void)state;
    h2_server_init(&server, NULL);
    server.on_request = start_upload;
    server.context = &upload;
    struct h2_client *client = h2_client_new(&server);
    int32_t id = begin_post(client);
    h2_client_upload(client, id, body, 970000, false);
    h2_pump(&server);
    assert_int_equal(h2_client_stream(client, id)->status, 413);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->streams, 1); /* within its grace */
    server.on_request = NULL;
    int32_t other = h2_client_request(client, "POST", "/", body, 500000);
    h2_pump(&server);
    assert_int_equal(h2_client_stream(client, other)->status, 200);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->streams, 1);
    release_upload(&upload);
    h2_server_release(&server);
    free(body);
}

static void test_reader_refuses(void **state)
{
    struct h2_server server;
    struct upload upload = {.limit = 100, .result = -EIO};

    (void)state;
    h2_server_init(&server, NULL);
    server.on_request = start_upload;
    server.context = &upload;
    struct h2_client *client = h2_client_new(&server);
    int32_t id = h2_client_request(client, "POST", "/", "data", 4);
    h2_pump(&server);
    assert_int_equal(upload.ends, 1);
    assert_false(upload.is_complete);
    assert_int_equal(h2_client_stream(client, id)->error_code, NGHTTP2_INTERNAL_ERROR);
    release_upload(&upload);
    h2_server_release(&server);
}

static void test_client_leaves_its_upload(void **state)
{
    struct h2_server server;
    struct upload uploads[2] = {{.limit = UINT64_MAX}, {.limit = UINT64_MAX}};

    (void)state;
    h2_server_init(&server, NULL);
    server.on_request = start_upload;
    struct h2_client *client = h2_client_new(&server);
    for (int i = 0; i < 2; i++) {
        server.context = &uploads[i];
        int32_t id = begin_post(client);
        h2_client_upload(client, id, "data", 4, false);
        h2_pump(&server);
        if (i == 0)
            nghttp2_submit_rst_stream(client->nghttp2, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    }
    assert_int_equal(uploads[0].ends, 1);
    h2_client_leave(client);
    h2_pump(&server);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(uploads[i].ends, 1);
        assert_false(uploads[i].is_complete);
        h2_stream_consume(uploads[i].stream, 4); /* too late, and harmless */
        release_upload(&uploads[i]);
    }
    assert_int_equal(h2_endpoint_counters(server.endpoint)->streams, 0);
    h2_server_release(&server);
}

static void ignore_body(struct h2_server *server, struct h2_stream *stream)
{
    struct upload *upload = server->context;

    upload->stream = h2_stream_ref(stream);
}

/* Nobody asked for it: some is taken, then its window stays shut, and only its own. */
static void test_unwanted_body(void **state)
{
    struct h2_server server;
    struct upload upload = {0};
    char *body = make_body(3000000);

    (void)state;
    h2_server_init(&server, NULL);
    server.on_request = ignore_body;
    server.context = &upload;
    struct h2_client *client = h2_client_new(&server);
    int32_t id = h2_client_request(client, "POST", "/", body, 3000000);
    h2_pump(&server);
    assert_true(h2_client_stream(client, id)->uploaded <= 3 * 65536);
    server.on_request = NULL;
    int32_t other = h2_client_request(client, "POST", "/", body, 1500000);
    h2_pump(&server);
    assert_int_equal(h2_client_stream(client, other)->body.length, 1500000);
    h2_server_answer(upload.stream, 403, "no");
    h2_pump(&server);
    assert_int_equal(h2_client_stream(client, id)->status, 403);
    release_upload(&upload);
    h2_server_release(&server);
    free(body);
}

static void test_expect_continue(void **state)
{
    const nghttp2_nv fields[] = {h2_field(":method", "POST"), h2_field(":scheme", "https"),
                                 h2_field(":authority", "localhost"), h2_field(":path", "/"),
                                 h2_field("expect", "100-continue")};
    struct h2_server server;

    (void)state;
    h2_server_init(&server, NULL);
    server.on_request = collect_ten;
    struct h2_client *client = h2_client_new(&server);
    int32_t id = h2_client_submit(client, fields, 5, true);
    h2_pump(&server);
    assert_int_equal(h2_client_stream(client, id)->informational, 1);
    h2_client_upload(client, id, "body", 4, true);
    h2_pump(&server);
    assert_int_equal(h2_client_stream(client, id)->status, 200);
    assert_string_equal(buf_str(&h2_client_stream(client, id)->body), "body");
    h2_server_release(&server);
}

static void test_trailers(void **state)
{
    const nghttp2_nv fields[] = {h2_field(":method", "POST"), h2_field(":scheme", "https"),
                                 h2_field(":authority", "localhost"), h2_field(":path", "/")};
    const nghttp2_nv trailer = h2_field("x-checksum", "1");
    const nghttp2_nv pseudo = h2_field(":path", "/again");
    struct h2_server server;

    (void)state;
    h2_server_init(&server, NULL);
    struct h2_client *client = h2_client_new_raw(&server);
    h2_client_preface(client);
    h2_client_headers(client, 0, 1, fields, 4);
    h2_client_frame(client, NGHTTP2_DATA, 0, 1, "body", 4);
    h2_client_headers(client, NGHTTP2_FLAG_END_STREAM, 1, &trailer, 1);
    h2_pump(&server);
    assert_int_equal(client->frames[NGHTTP2_HEADERS], 1);
    assert_int_equal(client->frames[NGHTTP2_RST_STREAM], 0);
    h2_client_headers(client, 0, 3, fields, 4);
    h2_client_headers(client, NGHTTP2_FLAG_END_STREAM, 3, &pseudo, 1);
    h2_pump(&server);
    assert_int_equal(client->frames[NGHTTP2_HEADERS], 1);
    assert_int_equal(client->frames[NGHTTP2_RST_STREAM], 1);
    assert_false(client->is_closed);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->streams, 0);
    h2_server_release(&server);
}

static void test_content_length_is_kept(void **state)
{
    static const char *const lengths[] = {"3", "5", "x", "-1", "18446744073709551616"};
    struct h2_server server;

    (void)state;
    h2_server_init(&server, NULL);
    struct h2_client *client = h2_client_new_raw(&server);
    h2_client_preface(client);
    for (int32_t i = 0; i < 5; i++) {
        const nghttp2_nv fields[] = {h2_field(":method", "POST"), h2_field(":scheme", "https"),
                                     h2_field(":authority", "localhost"), h2_field(":path", "/"),
                                     h2_field("content-length", lengths[i])};
        h2_client_headers(client, 0, 2 * i + 1, fields, 5);
        h2_client_frame(client, NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 2 * i + 1, "four", 4);
        h2_pump(&server);
    }
    assert_int_equal(client->frames[NGHTTP2_HEADERS], 0);
    assert_int_equal(client->resets[NGHTTP2_PROTOCOL_ERROR], 5);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->streams, 0);
    h2_server_release(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_collected),
        cmocka_unit_test(test_collected_limit),
        cmocka_unit_test(test_announced_too_large),
        cmocka_unit_test(test_answered_before_the_end),
        cmocka_unit_test(test_back_pressure),
        cmocka_unit_test(test_back_pressure_of_many),
        cmocka_unit_test(test_slow_reader_is_not_a_slow_client),
        cmocka_unit_test(test_refused_upload_returns_the_window),
        cmocka_unit_test(test_reader_refuses),
        cmocka_unit_test(test_client_leaves_its_upload),
        cmocka_unit_test(test_unwanted_body),
        cmocka_unit_test(test_expect_continue),
        cmocka_unit_test(test_trailers),
        cmocka_unit_test(test_content_length_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
