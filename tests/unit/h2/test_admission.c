/* SPDX-License-Identifier: Apache-2.0 */
/* Clients of several addresses before the places for their handshakes; none of them gets through.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "h2/admission.h"
#include "h2/listener.h"
#include "h2/state.h"
#include "h2/tls.h"
#include "support/certificate.h"
#include "support/h2_client.h"
#include "support/h2_limits.h"
#include "support/test.h"

#define PLACES      8u
#define SHARE       2u
#define MOST_PEOPLE 40u
#define LONG_AGO_MS 2000u

struct street {
    struct h2_server server;
    struct h2_listener_options listener;
    struct h2_session *sessions[MOST_PEOPLE];
    int fds[MOST_PEOPLE];
    size_t count;
};

static struct h2_tls_context *context;

static int make_context(void **state)
{
    char folder[] = "/tmp/h2-admission-XXXXXX";
    char certificate_file[64];
    char key_file[64];
    char fault[300];

    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(certificate_file, sizeof(certificate_file), "%s/certificate.pem", folder);
    snprintf(key_file, sizeof(key_file), "%s/key.pem", folder);
    write_certificate(certificate_file, key_file);
    context = h2_tls_context_new(
        &(struct h2_tls_options){
            .files = &(struct h2_tls_files){.certificate = certificate_file, .key = key_file},
            .count = 1,
            .profile = H2_TLS_MODERN},
        fault, sizeof(fault));
    unlink(certificate_file);
    unlink(key_file);
    rmdir(folder);
    return context ? 0 : -1;
}

static int free_context(void **state)
{
    (void)state;
    h2_tls_context_free(context);
    return 0;
}

static void open_street(struct street *street)
{
    struct h2_limits limits = h2_limits_default;

    memset(street, 0, sizeof(*street));
    limits.handshakes = PLACES;
    limits.handshakes_per_address = SHARE;
    h2_server_init(&street->server, &limits);
    street->server.endpoint->admission.key =
        (struct hash_key){{1, 0}}; /* with it, no two addresses here share a queue */
    street->listener.tls = context;
}

static void close_street(struct street *street)
{
    for (size_t i = 0; i < street->count; i++)
        close(street->fds[i]);
    h2_server_release(&street->server);
}

static struct h2_session *come(struct street *street, const char *address)
{
    union h2_peer peer = {.v4.sin_family = AF_INET};
    int fds[2];

    assert_true(street->count < MOST_PEOPLE);
    assert_int_equal(inet_pton(AF_INET, address, &peer.v4.sin_addr), 1);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    struct h2_session *session =
        h2_session_open(street->server.endpoint, fds[1], &street->listener, &peer);
    assert_non_null(session);
    street->fds[street->count] = fds[0];
    street->sessions[street->count++] = session;
    return session;
}

/* With half a ClientHello, and no more of it ever. */
static struct h2_session *speak(struct street *street, const char *address)
{
    static const char half_hello[] = "\x16\x03\x01\x02\x00\x01";
    struct h2_session *session = come(street, address);

    assert_int_equal(write(street->fds[street->count - 1], half_hello, 6), 6);
    h2_pump(&street->server);
    return session;
}

static void speak_many(struct street *street, const char *address, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)speak(street, address);
}

static void let_time_pass(struct street *street)
{
    for (size_t i = 0; i < street->count; i++) {
        if (street->sessions[i]->phase <= H2_SESSION_HANDSHAKE) {
            street->sessions[i]->phase_since -= LONG_AGO_MS;
            street->sessions[i]->read_at -= LONG_AGO_MS;
        }
    }
}

static size_t sessions(const struct street *street)
{
    return h2_endpoint_counters(street->server.endpoint)->sessions;
}

static void a_crowd_waits_and_is_not_refused(void **state)
{
    struct street street;

    (void)state;
    open_street(&street);
    speak_many(&street, "192.0.2.1", 20);
    assert_int_equal(sessions(&street), 20);
    assert_int_equal(street.server.endpoint->admission.count, SHARE);
    assert_int_equal(street.server.counters->handshake_waits, 20 - SHARE);
    assert_int_equal(street.sessions[SHARE - 1]->phase, H2_SESSION_HANDSHAKE);
    assert_int_equal(street.sessions[SHARE]->phase, H2_SESSION_QUEUED);
    assert_int_equal(street.server.counters->handshakes_displaced, 0);
    close_street(&street);
}

static void the_crowd_takes_its_places_in_turn(void **state)
{
    struct street street;

    (void)state;
    open_street(&street);
    speak_many(&street, "192.0.2.1", SHARE + 3);
    h2_session_close(street.sessions[0]);
    assert_int_equal(street.sessions[SHARE]->phase, H2_SESSION_HANDSHAKE);
    assert_int_equal(street.sessions[SHARE + 1]->phase, H2_SESSION_QUEUED);
    h2_session_close(street.sessions[SHARE + 1]); /* while it waits */
    assert_int_equal(street.server.endpoint->admission.count, SHARE);
    h2_session_close(street.sessions[1]);
    assert_int_equal(street.sessions[SHARE + 2]->phase, H2_SESSION_HANDSHAKE);
    h2_session_close(street.sessions[SHARE]);
    assert_int_equal(street.server.endpoint->admission.count, SHARE - 1);
    close_street(&street);
}

static void others_pass_a_crowd(void **state)
{
    struct street street;

    (void)state;
    open_street(&street);
    speak_many(&street, "192.0.2.1", 20);
    assert_int_equal(speak(&street, "192.0.2.2")->phase, H2_SESSION_HANDSHAKE);
    close_street(&street);
}

