/* SPDX-License-Identifier: Apache-2.0 */
/* Answers: whole ones and streamed ones, through windows and buffers that are too small for them.
 */
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "h2/request.h"
#include "h2/state.h"
#include "h2/stream.h"
#include "support/h2_client.h"
#include "support/h2_limits.h"
#include "support/test.h"

#define LARGE (2u * 1024 * 1024)

static struct h2_stream *kept;

static void keep(struct h2_server *server, struct h2_stream *stream)
{
    (void)server;
    kept = h2_stream_ref(stream);
}

static void respond_with_context(struct h2_server *server, struct h2_stream *stream)
{
    h2_test_source_respond(server->context, stream);
}

static char *make_text(size_t length)
{
    char *text = mem_alloc(length + 1);

    for (size_t i = 0; i < length; i++)
        text[i] = (char)('a' + i % 23);
    text[length] = '\0';
    return text;
}

static void respond_large(struct h2_server *server, struct h2_stream *stream)
{
    const struct h2_response response = {
        .status = 200, .content_type = "text/plain", .body = bytes_new(server->context, LARGE)};

    h2_stream_respond(stream, &response);
}

static void check_large(const struct h2_client_settings *settings)
{
    struct h2_server server;
    char *text = make_text(LARGE);

    h2_server_init(&server, NULL);
    server.context = text;
    server.on_request = respond_large;
    struct h2_client *client = h2_client_new_with(&server, settings);
    int32_t id = h2_client_get(client, "/");
    int32_t other = h2_client_get(client, "/");
    h2_pump(&server);
    const struct h2_client_stream *stream = h2_client_stream(client, id);
    assert_int_equal(stream->content_length, LARGE);
    assert_int_equal(stream->body.length, LARGE);
    assert_memory_equal(stream->body.data, text, LARGE);
    assert_memory_equal(h2_client_stream(client, other)->body.data, text, LARGE);
    assert_true(stream->is_closed);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->output_bytes, 0);
    h2_server_release(&server);
    free(text);
}

static void test_large_answer(void **state)
{
    (void)state;
    check_large(&(struct h2_client_settings){.window = 65535});
    check_large(&(struct h2_client_settings){.window = 1000});
    check_large(&(struct h2_client_settings){.window = 1u << 22, .socket_buffer = 4096});
}

/* However much there is for a client that does not read, what is encoded for it stays bounded. */
static void test_output_is_bounded(void **state)
{
    struct h2_server server;
    const struct h2_client_settings wide = {.window = 1u << 22, .socket_buffer = 4096};
    char *text = make_text(LARGE);

    (void)state;
    h2_server_init(&server, NULL);
    server.context = text;
    server.on_request = respond_large;
    struct h2_client *client = h2_client_new_with(&server, &wide);
    nghttp2_session_set_local_window_size(client->nghttp2, NGHTTP2_FLAG_NONE, 0, 1 << 30);
    for (int i = 0; i < 20; i++)
        h2_client_get(client, "/");
    client->is_paused = true;
    h2_pump(&server);
    assert_true(h2_endpoint_counters(server.endpoint)->output_bytes > 0);
    assert_true(h2_endpoint_counters(server.endpoint)->output_bytes <=
                h2_limits_default.output_hard_bytes);
    client->is_paused = false;
    h2_pump(&server);
    assert_int_equal(server.counters->streams_closed, 20);
    h2_server_release(&server);
    free(text);
}

static void test_source(void **state)
{
    struct h2_server server;
    struct h2_test_source source = {0};

    (void)state;
    h2_server_init(&server, NULL);
    server.context = &source;
    server.on_request = respond_with_context;
    struct h2_client *client = h2_client_new(&server);
    int32_t id = h2_client_get(client, "/");
    struct h2_client_stream *stream = h2_client_stream(client, id);
    h2_pump(&server);
    assert_int_equal(stream->status, 200); /* the header fields do not wait for the first octet */
    assert_int_equal(stream->content_length, -1);
    for (int i = 0; i < 3; i++) {
        h2_test_source_push(&source, "ab", 2);
        h2_stream_resume(source.stream);
        h2_pump(&server);
        assert_int_equal(stream->body.length, 2 * (i + 1));
    }
    h2_stream_resume(source.stream); /* for nothing */
    h2_pump(&server);
    assert_int_equal(client->empty_data, 0);
    assert_false(stream->is_ended);
    h2_test_source_end(&source);
    h2_pump(&server);
    assert_true(stream->is_ended);
    assert_int_equal(source.closed, 1);
    assert_string_equal(buf_str(&stream->body), "ababab");
    h2_server_release(&server);
    h2_test_source_release(&source);
}

