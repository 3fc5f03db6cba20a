/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/networks.h"
#include "support/test.h"

/* The first and the last of each block, and what lies beside it where that is public. */
static const char *const others[] = {
    "0.0.0.0",
    "0.255.255.255",
    "10.0.0.0",
    "10.255.255.255",
    "100.64.0.0",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.255",
    "169.254.0.1",
    "169.254.169.254",
    "172.16.0.0",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.0",
    "192.168.255.255",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::2",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:10.1.2.3",
    "::ffff:169.254.169.254",
    "::ffff:0.0.0.0",
    "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a00:1",
    "64:ff9b:1::1",
    "64:ff9b:1::8.8.8.8",
    "100::1",
    "1::1",
    "1fff:ffff::1",
    "2001::1",
    "2001:0:7f00:1::",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:1ff:ffff::",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:a00:1::",
    "2002:c0a8:101::",
    "2002:a9fe:a9fe::1",
    "3fff::1",
    "3fff:fff:ffff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fdff::1",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "feff::1",
    "ff00::1",
    "ff02::1",
    "ffff::1",
};
static const char *const publics[] = {
    "1.0.0.0",          "8.8.8.8",
    "9.255.255.255",    "11.0.0.0",
    "100.63.255.255",   "100.128.0.0",
    "126.255.255.255",  "128.0.0.0",
    "169.253.255.255",  "169.255.0.0",
    "172.15.255.255",   "172.32.0.0",
    "192.0.1.0",        "192.0.3.0",
    "192.167.255.255",  "192.169.0.0",
    "198.17.255.255",   "198.20.0.0",
    "198.51.99.255",    "203.0.112.255",
    "223.255.255.255",  "::ffff:8.8.8.8",
    "64:ff9b::808:808", "2000::1",
    "2001:200::1",      "2001:4860:4860::8888",
    "2001:db7:ffff::1", "2001:db9::1",
    "2002:808:808::1",  "2a00:1450::1",
    "3ffe:ffff::1",     "3fff:1000::1",
};

static bool is_public(const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return public_address_is((const struct sockaddr *)&v4);
    assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return public_address_is((const struct sockaddr *)&v6);
}

static void test_what_is_public(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (is_public(others[i]) || public_address_is_text(others[i]))
            fail_msg("%s is not public", others[i]);
    }
    for (size_t i = 0; i < sizeof(publics) / sizeof(publics[0]); i++) {
        if (!is_public(publics[i]) || !public_address_is_text(publics[i]))
            fail_msg("%s is public", publics[i]);
    }
}

static void test_what_is_no_address_is_not_public(void **state)
{
    const struct sockaddr_un local = {.sun_family = AF_UNIX};

    (void)state;
    assert_false(public_address_is((const struct sockaddr *)&local));
    assert_false(public_address_is_text(""));
    assert_false(public_address_is_text("8.8.8"));
    assert_false(public_address_is_text("a.example"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_public),
        cmocka_unit_test(test_what_is_no_address_is_not_public),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
