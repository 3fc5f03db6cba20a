/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "h2/listener.h"
#include "support/h2_client.h"
#include "support/test.h"

#define OFFICE 7u

static const struct h2_listener_options for_office = {.role = OFFICE};

static char fault[256];

static bool is_local(const char *address)
{
    bool local = false;

    assert_int_equal(h2_address_is_local(address, &local), 0);
    return local;
}

static void test_locality(void **state)
{
    (void)state;
    assert_true(is_local("127.0.0.1:1"));
    assert_true(is_local("127.9.9.9:0"));
    assert_true(is_local("[::1]:65535"));
    assert_true(is_local("unix:/tmp/x"));
    assert_false(is_local("*:8443"));
    assert_false(is_local(":8443"));
    assert_false(is_local("0.0.0.0:8443"));
    assert_false(is_local("192.0.2.1:8443"));
    assert_false(is_local("[2001:db8::1]:8443"));
    assert_false(is_local("[::ffff:192.0.2.1]:1"));
}

static void test_malformed(void **state)
{
    static const char *const addresses[] = {
        "",
        "localhost",
        "8443",
        "127.0.0.1:",
        "127.0.0.1:-1",
        "127.0.0.1:65536",
        "::1:1",
        "127.0.0.1:x",
        "127.0.0.1:1x",
        "127.0.0.1:+1",
        "127.0.0.1: 1",
        "[::1]",
        "[::1:1",
        "[]:1",
        "a b:1",
        "127.0.0.1:\t1",
        "unix:",
        "127.0.0.1:99999999999999999999999",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        struct h2_bound bound;
        fault[0] = '\0';
        assert_true(h2_bound_open(&bound, addresses[i], fault, sizeof(fault)) < 0);
        assert_int_equal(bound.count, 0);
        assert_true(fault[0] != '\0');
    }
}

static void test_port_zero(void **state)
{
    struct h2_bound bound;
    struct h2_bound again;
    int port = 0;

    (void)state;
    assert_int_equal(h2_bound_open(&bound, "127.0.0.1:0", fault, sizeof(fault)), 0);
    assert_int_equal(bound.count, 1);
    assert_int_equal(sscanf(bound.text, "127.0.0.1:%d", &port), 1);
    assert_true(port > 0);
    assert_int_equal(h2_bound_open(&again, bound.text, fault, sizeof(fault)), 0); /* a worker */
    assert_string_equal(again.text, bound.text);
    h2_bound_close(&again);
    h2_bound_close(&bound);
    h2_bound_close(&bound);
}

static void test_address_of_somebody_else(void **state)
{
    struct h2_bound bound;

    (void)state;
    assert_true(h2_bound_open(&bound, "192.0.2.1:0", fault, sizeof(fault)) < 0);
    assert_non_null(strstr(fault, "192.0.2.1"));
    assert_int_equal(bound.count, 0);
}

static void answer_with_role(struct h2_server *server, struct h2_stream *stream)
{
    assert_int_equal(h2_session_role(h2_stream_session(stream)), OFFICE);
    h2_server_echo(server, stream);
}

/* A client on a socket that the listener accepts is served. */
static void serve_one(struct h2_bound *bound, const struct sockaddr *address, socklen_t length)
{
    struct h2_server server;
    struct h2_client *client;

    h2_server_init(&server, NULL);
    server.on_request = answer_with_role;
    struct h2_listener *listener = h2_listener_new(server.endpoint, bound, &for_office);
    assert_int_equal(bound->count, 0);
    client = h2_client_new_raw(&server); /* its socket is replaced by one that really connects */
    h2_client_leave(client);
    h2_pump(&server);
    client->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    client->is_closed = false;
    assert_int_equal(connect(client->fd, address, length), 0);
    client->is_paused = true; /* the socket blocks until it is accepted */
    h2_pump(&server);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->sessions, 1);
    h2_client_preface(client);
    h2_client_raw_get(client, NGHTTP2_FLAG_END_STREAM, 1, "/");
    h2_pump(&server);
    assert_int_equal(server.requests, 1);
    h2_listener_free(listener);
    int late = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(late, address, length), -1);
    close(late);
    h2_server_release(&server);
}

static void test_accept_tcp(void **state)
{
    struct h2_bound bound;
    struct sockaddr_in address = {0};
    socklen_t length = sizeof(address);

    (void)state;
    assert_int_equal(h2_bound_open(&bound, "127.0.0.1:0", fault, sizeof(fault)), 0);
    assert_int_equal(getsockname(bound.fds[0], (struct sockaddr *)&address, &length), 0);
    serve_one(&bound, (const struct sockaddr *)&address, length);
}