static void test_source_that_is_over_at_once(void **state)
{
    struct h2_server server;
    struct h2_test_source source = {.is_over = true};

    (void)state;
    h2_server_init(&server, NULL);
    server.context = &source;
    server.on_request = respond_with_context;
    struct h2_client *client = h2_client_new(&server);
    int32_t id = h2_client_get(client, "/");
    h2_pump(&server);
    assert_true(h2_client_stream(client, id)->is_closed);
    assert_int_equal(source.closed, 1);
    h2_server_release(&server);
}

static void test_head(void **state)
{
    struct h2_server server;
    struct h2_test_source source = {0};

    (void)state;
    h2_server_init(&server, NULL);
    struct h2_client *client = h2_client_new(&server);
    server.on_request = respond_with_context;
    server.context = &source;
    int32_t streamed = h2_client_request(client, "HEAD", "/", NULL, 0);
    h2_pump(&server);
    assert_int_equal(source.closed, 1);
    assert_true(h2_client_stream(client, streamed)->is_closed);
    char *text = make_text(LARGE);
    server.context = text;
    server.on_request = respond_large;
    int32_t whole = h2_client_request(client, "HEAD", "/", NULL, 0);
    h2_pump(&server);
    assert_int_equal(h2_client_stream(client, whole)->content_length, LARGE);
    assert_int_equal(h2_client_stream(client, whole)->body.length, 0);
    assert_true(h2_client_stream(client, whole)->is_closed);
    assert_int_equal(client->frames[NGHTTP2_DATA], 0);
    h2_server_release(&server);
    free(text);
}

static void test_windows_of_one_octet(void **state)
{
    enum { STREAMS = 40, OCTETS = 10 };
    struct h2_server server;
    struct h2_test_source sources[STREAMS] = {{0}};
    const struct h2_client_settings narrow = {.window = 1, .is_manual_window = true};
    int32_t ids[STREAMS];

    (void)state;
    h2_server_init(&server, NULL);
    server.on_request = respond_with_context;
    struct h2_client *client = h2_client_new_with(&server, &narrow);
    for (int i = 0; i < STREAMS; i++) {
        server.context = &sources[i];
        ids[i] = h2_client_get(client, "/");
        h2_pump(&server);
        h2_test_source_push(&sources[i], "0123456789", OCTETS);
        h2_test_source_end(&sources[i]);
    }
    for (int octet = 0; octet < OCTETS; octet++) {
        h2_pump(&server);
        for (int i = 0; i < STREAMS; i++) {
            assert_int_equal(h2_client_stream(client, ids[i])->body.length, octet + 1);
            nghttp2_submit_window_update(client->nghttp2, NGHTTP2_FLAG_NONE, ids[i], 1);
        }
    }
    h2_pump(&server);
    for (int i = 0; i < STREAMS; i++) {
        assert_string_equal(buf_str(&h2_client_stream(client, ids[i])->body), "0123456789");
        assert_int_equal(sources[i].closed, 1);
        h2_test_source_release(&sources[i]);
    }
    h2_server_release(&server);
}

