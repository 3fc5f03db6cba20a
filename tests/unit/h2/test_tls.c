/* SPDX-License-Identifier: Apache-2.0 */
/* TLS between our session and OpenSSL's client, over a socketpair. */
#include <errno.h>
#include <ev.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "h2/listener.h"
#include "h2/state.h"
#include "h2/tls.h"
#include "support/certificate.h"
#include "support/h2_client.h"
#include "support/h2_limits.h"
#include "support/test.h"

static char folder[] = "/tmp/sse-tls-XXXXXX";
static char certificate_file[64], key_file[64], other_key_file[64], junk_file[64];

static const unsigned char h2_only[] = "\x02h2";
static const unsigned char http1_only[] = "\x08http/1.1";

static int make_files(void **state)
{
    EVP_PKEY *other = EVP_EC_gen("P-256");
    FILE *file;

    (void)state;
    if (!other || !mkdtemp(folder))
        return -1;
    snprintf(certificate_file, sizeof(certificate_file), "%s/certificate.pem", folder);
    snprintf(key_file, sizeof(key_file), "%s/key.pem", folder);
    snprintf(other_key_file, sizeof(other_key_file), "%s/other.pem", folder);
    snprintf(junk_file, sizeof(junk_file), "%s/junk.pem", folder);
    write_certificate(certificate_file, key_file);
    write_key(other_key_file, other);
    file = fopen(junk_file, "w");
    fputs("no PEM\n", file);
    fclose(file);
    EVP_PKEY_free(other);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    unlink(certificate_file);
    unlink(key_file);
    unlink(other_key_file);
    unlink(junk_file);
    return rmdir(folder);
}

struct tls_client {
    struct h2_server server;
    struct h2_listener_options listener;
    SSL_CTX *context;
    SSL *ssl;
    int fd;
    const char *expected_peer;
};

static struct h2_tls_context *make_context(enum h2_tls_profile profile)
{
    const struct h2_tls_files files = {.certificate = certificate_file, .key = key_file};
    char fault[300] = "";
    struct h2_tls_context *context = h2_tls_context_new(
        &(struct h2_tls_options){.files = &files, .count = 1, .profile = profile}, fault,
        sizeof(fault));

    assert_string_equal(fault, "");
    return context;
}

static void connect_client_by(struct tls_client *client, const struct h2_limits *limits,
                              struct h2_listener_options listener)
{
    static const union h2_peer peer = {.any.sa_family = AF_UNIX};
    int fds[2];

    h2_server_init(&client->server, limits);
    client->listener = listener;
    if (!listener.tls)
        client->listener.tls = make_context(H2_TLS_INTERMEDIATE);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    client->fd = fds[0];
    assert_non_null(h2_session_open(client->server.endpoint, fds[1], &client->listener, &peer));
    client->context = SSL_CTX_new(TLS_client_method());
    client->ssl = SSL_new(client->context);
    SSL_set_fd(client->ssl, client->fd);
    SSL_set_connect_state(client->ssl);
    SSL_set_alpn_protos(client->ssl, h2_only, sizeof(h2_only) - 1);
}

static void connect_client(struct tls_client *client, const struct h2_limits *limits,
                           enum h2_tls_profile profile)
{
    connect_client_by(client, limits, (struct h2_listener_options){.tls = make_context(profile)});
}

static void release_client(struct tls_client *client)
{
    SSL_free(client->ssl);
    SSL_CTX_free(client->context);
    close(client->fd);
    h2_server_release(&client->server);
    h2_tls_context_free(client->listener.tls);
    ERR_clear_error();
}

/* Both work until the handshake is over; OpenSSL's reason for its end, 0 when it succeeded. */
static int shake_hands(struct tls_client *client)
{
    for (int i = 0; i < 100; i++) {
        ERR_clear_error();
        int result = SSL_do_handshake(client->ssl);
        h2_pump(&client->server);
        if (result == 1)
            return 0;
        if (SSL_get_error(client->ssl, result) != SSL_ERROR_WANT_READ)
            return ERR_GET_REASON(ERR_peek_last_error());
    }
    fail();
    return -1;
}

static void send_request(struct tls_client *client)
{
    static const uint8_t settings[9] = {0, 0, 0, NGHTTP2_SETTINGS};
    static const uint8_t get[] = {0,    0,    14,   NGHTTP2_HEADERS,
                                  5,    0,    0,    0,
                                  1,    0x82, 0x87, 0x84,
                                  0x01, 9,    'l',  'o',
                                  'c',  'a',  'l',  'h',
                                  'o',  's',  't'};

    SSL_write(client->ssl, NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN);
    SSL_write(client->ssl, settings, sizeof(settings));
    SSL_write(client->ssl, get, sizeof(get));
    h2_pump(&client->server);
}

