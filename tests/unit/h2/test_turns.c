/* SPDX-License-Identifier: Apache-2.0 */
/* What one turn does at the most, and that the next ones do the rest without being told. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "h2/listener.h"
#include "h2/state.h"
#include "support/h2_client.h"
#include "support/h2_limits.h"
#include "support/test.h"

#define CROWD  480u  /* two descriptors each */
#define LENGTH 8192u /* of a frame */

static const struct h2_listener_options cleartext;

struct crowd {
    struct h2_server server;
    struct h2_session *sessions[CROWD];
    int fds[CROWD];
};

/* Their prefaces are read. */
static struct crowd *open_crowd(size_t count)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
    const union h2_peer peer = {.any.sa_family = AF_UNIX};
    struct crowd *crowd = mem_zalloc(sizeof(*crowd));

    h2_server_init(&crowd->server, NULL);
    for (size_t i = 0; i < count; i++) {
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
                         0);
        crowd->fds[i] = fds[0];
        assert_int_equal(write(fds[0], preface, sizeof(preface) - 1), sizeof(preface) - 1);
        crowd->sessions[i] = h2_session_open(crowd->server.endpoint, fds[1], &cleartext, &peer);
        assert_non_null(crowd->sessions[i]);
    }
    for (size_t turn = 0; turn < CROWD; turn++)
        h2_server_turn(&crowd->server);
    return crowd;
}

static void close_crowd(struct crowd *crowd)
{
    for (size_t i = 0; i < CROWD && crowd->fds[i] > 0; i++)
        close(crowd->fds[i]);
    h2_server_release(&crowd->server);
    free(crowd);
}

static size_t count_of(const struct list *list)
{
    size_t count = 0;

    list_for_each(node, list)
        count++;
    return count;
}

/* A frame of a type that nobody knows is read and dropped (RFC 9113 5.5). */
static void say_something(const struct crowd *crowd, size_t i)
{
    static const uint8_t frame[9 + LENGTH] = {0, LENGTH >> 8, LENGTH & 0xff, 0xee};

    assert_int_equal(write(crowd->fds[i], frame, sizeof(frame)), sizeof(frame));
}

static void sessions_are_freed_in_slices(void **state)
{
    struct crowd *crowd = open_crowd(CROWD);
    const struct list *closing = &crowd->server.endpoint->closing;
    size_t left = CROWD;

    (void)state;
    for (size_t i = 0; i < CROWD; i++)
        h2_session_close(crowd->sessions[i]);
    assert_int_equal(h2_endpoint_counters(crowd->server.endpoint)->sessions, 0);
    assert_int_equal(count_of(closing), CROWD);
    for (unsigned turn = 0; left > 0; turn++) {
        size_t before = left;

        h2_server_turn(&crowd->server);
        left = count_of(closing);
        assert_in_range(before - left, 1, H2_REAPED_PER_TURN);
    }
    close_crowd(crowd);
}

/* A hook that says so keeps the loop from waiting (base/loop.h). */
static void what_is_left_does_not_wait_for_an_event(void **state)
{
    struct crowd *crowd = open_crowd(CROWD);
    struct h2_endpoint *endpoint = crowd->server.endpoint;

    (void)state;
    endpoint->has_read = true; /* and enough */
    for (size_t i = 0; i < CROWD; i++) {
        say_something(crowd, i);
        h2_session_read(crowd->sessions[i]);
    }
    while (!list_is_empty(&endpoint->readable)) {
        const bool has_more = endpoint->flush_hook.run(&endpoint->flush_hook);

        assert_true(has_more || list_is_empty(&endpoint->readable));
    }
    for (size_t i = 0; i < CROWD; i++)
        h2_session_close(crowd->sessions[i]);
    while (!list_is_empty(&endpoint->closing)) {
        const bool has_more = endpoint->reap_hook.run(&endpoint->reap_hook);

        assert_int_equal(has_more, !list_is_empty(&endpoint->closing));
    }
    close_crowd(crowd);
}