/* Connects without waiting for it. */
static int try_connect(const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0)
        assert_int_equal(errno, EINPROGRESS);
    return fd;
}

static bool is_connected(int fd)
{
    struct pollfd poll_for = {.fd = fd, .events = POLLOUT};

    return poll(&poll_for, 1, 0) == 1 && (poll_for.revents & (POLLERR | POLLHUP)) == 0;
}

/* In the queue of a listener, and nobody has accepted them yet. */
static void test_stop_serves_those_that_are_connected(void **state)
{
    enum { WAITING = 600 };
    struct h2_server server;
    struct h2_bound bound;
    struct sockaddr_in address;
    socklen_t length = sizeof(address);
    int clients[WAITING];

    (void)state;
    h2_server_init(&server, NULL);
    assert_int_equal(h2_bound_open(&bound, "127.0.0.1:0", fault, sizeof(fault)), 0);
    assert_int_equal(getsockname(bound.fds[0], (struct sockaddr *)&address, &length), 0);
    struct h2_listener *listener = h2_listener_new(server.endpoint, &bound, &for_office);
    for (int i = 0; i < WAITING; i++) {
        clients[i] = try_connect(&address);
        assert_true(is_connected(clients[i]));
    }
    h2_listener_stop(listener);
    int late = try_connect(&address);
    assert_false(is_connected(late)); /* nor refused: somebody else may listen there soon */
    while (!h2_listener_is_served(listener))
        continue;
    h2_listener_free(listener);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->sessions, WAITING);
    h2_pump(&server);
    for (int i = 0; i < WAITING; i++) {
        char octet;

        assert_true(recv(clients[i], &octet, 1, MSG_DONTWAIT) > 0); /* its SETTINGS */
        close(clients[i]);
    }
    int refused = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(refused, (const struct sockaddr *)&address, length), -1);
    assert_int_equal(errno, ECONNREFUSED);
    close(refused);
    close(late);
    h2_server_release(&server);
}

static void test_unix_socket(void **state)
{
    char folder[] = "/tmp/sse-listener-XXXXXX";
    char text[128];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct h2_bound bound;
    struct h2_bound shared;
    struct h2_bound taken;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", folder);
    snprintf(text, sizeof(text), "unix:%s", address.sun_path);
    for (int i = 0; i < 2; i++) { /* the second time over what the first left behind */
        assert_int_equal(h2_bound_open(&bound, text, fault, sizeof(fault)), 0);
        assert_string_equal(bound.text, text);
        assert_int_equal(h2_bound_open(&taken, text, fault, sizeof(fault)), -EADDRINUSE);
        assert_int_equal(h2_bound_share(&shared, &bound), 0);
        assert_int_equal(shared.count, 1);
        assert_true(shared.fds[0] != bound.fds[0]);
        h2_bound_close(&bound);
        serve_one(&shared, (const struct sockaddr *)&address, sizeof(address));
    }
    unlink(address.sun_path);
    rmdir(folder);
}

/* A file that is no socket is never removed. */
static void test_unix_path_is_a_file(void **state)
{
    char path[] = "/tmp/sse-listener-file-XXXXXX";
    char text[128];
    struct h2_bound bound;
    struct stat status;
    int fd = mkstemp(path);

    (void)state;
    close(fd);
    snprintf(text, sizeof(text), "unix:%s", path);
    assert_int_equal(h2_bound_open(&bound, text, fault, sizeof(fault)), -EADDRINUSE);
    assert_int_equal(stat(path, &status), 0);
    unlink(path);
}

static void test_unix_path_too_long(void **state)
{
    char text[300];
    struct h2_bound bound;

    (void)state;
    memset(text, 'x', sizeof(text));
    memcpy(text, "unix:/", 6);
    text[299] = '\0';
    assert_int_equal(h2_bound_open(&bound, text, fault, sizeof(fault)), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_locality),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_port_zero),
        cmocka_unit_test(test_address_of_somebody_else),
        cmocka_unit_test(test_accept_tcp),
        cmocka_unit_test(test_stop_serves_those_that_are_connected),
        cmocka_unit_test(test_unix_socket),
        cmocka_unit_test(test_unix_path_is_a_file),
        cmocka_unit_test(test_unix_path_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