/* One stream without a window does not keep the others waiting. */
static void test_shut_window_of_one_stream(void **state)
{
    struct h2_server server;
    struct h2_test_source shut = {0};
    struct h2_test_source open = {0};
    const struct h2_client_settings narrow = {.window = 4, .is_manual_window = true};

    (void)state;
    h2_server_init(&server, NULL);
    server.on_request = respond_with_context;
    struct h2_client *client = h2_client_new_with(&server, &narrow);
    server.context = &shut;
    int32_t shut_id = h2_client_get(client, "/");
    h2_pump(&server);
    server.context = &open;
    int32_t open_id = h2_client_get(client, "/");
    h2_pump(&server);
    h2_test_source_push(&shut, "12345678", 8);
    for (int i = 0; i < 20; i++) {
        h2_test_source_push(&open, "x", 1);
        nghttp2_submit_window_update(client->nghttp2, NGHTTP2_FLAG_NONE, open_id, 100);
        h2_pump(&server);
    }
    assert_int_equal(h2_client_stream(client, open_id)->body.length, 20);
    assert_int_equal(h2_client_stream(client, shut_id)->body.length, 4);
    h2_server_release(&server);
    h2_test_source_release(&shut);
    h2_test_source_release(&open);
}

static void test_answer_later(void **state)
{
    struct h2_server server;

    (void)state;
    h2_server_init(&server, NULL);
    server.on_request = keep;
    struct h2_client *client = h2_client_new(&server);
    int32_t id = h2_client_get(client, "/path?query");
    h2_pump(&server);
    assert_true(h2_stream_is_open(kept));
    assert_false(h2_stream_is_answered(kept));
    assert_int_equal(kept->id, id);
    assert_ptr_equal(kept->endpoint->loop, server.loop);
    assert_string_equal(h2_stream_request(kept)->path, "/path");
    h2_stream_forget_request(kept);
    assert_null(h2_stream_request(kept));
    h2_stream_prefer(kept);
    h2_server_answer(kept, 201, "made");
    assert_true(h2_stream_is_answered(kept));
    h2_pump(&server);
    assert_int_equal(h2_client_stream(client, id)->status, 201);
    assert_false(h2_stream_is_open(kept));
    assert_int_equal(h2_endpoint_counters(server.endpoint)->streams, 0);
    kept = h2_stream_unref(kept);
    h2_server_release(&server);
}

/* The second is ignored, and what it brought is given back. */
static void test_answer_twice(void **state)
{
    struct h2_server server;
    struct h2_test_source first = {0};
    struct h2_test_source second = {0};

    (void)state;
    h2_server_init(&server, NULL);
    server.on_request = keep;
    struct h2_client *client = h2_client_new(&server);
    int32_t id = h2_client_get(client, "/");
    h2_pump(&server);
    h2_test_source_respond(&first, kept);
    h2_test_source_push(&first, "first", 5);
    h2_pump(&server);
    h2_test_source_respond(&second, kept);
    h2_server_answer(kept, 200, "third");
    assert_int_equal(second.closed, 1);
    h2_test_source_push(&first, ", again", 7);
    h2_test_source_end(&first);
    h2_pump(&server);
    assert_string_equal(buf_str(&h2_client_stream(client, id)->body), "first, again");
    assert_int_equal(first.closed, 1);
    kept = h2_stream_unref(kept);
    h2_server_release(&server);
    h2_test_source_release(&first);
}

