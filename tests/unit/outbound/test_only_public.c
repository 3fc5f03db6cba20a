/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests whose URL an outsider names. getaddrinfo() is this program's: names lead where a test
 * says. So is connect(): whatever the address, it is the test server that is reached.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "http_env.h"

static const char *leads_to; /* an IPv4 address */

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): reserved names there */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **addresses)
{
    struct {
        struct addrinfo info;
        struct sockaddr_in address;
    } *one = mem_zalloc(sizeof(*one));

    (void)name;
    (void)hints;
    one->address = (struct sockaddr_in){.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)strtoul(service, NULL, 10))};
    assert_int_equal(inet_pton(AF_INET, leads_to, &one->address.sin_addr), 1);
    one->info = (struct addrinfo){.ai_family = AF_INET,
                                  .ai_socktype = SOCK_STREAM,
                                  .ai_addrlen = sizeof(one->address),
                                  .ai_addr = (struct sockaddr *)&one->address};
    *addresses = &one->info;
    return 0;
}

void freeaddrinfo(struct addrinfo *addresses)
{
    free(addresses);
}

/* Nothing leaves this machine: every address is the test server's. */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): reserved names there */
int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    struct sockaddr_in to = {0};

    assert_int_equal(address->sa_family, AF_INET);
    memcpy(&to, address, sizeof(to));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return (int)syscall(SYS_connect, fd, &to, length);
}

static void ask(const char *url, bool only_public, struct outcome *outcome)
{
    struct outbound_request request = request_to(url, outcome);

    *outcome = (struct outcome){0};
    request.only_public = only_public;
    outbound_http_start(http, &request);
    run_until_done(1);
}

/* The test server's URL under another host. */
static const char *url_with(const char *host)
{
    static char url[200];
    const char *own = http_server_url(server, "/echo");

    snprintf(url, sizeof(url), "http://%s%s", host, strchr(own + strlen("http://"), ':'));
    return url;
}

static void release(struct outcome *outcome)
{
    buf_release(&outcome->body);
}

static void test_no_way_to_what_is_not_public(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "back-end.test",      "0.0.0.0", "[::1]",
                                        "[::]",      "[::ffff:127.0.0.1]", "0x7f.1",  "2130706433",
                                        "127.1",     "localhost"};
    struct outcome outcome;

    (void)state;
    leads_to = "127.0.0.1";
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        ask(url_with(hosts[i]), true, &outcome);
        if (outcome.error != -EACCES)
            fail_msg("%s: %d %s", hosts[i], outcome.error, outcome.reason);
        assert_string_equal(outcome.reason, "its address is not a public one");
        release(&outcome);
    }
    assert_int_equal(outbound_http_counters(http)->connections, 0);
    ask(url_with("back-end.test"), false, &outcome);
    assert_int_equal(outcome.status, 200);
    release(&outcome);
}

static void test_no_connection_of_others_is_used(void **state)
{
    struct outcome outcome;

    (void)state;
    leads_to = "127.0.0.1";
    for (int i = 0; i < 2; i++) {
        ask(url_with("back-end.test"), false, &outcome);
        assert_int_equal(outcome.status, 200);
        release(&outcome);
        ask(url_with("back-end.test"), true, &outcome);
        assert_int_equal(outcome.error, -EACCES);
        release(&outcome);
    }
    assert_int_equal(outbound_http_counters(http)->connections, 1);
}

static void test_a_public_address_is_asked(void **state)
{
    struct outcome outcome;

    (void)state;
    leads_to = "192.31.196.1";
    for (int i = 0; i < 2; i++) {
        ask(url_with("back-end.test"), true, &outcome);
        assert_int_equal(outcome.status, 200);
        release(&outcome);
    }
    assert_int_equal(outbound_http_counters(http)->connections, 2); /* one for each */
}

static void test_a_proxy_hides_the_address(void **state)
{
    struct outbound_http_settings proxied = usual;
    struct outcome outcome;

    (void)state;
    proxied.proxy = url_with("127.0.0.1");
    open_http(&proxied);
    ask("http://back-end.test/", true, &outcome);
    assert_int_equal(outcome.error, -EACCES);
    release(&outcome);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_no_way_to_what_is_not_public, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_connection_of_others_is_used, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_public_address_is_asked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_proxy_hides_the_address, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, prepare, NULL);
}
