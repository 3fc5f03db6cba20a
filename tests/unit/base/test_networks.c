/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/networks.h"
#include "support/test.h"

static char fault[256];

static struct networks *set_of(const char *text)
{
    struct networks *networks = networks_new(text, fault, sizeof(fault));

    assert_non_null(networks);
    return networks;
}

static void what_lies_inside_and_what_does_not(void **state)
{
    static const struct {
        const char *networks, *inside, *outside;
    } rows[] = {
        {"127.0.0.1", "127.0.0.1", "127.0.0.2"},
        {"127.0.0.1/32", "127.0.0.1", "126.0.0.1"},
        {"10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
        {"192.0.2.128/25", "192.0.2.200", "192.0.2.127"},
        {"172.16.0.0/12", "172.31.255.255", "172.32.0.0"},
        {"192.0.2.6/31", "192.0.2.7", "192.0.2.8"},
        {"0.0.0.0/0", "203.0.113.9", "::1"},
        {"0.0.0.0/0", "::ffff:203.0.113.9", "::203.0.113.9"},
        {"::/0", "2001:db8::1", "192.0.2.1"},
        {"::/0", "::", "::ffff:192.0.2.1"},
        {"::1", "::1", "::2"},
        {"::1", "0:0:0:0:0:0:0:1", "127.0.0.1"},
        {"fd00::/8", "fdff:ffff::1", "fe00::"},
        {"2001:db8:0:8000::/49", "2001:db8:0:ffff::1", "2001:db8:0:7fff::1"},
        {"2001:DB8::/127", "2001:db8::1", "2001:db8::2"},
        {"::ffff:10.0.0.1", "10.0.0.1", "10.0.0.2"},
        {"::ffff:10.0.0.0/104", "10.9.9.9", "11.0.0.1"},
        {"::ffff:0:0/96", "203.0.113.9", "2001:db8::1"},
        {"127.0.0.1, 10.0.0.0/8, ::1, fd00::/8", "fd12::1", "192.0.2.1"},
        {"127.0.0.1,10.0.0.0/8\t, ::1", "::1", "fd12::1"},
        {" 127.0.0.1 ", "127.0.0.1", "unix"},
        {"unix", "unix", "127.0.0.1"},
        {"127.0.0.1, unix", "unix", ""},
        {"10.0.0.0/8", "10.0.0.1", "10.0.0.1 "},
        {"10.0.0.0/8", "10.0.0.1", "10.0.0.0/8"},
        {"::/0", "fe80::1", "fe80::1%lo"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct networks *networks = set_of(rows[i].networks);

        assert_true(networks_contain_text(networks, rows[i].inside));
        assert_false(networks_contain_text(networks, rows[i].outside));
        networks_free(networks);
    }
}

static void socket_addresses(void **state)
{
    struct networks *networks = set_of("10.0.0.0/8, 2001:db8::/32");
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    const struct sockaddr local = {.sa_family = AF_UNIX};
    const struct sockaddr unknown = {.sa_family = AF_UNSPEC};

    (void)state;
    inet_pton(AF_INET, "10.1.2.3", &v4.sin_addr);
    assert_true(networks_contain(networks, (const struct sockaddr *)&v4));
    inet_pton(AF_INET, "11.1.2.3", &v4.sin_addr);
    assert_false(networks_contain(networks, (const struct sockaddr *)&v4));
    inet_pton(AF_INET6, "2001:db8::7", &v6.sin6_addr);
    assert_true(networks_contain(networks, (const struct sockaddr *)&v6));
    inet_pton(AF_INET6, "::ffff:10.9.9.9", &v6.sin6_addr);
    assert_true(networks_contain(networks, (const struct sockaddr *)&v6));
    inet_pton(AF_INET6, "2001:db9::7", &v6.sin6_addr);
    assert_false(networks_contain(networks, (const struct sockaddr *)&v6));
    assert_false(networks_contain(networks, &local));
    assert_false(networks_contain(networks, &unknown));
    networks_free(networks);
    networks = set_of("unix");
    assert_true(networks_contain(networks, &local));
    networks_free(networks);
}

static void the_empty_set(void **state)
{
    static const char *const texts[] = {"", " ", " \t ", ", ,"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct networks *networks = set_of(texts[i]);

        assert_false(networks_contain_text(networks, "127.0.0.1"));
        assert_false(networks_contain_text(networks, ""));
        networks_free(networks);
    }
    networks_free(NULL);
}

static void a_fault_names_what_cannot_be_read(void **state)
{
    static const struct {
        const char *text, *named;
    } rows[] = {
        {"localhost", "\"localhost\""},
        {"127.0.0.1 ::1", "\"127.0.0.1 ::1\""},
        {"::1, 10.0.0.0/33", "\"10.0.0.0/33\""},
        {"::/129", "\"::/129\""},
        {"10.0.0.0/", "\"10.0.0.0/\""},
        {"10.0.0.0/-1", "\"10.0.0.0/-1\""},
        {"10.0.0.0/ 8", "\"10.0.0.0/ 8\""},
        {"10.0.0.0/8/8", "\"10.0.0.0/8/8\""},
        {"10.0.0.0/255.0.0.0", "\"10.0.0.0/255.0.0.0\""},
        {"10.0.0.0/4294967304", "\"10.0.0.0/4294967304\""},
        {"::ffff:0:0/95", "\"::ffff:0:0/95\""},
        {"10.1", "\"10.1\""},
        {"010.0.0.1", "\"010.0.0.1\""},
        {"[::1]", "\"[::1]\""},
        {"fe80::1%lo", "\"fe80::1%lo\""},
        {"unix/0", "\"unix/0\""},
        {"10.1.2.3/8", "use 10.0.0.0/8 for"},
        {"2001:db8::1/32", "use 2001:db8::/32 for"},
        {"192.0.2.1/31", "use 192.0.2.0/31 for"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fault[0] = '\0';
        assert_null(networks_new(rows[i].text, fault, sizeof(fault)));
        assert_non_null(strstr(fault, rows[i].named));
    }
}

static void a_word_that_is_too_long(void **state)
{
    char text[300];

    (void)state;
    memset(text, '1', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    assert_null(networks_new(text, fault, sizeof(fault)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_lies_inside_and_what_does_not),
        cmocka_unit_test(socket_addresses),
        cmocka_unit_test(the_empty_set),
        cmocka_unit_test(a_fault_names_what_cannot_be_read),
        cmocka_unit_test(a_word_that_is_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