/* A whole answer, and a streamed one, for a client that has gone. */
static void test_answer_after_the_client_left(void **state)
{
    struct h2_server server;
    struct h2_test_source source = {0};

    (void)state;
    h2_server_init(&server, NULL);
    server.on_request = keep;
    struct h2_client *client = h2_client_new(&server);
    h2_client_get(client, "/");
    h2_pump(&server);
    struct h2_stream *first = kept;
    int32_t id = h2_client_get(client, "/");
    h2_pump(&server);
    nghttp2_submit_rst_stream(client->nghttp2, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    h2_pump(&server);
    assert_false(h2_stream_is_open(kept));
    assert_int_equal(server.counters->streams_reset_by_client, 1);
    h2_test_source_respond(&source, kept);
    assert_int_equal(source.closed, 1);
    h2_stream_unref(kept);
    h2_client_leave(client);
    h2_pump(&server);
    h2_server_answer(first, 200, "nobody reads this");
    assert_false(h2_stream_is_answered(first));
    h2_stream_unref(first);
    h2_server_release(&server);
}

static void count_close(struct h2_stream *stream, void *context)
{
    assert_ptr_equal(h2_stream_context(stream), context);
    assert_false(h2_stream_is_open(stream));
    (*(int *)context)++;
}

static void answer_counted(struct h2_server *server, struct h2_stream *stream)
{
    h2_stream_set_context(stream, server->context, count_close);
    if (server->requests % 2)
        h2_server_answer(stream, 200, "");
}

static void test_on_close_runs_once(void **state)
{
    struct h2_server server;
    int closes = 0;

    (void)state;
    h2_server_init(&server, NULL);
    server.context = &closes;
    server.on_request = answer_counted;
    struct h2_client *client = h2_client_new(&server);
    h2_client_get(client, "/");
    h2_client_get(client, "/");
    h2_pump(&server);
    assert_int_equal(closes, 1);
    h2_client_leave(client);
    h2_pump(&server);
    assert_int_equal(closes, 2);
    h2_server_release(&server);
    assert_int_equal(closes, 2);
}

static void reset(struct h2_server *server, struct h2_stream *stream)
{
    h2_server_echo(server, stream);
    h2_stream_reset(stream, NGHTTP2_ENHANCE_YOUR_CALM);
}

static void test_reset(void **state)
{
    struct h2_server server;
    struct h2_test_source source = {0};

    (void)state;
    h2_server_init(&server, NULL);
    struct h2_client *client = h2_client_new(&server);
    server.on_request = reset;
    int32_t asked = h2_client_request(client, "POST", "/", "body", 4);
    h2_pump(&server);
    assert_int_equal(h2_client_stream(client, asked)->error_code, NGHTTP2_ENHANCE_YOUR_CALM);
    server.on_request = respond_with_context;
    server.context = &source;
    int32_t answered = h2_client_get(client, "/");
    h2_pump(&server);
    h2_test_source_push(&source, "x", 1);
    h2_stream_reset(source.stream, NGHTTP2_CANCEL);
    h2_pump(&server);
    assert_int_equal(source.closed, 1);
    assert_int_equal(h2_client_stream(client, answered)->error_code, NGHTTP2_CANCEL);
    assert_int_equal(server.counters->streams_reset_by_server, 2);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->streams, 0);
    h2_server_release(&server);
    h2_test_source_release(&source);
}

/* Preferred: when not all can go, most of what goes is the event stream's. */
static void test_preferred_stream(void **state)
{
    struct h2_server server;
    struct h2_test_source events = {0};
    struct h2_test_source bulk = {0};
    char *text = make_text(400000);
    const struct h2_client_settings wide = {.window = 1u << 22, .is_manual_window = true};

    (void)state;
    h2_server_init(&server, NULL);
    server.on_request = respond_with_context;
    struct h2_client *client = h2_client_new_with(&server, &wide);
    nghttp2_session_set_local_window_size(client->nghttp2, NGHTTP2_FLAG_NONE, 0, 400000);
    server.context = &bulk;
    int32_t bulk_id = h2_client_get(client, "/");
    h2_pump(&server);
    server.context = &events;
    int32_t events_id = h2_client_get(client, "/");
    h2_pump(&server);
    h2_stream_prefer(events.stream);
    h2_test_source_push(&bulk, text, 400000);
    h2_test_source_push(&events, text, 400000);
    h2_pump(&server);
    assert_true(h2_client_stream(client, events_id)->body.length >
                4 * h2_client_stream(client, bulk_id)->body.length);
    h2_server_release(&server);
    h2_test_source_release(&events);
    h2_test_source_release(&bulk);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_large_answer),
        cmocka_unit_test(test_output_is_bounded),
        cmocka_unit_test(test_source),
        cmocka_unit_test(test_source_that_is_over_at_once),
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_windows_of_one_octet),
        cmocka_unit_test(test_shut_window_of_one_stream),
        cmocka_unit_test(test_answer_later),
        cmocka_unit_test(test_answer_twice),
        cmocka_unit_test(test_answer_after_the_client_left),
        cmocka_unit_test(test_on_close_runs_once),
        cmocka_unit_test(test_reset),
        cmocka_unit_test(test_preferred_stream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
