/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hostile frames. Each attack must end its own session with a GOAWAY and its counter, cost a
 * bounded amount of memory, and leave the other session of the endpoint alone.
 */

#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "h2/request.h"
#include "h2/state.h"
#include "support/h2_client.h"
#include "support/h2_limits.h"
#include "support/test.h"

struct attack {
    struct h2_server server;
    struct h2_client *attacker, *bystander;
};

static void ignore(struct h2_server *server, struct h2_stream *stream)
{
    (void)server;
    (void)stream;
}

static void begin_with(struct attack *attack, const struct h2_limits *limits)
{
    h2_server_init(&attack->server, limits);
    attack->attacker = h2_client_new_raw(&attack->server);
    attack->bystander = h2_client_new(&attack->server);
    h2_client_preface(attack->attacker);
    h2_pump(&attack->server);
}

static void begin(struct attack *attack)
{
    begin_with(attack, NULL);
}

/* The attacker is gone with that error, and somebody else is served. */
static void end(struct attack *attack, uint32_t code, const uint64_t *counter)
{
    struct h2_server *server = &attack->server;

    h2_pump(server);
    assert_true(attack->attacker->is_closed);
    assert_int_equal(attack->attacker->goaway_code, code);
    assert_int_equal(*counter, 1);
    server->on_request = NULL;
    int32_t id = h2_client_request(attack->bystander, "POST", "/", "hello", 5);
    h2_pump(server);
    assert_int_equal(h2_client_stream(attack->bystander, id)->status, 200);
    assert_int_equal(h2_endpoint_counters(server->endpoint)->sessions, 1);
    assert_int_equal(h2_endpoint_counters(server->endpoint)->streams, 0);
    h2_server_release(server);
}

#define END(attack, code, member) end(attack, code, &(attack)->server.counters->member)

static void test_rapid_reset(void **state)
{
    struct attack attack;

    (void)state;
    begin(&attack);
    attack.server.on_request = ignore;
    for (int32_t i = 0; i < 2000 && !attack.attacker->is_closed; i++) {
        h2_client_raw_get(attack.attacker, NGHTTP2_FLAG_END_STREAM, 2 * i + 1, "/");
        h2_client_reset(attack.attacker, 2 * i + 1, NGHTTP2_CANCEL);
        if (i % 50 == 0)
            h2_pump(&attack.server);
    }
    h2_pump(&attack.server);
    assert_true(attack.server.requests <= 300);
    END(&attack, NGHTTP2_ENHANCE_YOUR_CALM, client_reset_floods);
}

static void test_rapid_reset_while_draining(void **state)
{
    struct attack attack;

    (void)state;
    begin(&attack);
    attack.server.on_request = ignore;
    h2_client_raw_get(attack.attacker, NGHTTP2_FLAG_END_STREAM, 1, "/");
    int32_t id = h2_client_get(attack.bystander, "/");
    h2_pump(&attack.server);
    h2_endpoint_drain(attack.server.endpoint);
    h2_pump(&attack.server);
    for (int32_t i = 1; i < 2000; i++) {
        h2_client_raw_get(attack.attacker, NGHTTP2_FLAG_END_STREAM, 2 * i + 1, "/");
        h2_client_reset(attack.attacker, 2 * i + 1, NGHTTP2_CANCEL);
    }
    h2_pump(&attack.server);
    assert_true(attack.attacker->is_closed);
    assert_int_equal(attack.server.counters->client_reset_floods, 1);
    assert_false(attack.bystander->is_closed);
    assert_false(h2_client_stream(attack.bystander, id)->is_closed);
    h2_server_release(&attack.server);
}

/* Each makes us reset a stream. */
static void overflow_window(struct h2_client *client, int32_t id)
{
    h2_client_raw_get(client, NGHTTP2_FLAG_END_STREAM, id, "/");
    h2_client_window_update(client, id, 0x7fffffff);
}

