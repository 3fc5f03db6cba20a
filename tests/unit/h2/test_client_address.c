/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/networks.h"
#include "h2/peer.h"
#include "h2/request.h"
#include "support/test.h"

#define TRUSTED "127.0.0.1, 10.0.0.0/8, fd00::/8"
#define XFF     CLIENT_ADDRESS_X_FORWARDED_FOR
#define FWD     CLIENT_ADDRESS_FORWARDED

struct example {
    enum client_address_field field;
    const char *peer;
    const char *first, *second; /* fields of that name; NULL: none */
    const char *client;
};

static void check(const char *trusted, const struct example *example)
{
    static const char *const names[] = {"x-forwarded-for", "forwarded"};
    struct h2_header headers[] = {{"accept", "*/*"},
                                  {names[example->field], example->first},
                                  {"x-real-ip", "6.6.6.6"},
                                  {names[example->field], example->second}};
    struct h2_request request = {.headers = headers, .header_count = 4};
    char fault[100], address[CLIENT_ADDRESS_SIZE];
    struct networks *networks = networks_new(trusted, fault, sizeof(fault));
    const struct client_address_rule rule = {networks, example->field};

    assert_non_null(networks);
    if (!example->second)
        request.header_count = example->first ? 2 : 1;
    client_address_find(&rule, example->peer, &request, address);
    assert_string_equal(address, example->client);
    networks_free(networks);
}

