/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions of several addresses where there is room for few. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/networks.h"
#include "h2/admission.h"
#include "h2/listener.h"
#include "h2/state.h"
#include "support/h2_client.h"
#include "support/test.h"

#define OF_ONE_ADDRESS 3u
#define IN_ALL         8u
#define MOST           64u
#define GOAWAY_AT      3u /* of a frame's header, its type */

struct house {
    struct h2_server server;
    struct h2_slots *slots;
    struct h2_listener_options listener;
    int fds[MOST];
    size_t count;
};

static void open_house(struct house *house)
{
    memset(house, 0, sizeof(*house));
    h2_server_init(&house->server, NULL);
    house->slots = h2_slots_new(OF_ONE_ADDRESS, IN_ALL);
    house->server.endpoint->slots = house->slots;
}

static void close_house(struct house *house)
{
    for (size_t i = 0; i < house->count; i++)
        close(house->fds[i]);
    h2_server_release(&house->server);
    h2_slots_free(house->slots);
}

static union h2_peer peer_of(const char *address)
{
    union h2_peer peer = {.any.sa_family = AF_UNIX};

    if (inet_pton(AF_INET, address, &peer.v4.sin_addr) == 1)
        peer.any.sa_family = AF_INET;
    else if (inet_pton(AF_INET6, address, &peer.v6.sin6_addr) == 1)
        peer.any.sa_family = AF_INET6;
    return peer;
}

/* NULL: refused. */
static struct h2_session *knock(struct house *house, const char *address)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
    union h2_peer peer = peer_of(address);
    int fds[2];

    assert_true(house->count < MOST);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    house->fds[house->count++] = fds[0];
    assert_int_equal(write(fds[0], preface, sizeof(preface) - 1), sizeof(preface) - 1);
    struct h2_session *session =
        h2_session_open(house->server.endpoint, fds[1], &house->listener, &peer);
    h2_pump(&house->server);
    if (session)
        assert_int_equal(session->phase, H2_SESSION_OPEN);
    return session;
}

static struct h2_session *come(struct house *house, const char *address)
{
    struct h2_session *session = knock(house, address);

    assert_non_null(session);
    return session;
}

static void ripen(struct house *house)
{
    list_for_each(node, &house->server.endpoint->eviction.idle)
        container_of(node, struct h2_session, idle_node)->idle_since -= 2000;
}

static size_t sessions(const struct house *house)
{
    return h2_endpoint_counters(house->server.endpoint)->sessions;
}

/* Whether the server has ended what the i-th to come held of it, and with what frame. */
static bool is_ended(const struct house *house, size_t i, uint8_t *last_frame)
{
    uint8_t octets[512];
    ssize_t count;
    size_t length = 0;

    while ((count = read(house->fds[i], octets + length, sizeof(octets) - length)) > 0)
        length += (size_t)count;
    for (size_t at = 0; at + 9 <= length;) {
        *last_frame = octets[at + GOAWAY_AT];
        at += 9u + (size_t)octets[at + 1] * 256u + octets[at + 2];
    }
    return count == 0;
}

static void who_is_over_the_limit_of_an_address_is_refused(void **state)
{
    struct house house;

    (void)state;
    open_house(&house);
    for (size_t i = 0; i < OF_ONE_ADDRESS; i++)
        (void)come(&house, "192.0.2.1");
    assert_null(knock(&house, "192.0.2.1"));
    assert_null(knock(&house, "::ffff:192.0.2.1"));
    (void)come(&house, "192.0.2.2");
    assert_int_equal(house.server.counters->address_sessions_refused, 2);
    assert_int_equal(house.server.counters->sessions_evicted, 0);
    close_house(&house);
}

static void a_network_of_ipv6_is_one_address(void **state)
{
    struct house house;

    (void)state;
    open_house(&house);
    (void)come(&house, "2001:db8:0:1::1");
    (void)come(&house, "2001:db8:0:1::2");
    (void)come(&house, "2001:db8:0:1:ffff::3");
    assert_null(knock(&house, "2001:db8:0:1::4"));
    (void)come(&house, "2001:db8:0:2::1");
    close_house(&house);
}

static void who_leaves_gives_the_slot_back(void **state)
{
    struct house house;

    (void)state;
    open_house(&house);
    for (size_t i = 0; i < 20; i++) {
        struct h2_session *session = come(&house, "192.0.2.1");
        h2_session_close(session);
        h2_pump(&house.server);
    }
    assert_int_equal(house.server.counters->address_sessions_refused, 0);
    close_house(&house);
}

static void the_oldest_idle_one_goes_with_a_goaway(void **state)
{
    struct house house;
    uint8_t frame = 0;

    (void)state;
    open_house(&house);
    for (size_t i = 0; i < OF_ONE_ADDRESS; i++)
        (void)come(&house, "192.0.2.1");
    ripen(&house);
    (void)come(&house, "192.0.2.1");
    assert_true(is_ended(&house, 0, &frame));
    assert_int_equal(frame, NGHTTP2_GOAWAY);
    assert_false(is_ended(&house, 1, &frame));
    assert_int_equal(house.server.counters->sessions_evicted, 1);
    assert_int_equal(sessions(&house), OF_ONE_ADDRESS);
    close_house(&house);
}

static void who_has_a_stream_never_goes(void **state)
{
    struct h2_stream *streams[OF_ONE_ADDRESS];
    struct house house;

    (void)state;
    open_house(&house);
    for (size_t i = 0; i < OF_ONE_ADDRESS; i++)
        streams[i] = h2_stream_new(come(&house, "192.0.2.1"), 1);
    ripen(&house);
    assert_null(knock(&house, "192.0.2.1"));
    h2_eviction_make_room(house.server.endpoint, IN_ALL);
    h2_pump(&house.server);
    assert_int_equal(house.server.counters->sessions_evicted, 0);
    h2_stream_closed(streams[1]);
    assert_null(knock(&house, "192.0.2.1")); /* it may be about to ask for the next thing */
    ripen(&house);
    (void)come(&house, "192.0.2.1");
    assert_int_equal(house.server.counters->sessions_evicted, 1);
    close_house(&house);
}