static void send_less_than_announced(struct h2_client *client, int32_t id)
{
    const nghttp2_nv fields[] = {h2_field(":method", "POST"), h2_field(":scheme", "https"),
                                 h2_field(":authority", "localhost"), h2_field(":path", "/"),
                                 h2_field("content-length", "5")};

    h2_client_headers(client, 0, id, fields, 5);
    h2_client_frame(client, NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, id, "four", 4);
}

static void send_more_than_announced(struct h2_client *client, int32_t id)
{
    const nghttp2_nv fields[] = {h2_field(":method", "POST"), h2_field(":scheme", "https"),
                                 h2_field(":authority", "localhost"), h2_field(":path", "/"),
                                 h2_field("content-length", "3")};

    h2_client_headers(client, 0, id, fields, 5);
    h2_client_frame(client, NGHTTP2_DATA, 0, id, "four", 4);
}

static void send_bad_trailer(struct h2_client *client, int32_t id)
{
    const nghttp2_nv trailer = h2_field(":path", "/");

    h2_client_raw_get(client, 0, id, "/");
    h2_client_headers(client, NGHTTP2_FLAG_END_STREAM, id, &trailer, 1);
}

static void send_bad_field(struct h2_client *client, int32_t id)
{
    const nghttp2_nv fields[] = {h2_field(":method", "GET"), h2_field(":scheme", "https"),
                                 h2_field(":authority", "localhost"), h2_field(":path", "/"),
                                 h2_field("x", "a\r\nb")};

    h2_client_headers(client, NGHTTP2_FLAG_END_STREAM, id, fields, 5);
}

static void make_you_reset(void (*provoke)(struct h2_client *client, int32_t id))
{
    struct attack attack;

    begin(&attack);
    attack.server.on_request = ignore;
    for (int32_t i = 0; i < 1000 && !attack.attacker->is_closed; i++) {
        provoke(attack.attacker, 2 * i + 1);
        h2_pump(&attack.server);
    }
    assert_true(attack.server.counters->streams_reset_by_server <= 150);
    END(&attack, NGHTTP2_ENHANCE_YOUR_CALM, server_reset_floods);
}

static void test_made_you_reset(void **state)
{
    (void)state;
    make_you_reset(overflow_window);
    make_you_reset(send_less_than_announced);
    make_you_reset(send_more_than_announced);
    make_you_reset(send_bad_trailer);
    make_you_reset(send_bad_field);
}

/* One SETTINGS frame overflows the windows of all streams. */
static void test_windows_overflow_by_settings(void **state)
{
    struct h2_server server;

    (void)state;
    h2_server_init(&server, NULL);
    server.on_request = ignore;
    struct h2_client *client = h2_client_new_raw(&server);
    h2_client_preface(client);
    for (int32_t i = 0; i < 100; i++) {
        h2_client_raw_get(client, NGHTTP2_FLAG_END_STREAM, 2 * i + 1, "/");
        h2_client_window_update(client, 2 * i + 1, 0x7fff0000 - 65535);
    }
    h2_client_setting(client, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0x7fffffff);
    h2_pump(&server);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->streams, 0);
    assert_true(client->is_closed || client->resets[NGHTTP2_FLOW_CONTROL_ERROR] == 100);
    h2_server_release(&server);
}

static void test_data_beyond_window(void **state)
{
    struct attack attack;
    char *data = mem_zalloc(16384);

    (void)state;
    begin(&attack);
    attack.server.on_request = ignore;
    h2_client_raw_get(attack.attacker, 0, 1, "/");
    for (int i = 0; i < 200; i++)
        h2_client_frame(attack.attacker, NGHTTP2_DATA, 0, 1, data, 16384);
    h2_pump(&attack.server);
    assert_true(attack.attacker->resets[NGHTTP2_FLOW_CONTROL_ERROR] == 1 ||
                attack.attacker->is_closed);
    h2_server_release(&attack.server);
    free(data);
}