static void x_forwarded_for(void **state)
{
    static const struct example examples[] = {
        {XFF, "127.0.0.1", NULL, NULL, "127.0.0.1"},
        {XFF, "127.0.0.1", "", NULL, "127.0.0.1"},
        {XFF, "127.0.0.1", "192.0.2.1", NULL, "192.0.2.1"},
        {XFF, "10.1.1.1", " 192.0.2.1\t", NULL, "192.0.2.1"},
        {XFF, "fd00::1", "2001:db8::1", NULL, "2001:db8::1"},
        /* the client's own text is left of the address that the proxy saw */
        {XFF, "127.0.0.1", "6.6.6.6, 192.0.2.1", NULL, "192.0.2.1"},
        {XFF, "127.0.0.1", "6.6.6.6", "192.0.2.1", "192.0.2.1"},
        {XFF, "127.0.0.1", "10.9.9.9, 192.0.2.1", NULL, "192.0.2.1"},
        /* a row of proxies */
        {XFF, "127.0.0.1", "192.0.2.1, 10.2.2.2,10.3.3.3", NULL, "192.0.2.1"},
        {XFF, "127.0.0.1", "192.0.2.1, 10.2.2.2", "10.3.3.3", "192.0.2.1"},
        {XFF, "127.0.0.1", "192.0.2.1, 203.0.113.9, 10.3.3.3", NULL, "203.0.113.9"},
        {XFF, "127.0.0.1", "10.2.2.2, 10.3.3.3", NULL, "10.2.2.2"}, /* a client among them */
        /* with ports and brackets, and other ways to write one address */
        {XFF, "127.0.0.1", "192.0.2.1:4711", NULL, "192.0.2.1"},
        {XFF, "127.0.0.1", "[2001:db8::1]:4711", NULL, "2001:db8::1"},
        {XFF, "127.0.0.1", "[2001:DB8:0::1]", NULL, "2001:db8::1"},
        {XFF, "127.0.0.1", "::ffff:192.0.2.1", NULL, "192.0.2.1"},
        {XFF, "127.0.0.1", "192.0.2.1, ::ffff:10.2.2.2", NULL, "192.0.2.1"},
        /* what cannot be read is where it ends */
        {XFF, "127.0.0.1", "192.0.2.1, unknown", NULL, "127.0.0.1"},
        {XFF, "127.0.0.1", "192.0.2.1, , 10.3.3.3", NULL, "10.3.3.3"},
        {XFF, "127.0.0.1", "192.0.2.1,", NULL, "127.0.0.1"},
        {XFF, "127.0.0.1", "192.0.2.1, 10.0.0.256", NULL, "127.0.0.1"},
        {XFF, "127.0.0.1", "192.0.2.1:", NULL, "127.0.0.1"},
        {XFF, "127.0.0.1", "192.0.2.1:x", NULL, "127.0.0.1"},
        {XFF, "127.0.0.1", "[2001:db8::1", NULL, "127.0.0.1"},
        {XFF, "127.0.0.1", "[2001:db8::1]x", NULL, "127.0.0.1"},
        {XFF, "127.0.0.1", "\"192.0.2.1\"", NULL, "127.0.0.1"},
        {XFF, "127.0.0.1", "unix", NULL, "127.0.0.1"},
        {XFF, "127.0.0.1",
         "2001:db8:1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd", NULL,
         "127.0.0.1"},
        /* who is not trusted speaks for himself */
        {XFF, "192.0.2.7", "203.0.113.1", NULL, "192.0.2.7"},
        {XFF, "unix", "203.0.113.1", NULL, "unix"},
        {XFF, "", "203.0.113.1", NULL, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++)
        check(TRUSTED, &examples[i]);
}

static void forwarded(void **state)
{
    static const struct example examples[] = {
        {FWD, "127.0.0.1", "for=192.0.2.1", NULL, "192.0.2.1"},
        {FWD, "127.0.0.1", "For=\"192.0.2.1:80\";proto=https;by=10.0.0.1", NULL, "192.0.2.1"},
        {FWD, "127.0.0.1", "proto=https; for=\"[2001:db8::1]:4711\"", NULL, "2001:db8::1"},
        {FWD, "127.0.0.1", "for=6.6.6.6, for=192.0.2.1, for=10.2.2.2", NULL, "192.0.2.1"},
        {FWD, "127.0.0.1", "for=6.6.6.6", "for=192.0.2.1", "192.0.2.1"},
        {FWD, "127.0.0.1", "for=\"6.6.6.6, for=192.0.2.1", NULL, "192.0.2.1"},
        {FWD, "127.0.0.1", "for=192.0.2.1, for=unknown", NULL, "127.0.0.1"},
        {FWD, "127.0.0.1", "for=192.0.2.1, for=_hidden, for=10.2.2.2", NULL, "10.2.2.2"},
        {FWD, "127.0.0.1", "for=192.0.2.1, proto=https", NULL, "127.0.0.1"},
        {FWD, "127.0.0.1", "192.0.2.1", NULL, "127.0.0.1"},
        {FWD, "127.0.0.1", "for=", NULL, "127.0.0.1"},
        {FWD, "127.0.0.1", "for=\"\"", NULL, "127.0.0.1"},
        {FWD, "127.0.0.1", ";;=;", NULL, "127.0.0.1"},
        {FWD, "192.0.2.7", "for=203.0.113.1", NULL, "192.0.2.7"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++)
        check(TRUSTED, &examples[i]);
}

static void unix_sockets_need_their_word(void **state)
{
    const struct example trusted = {XFF, "unix", "203.0.113.1", NULL, "203.0.113.1"};
    const struct example hop = {XFF, "unix", "203.0.113.1, unix", NULL, "unix"};
    const struct example nobody = {XFF, "127.0.0.1", "203.0.113.1", NULL, "127.0.0.1"};

    (void)state;
    check("unix", &trusted);
    check("unix", &hop);
    check("", &nobody);
}

static void long_lists_are_not_walked_to_their_end(void **state)
{
    char text[2000] = "192.0.2.1";
    struct example example = {XFF, "127.0.0.1", text, NULL, "10.2.2.2"};

    (void)state;
    for (unsigned i = 0; i < 100; i++)
        strncat(text, ", 10.2.2.2", sizeof(text) - strlen(text) - 1);
    check(TRUSTED, &example);
}

static void customers(void **state)
{
    static const struct {
        const char *address, *customer;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"},
        {"2001:db8:1:2::", "2001:db8:1:2::"},
        {"::1", "::"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"64:ff9b::192.0.2.1", "192.0.2.1"},
        {"64:ff9b:1::192.0.2.1", "64:ff9b:1::"},
        {"unix", "unix"},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char customer[CLIENT_ADDRESS_SIZE];

        networks_customer(cases[i].address, customer);
        assert_string_equal(customer, cases[i].customer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(x_forwarded_for),
        cmocka_unit_test(forwarded),
        cmocka_unit_test(unix_sockets_need_their_word),
        cmocka_unit_test(long_lists_are_not_walked_to_their_end),
        cmocka_unit_test(customers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