static void check_facts(struct h2_server *server, struct h2_stream *stream)
{
    const struct tls_client *client = server->context;
    const struct h2_session *session = h2_stream_session(stream);
    struct h2_tls_facts facts;
    char peer[64];

    h2_session_tls(session, &facts);
    assert_string_equal(facts.version, SSL_get_version(client->ssl));
    assert_string_equal(facts.cipher, SSL_get_cipher_name(client->ssl));
    assert_string_equal(facts.server_name, "push.example");
    assert_string_equal(facts.client_name, "");
    assert_string_equal(h2_session_peer(session, peer, sizeof(peer)), client->expected_peer);
    h2_server_echo(server, stream);
}

static void test_facts(void **state)
{
    static const char header[] = "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n";
    struct tls_client client;

    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        for (int is_proxied = 0; is_proxied <= 1; is_proxied++) {
            connect_client_by(&client, NULL,
                              (struct h2_listener_options){.proxy_protocol = is_proxied == 1});
            client.expected_peer = is_proxied ? "192.0.2.1" : "unix";
            client.server.on_request = check_facts;
            client.server.context = &client;
            if (is_proxied)
                assert_int_equal(write(client.fd, header, sizeof(header) - 1), sizeof(header) - 1);
            SSL_set_max_proto_version(client.ssl, version);
            SSL_set_tlsext_host_name(client.ssl, "push.example");
            assert_int_equal(shake_hands(&client), 0);
            send_request(&client);
            assert_int_equal(client.server.requests, 1);
            release_client(&client);
        }
    }
}

/* To a listener that does not expect it, the header is bad TLS. */
static void test_unexpected_proxy_header(void **state)
{
    static const char header[] = "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n";
    struct tls_client client;

    (void)state;
    connect_client(&client, NULL, H2_TLS_INTERMEDIATE);
    assert_int_equal(write(client.fd, header, sizeof(header) - 1), sizeof(header) - 1);
    h2_pump(&client.server);
    assert_int_equal(client.server.counters->handshake_failures, 1);
    assert_int_equal(client.server.counters->proxy_failures, 0);
    assert_int_equal(h2_endpoint_counters(client.server.endpoint)->sessions, 0);
    release_client(&client);
}

static void test_exchange(void **state)
{
    struct tls_client client;
    char data[4096];

    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        connect_client(&client, NULL, H2_TLS_INTERMEDIATE);
        SSL_set_max_proto_version(client.ssl, version);
        assert_int_equal(shake_hands(&client), 0);
        assert_int_equal(SSL_version(client.ssl), version);
        const unsigned char *protocol;
        unsigned int length;
        SSL_get0_alpn_selected(client.ssl, &protocol, &length);
        assert_int_equal(length, 2);
        assert_memory_equal(protocol, "h2", 2);
        send_request(&client);
        assert_int_equal(client.server.requests, 1);
        assert_true(SSL_read(client.ssl, data, sizeof(data)) > 9);
        assert_int_equal(data[3], NGHTTP2_SETTINGS);
        h2_endpoint_close(client.server.endpoint);
        while (SSL_read(client.ssl, data, sizeof(data)) > 0)
            continue;
        assert_true(SSL_get_shutdown(client.ssl) & SSL_RECEIVED_SHUTDOWN); /* close_notify */
        release_client(&client);
    }
}

static void assert_alert(struct tls_client *client, int reason)
{
    assert_int_equal(shake_hands(client), reason);
    assert_int_equal(client->server.counters->handshake_failures, 1);
    assert_int_equal(h2_endpoint_counters(client->server.endpoint)->sessions, 0);
    release_client(client);
}

static void test_other_protocol(void **state)
{
    struct tls_client client;

    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        connect_client(&client, NULL, H2_TLS_INTERMEDIATE);
        SSL_set_max_proto_version(client.ssl, version);
        SSL_set_alpn_protos(client.ssl, http1_only, sizeof(http1_only) - 1);
        assert_alert(&client, SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
        connect_client(&client, NULL, H2_TLS_INTERMEDIATE);
        SSL_set_max_proto_version(client.ssl, version);
        SSL_set_alpn_protos(client.ssl, NULL, 0);
        assert_alert(&client, SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
    }
}

static void test_versions_and_suites(void **state)
{
    struct tls_client client;

    (void)state;
    connect_client(&client, NULL, H2_TLS_INTERMEDIATE);
    SSL_set_security_level(client.ssl, 0);
    SSL_set_min_proto_version(client.ssl, TLS1_VERSION);
    SSL_set_max_proto_version(client.ssl, TLS1_1_VERSION);
    assert_alert(&client, SSL_R_TLSV1_ALERT_PROTOCOL_VERSION);
    connect_client(&client, NULL, H2_TLS_MODERN);
    SSL_set_max_proto_version(client.ssl, TLS1_2_VERSION);
    assert_alert(&client, SSL_R_TLSV1_ALERT_PROTOCOL_VERSION);
    connect_client(&client, NULL, H2_TLS_INTERMEDIATE);
    SSL_set_max_proto_version(client.ssl, TLS1_2_VERSION);
    SSL_set_cipher_list(client.ssl, "ECDHE-ECDSA-AES256-SHA384"); /* CBC */
    assert_alert(&client, SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE);
}

static void test_no_renegotiation(void **state)
{
    struct tls_client client;
    char data[4096];

    (void)state;
    connect_client(&client, NULL, H2_TLS_INTERMEDIATE);
    SSL_set_max_proto_version(client.ssl, TLS1_2_VERSION);
    assert_int_equal(shake_hands(&client), 0);
    send_request(&client);
    if (SSL_renegotiate(client.ssl) == 1)
        (void)SSL_do_handshake(client.ssl);
    h2_pump(&client.server);
    while (SSL_read(client.ssl, data, sizeof(data)) > 0)
        continue;
    assert_int_equal(SSL_num_renegotiations(client.ssl) > 0 && SSL_is_init_finished(client.ssl), 0);
    release_client(&client);
}

/* What is no TLS gets an alert at the most, and is closed. */
static void test_no_tls(void **state)
{
    static const char *const texts[] = {"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                                        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                                        "\x16\x03\x01\xff\xff"
                                        "junk"};
    struct tls_client client;
    char data[64];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        connect_client(&client, NULL, H2_TLS_INTERMEDIATE);
        assert_true(write(client.fd, texts[i], strlen(texts[i])) > 0);
        h2_pump(&client.server);
        assert_int_equal(client.server.counters->handshake_failures, 1);
        assert_int_equal(h2_endpoint_counters(client.server.endpoint)->sessions, 0);
        while (read(client.fd, data, sizeof(data)) > 0)
            continue;
        release_client(&client);
    }
}