static void test_endless_continuation(void **state)
{
    struct attack attack;

    (void)state;
    begin(&attack);
    h2_client_frame(attack.attacker, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_STREAM, 1, "\x82", 1);
    for (int i = 0; i < 3; i++) {
        h2_pump(&attack.server);
        assert_false(attack.attacker->is_closed);
        h2_client_frame(attack.attacker, NGHTTP2_CONTINUATION, 0, 1, "\x84", 1);
    }
    END(&attack, NGHTTP2_PROTOCOL_ERROR, protocol_errors);
}

static void test_continuation_octet_by_octet(void **state)
{
    static const char frame[] = "\0\0\x10\x9\0\0\0\0\1";
    struct attack attack;

    (void)state;
    begin(&attack);
    h2_client_frame(attack.attacker, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_STREAM, 1, "\x82", 1);
    for (size_t i = 0; i < 100 && !attack.attacker->is_closed; i++) {
        h2_client_write(attack.attacker, i < 9 ? frame + i : "\x84", 1);
        h2_pump(&attack.server);
    }
    END(&attack, NGHTTP2_PROTOCOL_ERROR, protocol_errors);
}

/* GET https://localhost/ in HPACK (RFC 7541), without the table that grows. */
static const char request_start[] = "\x82\x87\x84\x01\x09localhost";

/* A field of 3 KiB in the table, then as many references to it as one block takes. */
static void send_bomb(struct h2_client *client, int32_t id, const char *large)
{
    const nghttp2_nv fields[] = {h2_field(":method", "GET"), h2_field(":scheme", "https"),
                                 h2_field(":authority", "localhost"), h2_field(":path", "/"),
                                 h2_field("x", large)};
    uint8_t block[16384];

    h2_client_headers(client, NGHTTP2_FLAG_END_STREAM, id, fields, 5);
    memset(block, 0x80 | 62, sizeof(block)); /* the newest of the dynamic table */
    memcpy(block, request_start, sizeof(request_start) - 1);
    h2_client_frame(client, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_STREAM, id + 2, block, sizeof(block));
    h2_client_frame(client, NGHTTP2_CONTINUATION, 0, id + 2, block + 32, sizeof(block) - 32);
    h2_client_frame(client, NGHTTP2_CONTINUATION, NGHTTP2_FLAG_END_HEADERS, id + 2, block + 32,
                    sizeof(block) - 32);
}

static void test_header_bomb(void **state)
{
    struct attack attack;
    char large[3001];

    (void)state;
    memset(large, 'x', 3000);
    large[3000] = '\0';
    begin(&attack);
    send_bomb(attack.attacker, 1, large);
    h2_pump(&attack.server);
    assert_int_equal(attack.server.last_error, 431);
    assert_int_equal(attack.server.requests, 1);
    assert_int_equal(attack.server.counters->header_rejects, 1);
    assert_int_equal(attack.attacker->frames[NGHTTP2_HEADERS], 2); /* the answer came */
    END(&attack, NGHTTP2_ENHANCE_YOUR_CALM, header_floods);
}

/* Blocks that are beyond the limits, but not far: answered, and decoded to the end. */
static void test_too_many_fields_thrice(void **state)
{
    struct attack attack;
    uint8_t block[150];

    (void)state;
    memset(block, 0x80 | 32, sizeof(block));
    memcpy(block, request_start, sizeof(request_start) - 1);
    begin(&attack);
    for (int32_t id = 1; id <= 5; id += 2) {
        attack.server.last_error = 0;
        assert_false(attack.attacker->is_closed);
        h2_client_frame(attack.attacker, NGHTTP2_HEADERS,
                        NGHTTP2_FLAG_END_STREAM | NGHTTP2_FLAG_END_HEADERS, id, block,
                        sizeof(block));
        h2_pump(&attack.server);
        assert_int_equal(attack.server.last_error, 431);
    }
    assert_int_equal(attack.server.requests, 0);
    assert_int_equal(attack.server.counters->header_floods, 0);
    END(&attack, NGHTTP2_ENHANCE_YOUR_CALM, sessions_closed);
}