static void never_answer(struct h2_server *server, struct h2_stream *stream)
{
    (void)server;
    (void)stream;
}

static void streams_count_as_sessions_do(void **state)
{
    struct h2_limits limits = h2_limits_default;
    struct h2_server server;
    struct h2_client *client;

    (void)state;
    limits.concurrent_streams = 2 * H2_REAPED_PER_TURN;
    h2_server_init(&server, &limits);
    server.on_request = never_answer;
    client = h2_client_new_raw(&server);
    h2_client_preface(client);
    for (int32_t i = 0; i < 2 * (int32_t)H2_REAPED_PER_TURN; i++)
        h2_client_raw_get(client, NGHTTP2_FLAG_END_STREAM | NGHTTP2_FLAG_END_HEADERS, 2 * i + 1,
                          "/");
    h2_pump(&server);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->streams, 2 * H2_REAPED_PER_TURN);
    h2_session_close(client->session);
    h2_server_turn(&server);
    assert_in_range(h2_endpoint_counters(server.endpoint)->streams, H2_REAPED_PER_TURN,
                    2 * H2_REAPED_PER_TURN - 1);
    h2_pump(&server);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->streams, 0);
    h2_server_release(&server);
}

static void a_turn_reads_so_much_and_the_next_go_on(void **state)
{
    struct crowd *crowd = open_crowd(CROWD);
    const uint64_t *bytes_in = &crowd->server.counters->bytes_in;
    const uint64_t all = *bytes_in + (uint64_t)CROWD * (9 + LENGTH);

    (void)state;
    for (size_t i = 0; i < CROWD; i++)
        say_something(crowd, i);
    for (uint64_t before = *bytes_in; *bytes_in < all; before = *bytes_in) {
        h2_server_turn(&crowd->server);
        /* and what the last read of each slice was over it */
        assert_in_range(*bytes_in - before, 1,
                        ((uint64_t)2 * H2_READ_PER_TURN + UINT64_C(2) * (LENGTH / 1024 + 1)) *
                            1024);
    }
    close_crowd(crowd);
}

/* A session that always has input does not keep another from being read. */
static void who_waits_is_read_before_who_comes(void **state)
{
    struct crowd *crowd = open_crowd(2);
    struct h2_endpoint *endpoint = crowd->server.endpoint;

    (void)state;
    say_something(crowd, 1);
    endpoint->reading = (struct slice){0};
    endpoint->has_read = true;
    h2_session_read(crowd->sessions[1]);
    endpoint->has_read = false; /* the next turn: there is time, and yet */
    say_something(crowd, 0);
    h2_session_read(crowd->sessions[0]);
    h2_session_read(crowd->sessions[1]); /* level-triggered: it is told again */
    assert_ptr_equal(container_of(endpoint->readable.next, struct h2_session, read_node),
                     crowd->sessions[1]);
    assert_int_equal(count_of(&endpoint->readable), 2);
    h2_server_turn(&crowd->server);
    assert_true(list_is_empty(&endpoint->readable));
    close_crowd(crowd);
}

static void who_is_closed_is_not_read(void **state)
{
    struct crowd *crowd = open_crowd(1);
    struct h2_endpoint *endpoint = crowd->server.endpoint;

    (void)state;
    say_something(crowd, 0);
    endpoint->reading = (struct slice){0};
    endpoint->has_read = true;
    h2_session_read(crowd->sessions[0]);
    h2_session_close(crowd->sessions[0]);
    assert_true(list_is_empty(&endpoint->readable));
    h2_server_turn(&crowd->server);
    close_crowd(crowd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_are_freed_in_slices),
        cmocka_unit_test(what_is_left_does_not_wait_for_an_event),
        cmocka_unit_test(streams_count_as_sessions_do),
        cmocka_unit_test(a_turn_reads_so_much_and_the_next_go_on),
        cmocka_unit_test(who_waits_is_read_before_who_comes),
        cmocka_unit_test(who_is_closed_is_not_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