/* Four addresses have taken all places, the first two more than that. */
static void fill(struct street *street)
{
    speak_many(street, "192.0.2.1", SHARE + 2);
    speak_many(street, "192.0.2.2", SHARE + 2);
    speak_many(street, "192.0.2.3", SHARE);
    speak_many(street, "192.0.2.4", SHARE);
    assert_int_equal(street->server.endpoint->admission.count, PLACES);
}

static void free_places_go_round(void **state)
{
    struct street street;

    (void)state;
    open_street(&street);
    fill(&street);
    struct h2_session *one = speak(&street, "192.0.2.5");
    struct h2_session *other = speak(&street, "192.0.2.5");
    struct h2_session *third = speak(&street, "192.0.2.6");
    assert_int_equal(one->phase, H2_SESSION_QUEUED);
    h2_session_close(street.sessions[0]);
    assert_int_equal(one->phase, H2_SESSION_HANDSHAKE);
    h2_session_close(street.sessions[1]);
    assert_int_equal(third->phase, H2_SESSION_HANDSHAKE);
    assert_int_equal(other->phase, H2_SESSION_QUEUED);
    assert_int_equal(street.server.endpoint->admission.count, PLACES);
    close_street(&street);
}

static void wait_a_while(struct street *street)
{
    struct h2_server *server = &street->server;
    uint64_t start = loop_now_ms(server->loop);

    while (loop_now_ms(server->loop) < start + 4 * LOOP_TIMER_TICK_MS)
        h2_server_wait(server);
}

static void stalled_ones_of_a_crowd_give_way(void **state)
{
    struct street street;

    (void)state;
    open_street(&street);
    fill(&street);
    struct h2_session *newcomer = speak(&street, "192.0.2.5");
    wait_a_while(&street);
    assert_int_equal(newcomer->phase, H2_SESSION_QUEUED);
    assert_int_equal(street.server.counters->handshakes_displaced, 0);
    let_time_pass(&street);
    while (newcomer->phase == H2_SESSION_QUEUED)
        h2_server_wait(&street.server);
    assert_int_equal(newcomer->phase, H2_SESSION_HANDSHAKE);
    wait_a_while(&street);
    assert_int_equal(street.server.counters->handshakes_displaced, 1);
    assert_int_equal(street.server.endpoint->admission.count, PLACES);
    close_street(&street);
}

/* Who is one of a crowd himself waits for his turn. */
static void a_crowd_evicts_nobody(void **state)
{
    struct street street;

    (void)state;
    open_street(&street);
    fill(&street);
    speak_many(&street, "192.0.2.5", SHARE + 1);
    let_time_pass(&street);
    wait_a_while(&street);
    assert_int_equal(street.server.counters->handshakes_displaced, 0);
    close_street(&street);
}

static void the_silent_need_no_place(void **state)
{
    struct street street;

    (void)state;
    open_street(&street);
    for (size_t i = 0; i < 20; i++)
        (void)come(&street, "192.0.2.1");
    h2_pump(&street.server);
    assert_int_equal(street.server.endpoint->admission.count, 0);
    assert_int_equal(speak(&street, "198.51.100.7")->phase, H2_SESSION_HANDSHAKE);
    close_street(&street);
}

static void room_is_made_among_the_silent(void **state)
{
    struct street street;

    (void)state;
    open_street(&street);
    for (size_t i = 0; i < 10; i++)
        (void)come(&street, "192.0.2.1");
    for (size_t i = 0; i < SHARE; i++)
        (void)come(&street, "198.51.100.7");
    street.server.endpoint->limits.sessions = sessions(&street);
    let_time_pass(&street);
    (void)come(&street, "203.0.113.9");
    assert_int_equal(street.server.counters->handshakes_displaced, 10 - SHARE);
    assert_int_equal(sessions(&street), 2 * SHARE + 1);
    assert_int_equal(street.server.counters->sessions_refused, 0);
    close_street(&street);
}

static void nobody_is_displaced_early(void **state)
{
    struct street street;

    (void)state;
    open_street(&street);
    for (size_t i = 0; i < 10; i++)
        (void)come(&street, "192.0.2.1");
    assert_false(h2_admission_make_room(street.server.endpoint));
    assert_int_equal(sessions(&street), 10);
    close_street(&street);
}

static uint32_t unfinished(const struct street *street)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < H2_ADMISSION_QUEUES; i++)
        sum += street->server.endpoint->admission.queues[i].unfinished;
    return sum;
}

/* Whether it speaks HTTP/2 is known later than that it shakes no hands. */
static void cleartext_is_unfinished_once(void **state)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    static const struct h2_protocol http1 = {.name = "HTTP/1.1"};
    struct street street;

    (void)state;
    open_street(&street);
    street.listener.tls = NULL;
    street.listener.http1 = true;
    street.server.endpoint->http1 = &http1;
    struct h2_session *session = come(&street, "192.0.2.1");
    assert_int_equal(unfinished(&street), 0);
    assert_int_equal(write(street.fds[0], preface, sizeof(preface) - 1), sizeof(preface) - 1);
    h2_pump(&street.server);
    assert_null(session->protocol);
    assert_non_null(session->nghttp2);
    assert_int_equal(unfinished(&street), 0);
    close_street(&street);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crowd_waits_and_is_not_refused),
        cmocka_unit_test(the_crowd_takes_its_places_in_turn),
        cmocka_unit_test(others_pass_a_crowd),
        cmocka_unit_test(free_places_go_round),
        cmocka_unit_test(stalled_ones_of_a_crowd_give_way),
        cmocka_unit_test(a_crowd_evicts_nobody),
        cmocka_unit_test(the_silent_need_no_place),
        cmocka_unit_test(room_is_made_among_the_silent),
        cmocka_unit_test(nobody_is_displaced_early),
        cmocka_unit_test(cleartext_is_unfinished_once),
    };

    return cmocka_run_group_tests(tests, make_context, free_context);
}