/* One table entry, named in trailers: the body's handler never runs. */
static void send_trailers(struct attack *attack, size_t references)
{
    const nghttp2_nv fields[] = {h2_field(":method", "POST"), h2_field(":scheme", "https"),
                                 h2_field(":authority", "localhost"), h2_field(":path", "/"),
                                 h2_field("x", "y")};
    uint8_t block[16384];

    memset(block, 0x80 | 62, sizeof(block));
    h2_client_headers(attack->attacker, 0, 1, fields, 5);
    h2_client_frame(attack->attacker, NGHTTP2_HEADERS,
                    NGHTTP2_FLAG_END_STREAM | NGHTTP2_FLAG_END_HEADERS, 1, block, references);
    h2_pump(&attack->server);
}

static void test_trailers(void **state)
{
    struct attack attack;

    (void)state;
    begin(&attack);
    send_trailers(&attack, 100);
    assert_int_equal(attack.server.errors, 0);
    assert_int_equal(attack.attacker->frames[NGHTTP2_HEADERS], 1);
    h2_server_release(&attack.server);
    begin(&attack);
    send_trailers(&attack, 101);
    assert_int_equal(attack.server.last_error, 431);
    assert_int_equal(attack.server.counters->header_rejects, 1);
    assert_false(attack.attacker->is_closed);
    h2_server_release(&attack.server);
    begin(&attack);
    send_trailers(&attack, 16384);
    assert_int_equal(attack.server.last_error, 431);
    END(&attack, NGHTTP2_ENHANCE_YOUR_CALM, header_floods);
}

/* nghttp2 decodes the header blocks that it ignores, and calls nothing back for them. */
static void test_ignored_header_blocks(void **state)
{
    uint8_t block[300];
    struct attack attack;

    (void)state;
    memset(block, 0x82, sizeof(block));
    for (int is_long = 0; is_long < 2; is_long++) {
        begin(&attack);
        attack.server.on_request = ignore;
        h2_client_raw_get(attack.attacker, 0, 3, "/");
        h2_client_window_update(attack.attacker, 3, 0x7fffffff); /* we reset it */
        h2_pump(&attack.server);
        for (int i = 0; i < (is_long ? 1 : 2000); i++)
            h2_client_frame(attack.attacker, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 3, block,
                            is_long ? sizeof(block) : 1);
        if (is_long)
            END(&attack, NGHTTP2_ENHANCE_YOUR_CALM, header_floods);
        else
            END(&attack, NGHTTP2_ENHANCE_YOUR_CALM, glitch_floods);
    }
}

static void test_cookie_crumbs(void **state)
{
    struct attack attack;
    uint8_t block[16384];

    (void)state;
    begin(&attack);
    memset(block, 0x80 | 32, sizeof(block)); /* "cookie", empty, of the static table */
    memcpy(block, request_start, sizeof(request_start) - 1);
    h2_client_setting(attack.attacker, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0);
    h2_client_frame(attack.attacker, NGHTTP2_HEADERS,
                    NGHTTP2_FLAG_END_STREAM | NGHTTP2_FLAG_END_HEADERS, 1, block, sizeof(block));
    h2_pump(&attack.server);
    assert_int_equal(attack.server.last_error, 431);
    assert_int_equal(attack.server.requests, 0);
    h2_server_release(&attack.server);
}