/* Broken records after the handshake end the session with an alert. */
static void test_broken_record(void **state)
{
    struct tls_client client;
    static const char record[] = "\x17\x03\x03\x00\x20 thirty-two octets of nonsense...";
    char data[4096];

    (void)state;
    connect_client(&client, NULL, H2_TLS_INTERMEDIATE);
    assert_int_equal(shake_hands(&client), 0);
    send_request(&client);
    assert_true(write(client.fd, record, sizeof(record) - 1) > 0);
    h2_pump(&client.server);
    assert_int_equal(h2_endpoint_counters(client.server.endpoint)->sessions, 0);
    while (SSL_read(client.ssl, data, sizeof(data)) > 0)
        continue;
    assert_int_equal(ERR_GET_REASON(ERR_peek_last_error()), SSL_R_SSLV3_ALERT_BAD_RECORD_MAC);
    release_client(&client);
}

static void test_client_leaves_while_shaking_hands(void **state)
{
    struct tls_client client;

    (void)state;
    connect_client(&client, NULL, H2_TLS_INTERMEDIATE);
    (void)SSL_do_handshake(client.ssl);
    h2_pump(&client.server);
    assert_int_equal(h2_endpoint_counters(client.server.endpoint)->sessions, 1);
    shutdown(client.fd, SHUT_RDWR);
    h2_pump(&client.server);
    assert_int_equal(h2_endpoint_counters(client.server.endpoint)->sessions, 0);
    assert_int_equal(client.server.endpoint->admission.count, 0);
    release_client(&client);
}

static void test_silent_client_times_out(void **state)
{
    struct h2_limits limits = h2_limits_default;
    struct tls_client client;

    (void)state;
    limits.handshake_ms = 20;
    connect_client(&client, &limits, H2_TLS_INTERMEDIATE);
    assert_true(write(client.fd, "\x16\x03\x01\x02\x00\x01", 6) == 6); /* half a ClientHello */
    while (h2_endpoint_counters(client.server.endpoint)->sessions > 0)
        h2_server_wait(&client.server);
    assert_int_equal(client.server.counters->handshake_timeouts, 1);
    assert_int_equal(client.server.endpoint->admission.count, 0);
    release_client(&client);
}

static void assert_no_context(const char *certificate, const char *key, const char *named)
{
    const struct h2_tls_files files = {.certificate = certificate, .key = key};
    char fault[300] = "";

    assert_null(h2_tls_context_new(&(struct h2_tls_options){.files = &files, .count = 1}, fault,
                                   sizeof(fault)));
    assert_non_null(strstr(fault, named));
    assert_int_equal(ERR_peek_error(), 0);
}

static void test_files(void **state)
{
    (void)state;
    assert_no_context("/nonexistent.pem", key_file, "/nonexistent.pem");
    assert_no_context(junk_file, key_file, junk_file);
    assert_no_context(certificate_file, "/nonexistent.pem", "/nonexistent.pem");
    assert_no_context(certificate_file, certificate_file, certificate_file);
    assert_no_context(certificate_file, other_key_file, other_key_file);
    h2_tls_context_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exchange),
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_unexpected_proxy_header),
        cmocka_unit_test(test_other_protocol),
        cmocka_unit_test(test_versions_and_suites),
        cmocka_unit_test(test_no_renegotiation),
        cmocka_unit_test(test_no_tls),
        cmocka_unit_test(test_broken_record),
        cmocka_unit_test(test_client_leaves_while_shaking_hands),
        cmocka_unit_test(test_silent_client_times_out),
        cmocka_unit_test(test_files),
    };

    return cmocka_run_group_tests(tests, make_files, remove_files);
}