static void who_has_sent_something_unread_does_not_go(void **state)
{
    struct house house;
    union h2_peer peer = peer_of("192.0.2.1");
    int fds[2];

    (void)state;
    open_house(&house);
    for (size_t i = 0; i < OF_ONE_ADDRESS; i++)
        (void)come(&house, "192.0.2.1");
    ripen(&house);
    for (size_t i = 0; i < OF_ONE_ADDRESS; i++)
        assert_int_equal(write(house.fds[i], "\0", 1), 1);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    assert_null(h2_session_open(house.server.endpoint, fds[1], &house.listener, &peer));
    close(fds[0]);
    close_house(&house);
}

/* Two addresses have three, one has two: it is full. */
static void fill(struct house *house)
{
    (void)come(house, "192.0.2.3");
    (void)come(house, "192.0.2.3");
    for (size_t i = 0; i < OF_ONE_ADDRESS; i++) {
        (void)come(house, "192.0.2.1");
        (void)come(house, "192.0.2.2");
    }
    assert_int_equal(sessions(house), IN_ALL);
}

static void a_newcomer_takes_the_place_of_one_of_a_crowd(void **state)
{
    struct house house;
    uint8_t frame = 0;

    (void)state;
    open_house(&house);
    fill(&house);
    (void)come(&house, "192.0.2.4"); /* at once */
    assert_true(is_ended(&house, 2, &frame));
    assert_int_equal(sessions(&house), IN_ALL);
    assert_int_equal(house.server.counters->sessions_evicted, 1);
    assert_int_equal(house.server.counters->sessions_refused, 0);
    close_house(&house);
}

static void nobody_drives_out_who_has_less(void **state)
{
    struct house house;
    uint8_t frame = 0;

    (void)state;
    open_house(&house);
    for (size_t i = 0; i < OF_ONE_ADDRESS; i++)
        (void)h2_stream_new(come(&house, "192.0.2.1"), 1);
    (void)h2_stream_new(come(&house, "192.0.2.2"), 1);
    for (size_t i = 0; i < 4; i++)
        (void)come(&house, (const char *[]){"192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6"}[i]);
    ripen(&house);
    assert_null(knock(&house, "192.0.2.2"));
    assert_int_equal(house.server.counters->sessions_refused, 1);
    (void)come(&house, "192.0.2.7"); /* as many as they: the oldest of them */
    assert_true(is_ended(&house, 4, &frame));
    assert_null(knock(&house, "192.0.2.2"));
    close_house(&house);
}

static void proxies_and_unix_sockets_are_not_counted(void **state)
{
    char fault[100];
    struct networks *trusted = networks_new("198.51.100.0/24", fault, sizeof(fault));
    struct house house;

    (void)state;
    open_house(&house);
    house.listener.trusted = trusted;
    for (size_t i = 0; i < IN_ALL; i++) {
        (void)come(&house, "198.51.100.7");
        (void)come(&house, "unix");
    }
    ripen(&house);
    h2_eviction_make_room(house.server.endpoint, IN_ALL);
    h2_pump(&house.server);
    assert_int_equal(sessions(&house), 2 * IN_ALL);
    close_house(&house);
    networks_free(trusted);
}

static void sessions_of_admin_listeners_stay(void **state)
{
    struct house house;

    (void)state;
    open_house(&house);
    house.listener.keeps_sessions = true;
    for (size_t i = 0; i < OF_ONE_ADDRESS; i++)
        (void)come(&house, "192.0.2.1");
    assert_null(knock(&house, "192.0.2.1"));
    house.listener.keeps_sessions = false;
    for (size_t i = 0; i < OF_ONE_ADDRESS; i++)
        (void)come(&house, "192.0.2.1"); /* counted apart */
    ripen(&house);
    h2_eviction_make_room(house.server.endpoint, IN_ALL);
    h2_pump(&house.server);
    assert_int_equal(sessions(&house), OF_ONE_ADDRESS);
    close_house(&house);
}

static void workers_share_what_an_address_may_have(void **state)
{
    struct house one;
    struct house other;

    (void)state;
    open_house(&one);
    open_house(&other);
    other.server.endpoint->slots = one.slots;
    (void)come(&one, "192.0.2.1");
    (void)come(&other, "192.0.2.1");
    (void)come(&other, "192.0.2.1");
    assert_null(knock(&one, "192.0.2.1"));
    assert_null(knock(&other, "192.0.2.1"));
    h2_endpoint_close(other.server.endpoint);
    (void)come(&one, "192.0.2.1");
    close_house(&other);
    close_house(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_over_the_limit_of_an_address_is_refused),
        cmocka_unit_test(a_network_of_ipv6_is_one_address),
        cmocka_unit_test(who_leaves_gives_the_slot_back),
        cmocka_unit_test(the_oldest_idle_one_goes_with_a_goaway),
        cmocka_unit_test(who_has_a_stream_never_goes),
        cmocka_unit_test(who_has_sent_something_unread_does_not_go),
        cmocka_unit_test(a_newcomer_takes_the_place_of_one_of_a_crowd),
        cmocka_unit_test(nobody_drives_out_who_has_less),
        cmocka_unit_test(proxies_and_unix_sockets_are_not_counted),
        cmocka_unit_test(sessions_of_admin_listeners_stay),
        cmocka_unit_test(workers_share_what_an_address_may_have),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