/* However long we let it: what waits for a client that does not read is bounded. */
static void test_pings_without_reading(void **state)
{
    struct h2_limits limits = h2_limits_default;
    struct attack attack;
    size_t most = 0;

    (void)state;
    limits.pings.burst = 1000000; /* past the first line of defence */
    begin_with(&attack, &limits);
    attack.attacker->is_paused = true;
    for (int i = 0; i < 3000; i++) {
        for (int j = 0; j < 90; j++)
            h2_client_frame(attack.attacker, NGHTTP2_PING, 0, 0, "12345678", 8);
        h2_pump(&attack.server);
        size_t waiting = h2_endpoint_counters(attack.server.endpoint)->output_bytes;
        most = waiting > most ? waiting : most;
        if (attack.server.counters->outbound_floods)
            break;
    }
    assert_true(most > 0);
    assert_true(most <= limits.output_hard_bytes);
    assert_int_equal(attack.server.counters->outbound_floods, 1);
    attack.attacker->is_paused = false;
    h2_pump(&attack.server);
    assert_true(attack.attacker->is_closed);
    h2_server_release(&attack.server);
}

static void test_ping_flood(void **state)
{
    struct attack attack;

    (void)state;
    begin(&attack);
    for (int i = 0; i < 100; i++)
        h2_client_frame(attack.attacker, NGHTTP2_PING, 0, 0, "12345678", 8);
    h2_pump(&attack.server);
    assert_true(attack.attacker->frames[NGHTTP2_PING] <= 20);
    END(&attack, NGHTTP2_ENHANCE_YOUR_CALM, ping_floods);
}

static void test_settings_flood(void **state)
{
    struct attack attack;

    (void)state;
    begin(&attack);
    for (uint32_t i = 0; i < 100; i++)
        h2_client_setting(attack.attacker, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, i % 2 * 65535);
    END(&attack, NGHTTP2_ENHANCE_YOUR_CALM, settings_floods);
}

static void test_too_many_settings_in_a_frame(void **state)
{
    struct attack attack;
    uint8_t entries[17 * 6] = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(entries); i += 6)
        entries[i + 1] = NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE;
    begin(&attack);
    h2_client_frame(attack.attacker, NGHTTP2_SETTINGS, 0, 0, entries, 16 * 6);
    h2_pump(&attack.server);
    assert_false(attack.attacker->is_closed);
    h2_client_frame(attack.attacker, NGHTTP2_SETTINGS, 0, 0, entries, sizeof(entries));
    END(&attack, NGHTTP2_ENHANCE_YOUR_CALM, protocol_errors);
}

static void send_empty_data(struct h2_client *client)
{
    h2_client_frame(client, NGHTTP2_DATA, 0, 1, NULL, 0);
}

static void send_unknown(struct h2_client *client)
{
    h2_client_frame(client, 0x42, 0xff, 0, "anything", 8);
}

static void send_priority(struct h2_client *client)
{
    h2_client_frame(client, NGHTTP2_PRIORITY, 0, 1, "\0\0\0\0\1", 5);
}

static void send_tiny_window(struct h2_client *client)
{
    h2_client_window_update(client, 0, 1);
}

static void send_tiny_window_on_closed(struct h2_client *client)
{
    h2_client_window_update(client, 3, 1);
}

static void send_padding_only(struct h2_client *client)
{
    h2_client_frame(client, NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, "\1\0", 2);
}

static void send_goaway(struct h2_client *client)
{
    h2_client_frame(client, NGHTTP2_GOAWAY, 0, 0, "\0\0\0\0\0\0\0\0", 8);
}

static void send_ping_ack(struct h2_client *client)
{
    h2_client_frame(client, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, "12345678", 8);
}

static void send_data_on_closed(struct h2_client *client)
{
    h2_client_frame(client, NGHTTP2_DATA, 0, 3, "x", 1);
}

static void flood_with(void (*send)(struct h2_client *client))
{
    struct attack attack;

    begin(&attack);
    attack.server.on_request = ignore;
    h2_client_raw_get(attack.attacker, 0, 1, "/");
    h2_client_raw_get(attack.attacker, 0, 3, "/");
    h2_client_window_update(attack.attacker, 3, 0x7fffffff); /* we reset it */
    for (int i = 0; i < 900; i++)
        send(attack.attacker);
    h2_pump(&attack.server);
    assert_false(attack.attacker->is_closed);
    for (int i = 0; i < 2000; i++)
        send(attack.attacker);
    h2_pump(&attack.server);
    END(&attack, NGHTTP2_ENHANCE_YOUR_CALM, glitch_floods);
}

