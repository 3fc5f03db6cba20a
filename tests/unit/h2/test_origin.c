/* SPDX-License-Identifier: Apache-2.0 */
/* PROXY headers in front of cleartext HTTP/2 (in front of TLS: test_tls.c). */
#include <string.h>
#include <sys/socket.h>

#include "h2/listener.h"
#include "h2/state.h"
#include "support/h2_client.h"
#include "support/h2_limits.h"
#include "support/test.h"

#define BYTES(text) (text), sizeof(text) - 1

static const char v1[] = "PROXY TCP6 2001:db8::7 2001:db8::1 56324 443\r\n";
/* From 192.0.2.1, TLSv1.3 with AES of "Ann" for localhost. */
static const char v2[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x36\xc0\x00\x02\x01\xc6\x33\x64\x07"
                         "\xdc\x04\x01\xbb\x20\x00\x1b\x03\x00\x00\x00\x00\x21\x00\x07TLSv1.3"
                         "\x22\x00\x03"
                         "Ann"
                         "\x23\x00\x03"
                         "AES\x02\x00\x09localhost";
static const char local[] = "\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00";

static const struct h2_listener_options proxied = {.proxy_protocol = true};

struct seen {
    char peer[64];
    struct h2_tls_facts tls;
};

static void look(struct h2_server *server, struct h2_stream *stream)
{
    struct seen *seen = server->context;
    char buffer[64];

    snprintf(seen->peer, sizeof(seen->peer), "%s",
             h2_session_peer(h2_stream_session(stream), buffer, sizeof(buffer)));
    h2_session_tls(h2_stream_session(stream), &seen->tls);
    h2_server_echo(server, stream);
}

static struct h2_client *open_client(struct h2_server *server, const struct h2_limits *limits,
                                     struct seen *seen)
{
    h2_server_init(server, limits);
    server->listener = &proxied;
    server->on_request = look;
    server->context = seen;
    return h2_client_new_raw(server);
}

static void ask(struct h2_server *server, struct h2_client *client)
{
    h2_client_preface(client);
    h2_client_raw_get(client, NGHTTP2_FLAG_END_STREAM, 1, "/");
    h2_pump(server);
    assert_int_equal(server->requests, 1);
}

/* The header comes in two pieces, the second one together with what follows it. */
static void a_header_in_pieces(void **state)
{
    (void)state;
    for (size_t cut = 0; cut < sizeof(v1); cut++) {
        struct h2_server server;
        struct seen seen;
        struct h2_client *client = open_client(&server, NULL, &seen);

        h2_client_write(client, v1, cut);
        h2_pump(&server);
        h2_client_write(client, v1 + cut, sizeof(v1) - 1 - cut);
        ask(&server, client);
        assert_string_equal(seen.peer, "2001:db8::7");
        assert_string_equal(seen.tls.version, "");
        h2_server_release(&server);
    }
}

static void octet_by_octet(void **state)
{
    struct h2_server server;
    struct seen seen;
    struct h2_client *client = open_client(&server, NULL, &seen);

    (void)state;
    for (size_t i = 0; i < sizeof(v2) - 1; i++) {
        h2_client_write(client, v2 + i, 1);
        h2_pump(&server);
    }
    ask(&server, client);
    assert_string_equal(seen.peer, "192.0.2.1");
    h2_server_release(&server);
}

static void what_the_proxy_tells(void **state)
{
    struct h2_server server;
    struct seen seen;
    struct h2_client *client = open_client(&server, NULL, &seen);

    (void)state;
    h2_client_write(client, BYTES(v2));
    ask(&server, client);
    assert_string_equal(seen.peer, "192.0.2.1");
    assert_string_equal(seen.tls.version, "TLSv1.3");
    assert_string_equal(seen.tls.cipher, "AES");
    assert_string_equal(seen.tls.client_name, "Ann");
    assert_string_equal(seen.tls.server_name, "localhost");
    h2_server_release(&server);
}

static void the_proxy_speaks_for_itself(void **state)
{
    struct h2_server server;
    struct seen seen;
    struct h2_client *client = open_client(&server, NULL, &seen);

    (void)state;
    h2_client_write(client, BYTES(local));
    ask(&server, client);
    assert_string_equal(seen.peer, "unix");
    assert_string_equal(seen.tls.version, "");
    assert_string_equal(seen.tls.server_name, "");
    h2_server_release(&server);
}

static void something_else(void **state)
{
    static const char *const texts[] = {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/1.1\r\n",
                                        "PROXY TCP4 localhost localhost 1 2\r\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct h2_server server;
        struct seen seen;
        struct h2_client *client = open_client(&server, NULL, &seen);

        h2_client_write(client, texts[i], strlen(texts[i]));
        h2_pump(&server);
        assert_true(client->is_closed);
        assert_int_equal(server.counters->proxy_failures, 1);
        assert_int_equal(h2_endpoint_counters(server.endpoint)->sessions, 0);
        h2_server_release(&server);
    }
}

static void an_end_within_the_header(void **state)
{
    struct h2_server server;
    struct seen seen;
    struct h2_client *client = open_client(&server, NULL, &seen);

    (void)state;
    h2_client_write(client, v1, 9);
    h2_pump(&server);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->sessions, 1);
    h2_client_leave(client);
    h2_pump(&server);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->sessions, 0);
    assert_int_equal(server.counters->proxy_failures, 1);
    h2_server_release(&server);
}

static void no_header_in_time(void **state)
{
    struct h2_limits limits = h2_limits_default;
    struct h2_server server;
    struct seen seen;

    (void)state;
    limits.handshake_ms = 20;
    struct h2_client *client = open_client(&server, &limits, &seen);
    h2_client_write(client, v1, 9);
    while (h2_endpoint_counters(server.endpoint)->sessions > 0)
        h2_server_wait(&server);
    h2_pump(&server);
    assert_true(client->is_closed);
    assert_int_equal(server.counters->proxy_timeouts, 1);
    assert_int_equal(server.counters->handshake_timeouts, 0);
    h2_server_release(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_in_pieces),   cmocka_unit_test(octet_by_octet),
        cmocka_unit_test(what_the_proxy_tells), cmocka_unit_test(the_proxy_speaks_for_itself),
        cmocka_unit_test(something_else),       cmocka_unit_test(an_end_within_the_header),
        cmocka_unit_test(no_header_in_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