static void test_glitches(void **state)
{
    (void)state;
    flood_with(send_empty_data);
    flood_with(send_unknown);
    flood_with(send_priority);
    flood_with(send_tiny_window);
    flood_with(send_tiny_window_on_closed);
    flood_with(send_padding_only);
    flood_with(send_goaway);
    flood_with(send_ping_ack);
    flood_with(send_data_on_closed);
}

/* A client gives back what it has read of an answer that has left: no fault of its own. */
static void test_late_window_updates(void **state)
{
    struct attack attack;

    (void)state;
    begin(&attack);
    for (int32_t id = 1; id < 200; id += 2) {
        h2_client_raw_get(attack.attacker, NGHTTP2_FLAG_END_STREAM, id, "/");
        h2_pump(&attack.server);
        for (int i = 0; i < 20; i++)
            h2_client_window_update(attack.attacker, id, 32768);
    }
    h2_pump(&attack.server);
    assert_false(attack.attacker->is_closed);
    h2_server_release(&attack.server);
}

static void answer_long(struct h2_server *server, struct h2_stream *stream)
{
    h2_server_answer(stream, 200, server->context);
}

/* A client with windows of one octet is slow, and has its pace; it is not closed, nor are its
 * streams while it is we who wait. */
static void test_windows_of_one_octet(void **state)
{
    enum { OCTETS = 1500 };
    const struct h2_client_settings narrow = {.window = 1, .is_manual_window = true};
    struct h2_limits limits = h2_limits_default;
    struct h2_server server;
    char text[OCTETS + 1];
    size_t given_back = 0;

    (void)state;
    for (size_t i = 0; i < OCTETS; i++)
        text[i] = (char)('a' + i % 26);
    text[OCTETS] = '\0';
    limits.tiny_windows = (struct ratelimit_rule){500, 500};
    limits.write_stall_ms = 300;
    h2_server_init(&server, &limits);
    server.on_request = answer_long;
    server.context = text;
    struct h2_client *client = h2_client_new_with(&server, &narrow);
    int32_t id = h2_client_get(client, "/");
    for (h2_pump(&server); given_back < OCTETS; h2_pump(&server)) {
        const struct h2_client_stream *stream = h2_client_stream(client, id);

        assert_false(client->is_closed);
        assert_int_equal(stream->error_code, 0);
        if (stream->body.length == given_back)
            h2_server_wait(&server);
        for (; given_back < stream->body.length; given_back++) {
            nghttp2_submit_window_update(client->nghttp2, NGHTTP2_FLAG_NONE, id, 1);
            nghttp2_submit_window_update(client->nghttp2, NGHTTP2_FLAG_NONE, 0, 1);
        }
    }
    assert_string_equal(buf_str(&h2_client_stream(client, id)->body), text);
    assert_int_equal(client->frames[NGHTTP2_DATA], OCTETS);
    assert_true(server.counters->tiny_window_waits > 0);
    assert_int_equal(server.counters->write_stalls, 0);
    h2_server_release(&server);
}

/* Malformed frames behind each kind of end, in one piece: none of it is looked at. */
static void test_malformed_after_the_end(void **state)
{
    static const char junk[] = "\0\0\5\4\0\0\0\0\0"
                               "12345"
                               "\0\0\1\6\0\0\0\0\0x"
                               "\0\0\4\3\0\0\0\0\0"
                               "abcd"
                               "\0\0\0\1\x20\0\0\0\5";
    struct attack attack;

    (void)state;
    begin(&attack);
    for (int i = 0; i < 21; i++)
        h2_client_frame(attack.attacker, NGHTTP2_PING, 0, 0, "12345678", 8);
    h2_client_write(attack.attacker, junk, sizeof(junk));
    END(&attack, NGHTTP2_ENHANCE_YOUR_CALM, ping_floods);
    begin(&attack);
    h2_client_frame(attack.attacker, NGHTTP2_DATA, 0, 7, "idle", 4);
    h2_client_write(attack.attacker, junk, sizeof(junk));
    END(&attack, NGHTTP2_PROTOCOL_ERROR, protocol_errors);
    begin(&attack);
    h2_client_frame(attack.attacker, NGHTTP2_HEADERS, 4, 2, "\x82", 1);
    h2_client_write(attack.attacker, junk, sizeof(junk));
    END(&attack, NGHTTP2_PROTOCOL_ERROR, protocol_errors);
}

/* A client that goes on and on behind our GOAWAY is cut off. */
static void test_input_after_the_end(void **state)
{
    const size_t most = h2_limits_default.session_window + (size_t)64 * 1024;
    char *data = mem_zalloc(65536);
    struct attack attack;
    size_t sent = 0;

    (void)state;
    begin(&attack);
    attack.attacker->is_lingering = true;
    for (int i = 0; i < 21; i++)
        h2_client_frame(attack.attacker, NGHTTP2_PING, 0, 0, "12345678", 8);
    h2_pump(&attack.server);
    assert_int_equal(attack.server.counters->sessions_closed, 0);
    while (attack.server.counters->sessions_closed == 0) {
        assert_true(sent <= most + 65536);
        ssize_t count = send(attack.attacker->fd, data, 65536, MSG_NOSIGNAL | MSG_DONTWAIT);
        sent += count > 0 ? (size_t)count : 0;
        h2_server_turn(&attack.server);
    }
    assert_true(sent > most);
    assert_int_equal(attack.server.counters->late_floods, 1);
    h2_server_release(&attack.server);
    free(data);
}

/* Streams that are opened and reset leave nothing behind. */
static void test_no_growth(void **state)
{
    struct h2_limits limits = h2_limits_default;
    struct h2_server server;

    (void)state;
    limits.client_resets.burst = 100000;
    h2_server_init(&server, &limits);
    struct h2_client *client = h2_client_new_raw(&server);
    h2_client_preface(client);
    server.on_request = ignore;
    for (int32_t i = 0; i < 500; i++) {
        h2_client_raw_get(client, 0, 2 * i + 1, "/");
        h2_client_reset(client, 2 * i + 1, NGHTTP2_CANCEL);
        h2_pump(&server);
        assert_int_equal(h2_endpoint_counters(server.endpoint)->streams, 0);
    }
    assert_false(client->is_closed);
    assert_int_equal(server.counters->streams_closed, 500);
    h2_server_release(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rapid_reset),
        cmocka_unit_test(test_rapid_reset_while_draining),
        cmocka_unit_test(test_made_you_reset),
        cmocka_unit_test(test_windows_overflow_by_settings),
        cmocka_unit_test(test_data_beyond_window),
        cmocka_unit_test(test_endless_continuation),
        cmocka_unit_test(test_continuation_octet_by_octet),
        cmocka_unit_test(test_header_bomb),
        cmocka_unit_test(test_too_many_fields_thrice),
        cmocka_unit_test(test_trailers),
        cmocka_unit_test(test_ignored_header_blocks),
        cmocka_unit_test(test_cookie_crumbs),
        cmocka_unit_test(test_pings_without_reading),
        cmocka_unit_test(test_ping_flood),
        cmocka_unit_test(test_settings_flood),
        cmocka_unit_test(test_too_many_settings_in_a_frame),
        cmocka_unit_test(test_glitches),
        cmocka_unit_test(test_late_window_updates),
        cmocka_unit_test(test_windows_of_one_octet),
        cmocka_unit_test(test_malformed_after_the_end),
        cmocka_unit_test(test_input_after_the_end),
        cmocka_unit_test(test_no_growth),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
